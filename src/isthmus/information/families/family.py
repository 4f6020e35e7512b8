"""The exponential family: what follows, once and for every member, from its log-normaliser."""

from abc import abstractmethod
from typing import Any, final

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike
from numpyro.distributions import Distribution

from isthmus.information.families.bregman import bregman_divergence


class ExponentialFamily(eqx.Module):
    """Densities h(x) exp(theta . T(x) - A(theta)) of one datum x, indexed by theta in minimal natural coordinates.

    A family holds what its members share (a number of trials, a dimension); theta is an array [parameter], and a batch
    is made by `jax.vmap`. A leaf supplies the abstract methods; all the identities are derived here and overridden
    nowhere. Everything is in nats, and in the precision of theta. A probability of exactly 0 or 1 has an infinite
    natural coordinate: entropy and divergences take the limit there. Wainwright and Jordan 2008, Graphical models,
    exponential families, and variational inference.
    """

    @abstractmethod
    def log_normaliser(self, natural: Array) -> Array:
        """A(theta), a number; convex, and its derivatives are the cumulants of T(x)."""

    @abstractmethod
    def in_domain(self, natural: Array) -> Array:
        """Whether A(theta) is finite, so that theta has a density that can be normalised."""

    @abstractmethod
    def sufficient_statistics(self, x: Array) -> Array:
        """T(x), [parameter]."""

    @abstractmethod
    def largest_statistic(self, direction: Array) -> Array:
        """The supremum of direction . T(x) over all x, a number; inf where there is none."""

    @abstractmethod
    def log_base_measure(self, x: Array) -> Array:
        """log h(x), a number."""

    @abstractmethod
    def expected_log_base_measure(self, natural: Array) -> Array:
        """E[log h(x)] under theta. It is a constant for most families, and not for all: Poisson has h(x) = 1 / x!."""

    @abstractmethod
    def standardise(self, p: Array, q: Array) -> tuple[Array, Array, Array]:
        """Natural coordinates of p and q after the change of variable x = x(y) that makes p standard, and log |dx/dy|.

        No divergence notices a change of variable, and where p is standard nothing cancels, be its mean a million
        times its scale.
        """

    @abstractmethod
    def natural_from_mean(self, mean: Array) -> Array:
        """theta such that E[T(x)] = mean, [parameter]: the inverse of grad A."""

    @abstractmethod
    def natural_from_numpyro(self, distribution: Any) -> Array:
        """theta of a numpyro distribution, [*batch, parameter]."""

    @abstractmethod
    def to_numpyro(self, natural: Array) -> Distribution:
        """The numpyro distribution at theta, [*batch, parameter]."""

    @final
    @eqx.filter_jit
    def mean_from_natural(self, natural: Array) -> Array:
        """The mean coordinates E[T(x)] = grad A(theta), [parameter]."""
        return jax.grad(self.log_normaliser)(natural)

    @final
    def log_prob(self, natural: Array, x: Array) -> Array:
        """log p(x), where x lies on the support."""
        return natural @ self.sufficient_statistics(x) - self.log_normaliser(natural) + self.log_base_measure(x)

    @final
    def entropy(self, natural: Array) -> Array:
        """H(p) = A - theta . grad A - E[log h(x)]; differential where x is continuous."""
        return self.cross_entropy(natural, natural)

    @final
    @eqx.filter_jit
    def cross_entropy(self, p: Array, q: Array) -> Array:
        """H(p, q) = A(q) - q . grad A(p) - E_p[log h(x)], with p and q natural coordinates."""
        p, q, log_scale = self._standardised(p, q)
        mean, infinite = self.mean_from_natural(p), jnp.isinf(q)
        expected = jnp.where(infinite, 0.0, q) @ mean + self.expected_log_base_measure(p)
        # An infinite coordinate of a statistic that is always zero counts nothing.
        possible = ~jnp.any(infinite & (mean != 0))
        return jnp.where(possible, self.log_normaliser(q) - expected + log_scale, jnp.inf)

    @final
    @eqx.filter_jit
    def kl_divergence(self, p: Array, q: Array) -> Array:
        """KL(p || q), the Bregman divergence B_A(q, p) = A(q) - A(p) - (q - p) . grad A(p)."""
        p, q, _ = self._standardised(p, q)
        return bregman_divergence(self, q, p)

    @final
    def renyi_divergence(self, p: Array, q: Array, alpha: ArrayLike) -> Array:
        """Renyi's divergence of order alpha in [0, inf]: log E_q[(p / q)^alpha] / (alpha - 1); KL(p || q) at 1.

        With m = alpha p + (1 - alpha) q it is KL(m || q) + alpha / (1 - alpha) KL(m || p), and inf where m leaves the
        domain. Differentiable in p and q. Van Erven and Harremoes 2014, Renyi divergence and Kullback-Leibler
        divergence.
        """
        return self._renyi_divergence(p, q, jnp.asarray(alpha, p.dtype))

    @eqx.filter_jit
    def _renyi_divergence(self, p: Array, q: Array, alpha: Array) -> Array:
        p, q, _ = self._standardised(p, q)
        order = jnp.where(jnp.isinf(alpha), 1.0, alpha)
        between = jnp.where(jnp.isinf(p) | (order == 1.0), p, order * p + (1.0 - order) * q)
        inside = self.in_domain(between)
        between = jnp.where(inside, between, p)
        weight = jnp.where(order == 1.0, 0.0, order / jnp.where(order == 1.0, 1.0, 1.0 - order))
        ends = jnp.stack([q, p])
        from_q, from_p = jax.lax.map(lambda end: bregman_divergence(self, end, between), ends)
        at_q, at_p = jax.vmap(self.log_normaliser)(ends)
        supremum = at_q - at_p + self.largest_statistic(jnp.where(p == q, 0.0, p - q))
        return jnp.where(jnp.isinf(alpha), supremum, jnp.where(inside, from_q + weight * from_p, jnp.inf))

    @final
    @eqx.filter_jit
    def fisher_information(self, natural: Array) -> Array:
        """The Fisher information metric in natural coordinates, the covariance of T(x): Hessian of A,
        [parameter, parameter]."""
        return jax.hessian(self.log_normaliser)(natural)

    @final
    def natural_gradient(self, natural: Array, gradient: Array) -> Array:
        """The Fisher information's inverse times a gradient in natural coordinates, [parameter] (Amari 1998)."""
        return jnp.linalg.solve(self.fisher_information(natural), gradient)

    @final
    @eqx.filter_jit
    def maximum_likelihood(self, rows: Any) -> Array:
        """theta that makes rows [row, ...] most likely: where E[T(x)] is the mean of T over the rows."""
        return self.natural_from_mean(jnp.mean(jax.vmap(self.sufficient_statistics)(rows), axis=0))

    @final
    def product(self, naturals: Array, powers: Array) -> Array:
        """theta of the product of members [member, parameter], each to its power [member], renormalised.

        One member to one power is tempering. It is relative to the base measure h, which is counted once and to no
        power: that makes no difference where h is constant, in all families here but Poisson's and the binomial. nan
        where the product cannot be normalised.
        """
        natural = jnp.asarray(powers) @ jnp.asarray(naturals)
        return jnp.where(self.in_domain(natural), natural, jnp.nan)

    def _standardised(self, p: Array, q: Array) -> tuple[Array, Array, Array]:
        """`standardise`, whose rounding equal members are spared: they stay equal."""
        origin, image, log_scale = self.standardise(p, q)
        rounding = jnp.where(jnp.all(p == q) & (image != origin), origin - image, 0.0)
        return origin, image + jax.lax.stop_gradient(rounding), log_scale


class Unscaled(ExponentialFamily):
    """A family whose variable has no unit to take out of it: a count, a category, a proportion, an angle."""

    @final
    def standardise(self, p: Array, q: Array) -> tuple[Array, Array, Array]:
        return p, q, jnp.zeros((), p.dtype)


class Unweighted(ExponentialFamily):
    """A family of base measure h(x) = 1: all that a member's density says of x, it says through T(x)."""

    @final
    def log_base_measure(self, x: Array) -> Array:
        return jnp.zeros(())

    @final
    def expected_log_base_measure(self, natural: Array) -> Array:
        return jnp.zeros(())
