"""Sampling-importance-resampling: draws of a proposal, weighted, then drawn again by their weights (Rubin 1987)."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import Array
from numpyro.distributions import MultivariateStudentT

from isthmus.inference.approximation.families import MeanFieldNormal, PosteriorFamily
from isthmus.inference.approximation.optimisation import DRAWS_AT_ONCE
from isthmus.inference.graphical import LogJoint

DEGREES_OF_FREEDOM = 5.0
"""Of the density around the chains: its tails are heavier than a normal's, so that weights stay bounded where the
posterior's are a normal's."""
RIDGE = 1e-6


class AroundDraws(eqx.Module):
    """A Student t with the mean and covariance of draws [draw, size], as a proposal."""

    location: Array
    scale_tril: Array

    @classmethod
    def of(cls, draws: Array) -> "AroundDraws":
        covariance = jnp.atleast_2d(jnp.cov(draws.T))
        ridge = RIDGE * jnp.diag(jnp.diag(covariance)) + 1e-12 * jnp.eye(draws.shape[1])
        # A t's covariance is its scale's times nu / (nu - 2).
        shrunk = covariance * (DEGREES_OF_FREEDOM - 2.0) / DEGREES_OF_FREEDOM
        return cls(jnp.mean(draws, axis=0), jnp.linalg.cholesky(shrunk + ridge))

    def sample(self, key: Array) -> Array:
        return self._distribution.sample(key)

    def log_prob(self, u: Array) -> Array:
        return jnp.asarray(self._distribution.log_prob(u))

    @property
    def _distribution(self) -> Any:
        return MultivariateStudentT(DEGREES_OF_FREEDOM, self.location, self.scale_tril)


class PriorProposal(eqx.Module):
    """The prior as a proposal, whose weights are the likelihood."""

    joint: LogJoint
    x: Any

    def sample(self, key: Array) -> Array:
        return self.joint.sample_prior(self.x, key)

    def log_prob(self, u: Array) -> Array:
        return self.joint.log_prior(self.x, u)


@eqx.filter_jit
def weigh(
    joint: LogJoint, data: Any, approximation: PosteriorFamily | None, draws: int, keys: Array
) -> tuple[Array, Array]:
    """(u [row, draw, size], log-weights [row, draw]) of each row's own proposal.

    approximation: q of each row, with a first axis over rows; where None, the model's own posterior (as a normal of its
    moments), or the prior of a model that has none.
    """

    def of_row(approximation, x, key):
        proposal = _own_proposal(joint, x) if approximation is None else approximation
        return _weighted(joint, x, proposal, draws, key)

    return eqx.filter_vmap(of_row)(approximation, data, keys)


@eqx.filter_jit
def weigh_around(joint: LogJoint, data: Any, u: Array, draws: int, keys: Array) -> Array:
    """Log-weights [row, draw] at fresh draws of a Student t around each row's draws u [row, draw, size]."""

    def of_row(x, u, key):
        return _weighted(joint, x, AroundDraws.of(u), draws, key)[1]

    return eqx.filter_vmap(of_row)(data, u, keys)


@eqx.filter_jit
def resample(u: Array, log_weights: Array, draws: int, keys: Array) -> Array:
    """`draws` of each row's u [row, candidate, size], each with probability in proportion to its weight."""

    def of_row(u, log_weights, key):
        return u[jax.random.categorical(key, log_weights, shape=(draws,))]

    return jax.vmap(of_row)(u, log_weights, keys)


def _weighted(joint: LogJoint, x: Any, proposal: Any, draws: int, key: Array) -> tuple[Array, Array]:
    u = jax.vmap(proposal.sample)(jax.random.split(key, draws))
    return u, jax.lax.map(lambda one: joint.log_density(x, one) - proposal.log_prob(one), u, batch_size=DRAWS_AT_ONCE)


def _own_proposal(joint: LogJoint, x: Any) -> Any:
    moments = joint.posterior_moments(x)
    return PriorProposal(joint, x) if moments is None else MeanFieldNormal.around(*moments)
