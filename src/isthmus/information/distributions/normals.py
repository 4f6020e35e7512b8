"""Kullback-Leibler divergence between normal distributions, one dimension at a time."""

from typing import Any

import jax.numpy as jnp
from jax import Array
from numpyro.distributions import ExpandedDistribution, Independent, Normal


def kl_terms(p: Any, q: Any) -> Array | None:
    """KL(p || q) of each dimension of a pair of diagonal normals, [..., dimension]; None for any other pair."""
    p_normal, q_normal = _diagonal_normal(p), _diagonal_normal(q)
    if p_normal is None or q_normal is None:
        return None
    terms = normal_kl_divergence(p_normal, q_normal)
    return jnp.broadcast_to(terms, jnp.broadcast_shapes(p.batch_shape, q.batch_shape) + p.event_shape)


def normal_kl_divergence(p: Any, q: Any) -> Array:
    """KL(N(m, s^2) || N(n, t^2)) = log(t / s) + (s^2 + (m - n)^2) / (2 t^2) - 1/2 (Kingma and Welling 2014,
    appendix B)."""
    ratio, shift = p.scale / q.scale, (p.loc - q.loc) / q.scale
    # The sum of two terms that are each nonnegative in exact arithmetic, and nearly so in float32.
    return 0.5 * shift**2 + (0.5 * (ratio**2 - 1.0) - jnp.log(ratio))


def _diagonal_normal(distribution: Any) -> Normal | None:
    """The normals of a diagonal normal's dimensions; None for anything else."""
    if isinstance(distribution, Independent) and distribution.reinterpreted_batch_ndims == 1:
        base = distribution.base_dist
        if isinstance(base, ExpandedDistribution):
            base = base.base_dist
        if isinstance(base, Normal):
            return base
    return None
