"""Coordinates of exponential families that are free: every point is a member, so that no curve can leave the family.

Positive parameters are their logarithms: geodesics that cross decades are close to straight lines there, and
polynomials fit them.
"""

from abc import abstractmethod
from typing import final

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from isthmus.information.families.family import ExponentialFamily
from isthmus.information.families.normal import MultivariateNormal
from isthmus.information.families.positive import Gamma, InverseGamma
from isthmus.information.families.simplex import Beta, Dirichlet
from isthmus.information.geometry.manifolds import MULTIVARIATE_NORMAL
from isthmus.information.geometry.metrics import FamilyMetric


class FreeMetric(eqx.Module):
    """The Fisher information as a squared speed, in coordinates that take any real value."""

    @abstractmethod
    def coordinates(self, natural: Array) -> Array:
        """The member of natural coordinates [parameter], [coordinate]."""

    @abstractmethod
    def __call__(self, coordinates: Array, velocity: Array) -> Array:
        """The squared speed."""


@final
class NaturalMetric(FreeMetric):
    """A family in its natural coordinates, which are free for von Mises's and for categories."""

    family: ExponentialFamily

    def coordinates(self, natural: Array) -> Array:
        return natural

    def __call__(self, coordinates: Array, velocity: Array) -> Array:
        return FamilyMetric(self.family)(coordinates, velocity)


@final
class OrthantMetric(FreeMetric):
    """A family whose natural coordinates fill an orthant, corner + signs * (positive numbers): their logarithms."""

    family: ExponentialFamily
    corner: tuple[float, ...] = eqx.field(static=True)
    signs: tuple[float, ...] = eqx.field(static=True)

    def coordinates(self, natural: Array) -> Array:
        return jnp.log(jnp.array(self.signs) * (natural - jnp.array(self.corner)))

    def __call__(self, coordinates: Array, velocity: Array) -> Array:
        offset = jnp.array(self.signs) * jnp.exp(coordinates)
        return FamilyMetric(self.family)(jnp.array(self.corner) + offset, offset * velocity)


@final
class NormalMetric(FreeMetric):
    """The multivariate normal: the mean, then the covariance's Cholesky factor, its diagonal by logarithms."""

    family: MultivariateNormal

    def coordinates(self, natural: Array) -> Array:
        normal = self.family.to_numpyro(natural)
        factor = normal.scale_tril  # type: ignore[attr-defined]
        logarithms = factor - jnp.diag(jnp.diagonal(factor)) + jnp.diag(jnp.log(jnp.diagonal(factor)))
        return jnp.concatenate([normal.loc, logarithms[np.tril_indices(self.family.size)]])  # type: ignore[attr-defined]

    def __call__(self, coordinates: Array, velocity: Array) -> Array:
        assert MULTIVARIATE_NORMAL.squared_speed is not None
        return MULTIVARIATE_NORMAL.squared_speed(*jax.jvp(self._mean_and_factor, (coordinates,), (velocity,)))

    def _mean_and_factor(self, coordinates: Array) -> tuple[Array, Array]:
        size = self.family.size
        logarithms = jnp.zeros((size, size), coordinates.dtype).at[np.tril_indices(size)].set(coordinates[size:])
        diagonal = jnp.diagonal(logarithms)
        return coordinates[:size], logarithms + jnp.diag(jnp.exp(diagonal) - diagonal)


def free_metric(family: ExponentialFamily) -> FreeMetric:
    """The metric of a family in free coordinates, where they are known; in natural ones otherwise."""
    match family:
        case Gamma():
            return OrthantMetric(family, (-1.0, 0.0), (1.0, -1.0))
        case InverseGamma():
            return OrthantMetric(family, (-1.0, 0.0), (-1.0, -1.0))
        case Beta():
            return OrthantMetric(family, (-1.0, -1.0), (1.0, 1.0))
        case Dirichlet():
            return OrthantMetric(family, (-1.0,) * family.size, (1.0,) * family.size)
        case MultivariateNormal():
            return NormalMetric(family)
    return NaturalMetric(family)
