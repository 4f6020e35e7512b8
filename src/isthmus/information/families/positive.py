"""Families on the positive reals: exponential, gamma, inverse gamma."""

from typing import Any

import jax.numpy as jnp
from jax import Array
from jax.scipy.special import digamma, gammaln
from numpyro.distributions import Distribution
from numpyro.distributions import Exponential as NumpyroExponential
from numpyro.distributions import Gamma as NumpyroGamma
from numpyro.distributions import InverseGamma as NumpyroInverseGamma

from isthmus.information.families.family import Unweighted
from isthmus.information.families.parameters import floating, stacked
from isthmus.information.families.root import increasing_root


class Exponential(Unweighted):
    """theta is minus the rate, T(x) = x."""

    def log_normaliser(self, natural: Array) -> Array:
        return -jnp.log(-natural[0])

    def in_domain(self, natural: Array) -> Array:
        return natural[0] < 0

    def sufficient_statistics(self, x: Array) -> Array:
        return floating(x)[None]

    def largest_statistic(self, direction: Array) -> Array:
        return jnp.where(direction[0] > 0, jnp.inf, 0.0)

    def standardise(self, p: Array, q: Array) -> tuple[Array, Array, Array]:
        return -jnp.ones_like(p), -q / p, -jnp.log(-p[0])

    def natural_from_mean(self, mean: Array) -> Array:
        return -1 / mean

    def natural_from_numpyro(self, distribution: Any) -> Array:
        return -floating(distribution.rate)[..., None]

    def to_numpyro(self, natural: Array) -> Distribution:
        return NumpyroExponential(-natural[..., 0])


class Gamma(Unweighted):
    """theta = (concentration - 1, -rate), T(x) = (log x, x)."""

    def log_normaliser(self, natural: Array) -> Array:
        return _log_normaliser(natural[0] + 1, -natural[1])

    def in_domain(self, natural: Array) -> Array:
        return (natural[0] > -1) & (natural[1] < 0)

    def sufficient_statistics(self, x: Array) -> Array:
        return stacked(jnp.log(x), x)

    def largest_statistic(self, direction: Array) -> Array:
        return _largest_statistic(direction[0], -direction[1])

    def standardise(self, p: Array, q: Array) -> tuple[Array, Array, Array]:
        return stacked(p[0], -1.0), stacked(q[0], -q[1] / p[1]), -jnp.log(-p[1])

    def natural_from_mean(self, mean: Array) -> Array:
        concentration, rate = _concentration_and_rate(mean[0], mean[1])
        return stacked(concentration - 1, -rate)

    def natural_from_numpyro(self, distribution: Any) -> Array:
        return stacked(floating(distribution.concentration) - 1, -floating(distribution.rate))

    def to_numpyro(self, natural: Array) -> Distribution:
        return NumpyroGamma(natural[..., 0] + 1, -natural[..., 1])


class InverseGamma(Unweighted):
    """1 / x is of the gamma family; theta = (-concentration - 1, -rate), T(x) = (log x, 1 / x)."""

    def log_normaliser(self, natural: Array) -> Array:
        return _log_normaliser(-natural[0] - 1, -natural[1])

    def in_domain(self, natural: Array) -> Array:
        return (natural[0] < -1) & (natural[1] < 0)

    def sufficient_statistics(self, x: Array) -> Array:
        return stacked(jnp.log(x), 1 / x)

    def largest_statistic(self, direction: Array) -> Array:
        return _largest_statistic(-direction[0], -direction[1])

    def standardise(self, p: Array, q: Array) -> tuple[Array, Array, Array]:
        return stacked(p[0], -1.0), stacked(q[0], -q[1] / p[1]), jnp.log(-p[1])

    def natural_from_mean(self, mean: Array) -> Array:
        concentration, rate = _concentration_and_rate(-mean[0], mean[1])
        return stacked(-concentration - 1, -rate)

    def natural_from_numpyro(self, distribution: Any) -> Array:
        return stacked(-floating(distribution.concentration) - 1, -floating(distribution.rate))

    def to_numpyro(self, natural: Array) -> Distribution:
        return NumpyroInverseGamma(-natural[..., 0] - 1, -natural[..., 1])


def _log_normaliser(concentration: Array, rate: Array) -> Array:
    return gammaln(concentration) - concentration * jnp.log(rate)


def _largest_statistic(power: Array, rate: Array) -> Array:
    """The supremum over x > 0 of power log x - rate x."""
    peaked = (power > 0) & (rate > 0)
    peak = power * (jnp.log(jnp.where(peaked, power / rate, 1.0)) - 1)
    return jnp.where(peaked, peak, jnp.where((power == 0) & (rate >= 0), 0.0, jnp.inf))


def _concentration_and_rate(mean_log: Array, mean: Array) -> tuple[Array, Array]:
    """The gamma of given E[log x] and E[x]: log concentration - digamma(concentration) = log E[x] - E[log x].

    The left side lies between 1 / (2 a) and 1 / a at concentration a, which brackets it.
    """
    gap = jnp.log(mean) - mean_log

    def excess(log_concentration: Array) -> Array:
        return gap - log_concentration + digamma(jnp.exp(log_concentration))

    concentration = jnp.exp(increasing_root(excess, -jnp.log(2 * gap), -jnp.log(gap)))
    return concentration, concentration / mean
