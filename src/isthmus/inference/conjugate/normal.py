"""Multivariate normal rows with a normal-Wishart prior, in natural coordinates."""

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.scipy.special import multigammaln

from isthmus.inference.conjugate.likelihood import ConjugateLikelihood
from isthmus.information.families import MultivariateNormal, NormalInverseWishart


class NormalLikelihood(ConjugateLikelihood):
    """Rows x [size] of a normal of unknown mean m and precision P: P ~ Wishart(degrees, scale^-1), m | P ~
    Normal(location, (strength P)^-1).

    Its coordinates are those of x less `origin`, where the prior's mean is: nothing cancels there.
    """

    prior: Array
    origin: Array

    def __init__(self, prior: NormalInverseWishart):
        location, scale = np.asarray(prior.location, np.float64), np.asarray(prior.scale, np.float64)
        if scale.shape != 2 * location.shape or not prior.degrees > len(location) - 1 or not prior.strength > 0:
            raise ValueError(
                f"a prior of location {location.shape}, scale {scale.shape}, strength {prior.strength} and degrees "
                f"{prior.degrees}; expected [size], [size, size], above 0 and above size - 1"
            )
        pairs = scale[np.triu_indices(len(location))]
        ends = [float(prior.strength), float(prior.degrees) - len(location)]
        natural: Any = np.concatenate([np.zeros(len(location)), pairs, ends])
        origin: Any = location
        self.prior, self.origin = natural, origin

    @classmethod
    def from_rows(cls, rows: Any, strength: float = 1.0) -> "NormalLikelihood":
        """The prior with the location and covariance of rows [row, size], and degrees of freedom size."""
        rows = np.asarray(rows, np.float64)
        size = rows.shape[1]
        covariance = np.atleast_2d(np.cov(rows.T))
        if not np.linalg.eigvalsh(covariance)[0] > 0:
            raise ValueError(
                f"the covariance of {len(rows)} rows of {size} columns is singular; leave out columns that others "
                "determine, or pass NormalInverseWishart with a positive-definite scale"
            )
        parts: Any = rows.mean(axis=0), np.asarray(strength), np.asarray(size), covariance
        return cls(NormalInverseWishart(*parts))

    def log_normaliser(self, natural: Array) -> Array:
        _, strength, degrees, scale = self._unpack(natural)
        size, half = self.size, 0.5 * degrees
        normaliser = (
            half * size * jnp.log(2.0) + multigammaln(half, size) + degrees * half_log_inverse(self._normal, scale)
        )
        return normaliser - 0.5 * size * (jnp.log(strength) - jnp.log(2 * jnp.pi))

    def row_coordinates(self, x: Array) -> Array:
        return jnp.append(self._normal.sufficient_statistics(x - self.origin), jnp.ones(2))

    def log_base_measure(self, x: Array) -> Array:
        return jnp.asarray(-0.5 * self.size * jnp.log(2 * jnp.pi))

    def check_rows(self, rows: Any) -> None:
        if np.shape(rows)[1:] != (self.size,):
            raise ValueError(f"rows of shape {np.shape(rows)}; expected [row, {self.size}]")

    def to_prior(self, natural: Array) -> NormalInverseWishart:
        """The normal-inverse-Wishart at natural coordinates [parameter]."""
        location, strength, degrees, scale = self._unpack(natural)
        return NormalInverseWishart(self.origin + location, strength, degrees, scale)

    def from_prior(self, prior: NormalInverseWishart) -> Array:
        """Natural coordinates [parameter] of a normal-inverse-Wishart."""
        location, strength = prior.location - self.origin, prior.strength
        moments = self._normal.from_moments(strength * location, prior.scale + strength * jnp.outer(location, location))
        return jnp.append(moments, jnp.stack([strength, prior.degrees - self.size]))

    @property
    def size(self) -> int:
        return self.origin.shape[0]

    @property
    def _normal(self) -> MultivariateNormal:
        return MultivariateNormal(self.size)

    def _unpack(self, natural: Array) -> tuple[Array, Array, Array, Array]:
        first, second = self._normal.to_moments(natural[:-2])
        location = first / natural[-2]
        return location, natural[-2], natural[-1] + self.size, second - jnp.outer(first, location)


def half_log_inverse(normal: MultivariateNormal, precision: Array) -> Array:
    """-log |precision| / 2: the log-normaliser of the normal at mean 0, less its constant."""
    size = normal.size
    second = -precision * (1.0 - 0.5 * jnp.eye(size))
    return normal.log_normaliser(normal.from_moments(jnp.zeros(size), second)) - 0.5 * size * jnp.log(2 * jnp.pi)
