"""Kullback-Leibler divergence between distributions, in nats."""

from typing import Any

import jax.numpy as jnp
from jax import Array
from numpyro.distributions import Distribution, ExpandedDistribution, Independent, Normal
from numpyro.distributions.kl import kl_divergence as numpyro_kl_divergence


def kl_divergence(p: Distribution, q: Distribution) -> Array:
    """KL(p || q) in closed form, in nats, of the shape of the pair's batch. Never negative, not symmetric.

    Raises NotImplementedError, naming the pair, where no closed form is known.
    """
    terms = kl_terms(p, q)
    if terms is not None:
        return jnp.sum(terms, axis=-1)
    try:
        return numpyro_kl_divergence(p, q)
    except NotImplementedError:
        raise NotImplementedError(
            f"no closed form of KL({_name(p)} || {_name(q)}) is known; estimate it from samples"
        ) from None


def kl_terms(p: Any, q: Any) -> Array | None:
    """KL(p || q) of each dimension of a pair of diagonal normals, [..., dimension]; None for any other pair.

    With p = N(m, s^2) and q = N(n, t^2): log(t / s) + (s^2 + (m - n)^2) / (2 t^2) - 1/2 (Kingma and Welling 2014,
    appendix B).
    """
    p_normal, q_normal = _diagonal_normal(p), _diagonal_normal(q)
    if p_normal is None or q_normal is None:
        return None
    (p_mean, p_scale), (q_mean, q_scale) = p_normal, q_normal
    ratio, shift = p_scale / q_scale, (p_mean - q_mean) / q_scale
    # The sum of two terms that are each nonnegative in exact arithmetic, and nearly so in float32.
    terms = 0.5 * shift**2 + (0.5 * (ratio**2 - 1.0) - jnp.log(ratio))
    return jnp.broadcast_to(terms, jnp.broadcast_shapes(p.batch_shape, q.batch_shape) + p.event_shape)


def _diagonal_normal(distribution: Any) -> tuple[Array, Array] | None:
    """(mean, scale) of a diagonal normal; None for anything else."""
    if isinstance(distribution, Independent) and distribution.reinterpreted_batch_ndims == 1:
        base = distribution.base_dist
        if isinstance(base, ExpandedDistribution):
            base = base.base_dist
        if isinstance(base, Normal):
            return jnp.asarray(base.loc), jnp.asarray(base.scale)
    return None


def _name(distribution: Any) -> str:
    while isinstance(distribution, Independent | ExpandedDistribution):
        distribution = distribution.base_dist
    return type(distribution).__name__
