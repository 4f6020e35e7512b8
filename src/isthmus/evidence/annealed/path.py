"""The path of densities from a start that can be sampled to the posterior.

    log p_beta(u) = log start(u) + beta contrast(u)

The contrast is log p(x, u) - log start(u), so that beta = 0 is the start and beta = 1 the log joint, whose integral is
the evidence. Neal 2001, Annealed importance sampling.
"""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import Array

from isthmus.inference.approximation.families import MeanFieldNormal
from isthmus.inference.graphical import LogJoint

SCALE_DRAWS = 256
"""Of the prior, from which the scales of its coordinates are taken: they set step sizes and no more."""
SMALLEST_SCALE = 1e-6


class Path(eqx.Module):
    """A log joint and where annealing to it starts: "posterior", at the model's own q(z | x) as a normal of its
    moments, or "prior"."""

    joint: LogJoint
    start: str = eqx.field(static=True)

    def at(self, x: Any) -> "PathOfDatum":
        """The path of one datum."""
        moments = self.joint.posterior_moments(x) if self.start == "posterior" else None
        if moments is not None:
            mean, scales = moments
            scales = jnp.maximum(scales, SMALLEST_SCALE)
            return PathOfDatum(self.joint, x, MeanFieldNormal.around(mean, scales), scales)
        keys = jax.random.split(jax.random.key(0), SCALE_DRAWS)
        draws = jax.vmap(lambda key: self.joint.sample_prior(x, key))(keys)
        return PathOfDatum(self.joint, x, None, jnp.maximum(jnp.std(draws, axis=0), SMALLEST_SCALE))


class PathOfDatum(eqx.Module):
    """The path at one datum x. proposal: the normal it starts from, None for the prior; scales: of its coordinates."""

    joint: LogJoint
    x: Any
    proposal: MeanFieldNormal | None
    scales: Array

    def sample_start(self, key: Array) -> Array:
        return self.joint.sample_prior(self.x, key) if self.proposal is None else self.proposal.sample(key)

    def log_start(self, u: Array) -> Array:
        return self.joint.log_prior(self.x, u) if self.proposal is None else self.proposal.log_prob(u)

    def contrast(self, u: Array) -> Array:
        if self.proposal is None:
            return self.joint.log_likelihood(self.x, u)
        return self.joint.log_density(self.x, u) - self.proposal.log_prob(u)


class PathState(eqx.Module):
    """A chain's position and what is known there of the two parts of the path's density: values and gradients."""

    u: Array
    log_start: Array
    log_start_gradient: Array
    contrast: Array
    contrast_gradient: Array

    @classmethod
    def at(cls, path: PathOfDatum, u: Array) -> "PathState":
        return cls(u, *jax.value_and_grad(path.log_start)(u), *jax.value_and_grad(path.contrast)(u))
