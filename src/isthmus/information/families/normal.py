"""Normal families: of one variable, of many with a diagonal covariance, of many with a full one."""

import math
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
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
        whitening = _whitening(precision)
        whitened = whitening @ first
        return 0.5 * whitened @ whitened + jnp.sum(jnp.log(jnp.diagonal(whitening))) + self.size * _HALF_LOG_TWO_PI

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
        whitening = _whitening(p_precision)
        half = whitening @ q_precision
        shift = _inverse(q_precision) @ q_first - _inverse(p_precision) @ p_first
        origin = self._coordinates(jnp.zeros(self.size, p.dtype), jnp.eye(self.size, dtype=p.dtype))
        image = self._coordinates(half @ shift, half @ whitening.T)
        return origin, image, jnp.sum(jnp.log(jnp.diagonal(whitening)))

    def natural_from_mean(self, mean: Array) -> Array:
        first, second = self.to_moments(mean)
        precision = _inverse(second - jnp.outer(first, first))
        return self._coordinates(precision @ first, precision)

    def natural_from_numpyro(self, distribution: Any) -> Array:
        unscaling = _triangular_inverse(floating(distribution.scale_tril))
        precision = jnp.swapaxes(unscaling, -1, -2) @ unscaling
        first = jnp.einsum("...ij,...j->...i", precision, distribution.loc)
        return self._coordinates(first, jnp.broadcast_to(precision, (*first.shape, self.size)))

    def to_numpyro(self, natural: Array) -> Distribution:
        first, precision = self._unpack(natural)
        covariance = _inverse(precision)
        return NumpyroMultivariateNormal((covariance @ first[..., None])[..., 0], covariance)

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


def _inverse(precision: Array) -> Array:
    whitening = _whitening(precision)
    return jnp.swapaxes(whitening, -1, -2) @ whitening


@jax.custom_jvp
def _whitening(precision: Array) -> Array:
    """The lower-triangular W with W P W^T = I, [..., size, size]; its derivatives of every order are products."""
    return _triangular_inverse(jnp.linalg.cholesky(precision))


@_whitening.defjvp
def _whitening_jvp(primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
    """dW = -lower(W dP W^T) W, where lower keeps half of the diagonal and nothing above it."""
    whitening = _whitening(*primals)
    change = whitening @ tangents[0] @ jnp.swapaxes(whitening, -1, -2)
    lower = jnp.tril(change) * (1 - 0.5 * jnp.eye(change.shape[-1], dtype=change.dtype))
    return whitening, -lower @ whitening


@jax.custom_jvp
def _triangular_inverse(factor: Array) -> Array:
    """The inverse of a lower-triangular matrix, [..., size, size], by forward substitution.

    jaxlib 0.10's own solver can wait for itself forever where two large batches meet on a CPU.
    """
    size = factor.shape[-1]
    identity = jnp.eye(size, dtype=factor.dtype)

    def add_row(i: Array, inverse: Array) -> Array:
        row = factor[..., i, None, :] @ inverse
        return inverse.at[..., i, :].set((identity[i] - row[..., 0, :]) / factor[..., i, i, None])

    return jax.lax.fori_loop(0, size, add_row, jnp.zeros_like(factor))


@_triangular_inverse.defjvp
def _triangular_inverse_jvp(primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
    inverse = _triangular_inverse(*primals)
    return inverse, -inverse @ tangents[0] @ inverse
