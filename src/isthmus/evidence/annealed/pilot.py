"""The pilot run: short annealings of a few rows, from which a schedule is learnt that later runs keep as it is."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from isthmus.evidence.annealed.path import Path, PathState
from isthmus.evidence.annealed.schedule import Schedule, initial_schedule
from isthmus.evidence.annealed.transitions import move
from isthmus.inference.graphical import Problem

ROWS, COPIES, TEMPERATURES = 64, 256, 100
GAINS = (1.0, 0.5, 0.25)
"""One pass of the pilot each: how far a step size follows the acceptance it met (Robbins and Monro 1951)."""
TARGET_ACCEPTANCE = 0.65
"""Of Hamiltonian moves in many dimensions (Beskos, Pillai, Roberts, Sanz-Serna and Stuart 2013)."""
STREAM = 20
NEGLIGIBLE = 1e-30


def tune_schedule(problem: Problem, path: Path, temperatures: int, leapfrogs: int, key: Array) -> Schedule:
    """The schedule of a pilot run on up to 64 of the rows, with random numbers of its own."""
    data, rows = _some_rows(problem)
    chains = max(4, COPIES // rows)
    schedule = initial_schedule(path.start, TEMPERATURES, problem.joint.size)
    with problem.precision():
        for number, gain in enumerate(GAINS):
            keys = problem.keys(data, key, STREAM + number)
            betas, steps = jnp.asarray(schedule.betas, float), jnp.asarray(schedule.step_sizes, float)
            found = _run(path, data, betas, steps, jnp.asarray(gain, float), keys, leapfrogs, chains)
            variances, step_sizes = (np.asarray(part, np.float64) for part in found)
            schedule = Schedule(schedule.betas, step_sizes).respaced(variances)
    return schedule.with_temperatures(temperatures)


def _some_rows(problem: Problem) -> tuple[Any, int]:
    """Rows spread over the data, as many as the next power of two up to 64, some of them twice."""
    count = min(ROWS, 1 << (problem.rows - 1).bit_length())
    places = np.linspace(0, problem.rows - 1, count).round().astype(int)
    chosen = jax.tree.map(lambda leaf: leaf[places] if eqx.is_array(leaf) else leaf, problem.data)
    return chosen, count


@eqx.filter_jit
def _run(
    path: Path, data: Any, betas: Array, step_sizes: Array, gain: Array, keys: Array, leapfrogs: int, chains: int
) -> tuple[Array, Array]:
    """(variance of the contrast at each beta, mean over rows; step sizes, each moved towards the target)."""
    paths, states, keys = _start(path, data, keys, chains)

    def step(carried, inputs):
        states, drift = carried
        t, beta, step_size = inputs
        step_size = step_size * jnp.exp(drift)

        def of_row(of_datum, states, keys):
            def of_chain(state, key):
                return move(of_datum, state, beta, step_size, jax.random.fold_in(key, t), leapfrogs)

            return jax.vmap(of_chain)(states, keys)

        states, acceptance = eqx.filter_vmap(of_row)(paths, states, keys)
        shift = gain * (jnp.mean(acceptance) - TARGET_ACCEPTANCE)
        return (states, drift + shift), (_variance(states.contrast), step_size * jnp.exp(shift))

    inputs = (jnp.arange(1, len(betas)), betas[1:], step_sizes[1:])
    _, (variances, tuned) = lax.scan(step, (states, jnp.zeros_like(gain)), inputs)
    first = _variance(states.contrast)
    return jnp.concatenate([first[None], variances]), jnp.concatenate([tuned[:1], tuned])


def _start(path: Path, data: Any, keys: Array, chains: int) -> tuple[Any, PathState, Array]:
    """(each row's path, states [row, chain], keys [row, chain])."""

    def of_row(x, key):
        of_datum = path.at(x)
        keys = jax.random.split(key, chains)
        states = jax.vmap(lambda key: PathState.at(of_datum, of_datum.sample_start(key)))(keys)
        return of_datum, states, keys

    return eqx.filter_vmap(of_row)(data, keys)


def _variance(contrasts: Array) -> Array:
    """Over the chains of each row, mean over rows, of the contrasts [row, chain] that are finite."""
    finite = jnp.isfinite(contrasts)
    count = jnp.maximum(jnp.sum(finite, axis=1, keepdims=True), 1)
    means = jnp.sum(jnp.where(finite, contrasts, 0.0), axis=1, keepdims=True) / count
    squares = jnp.sum(jnp.where(finite, (contrasts - means) ** 2, 0.0), axis=1) / jnp.maximum(count[:, 0] - 1, 1)
    return jnp.maximum(jnp.mean(squares), NEGLIGIBLE)
