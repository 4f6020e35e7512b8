"""Likelihoods with their conjugate priors, from whose log-normaliser everything else follows."""

from abc import abstractmethod
from typing import Any, final

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import Array

from isthmus.information.families import ExponentialFamily


class ConjugateLikelihood(eqx.Module):
    """p(x | theta) and an exponential family of densities of theta that Bayes' rule does not leave.

    In the family's natural coordinates, [parameter], a row adds `row_coordinates(x)`, so that the posterior of
    theta, the expected log-likelihood and the predictive density are all known from the log-normaliser.
    """

    prior: eqx.AbstractVar[Array]

    @abstractmethod
    def log_normaliser(self, natural: Array) -> Array:
        """The log of the integral over theta of exp(natural . T(theta)), a number."""

    @abstractmethod
    def row_coordinates(self, x: Any) -> Array:
        """What a row x adds to the natural coordinates, [parameter]: log p(x | theta) = T(theta) . it + log h(x)."""

    @abstractmethod
    def log_base_measure(self, x: Any) -> Array:
        """log h(x), a number."""

    @abstractmethod
    def check_rows(self, rows: Any) -> None:
        """Raise ValueError, saying what was expected, for rows, arrays [row, ...], that no theta gives."""

    @final
    def coordinates(self, rows: Any) -> tuple[Array, Array]:
        """`row_coordinates` [row, parameter] and `log_base_measure` [row] of rows."""
        return jax.vmap(self.row_coordinates)(rows), jax.vmap(self.log_base_measure)(rows)

    @final
    def expectations(self, natural: Array) -> Array:
        """E[T(theta)], [parameter], or [component, parameter] for several."""
        return jax.grad(lambda coordinates: jnp.sum(self._log_normalisers(coordinates)))(natural)

    @final
    def divergence(self, natural: Array) -> Array:
        """KL(q || prior) in nats, a number, or [component] for several."""
        gone = natural - self.prior
        rise = self._log_normalisers(natural) - self.log_normaliser(self.prior)
        return jnp.sum(gone * self.expectations(natural), axis=-1) - rise

    @final
    def log_predictive(self, natural: Array, x: Any) -> Array:
        """log E_q[p(x | theta)] of one row in nats: the log-normaliser's rise by the row."""
        seen = natural + self.row_coordinates(x)
        return self.log_normaliser(seen) - self.log_normaliser(natural) + self.log_base_measure(x)

    def _log_normalisers(self, natural: Array) -> Array:
        return jnp.vectorize(self.log_normaliser, signature="(p)->()")(natural)


def family_divergence(family: ExponentialFamily, p: Array, q: Array) -> Array:
    """KL(p || q) in nats between members [..., parameter].

    It is one evaluation, where `ExponentialFamily.kl_divergence` makes ten for the digits of nearly equal members: here
    it is subtracted from the bound of all rows, whose rounding is larger.
    """
    log_normaliser = jnp.vectorize(family.log_normaliser, signature="(p)->()")
    means = jax.grad(lambda natural: jnp.sum(log_normaliser(natural)))(p)
    return jnp.sum((p - q) * means, axis=-1) - log_normaliser(p) + log_normaliser(q)
