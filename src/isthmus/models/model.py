"""The two interfaces: a probabilistic model is three distributions, a deterministic one an encoder and a likelihood.

What follows from either is written once, here and on the floors above, and never overridden.
"""

from abc import abstractmethod
from typing import Any, final

import equinox as eqx
from jax import Array

from isthmus.models.distributions import DistributionLike, location


class ProbabilisticModel(eqx.Module):
    """A latent-variable model p(z) p(x | z) with a posterior q(z | x), for one datum x.

    A subclass is an equinox module with three methods that return distributions: numpyro's, or any object with
    `log_prob` and `sample(key)`. x, z and the covariates c are arrays or pytrees of arrays; `key` is for dropout and
    its like. The posterior is exact where the model is linear, and amortised by a network where it is not.
    """

    @abstractmethod
    def prior(self, c: Any = None) -> DistributionLike:
        """p(z | c)."""

    @abstractmethod
    def likelihood(self, z: Any, c: Any = None, *, key: Array | None = None) -> DistributionLike:
        """p(x | z, c)."""

    @abstractmethod
    def posterior(self, x: Any, c: Any = None, *, key: Array | None = None) -> DistributionLike:
        """q(z | x, c)."""

    @final
    def encode(self, x: Any, c: Any = None) -> Array:
        """The location of q(z | x, c)."""
        return location(self.posterior(x, c))

    @final
    def decode(self, z: Any, c: Any = None) -> Array:
        """The location of p(x | z, c)."""
        return location(self.likelihood(z, c))

    @final
    def log_joint(self, x: Any, z: Any, c: Any = None) -> Array:
        """log p(x, z | c) = log p(x | z, c) + log p(z | c), in nats."""
        return self.likelihood(z, c).log_prob(x) + self.prior(c).log_prob(z)

    @final
    def log_weight(self, x: Any, z: Any, c: Any = None) -> Array:
        """log p(x, z | c) - log q(z | x, c), in nats: its mean under q is the ELBO, that of its exponential is p(x)."""
        return self.log_joint(x, z, c) - self.posterior(x, c).log_prob(z)


class DeterministicModel(eqx.Module):
    """An autoencoder x -> z -> p(x | z), for one datum x: it has a distortion, -log p(x | encode(x)), the same function
    as a probabilistic model's, and no rate, for it has no prior.

    A subclass is an equinox module with these two methods; x, z, c and `key` are as in `ProbabilisticModel`.
    """

    @abstractmethod
    def encode(self, x: Any, c: Any = None, *, key: Array | None = None) -> Array:
        """The latent of x."""

    @abstractmethod
    def likelihood(self, z: Any, c: Any = None, *, key: Array | None = None) -> DistributionLike:
        """p(x | z, c)."""

    @final
    def decode(self, z: Any, c: Any = None) -> Array:
        """The location of p(x | z, c)."""
        return location(self.likelihood(z, c))

    @final
    def log_likelihood_at_code(self, x: Any, c: Any = None) -> Array:
        """log p(x | encode(x)), in nats: minus the distortion. No log-likelihood of x: nothing pays for the latent."""
        return self.likelihood(self.encode(x, c), c).log_prob(x)
