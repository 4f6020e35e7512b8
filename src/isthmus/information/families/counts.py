"""Families on the natural numbers: Poisson, geometric."""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jax.scipy.special import gammaln
from numpyro.distributions import Distribution, GeometricLogits, GeometricProbs
from numpyro.distributions import Poisson as NumpyroPoisson

from isthmus.information.families.family import Unscaled, Unweighted
from isthmus.information.families.lattice import expected_log_mass
from isthmus.information.families.parameters import floating, logarithm, logarithm_of_complement


class Poisson(Unscaled):
    """Counts; theta is the log rate, T(x) = x, h(x) = 1 / x!."""

    def log_normaliser(self, natural: Array) -> Array:
        return jnp.exp(natural[0])

    def in_domain(self, natural: Array) -> Array:
        return natural[0] < jnp.inf

    def sufficient_statistics(self, x: Array) -> Array:
        return floating(x)[None]

    def largest_statistic(self, direction: Array) -> Array:
        return jnp.where(direction[0] > 0, jnp.inf, 0.0)

    def log_base_measure(self, x: Array) -> Array:
        return -gammaln(floating(x) + 1)

    def expected_log_base_measure(self, natural: Array) -> Array:
        theta = jnp.where(natural[0] == -jnp.inf, 0.0, natural[0])
        rate = jnp.exp(theta)

        def log_mass(x: Array) -> Array:
            return theta * (x - rate) - gammaln(x + 1)

        # E[theta (x - rate)] is 0, and with it goes the slope of log h(x), which rounding would see.
        expected = expected_log_mass(log_mass, rate, jnp.sqrt(rate))
        return jnp.where(natural[0] == -jnp.inf, 0.0, expected)

    def natural_from_mean(self, mean: Array) -> Array:
        return logarithm(mean)

    def natural_from_numpyro(self, distribution: Any) -> Array:
        return logarithm(distribution.rate)[..., None]

    def to_numpyro(self, natural: Array) -> Distribution:
        return NumpyroPoisson(jnp.exp(natural[..., 0]))


class Geometric(Unscaled, Unweighted):
    """Failures before the first success, 0, 1, 2, ...; theta is the log of a failure's probability, T(x) = x."""

    def log_normaliser(self, natural: Array) -> Array:
        return -jnp.log(-jnp.expm1(natural[0]))

    def in_domain(self, natural: Array) -> Array:
        return natural[0] < 0

    def sufficient_statistics(self, x: Array) -> Array:
        return floating(x)[None]

    def largest_statistic(self, direction: Array) -> Array:
        return jnp.where(direction[0] > 0, jnp.inf, 0.0)

    def natural_from_mean(self, mean: Array) -> Array:
        return -jnp.log1p(1 / mean)

    def natural_from_numpyro(self, distribution: Any) -> Array:
        if isinstance(distribution, GeometricLogits):
            return -jax.nn.softplus(floating(distribution.logits))[..., None]
        return logarithm_of_complement(distribution.probs)[..., None]

    def to_numpyro(self, natural: Array) -> Distribution:
        return GeometricProbs(-jnp.expm1(natural[..., 0]))
