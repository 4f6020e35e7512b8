"""Bregman divergences of a log-normaliser that lose no digits, however close or far apart the two points are."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

if TYPE_CHECKING:
    from isthmus.information.families.family import ExponentialFamily

_GAUSS_NODES, _GAUSS_WEIGHTS = np.polynomial.legendre.leggauss(8)
# The way from p to q: its ends, and between them the nodes of the rule whose weights integrate against 1 - t.
_FRACTIONS = np.concatenate([[0.0], (1 + _GAUSS_NODES) / 2, [1.0]])
_WEIGHTS = _GAUSS_WEIGHTS / 2 * (1 - _FRACTIONS[1:-1])


@eqx.filter_custom_jvp
def bregman_divergence(family: "ExponentialFamily", q: Array, p: Array) -> Array:
    """B_A(q, p) = A(q) - A(p) - (q - p) . grad A(p), which is KL(p || q); natural coordinates, [parameter] each.

    Where its terms cancel to less than half their digits, it is Taylor's remainder in the integral's form instead: a
    sum of nonnegative terms, by Gauss and Legendre's rule. An infinite coordinate is the limit it stands for, and
    gives a finite gradient.
    """
    step = _finite(q - p)
    fractions = jnp.asarray(_FRACTIONS, p.dtype)[:, None]
    between = jnp.where(fractions == 0, p, jnp.where(fractions == 1, q, (1 - fractions) * p + fractions * q))
    values, slopes, curvatures = jax.vmap(lambda point: _taylor(family.log_normaliser, point, step))(between)
    terms = jnp.stack([values[-1], -values[0], -slopes[0]])
    difference, size = jnp.sum(terms), jnp.sum(jnp.abs(terms))
    smooth = jnp.max(curvatures) <= 4.0 * jnp.min(curvatures)
    cancelled = jnp.abs(difference) < jnp.sqrt(jnp.finfo(p.dtype).eps) * size
    remainder = curvatures[1:-1] @ jnp.asarray(_WEIGHTS, p.dtype)
    divergence = jnp.maximum(jnp.where(cancelled & smooth, remainder, difference), 0.0)
    return jnp.where(jnp.any(jnp.isinf(q) & (p != q)), jnp.inf, divergence)


@bregman_divergence.def_jvp
def _bregman_divergence_jvp(primals: tuple, tangents: tuple) -> tuple[Array, Array]:
    """d B = (grad A(q) - grad A(p)) . dq - (q - p) . Hessian of A(p) . dp: zero at equality, whatever the rounding."""
    family, q, p = primals
    _, q_tangent, p_tangent = tangents
    tangent = jnp.zeros((), p.dtype)
    if q_tangent is not None:
        shift = _finite(family.mean_from_natural(q) - family.mean_from_natural(p))
        shift -= jax.lax.stop_gradient(jnp.where(jnp.all(p == q), shift, 0.0))
        tangent += shift @ q_tangent
    if p_tangent is not None:
        tangent -= _finite(q - p) @ jax.jvp(family.mean_from_natural, (p,), (p_tangent,))[1]
    return bregman_divergence(family, q, p), tangent


def _taylor(function: Callable[[Array], Array], point: Array, step: Array) -> tuple[Array, Array, Array]:
    """The function at a point, and its first and second derivatives along a step."""
    zero = jnp.zeros((), point.dtype)

    def value_and_slope(t: Array) -> tuple[Array, Array]:
        return jax.jvp(lambda t: function(point + t * step), (t,), (jnp.ones_like(t),))

    (value, slope), (_, curvature) = jax.jvp(value_and_slope, (zero,), (jnp.ones_like(zero),))
    return value, slope, curvature


def _finite(step: Array) -> Array:
    return jnp.where(jnp.isfinite(step), step, 0.0)
