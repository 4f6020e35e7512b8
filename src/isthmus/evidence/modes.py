"""The modes of the posteriors of many rows, climbed to from draws of the prior, and the curvature at each."""

from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from isthmus.inference.graphical import LogJoint

CLIMBS, STEPS = 32, 50
MOST_MODES = CLIMBS // 4
"""Of a row: where climbs end at more, others are likely to have been reached by none."""
NEGLIGIBLE = 40.0
"""A mode so many nats below the highest holds nothing that a sum in float64 would keep."""
APART = 0.1
"""Modes nearer than this in units of the posterior's own width are one."""
FLATTEST = 1e-4
"""Least curvature that is taken for one, in units of the climbs' starting points; a whitening need not be exact."""

Climbs = tuple[Array, Array, Array, Array, Array]
"""Position, factor, inverse and height of where each climb ended, as in `Modes`, and whether they are finite."""


class Modes(NamedTuple):
    """position [row, mode, size]; factor L with L L^T the inverse of minus the Hessian, and L's inverse
    [row, mode, size, size]; height: log p(x, position), nats; present: whether a row has so many, [row, mode];
    complete: whether a row's climbs ended at no more than are kept, [row]."""

    position: Any
    factor: Any
    inverse: Any
    height: Any
    present: Any
    complete: Any


def find_modes(joint: LogJoint, data: Any, rows: int) -> Modes:
    """The distinct modes of each row, highest first, as many as the row with most of them has, but eight at most.

    data: of so many rows; what holds no arrays is one.
    """
    found = [np.asarray(part) for part in _climb_all(joint, data, rows)]
    distinct = [_distinct(*(part[row] for part in found)) for row in range(rows)]
    chosen = [places[:MOST_MODES] for places in distinct]
    most = max(len(places) for places in chosen)
    places = np.array([row + row[:1] * (most - len(row)) for row in chosen])
    picked = (np.take_along_axis(part, _spread(places, part.ndim), axis=1) for part in found[:4])
    present = np.arange(most) < np.array([[len(row)] for row in chosen])
    complete = np.array([len(row) <= MOST_MODES for row in distinct])
    return Modes(*picked, present=present, complete=complete)


def _distinct(
    position: np.ndarray, factor: np.ndarray, inverse: np.ndarray, height: np.ndarray, sound: np.ndarray
) -> list[int]:
    """Which climbs of a row ended at a mode that no higher one ended at."""
    chosen: list[int] = []
    for place in np.argsort(-np.where(sound, height, -np.inf)):
        near = (np.linalg.norm(inverse[other] @ (position[place] - position[other])) < APART for other in chosen)
        if chosen and (not sound[place] or height[place] < height[chosen[0]] - NEGLIGIBLE or any(near)):
            continue
        chosen.append(int(place))
    return chosen


def _spread(places: np.ndarray, dimensions: int) -> np.ndarray:
    return places.reshape(places.shape + (1,) * (dimensions - 2))


@eqx.filter_jit
def _climb_all(joint: LogJoint, data: Any, rows: int) -> Climbs:
    return eqx.filter_vmap(lambda x: _climb_row(joint, x), axis_size=rows)(data)


def _climb_row(joint: LogJoint, x: Any) -> Climbs:
    def log_density(u):
        return joint.log_density(x, u)

    starts = jax.vmap(lambda key: joint.sample_prior(x, key))(jax.random.split(jax.random.key(0), CLIMBS))
    moments = joint.posterior_moments(x)
    if moments is not None:
        starts = starts.at[0].set(moments[0])
    least = FLATTEST / jnp.maximum(jnp.max(jnp.var(starts, axis=0)), 1e-12)

    def climbed(u):
        u, _ = lax.fori_loop(0, STEPS, lambda _, carried: _climb(log_density, least, carried), (u, 1.0))
        values, vectors = _curvature(log_density, u, least)
        roots, height = jnp.sqrt(values), log_density(u)
        sound = jnp.isfinite(height) & jnp.all(jnp.isfinite(values))
        return (u, vectors / roots, roots[:, None] * vectors.T, height, sound)

    return jax.vmap(climbed)(starts)


def _climb(log_density: Callable[[Array], Array], least: Array, carried: tuple[Array, Any]) -> tuple[Array, Any]:
    """A Newton step on the absolute curvature, taken only uphill; its length shrinks where it failed."""
    u, length = carried
    values, vectors = _curvature(log_density, u, least)
    further = u + length * (vectors @ ((vectors.T @ jax.grad(log_density)(u)) / values))
    taken = log_density(further) >= log_density(u)
    return jnp.where(taken, further, u), jnp.where(taken, jnp.minimum(1.0, 2.0 * length), 0.25 * length)


def _curvature(log_density: Callable[[Array], Array], u: Array, least: Array) -> tuple[Array, Array]:
    """Eigenvalues, in absolute value and no less than `least`, and eigenvectors of minus the Hessian."""
    values, vectors = jnp.linalg.eigh(-jax.hessian(log_density)(u))
    return jnp.maximum(jnp.abs(values), least), vectors
