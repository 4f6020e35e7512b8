"""The exponential family: what follows, once and for every member, from its log-normaliser."""

from abc import abstractmethod
from typing import Any, final

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import Array
from numpyro.distributions import Distribution


class ExponentialFamily(eqx.Module):
    """Densities h(x) exp(theta . T(x) - A(theta)) of one datum x, indexed by theta in minimal natural coordinates.

    A family holds what its members share (a number of trials, a dimension); theta is an array [parameter], and a batch
    is made by `jax.vmap`. A leaf supplies the abstract methods; all the identities are derived here and overridden
    nowhere. Everything is in nats, and in the precision of theta. Wainwright and Jordan 2008, Graphical models,
    exponential families, and variational inference.
    """

    @abstractmethod
    def log_normaliser(self, natural: Array) -> Array:
        """A(theta), a number; convex, and its derivatives are the cumulants of T(x)."""

    @abstractmethod
    def sufficient_statistics(self, x: Array) -> Array:
        """T(x), [parameter]."""

    @abstractmethod
    def log_base_measure(self, x: Array) -> Array:
        """log h(x), a number."""

    @abstractmethod
    def expected_log_base_measure(self, natural: Array) -> Array:
        """E[log h(x)] under theta. It is a constant for most families, and not for all: Poisson has h(x) = 1 / x!."""

    @abstractmethod
    def natural_from_mean(self, mean: Array) -> Array:
        """theta such that E[T(x)] = mean, [parameter]: the inverse of grad A."""

    @abstractmethod
    def natural_from_numpyro(self, distribution: Distribution) -> Array:
        """theta of a numpyro distribution without batch, [parameter]."""

    @abstractmethod
    def to_numpyro(self, natural: Array) -> Distribution:
        """The numpyro distribution at theta."""

    @final
    def mean_from_natural(self, natural: Array) -> Array:
        """The mean coordinates E[T(x)] = grad A(theta), [parameter]."""
        return jax.grad(self.log_normaliser)(natural)

    @final
    def log_prob(self, natural: Array, x: Array) -> Array:
        """log p(x), where x lies on the support."""
        return natural @ self.sufficient_statistics(x) - self.log_normaliser(natural) + self.log_base_measure(x)

    @final
    def entropy(self, natural: Array) -> Array:
        """H(p) = A - theta . grad A - E[log h(x)]."""
        return self.cross_entropy(natural, natural)

    @final
    def cross_entropy(self, p: Array, q: Array) -> Array:
        """H(p, q) = A(q) - q . grad A(p) - E_p[log h(x)], with p and q natural coordinates."""
        return self.log_normaliser(q) - q @ self.mean_from_natural(p) - self.expected_log_base_measure(p)

    @final
    def kl_divergence(self, p: Array, q: Array) -> Array:
        """KL(p || q), the Bregman divergence B_A(q, p) = A(q) - A(p) - (q - p) . grad A(p)."""
        return self.log_normaliser(q) - self.log_normaliser(p) - (q - p) @ self.mean_from_natural(p)

    @final
    def fisher_information(self, natural: Array) -> Array:
        """The Fisher information metric in natural coordinates, the covariance of T(x): Hessian of A,
        [parameter, parameter]."""
        return jax.hessian(self.log_normaliser)(natural)

    @final
    def natural_gradient(self, natural: Array, gradient: Array) -> Array:
        """The Fisher information's inverse times a gradient in natural coordinates, [parameter] (Amari 1998)."""
        return jnp.linalg.solve(self.fisher_information(natural), gradient)

    @final
    def maximum_likelihood(self, rows: Any) -> Array:
        """theta that makes rows [row, ...] most likely: where E[T(x)] is the mean of T over the rows."""
        return self.natural_from_mean(jnp.mean(jax.vmap(self.sufficient_statistics)(rows), axis=0))
