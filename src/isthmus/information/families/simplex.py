"""Families of proportions: beta, Dirichlet."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.scipy.special import digamma, gammaln, xlogy
from numpyro.distributions import Beta as NumpyroBeta
from numpyro.distributions import Dirichlet as NumpyroDirichlet
from numpyro.distributions import Distribution

from isthmus.information.families.family import Unscaled, Unweighted
from isthmus.information.families.parameters import floating, stacked
from isthmus.information.families.root import increasing_root

_LARGEST_LOG_TOTAL = 40.0


class Beta(Unscaled, Unweighted):
    """theta = (concentration1 - 1, concentration0 - 1), T(x) = (log x, log(1 - x))."""

    def log_normaliser(self, natural: Array) -> Array:
        return _log_normaliser(natural + 1)

    def in_domain(self, natural: Array) -> Array:
        return jnp.all(natural > -1)

    def sufficient_statistics(self, x: Array) -> Array:
        return stacked(jnp.log(x), jnp.log1p(-x))

    def largest_statistic(self, direction: Array) -> Array:
        return _largest_statistic(direction)

    def natural_from_mean(self, mean: Array) -> Array:
        return _concentrations(mean) - 1

    def natural_from_numpyro(self, distribution: Any) -> Array:
        return stacked(distribution.concentration1, distribution.concentration0) - 1

    def to_numpyro(self, natural: Array) -> Distribution:
        return NumpyroBeta(natural[..., 0] + 1, natural[..., 1] + 1)


class Dirichlet(Unscaled, Unweighted):
    """x [size] sums to 1; theta = concentrations - 1, T(x) = log x. The density is of all proportions but one."""

    size: int = eqx.field(static=True)

    def log_normaliser(self, natural: Array) -> Array:
        return _log_normaliser(natural + 1)

    def in_domain(self, natural: Array) -> Array:
        return jnp.all(natural > -1)

    def sufficient_statistics(self, x: Array) -> Array:
        return jnp.log(x)

    def largest_statistic(self, direction: Array) -> Array:
        return _largest_statistic(direction)

    def natural_from_mean(self, mean: Array) -> Array:
        return _concentrations(mean) - 1

    def natural_from_numpyro(self, distribution: Any) -> Array:
        return floating(distribution.concentration) - 1

    def to_numpyro(self, natural: Array) -> Distribution:
        return NumpyroDirichlet(natural + 1)


def _log_normaliser(concentrations: Array) -> Array:
    return jnp.sum(gammaln(concentrations)) - gammaln(jnp.sum(concentrations))


def _largest_statistic(direction: Array) -> Array:
    """The supremum over the simplex of direction . log x, at x in proportion to the direction."""
    positive = jnp.maximum(direction, 0.0)
    total = jnp.sum(positive)
    peak = jnp.sum(xlogy(positive, positive)) - xlogy(total, total)
    return jnp.where(jnp.any(direction < 0), jnp.inf, peak)


def _concentrations(mean_log: Array) -> Array:
    """The Dirichlet of given E[log x_k] = digamma(a_k) - digamma(sum of a).

    Every a_k is known from the sum, which leaves one equation for it. It has one root, crossed upwards: its slope
    there has the sign of the Fisher information's determinant.
    """

    def parts(log_total: Array) -> Array:
        return jax.vmap(_inverse_digamma)(mean_log + digamma(jnp.exp(log_total)))

    def excess(log_total: Array) -> Array:
        return log_total - jnp.log(jnp.sum(parts(log_total)))

    bound = jnp.asarray(_LARGEST_LOG_TOTAL, mean_log.dtype)
    return parts(increasing_root(excess, -bound, bound))


def _inverse_digamma(y: Array) -> Array:
    """a with digamma(a) = y, between bounds that follow, below and above 1, from digamma(a) = digamma(1 + a) - 1 / a
    and log a - 1 / a < digamma(a) < log a."""
    below_one = y < -np.euler_gamma
    depth = jnp.where(below_one, -y, 1.0)
    lower = jnp.where(below_one, -jnp.log(depth + 1 - np.euler_gamma), jnp.maximum(y, 0.0))
    upper = jnp.where(below_one, -jnp.log(jnp.maximum(depth - np.euler_gamma, 1.0)), y + 1)
    return jnp.exp(increasing_root(lambda log_a: digamma(jnp.exp(log_a)) - y, lower, upper))
