"""Normal families: of one variable, of many with a diagonal covariance, of many with a full one."""

import math
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.scipy.linalg import cho_solve, solve_triangular
from numpyro.distributions import Distribution, Independent
from numpyro.distributions import MultivariateNormal as NumpyroMultivariateNormal
from numpyro.distributions import Normal as NumpyroNormal

from isthmus.information.families.family import Unweighted
from isthmus.information.families.parameters import floating, stacked

_HALF_LOG_TWO_PI = 0.5 * math.log(2 * math.pi)


class Normal(Unweighted):
    """theta = (mean, -1/2) / variance, T(x) = (x, x^2)."""

    def log_normaliser(self, natural: Array) -> Array:
        return _log_normaliser(natural[0], natural[1])

    def in_domain(self, natural: Array) -> Array:
        return natural[1] < 0

    def sufficient_statistics(self, x: Array) -> Array:
        return stacked(x, x**2)

    def largest_statistic(self, direction: Array) -> Array:
        return _largest_statistic(direction[0], direction[1])

    def standardise(self, p: Array, q: Array) -> tuple[Array, Array, Array]:
        return _standardised(p, q)

    def natural_from_mean(self, mean: Array) -> Array:
        return _natural(mean[0], mean[1] - mean[0] ** 2)

    def natural_from_numpyro(self, distribution: Any) -> Array:
        loc, variance = jnp.broadcast_arrays(floating(distribution.loc), floating(distribution.scale) ** 2)
        return jnp.stack([loc / variance, -0.5 / variance], axis=-1)

    def to_numpyro(self, natural: Array) -> Distribution:
        return NumpyroNormal(*_mean_and_scale(natural[..., 0], natural[..., 1]))


class DiagonalNormal(Unweighted):
    """x [size], independent normals; theta = the means / variances, then -1/2 / variances; T(x) = x, then x^2."""

    size: int = eqx.field(static=True)

    def log_normaliser(self, natural: Array) -> Array:
        return jnp.sum(_log_normaliser(*self._halves(natural)))

    def in_domain(self, natural: Array) -> Array:
        return jnp.all(natural[self.size :] < 0)

    def sufficient_statistics(self, x: Array) -> Array:
        return jnp.concatenate([x, x**2])

    def largest_statistic(self, direction: Array) -> Array:
        return jnp.sum(_largest_statistic(*self._halves(direction)))

    def standardise(self, p: Array, q: Array) -> tuple[Array, Array, Array]:
        p, q, log_scale = _standardised(p.reshape(2, -1), q.reshape(2, -1))
        return p.ravel(), q.ravel(), jnp.sum(log_scale)

    def natural_from_mean(self, mean: Array) -> Array:
        first, second = self._halves(mean)
        return _natural(first, second - first**2).ravel()

    def natural_from_numpyro(self, distribution: Any) -> Array:
        shape = distribution.batch_shape + distribution.event_shape
        loc, variance = jnp.broadcast_to(distribution.mean, shape), jnp.broadcast_to(distribution.variance, shape)
        return jnp.concatenate([loc / variance, -0.5 / variance], axis=-1)

    def to_numpyro(self, natural: Array) -> Distribution:
        return Independent(NumpyroNormal(*_mean_and_scale(*self._halves(natural))), 1)

    def _halves(self, coordinates: Array) -> tuple[Array, Array]:
        return coordinates[..., : self.size], coordinates[..., self.size :]


class MultivariateNormal(Unweighted):
    """x [size] of mean m and precision P: theta = (P m, -P_ii / 2 and -P_ij for i < j), T(x) = (x, x_i x_j for i <= j).

    The pairs (i, j) go row by row through the upper triangle: size (size + 3) / 2 parameters in all.
    """

    size: int = eqx.field(static=True)

    def log_normaliser(self, natural: Array) -> Array:
        first, precision = self._unpack(natural)
        square = first @ _inverse(precision) @ first
        return 0.5 * square - _half_log_determinant(precision) + self.size * _HALF_LOG_TWO_PI

    def in_domain(self, natural: Array) -> Array:
        return jnp.all(jnp.isfinite(jnp.linalg.cholesky(self._unpack(natural)[1])))

    def sufficient_statistics(self, x: Array) -> Array:
        return self.from_moments(x, jnp.outer(x, x))

    def largest_statistic(self, direction: Array) -> Array:
        first, precision = self._unpack(direction)
        precisions, axes = jnp.linalg.eigh(precision)
        noise = self.size * jnp.finfo(direction.dtype).eps
        first = axes.T @ first
        first = jnp.where(jnp.abs(first) <= noise * jnp.max(jnp.abs(first)), 0.0, first)
        precisions = jnp.where(jnp.abs(precisions) <= noise * jnp.max(jnp.abs(precisions)), 0.0, precisions)
        return jnp.sum(_largest_statistic(first, -0.5 * precisions))

    def standardise(self, p: Array, q: Array) -> tuple[Array, Array, Array]:
        (p_first, p_precision), (q_first, q_precision) = self._unpack(p), self._unpack(q)
        factor = jnp.linalg.cholesky(p_precision)
        whitening = solve_triangular(factor, jnp.eye(self.size, dtype=p.dtype), lower=True)
        half = whitening @ q_precision
        shift = _inverse(q_precision) @ q_first - _inverse(p_precision) @ p_first
        origin = self._coordinates(jnp.zeros(self.size, p.dtype), jnp.eye(self.size, dtype=p.dtype))
        image = self._coordinates(half @ shift, half @ whitening.T)
        return origin, image, -jnp.sum(jnp.log(jnp.diagonal(factor)))

    def natural_from_mean(self, mean: Array) -> Array:
        first, second = self.to_moments(mean)
        precision = _inverse(second - jnp.outer(first, first))
        return self._coordinates(precision @ first, precision)

    def natural_from_numpyro(self, distribution: Any) -> Array:
        precision = distribution.precision_matrix
        first = jnp.einsum("...ij,...j->...i", precision, distribution.loc)
        return self._coordinates(first, jnp.broadcast_to(precision, (*first.shape, self.size)))

    def to_numpyro(self, natural: Array) -> Distribution:
        first, precision = self._unpack(natural)
        return NumpyroMultivariateNormal((_inverse(precision) @ first[..., None])[..., 0], precision_matrix=precision)

    def natural_from_diagonal(self, natural: Array) -> Array:
        """theta of a `DiagonalNormal` of the same size, [2 size]."""
        return self._coordinates(natural[: self.size], jnp.diag(-2 * natural[self.size :]))

    def from_moments(self, first: Array, second: Array) -> Array:
        """[parameter] from first moments [size] and second moments [size, size]."""
        return jnp.concatenate([first, second[self._pairs]])

    def to_moments(self, mean: Array) -> tuple[Array, Array]:
        """First moments [size] and second moments [size, size] from [parameter]."""
        upper = self._upper(mean)
        return mean[: self.size], upper + upper.T - jnp.diag(jnp.diagonal(upper))

    @property
    def _pairs(self) -> tuple[np.ndarray, np.ndarray]:
        return np.triu_indices(self.size)

    def _coordinates(self, first: Array, precision: Array) -> Array:
        """[..., parameter] from P m, [..., size], and P, [..., size, size]."""
        second = -precision * (1.0 - 0.5 * jnp.eye(self.size, dtype=precision.dtype))
        return jnp.concatenate([first, second[..., *self._pairs]], axis=-1)

    def _unpack(self, natural: Array) -> tuple[Array, Array]:
        """P m and P again."""
        upper = self._upper(natural)
        return natural[..., : self.size], -(upper + jnp.swapaxes(upper, -1, -2))

    def _upper(self, coordinates: Array) -> Array:
        """The coordinates of pairs, in an upper triangle [..., size, size]."""
        empty = jnp.zeros((*coordinates.shape[:-1], self.size, self.size), coordinates.dtype)
        return empty.at[..., *self._pairs].set(coordinates[..., self.size :])


def _log_normaliser(first: Array, second: Array) -> Array:
    return -(first**2) / (4 * second) - 0.5 * jnp.log(-2 * second) + _HALF_LOG_TWO_PI


def _natural(mean: Array, variance: Array) -> Array:
    return jnp.stack([mean / variance, -0.5 / variance])


def _mean_and_scale(first: Array, second: Array) -> tuple[Array, Array]:
    variance = -0.5 / second
    return first * variance, jnp.sqrt(variance)


def _standardised(p: Array, q: Array) -> tuple[Array, Array, Array]:
    """Coordinates [2, ...] in units of p, and the log of its scale."""
    (p_mean, p_scale), (q_mean, _) = _mean_and_scale(*p), _mean_and_scale(*q)
    ratio = q[1] / p[1]
    origin = jnp.stack([jnp.zeros_like(ratio), jnp.full_like(ratio, -0.5)])
    return origin, jnp.stack([ratio * (q_mean - p_mean) / p_scale, -0.5 * ratio]), jnp.log(p_scale)


def _largest_statistic(first: Array, second: Array) -> Array:
    """The supremum over x of first x + second x^2."""
    peaked = second < 0
    peak = -(first**2) / (4 * jnp.where(peaked, second, -1.0))
    return jnp.where(peaked, peak, jnp.where((first == 0) & (second == 0), 0.0, jnp.inf))


@jax.custom_jvp
def _inverse(precision: Array) -> Array:
    """P^-1, with derivatives of every order that are products of matrices and compile fast."""
    identity = jnp.broadcast_to(jnp.eye(precision.shape[-1], dtype=precision.dtype), precision.shape)
    return cho_solve((jnp.linalg.cholesky(precision), True), identity)


@_inverse.defjvp
def _inverse_jvp(primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
    inverse = _inverse(*primals)
    return inverse, -inverse @ tangents[0] @ inverse


@jax.custom_jvp
def _half_log_determinant(precision: Array) -> Array:
    return jnp.sum(jnp.log(jnp.diagonal(jnp.linalg.cholesky(precision))))


@_half_log_determinant.defjvp
def _half_log_determinant_jvp(primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
    return _half_log_determinant(*primals), 0.5 * jnp.sum(_inverse(*primals) * tangents[0])
