"""Families on finitely many values: Bernoulli, binomial, categorical."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import Array
from jax.scipy.special import gammaln
from numpyro.distributions import BernoulliLogits, BinomialLogits, CategoricalLogits, Distribution

from isthmus.information.families.family import ExponentialFamily, Unscaled, Unweighted
from isthmus.information.families.lattice import expected_log_mass
from isthmus.information.families.parameters import floating, log_odds


class Bernoulli(Unweighted):
    """x in {0, 1}; theta is the log odds, T(x) = x."""

    def log_normaliser(self, natural: Array) -> Array:
        return jax.nn.softplus(natural[0])

    def in_domain(self, natural: Array) -> Array:
        return natural[0] < jnp.inf

    def sufficient_statistics(self, x: Array) -> Array:
        return floating(x)[None]

    def largest_statistic(self, direction: Array) -> Array:
        return jnp.maximum(direction[0], 0.0)

    def standardise(self, p: Array, q: Array) -> tuple[Array, Array, Array]:
        return _rarer_success(p, q)

    def natural_from_mean(self, mean: Array) -> Array:
        return log_odds(mean)

    def natural_from_numpyro(self, distribution: Any) -> Array:
        return _log_odds_of(distribution)[..., None]

    def to_numpyro(self, natural: Array) -> Distribution:
        return BernoulliLogits(natural[..., 0])


class Binomial(ExponentialFamily):
    """x in {0, ..., total_count} successes; theta is the log odds, T(x) = x, h(x) the binomial coefficient."""

    total_count: int | Array

    def log_normaliser(self, natural: Array) -> Array:
        return self.total_count * jax.nn.softplus(natural[0])

    def in_domain(self, natural: Array) -> Array:
        return natural[0] < jnp.inf

    def sufficient_statistics(self, x: Array) -> Array:
        return floating(x)[None]

    def largest_statistic(self, direction: Array) -> Array:
        return self.total_count * jnp.maximum(direction[0], 0.0)

    def log_base_measure(self, x: Array) -> Array:
        x, n = floating(x), floating(self.total_count)
        return gammaln(n + 1) - gammaln(x + 1) - gammaln(n - x + 1)

    def expected_log_base_measure(self, natural: Array) -> Array:
        theta = jnp.where(jnp.isinf(natural[0]), 0.0, natural[0])
        mean = self.total_count * jax.nn.sigmoid(theta)
        deviation = jnp.sqrt(mean * jax.nn.sigmoid(-theta))

        def log_mass(x: Array) -> Array:
            return self.log_base_measure(x) + theta * (x - mean)

        # E[theta (x - mean)] is 0, and with it goes the slope of log h(x), which rounding would see.
        expected = expected_log_mass(log_mass, mean, deviation, floating(self.total_count))
        return jnp.where(jnp.isinf(natural[0]), 0.0, expected)

    def standardise(self, p: Array, q: Array) -> tuple[Array, Array, Array]:
        return _rarer_success(p, q)

    def natural_from_mean(self, mean: Array) -> Array:
        return log_odds(mean / self.total_count)

    def natural_from_numpyro(self, distribution: Any) -> Array:
        return _log_odds_of(distribution)[..., None]

    def to_numpyro(self, natural: Array) -> Distribution:
        return BinomialLogits(natural[..., 0], self.total_count)


class Categorical(Unscaled, Unweighted):
    """x in {0, ..., size - 1}; theta_k is the log odds of k against the last, T(x) the indicators of all but the last.

    A last category of probability 0 has no coordinates here.
    """

    size: int = eqx.field(static=True)

    def log_normaliser(self, natural: Array) -> Array:
        return jax.nn.logsumexp(_with_last(natural))

    def in_domain(self, natural: Array) -> Array:
        return jnp.all(natural < jnp.inf)

    def sufficient_statistics(self, x: Array) -> Array:
        return floating(x == jnp.arange(self.size - 1))

    def largest_statistic(self, direction: Array) -> Array:
        return jnp.max(_with_last(direction))

    def natural_from_mean(self, mean: Array) -> Array:
        return jnp.log(mean) - jnp.log1p(-jnp.sum(mean))

    def natural_from_numpyro(self, distribution: Any) -> Array:
        logits = floating(distribution.logits)
        return logits[..., :-1] - logits[..., -1:]

    def to_numpyro(self, natural: Array) -> Distribution:
        return CategoricalLogits(_with_last(natural))


def _log_odds_of(distribution: Any) -> Array:
    if isinstance(distribution, BernoulliLogits | BinomialLogits):
        return floating(distribution.logits)
    return log_odds(distribution.probs)


def _rarer_success(p: Array, q: Array) -> tuple[Array, Array, Array]:
    """Success and failure change places where p's success is the likelier, so that 1 - probability loses no digit."""
    sign = jnp.where(p[0] > 0, -1.0, 1.0)
    return sign * p, sign * q, jnp.zeros((), p.dtype)


def _with_last(natural: Array) -> Array:
    return jnp.concatenate([natural, jnp.zeros_like(natural[..., :1])], axis=-1)
