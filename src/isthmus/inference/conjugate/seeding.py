"""Where a mixture starts: rows assigned to centres by k-means."""

import jax
import jax.numpy as jnp
from jax import Array

_ROUNDS = 10


def assign(rows: Array, size: int, key: Array) -> Array:
    """One-hot assignments [row, size] of rows [row, column] to centres, columns in units of their scale.

    The centres are drawn by k-means++ (Arthur and Vassilvitskii 2007) and moved by ten rounds of Lloyd's algorithm.
    """
    scale = jnp.std(rows, axis=0)
    rows = rows / jnp.where(scale > 0, scale, 1.0)

    def move(_: int, centres: Array) -> Array:
        members = _nearest(rows, centres)
        counts = jnp.sum(members, axis=0)[:, None]
        return jnp.where(counts > 0, members.T @ rows / jnp.maximum(counts, 1.0), centres)

    return _nearest(rows, jax.lax.fori_loop(0, _ROUNDS, move, _spread(rows, size, key)))


def _spread(rows: Array, size: int, key: Array) -> Array:
    """Centres [size, column]: rows, each drawn in proportion to its squared distance to the nearest before it."""

    def draw(i: Array, state: tuple[Array, Array]) -> tuple[Array, Array]:
        centres, nearest = state
        chosen = rows[jax.random.categorical(jax.random.fold_in(key, i), jnp.log(nearest))]
        return centres.at[i].set(chosen), jnp.minimum(nearest, jnp.sum((rows - chosen) ** 2, axis=1))

    start = jnp.zeros((size, rows.shape[1])), jnp.ones(len(rows))
    first = draw(jnp.asarray(0), (start[0], start[1]))[0]
    distances = jnp.sum((rows - first[0]) ** 2, axis=1)
    return jax.lax.fori_loop(1, size, draw, (first, distances))[0]


def _nearest(rows: Array, centres: Array) -> Array:
    closeness = rows @ centres.T - 0.5 * jnp.sum(centres**2, axis=1)
    return jax.nn.one_hot(jnp.argmax(closeness, axis=1), len(centres), dtype=rows.dtype)
