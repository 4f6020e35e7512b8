"""The von Mises family of angles."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpyro.distributions import Distribution
from numpyro.distributions import VonMises as NumpyroVonMises

from isthmus.information.families.family import Unscaled, Unweighted
from isthmus.information.families.parameters import floating, stacked
from isthmus.information.families.root import increasing_root

# From 20 on the asymptotic series of I0 is exact to rounding in 20 terms, below it the power series in 50.
_LARGE = 20.0
_POWER_RATIOS = 1 / np.arange(50, 0, -1) ** 2
_ASYMPTOTIC_RATIOS = (2 * np.arange(20, 0, -1) - 1) ** 2 / (8 * np.arange(20, 0, -1))


class VonMises(Unscaled, Unweighted):
    """Angles x; theta = concentration (cos, sin) of the location, safe at concentration 0; T(x) = (cos x, sin x)."""

    def log_normaliser(self, natural: Array) -> Array:
        return jnp.log(2 * jnp.pi) + _log_bessel(natural @ natural)

    def in_domain(self, natural: Array) -> Array:
        return jnp.all(jnp.isfinite(natural))

    def sufficient_statistics(self, x: Array) -> Array:
        return stacked(jnp.cos(x), jnp.sin(x))

    def largest_statistic(self, direction: Array) -> Array:
        return jnp.hypot(direction[0], direction[1])

    def natural_from_mean(self, mean: Array) -> Array:
        """theta = c mean / (1 - |mean|^2) with c between 1 and 2, by the bounds of Amos 1974, Computation of modified
        Bessel functions and their ratios."""
        square = mean @ mean

        def excess(c: Array) -> Array:
            return 2 * c * jax.grad(_log_bessel)((c / (1 - square)) ** 2 * square) - (1 - square)

        one = jnp.ones_like(square)
        return increasing_root(excess, one, 2 * one) * mean / (1 - square)

    def natural_from_numpyro(self, distribution: Any) -> Array:
        loc, concentration = floating(distribution.loc), floating(distribution.concentration)
        return stacked(concentration * jnp.cos(loc), concentration * jnp.sin(loc))

    def to_numpyro(self, natural: Array) -> Distribution:
        first, second = natural[..., 0], natural[..., 1]
        return NumpyroVonMises(jnp.arctan2(second, first), jnp.hypot(first, second))


def _log_bessel(square: Array) -> Array:
    """log I0 of the root of `square`, smooth at 0."""
    small = square < _LARGE**2
    series = _nested(jnp.where(small, square, 0.0) / 4, _POWER_RATIOS)
    root = jnp.sqrt(jnp.where(small, _LARGE**2, square))
    tail = _nested(1 / root, _ASYMPTOTIC_RATIOS)
    return jnp.where(small, jnp.log(series), root - 0.5 * jnp.log(2 * jnp.pi * root) + jnp.log(tail))


def _nested(x: Array, ratios: np.ndarray) -> Array:
    """1 + r_n x (1 + r_(n - 1) x (1 + ...)), with r_1, the ratio of the first two terms, last; a scan compiles fast."""
    start = jnp.ones_like(x)
    return jax.lax.scan(lambda inner, ratio: (1 + ratio * x * inner, None), start, jnp.asarray(ratios, x.dtype))[0]
