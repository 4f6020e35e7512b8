"""What the observed part of a row says of the rest: p(x | x_observed), by importance sampling from q(z | x_observed).

p(x | x_observed) is the mean of p(x | z) over p(z | x_observed), and draws of q(z | x_observed) weighted by
p(x_observed, z) / q(z | x_observed) stand for that posterior (Mattei and Frellsen 2019, MIWAE). Draws are made and used
in blocks, so that memory does not grow with their number; a row's noise follows from its own content, as for scores.
"""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from isthmus.inference.importance import DRAWS_AT_ONCE, content_key
from isthmus.information.precision import in_float32
from isthmus.models import ProbabilisticModel
from isthmus.models.rows import chunk_size, chunks, row_count

Statistic = Callable[[Any], Any]
"""From a distribution p(x | z) to a pytree of arrays; a module-level function, or it is compiled anew."""


@in_float32
def conditional_mean(
    model: ProbabilisticModel,
    rows: Any,
    statistic: Statistic,
    draws: int,
    seed: int = 0,
    *,
    finish: Callable[[Any], Any] | None = None,
) -> Any:
    """E[statistic(p(x | z))] over p(z | x_observed) of each row, a pytree of arrays [row, ...], float64.

    rows: arrays [row, ...] (a pytree), in the model's units.  draws: of z a row, rounded up to whole blocks.
    finish: what to keep of the means of a chunk of rows, where the means themselves would take too much memory.
    """
    key = jax.random.key(seed, impl="threefry2x32")
    at_once = _block(draws)
    parts = []
    for chunk in chunks(rows, chunk_size(rows, copies=at_once)):
        largest, total, weighted = np.array(-np.inf), 0.0, None
        for first in range(0, draws, at_once):
            top, mass, sums = _to_float64(_weighted_sums(model, chunk, statistic, jnp.int32(first), at_once, key))
            # Weights are kept relative to the largest so far.
            ceiling = np.maximum(largest, top)
            before, now = np.exp(largest - ceiling), np.exp(top - ceiling)
            total = total * before + mass * now
            weighted = _scaled(sums, now) if weighted is None else _combined(weighted, before, sums, now)
            largest = ceiling
        means = _scaled(weighted, np.asarray(1.0 / total))
        parts.append(means if finish is None else finish(means))
    count = row_count(rows)
    return jax.tree.map(lambda *arrays: np.concatenate(arrays)[:count], *parts)


@in_float32
def sample_conditional(model: ProbabilisticModel, rows: Any, n: int, draws: int, seed: int = 0) -> Any:
    """`n` draws of each row from p(x | x_observed), arrays [row, n, ...], by sampling-importance-resampling.

    A draw of z is chosen with probability proportional to its weight, and x is drawn from p(x | z): Gumbel noise on the
    log-weights makes the choice, so that blocks of draws can follow one another (Rubin 1987). Equal rows have draws of
    their own: each is told apart by how many equal ones stand before it.
    """
    key = jax.random.key(seed, impl="threefry2x32")
    at_once = _block(draws)
    parts = []
    numbered = (rows, _occurrences(rows))
    for chunk, occurrence in chunks(numbered, chunk_size(rows, copies=max(at_once, n))):
        best, chosen = None, None
        for first in range(0, draws, at_once):
            priority, sampled = jax.device_get(_resampled(model, chunk, occurrence, n, jnp.int32(first), at_once, key))
            if best is None:
                best, chosen = priority, sampled
            else:
                better = priority > best
                best = np.where(better, priority, best)
                chosen = jax.tree.map(lambda new, old, b=better: np.where(_like(b, new), new, old), sampled, chosen)
        parts.append(chosen)
    count = row_count(rows)
    return jax.tree.map(lambda *arrays: np.concatenate(arrays)[:count], *parts)


def _draws(model: ProbabilisticModel, row: Any, first: Array, at_once: int, key: Array) -> tuple[Any, Array, Array]:
    """(latents, log-weights) at `at_once` draws, and the key for what follows."""
    draw_key, next_key = jax.random.split(content_key(key, row, first))
    latents = jax.vmap(model.posterior(row).sample)(jax.random.split(draw_key, at_once))
    return latents, jax.vmap(lambda z: model.log_weight(row, z))(latents), next_key


@eqx.filter_jit
def _weighted_sums(
    model: ProbabilisticModel, chunk: Any, statistic: Statistic, first: Array, at_once: int, key: Array
) -> tuple[Array, Array, Any]:
    def of_row(row):
        latents, log_weights, _ = _draws(model, row, first, at_once, key)
        top = jnp.max(log_weights)
        weights = jnp.exp(log_weights - top)
        statistics = jax.vmap(lambda z: statistic(model.likelihood(z)))(latents)
        return top, jnp.sum(weights), jax.tree.map(lambda s: jnp.tensordot(weights, s, axes=1), statistics)

    return jax.vmap(of_row)(chunk)


@eqx.filter_jit
def _resampled(
    model: ProbabilisticModel, chunk: Any, occurrence: Array, n: int, first: Array, at_once: int, key: Array
) -> tuple[Array, Any]:
    def of_row(row, occurrence):
        latents, log_weights, next_key = _draws(model, row, first, at_once, jax.random.fold_in(key, occurrence))
        noise_key, sample_key = jax.random.split(next_key)
        priorities = log_weights + jax.random.gumbel(noise_key, (n, at_once))
        winners = jax.tree.map(lambda z: z[jnp.argmax(priorities, axis=1)], latents)
        keys = jax.random.split(sample_key, n)
        return jnp.max(priorities, axis=1), jax.vmap(lambda z, k: model.likelihood(z).sample(k))(winners, keys)

    return jax.vmap(of_row)(chunk, occurrence)


def _occurrences(rows: Any) -> np.ndarray:
    """How many equal rows stand before each row, [row]."""
    leaves = [np.ascontiguousarray(np.asarray(leaf).reshape(row_count(rows), -1)) for leaf in jax.tree.leaves(rows)]
    content = np.concatenate([leaf.view(np.uint8).reshape(len(leaf), -1) for leaf in leaves], axis=1)
    _, group = np.unique(content, axis=0, return_inverse=True)
    order = np.argsort(group.ravel(), kind="stable")
    ordered = group.ravel()[order]
    starts = np.searchsorted(ordered, ordered, side="left")
    occurrences = np.empty(len(order), np.int32)
    occurrences[order] = np.arange(len(order)) - starts
    return occurrences


def _block(draws: int) -> int:
    if draws < 1:
        raise ValueError(f"draws is {draws}; expected at least 1")
    return min(1 << (draws - 1).bit_length(), DRAWS_AT_ONCE)


def _to_float64(tree: Any) -> Any:
    return jax.tree.map(lambda array: np.asarray(array, np.float64), tree)


def _combined(old: Any, before: np.ndarray, new: Any, now: np.ndarray) -> Any:
    return jax.tree.map(lambda a, b: a * _like(before, a) + b * _like(now, b), old, new)


def _scaled(tree: Any, factor: np.ndarray) -> Any:
    return jax.tree.map(lambda array: array * _like(factor, array), tree)


def _like(weights: np.ndarray, array: np.ndarray) -> np.ndarray:
    """Weights [row, ...] with axes of length 1 after them, so that they meet an array of more axes."""
    return np.reshape(weights, weights.shape + (1,) * (array.ndim - weights.ndim))
