"""The manifolds that families of distributions form: the line, the hyperbolic half-plane, the sphere, normals.

Distances are smooth where p and q meet: the derivative of a squared distance is 0 there, and the second is twice the
metric.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp
from jax import Array
from jax.lax.linalg import triangular_solve

Coordinate = Callable[[Any], Array]


class Manifold(NamedTuple):
    """Coordinates of a distribution, and what is measured in them, batched; None where there is no closed form.

    squared_distance: of two points.  squared_speed: of a velocity at a point.
    """

    coordinates: Callable[[Any], Any]
    squared_distance: Callable[[Any, Any], Array] | None
    squared_speed: Callable[[Any, Any], Array] | None


def line(coordinate: Coordinate, scale: Callable[[Any], Any] = lambda _: 1.0) -> Manifold:
    """One parameter, with a coordinate in which the metric is scale^2, the same for all members."""
    return Manifold(lambda p: (jnp.asarray(coordinate(p)), scale(p)), _linear_distance, _linear_speed)


def _linear_distance(p: tuple[Array, Any], q: tuple[Array, Any]) -> Array:
    return jnp.square(p[1] * (p[0] - q[0]))


def _linear_speed(point: tuple[Array, Any], velocity: tuple[Array, Any]) -> Array:
    return jnp.square(point[1] * velocity[0])


def half_plane(location: Coordinate, scale: Coordinate, metric: Callable[[Any], tuple[Any, Any, Any]]) -> Manifold:
    """A location m and a scale s, with (a, c, b) of the metric (a dm^2 + 2 c dm ds + b ds^2) / s^2."""

    def coordinates(p: Any) -> tuple[Array, Array, tuple[Any, Any, Any]]:
        return jnp.asarray(location(p)), jnp.asarray(scale(p)), metric(p)

    return Manifold(coordinates, _hyperbolic_distance, _hyperbolic_speed)


def _hyperbolic_distance(p: tuple[Array, Array, Any], q: tuple[Array, Array, Any]) -> Array:
    (a, c, b), rise = p[2], p[1] - q[1]
    # Completing the square gives a (dm + c / a ds)^2 + k ds^2, the half-plane again, in a sheared location.
    k, across = b - c**2 / a, p[0] - q[0] + c / a * rise
    return 4 * k * squared_arcsinh((a / k * jnp.square(across) + jnp.square(rise)) / (4 * p[1] * q[1]))


def _hyperbolic_speed(point: tuple[Array, Array, Any], velocity: tuple[Array, Array, Any]) -> Array:
    (a, c, b), (across, rise, _) = point[2], velocity
    return (a * across**2 + 2 * c * across * rise + b * rise**2) / point[1] ** 2


def sphere(amplitudes: Coordinate, trials: Callable[[Any], Any] = lambda _: 1) -> Manifold:
    """Roots of the probabilities of cells, [..., cell], seen `trials` times: a sphere of radius 2 sqrt(trials)."""

    def coordinates(p: Any) -> tuple[Array, Array]:
        roots = amplitudes(p)
        return roots, jnp.asarray(trials(p), roots.dtype)

    return Manifold(coordinates, _spherical_distance, _spherical_speed)


def _spherical_distance(p: tuple[Array, Array], q: tuple[Array, Array]) -> Array:
    if p[0].shape[-1] != q[0].shape[-1]:
        raise ValueError(f"p has {p[0].shape[-1]} cells and q has {q[0].shape[-1]}; expected as many")
    squared_chord = jnp.sum(jnp.square(p[0] - q[0]), axis=-1)
    return -16 * p[1] * squared_arcsinh(-squared_chord / 4)


def _spherical_speed(point: tuple[Array, Array], velocity: tuple[Array, Array]) -> Array:
    return 4 * point[1] * jnp.sum(jnp.square(velocity[0]), axis=-1)


def _whitened(scale_tril: Array, matrix: Array) -> Array:
    scale_tril = jnp.broadcast_to(scale_tril, (*matrix.shape[:-2], *scale_tril.shape[-2:]))
    return triangular_solve(scale_tril, matrix, left_side=True, lower=True)


def _normal_speed(point: tuple[Array, Array], velocity: tuple[Array, Array]) -> Array:
    """dm . P dm + tr (P dS)^2 / 2 for mean m, covariance S and precision P (Skovgaard 1984)."""
    across, change = _whitened(point[1], velocity[0][..., None]), _whitened(point[1], velocity[1])
    turn = change + jnp.matrix_transpose(change)
    return jnp.sum(jnp.square(across), axis=(-2, -1)) + 0.5 * jnp.sum(jnp.square(turn), axis=(-2, -1))


def _distance_of_one_mean(p: Array, q: Array) -> Array:
    """Half the squared logarithms of the covariances' generalised eigenvalues."""
    whitened = _whitened(*jnp.broadcast_arrays(p, q))
    eigenvalues = jnp.linalg.eigvalsh(whitened @ jnp.matrix_transpose(whitened))
    return 0.5 * jnp.sum(jnp.square(jnp.log(eigenvalues)), axis=-1)


def _mahalanobis(p: tuple[Array, Array], q: tuple[Array, Array]) -> Array:
    return jnp.sum(jnp.square(_whitened(p[1], (p[0] - q[0])[..., None])), axis=(-2, -1))


MULTIVARIATE_NORMAL = Manifold(lambda p: (p.loc, p.scale_tril), None, _normal_speed)
NORMALS_OF_ONE_MEAN = Manifold(lambda p: p.scale_tril, _distance_of_one_mean, None)
NORMALS_OF_ONE_COVARIANCE = Manifold(lambda p: (p.loc, p.scale_tril), _mahalanobis, None)


def root(x: Array) -> Array:
    """sqrt(x), with derivative 0 at 0, where it is infinite."""
    positive = x > 0
    return jnp.where(positive, jnp.sqrt(jnp.where(positive, x, 1.0)), 0.0)


_ARCSINH_SERIES = [-0.5 * (-4.0) ** n / (n**2 * math.comb(2 * n, n)) for n in range(9, 0, -1)] + [0.0]


def squared_arcsinh(y: Array) -> Array:
    """arcsinh(sqrt y)^2, analytic at 0; for y from -1 to 0 it is -arcsin(sqrt -y)^2."""
    near = jnp.abs(y) < 0.01
    series = jnp.polyval(jnp.asarray(_ARCSINH_SERIES, jnp.result_type(y)), jnp.where(near, y, 0.0))
    above = jnp.square(jnp.arcsinh(jnp.sqrt(jnp.where(near | (y < 0), 1.0, y))))
    below = -jnp.square(jnp.arcsin(jnp.sqrt(jnp.where(near | (y > 0), 0.5, -y))))
    return jnp.where(near, series, jnp.where(y > 0, above, below))
