"""log p(x, z) as every sampler and every variational family sees it: a function of one real vector u.

z may be named, bounded or structured; u [size] is its image in unconstrained coordinates, and the prior's density is
that of u, the Jacobian included. So both remedies are written once, for vectors. What is made here supplies these
methods; x is one datum, whatever the model takes for one, and `jax.vmap` makes the batch.
"""

from abc import abstractmethod
from collections.abc import Callable
from typing import Any, final

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import Array
from jax.flatten_util import ravel_pytree
from numpyro.distributions import biject_to

from isthmus.models import ProbabilisticModel

Unravel = Callable[[Array], Any]
MOMENT_DRAWS = 256
"""Of a q(z | x) that does not know its variance."""


class LogJoint(eqx.Module):
    """log p(x, z) = log p(z) + log p(x | z) of a graphical model, in unconstrained coordinates u of z."""

    size: eqx.AbstractVar[int]
    double_precision: eqx.AbstractVar[bool]

    @abstractmethod
    def log_prior(self, x: Any, u: Array) -> Array:
        """log p(u): log p(z) plus the logarithm of |dz / du|, in nats."""

    @abstractmethod
    def log_likelihood(self, x: Any, u: Array) -> Array:
        """log p(x | z), in nats."""

    @abstractmethod
    def sample_prior(self, x: Any, key: Array) -> Array:
        """u of a draw from p(z), [size]; of x only what the prior depends on is used."""

    @abstractmethod
    def latents(self, x: Any, u: Array) -> Any:
        """z in the model's own terms."""

    @abstractmethod
    def posterior_moments(self, x: Any) -> tuple[Array, Array] | None:
        """Mean and scales [size] of the q(z | x) that the model brings with it; None where it brings none."""

    @final
    def log_density(self, x: Any, u: Array) -> Array:
        """log p(x, u) in nats: its integral over u is the evidence p(x)."""
        return self.log_prior(x, u) + self.log_likelihood(x, u)


class ModelJoint(LogJoint):
    """The log joint of a three-method model, whose datum is a row x; it runs in the model's float32."""

    model: ProbabilisticModel
    size: int = eqx.field(static=True)
    unravel: Unravel = eqx.field(static=True)
    double_precision: bool = eqx.field(static=True, default=False)

    def log_prior(self, x: Any, u: Array) -> Array:
        return self.model.prior().log_prob(self.unravel(u))

    def log_likelihood(self, x: Any, u: Array) -> Array:
        return self.model.likelihood(self.unravel(u)).log_prob(x)

    def sample_prior(self, x: Any, key: Array) -> Array:
        return ravel_pytree(self.model.prior().sample(key))[0]

    def latents(self, x: Any, u: Array) -> Any:
        return self.unravel(u)

    def posterior_moments(self, x: Any) -> tuple[Array, Array]:
        posterior: Any = self.model.posterior(x)
        if hasattr(posterior, "variance"):
            mean, variance = (ravel_pytree(part)[0] for part in (posterior.mean, posterior.variance))
            return mean, jnp.sqrt(variance)
        keys = jax.random.split(jax.random.key(0), MOMENT_DRAWS)
        draws = jax.vmap(lambda key: ravel_pytree(posterior.sample(key))[0])(keys)
        return jnp.mean(draws, axis=0), jnp.std(draws, axis=0)


class PriorAndLikelihood(LogJoint):
    """A prior, and a log-likelihood as a function of (x, z): a user's own graphical model, in float64.

    prior: a numpyro distribution of z, or {name: distribution} of a z that is a dict of independent parts.
    function: (x, z) -> log p(x | z), a number in nats.
    """

    prior: Any
    function: Callable[[Any, Any], Array] = eqx.field(static=True)
    size: int = eqx.field(static=True)
    unravel: Unravel = eqx.field(static=True)
    double_precision: bool = eqx.field(static=True, default=True)

    def log_prior(self, x: Any, u: Array) -> Array:
        return sum((_log_density(part, value) for part, value in self._parts(u)), jnp.zeros(()))

    def log_likelihood(self, x: Any, u: Array) -> Array:
        return self.function(x, self.latents(x, u))

    def sample_prior(self, x: Any, key: Array) -> Array:
        return ravel_pytree(sample_unconstrained(self.prior, key))[0]

    def latents(self, x: Any, u: Array) -> Any:
        return jax.tree.map(
            lambda part, value: biject_to(part.support)(value), self.prior, self.unravel(u), is_leaf=is_distribution
        )

    def posterior_moments(self, x: Any) -> None:
        return None

    def _parts(self, u: Array) -> list[tuple[Any, Any]]:
        distributions = jax.tree.leaves(self.prior, is_leaf=is_distribution)
        return list(zip(distributions, jax.tree.leaves(self.unravel(u)), strict=True))


def sample_unconstrained(prior: Any, key: Array) -> Any:
    """A draw of each distribution in a tree of them, in unconstrained coordinates."""
    leaves, structure = jax.tree.flatten(prior, is_leaf=is_distribution)
    keys = jax.random.split(key, len(leaves))
    values = [biject_to(part.support).inv(part.sample(k)) for part, k in zip(leaves, keys, strict=True)]
    return jax.tree.unflatten(structure, values)


def is_distribution(node: Any) -> bool:
    return hasattr(node, "log_prob")


def log_jacobian(distribution: Any, unconstrained: Array, value: Array) -> Array:
    """The logarithm of |dz / du| at one site, summed."""
    return jnp.sum(biject_to(distribution.support).log_abs_det_jacobian(unconstrained, value))


def _log_density(distribution: Any, unconstrained: Array) -> Array:
    value = biject_to(distribution.support)(unconstrained)
    return jnp.sum(distribution.log_prob(value)) + log_jacobian(distribution, unconstrained, value)
