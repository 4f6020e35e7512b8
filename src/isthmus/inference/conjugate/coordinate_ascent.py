"""Coordinate ascent: every group of variables to its optimum in turn, until the ELBO rises no more."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from isthmus.inference.conjugate.model import Parameters, VariationalModel, count_rows
from isthmus.inference.conjugate.result import ConjugateFit, warn_unless_converged


def coordinate_ascent(
    model: VariationalModel,
    rows: Any,
    *,
    parameters: Parameters = None,
    starts: int | None = None,
    tolerance: float = 1e-5,
    max_iterations: int = 1000,
    seed: int = 0,
) -> ConjugateFit:
    """q at a local maximum of the ELBO, the best of several starts, in float64.

    rows: as the model takes them, arrays [row, ...]. parameters: where to start, once, instead of the model's own
    seeded starts. starts: how many, as many as the model asks for (`model.starts`) where None. tolerance: the rise
    of the ELBO, in nats a row, at which an ascent ends.

    Returns a ConjugateFit whose bounds never fall. Warns (UserWarning) where the best ascent reached max_iterations;
    raises ValueError for rows that are empty, of several lengths, not finite or outside the model's support, for
    numbers out of range, and where no start ends at a finite ELBO. Bishop 2006, Pattern recognition and machine
    learning, chapter 10.
    """
    starts = (1 if parameters is not None else model.starts) if starts is None else starts
    if starts < 1 or max_iterations < 2 or not tolerance >= 0:
        raise ValueError(
            f"starts {starts}, max_iterations {max_iterations} and tolerance {tolerance}; expected at least 1, 2 and 0"
        )
    rows = as_rows(model, rows)
    with jax.enable_x64(True):
        rise = jnp.asarray(tolerance * count_rows(rows))
        fits = [_ascent(model, rows, parameters, rise, max_iterations, seed, start) for start in range(starts)]
    return warn_unless_converged(_best(fits), f"max_iterations={max_iterations}", tolerance)


def as_rows(model: VariationalModel, rows: Any) -> Any:
    """Rows in float64, each array [row, ...]; ValueError where one is not finite, or none of the model's."""
    rows = jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), rows)
    if not all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(rows)):
        raise ValueError("rows hold values that are not finite; leave out the rows that do")
    count_rows(rows)
    model.check_rows(rows)
    return rows


def _best(fits: list[ConjugateFit]) -> ConjugateFit:
    finite = [fit for fit in fits if np.isfinite(fit.bound)]
    if not finite:
        raise ValueError(
            f"the ELBO is {fits[0].bound} after each of {len(fits)} starts; expected a finite one: bring the rows to "
            "scales near 1, or make the prior less extreme"
        )
    return max(finite, key=lambda fit: fit.bound)


def start_at(model: VariationalModel, rows: Any, parameters: Parameters, seed: int, start: int) -> Parameters:
    """The given parameters, or the model's own start of this number."""
    if parameters is not None:
        return jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float64), parameters)
    return _initialise(model, rows, jax.random.fold_in(jax.random.key(seed), start))


def _ascent(
    model: VariationalModel, rows: Any, parameters: Parameters, rise: Array, most: int, seed: int, start: int
) -> ConjugateFit:
    first = start_at(model, rows, parameters, seed, start)
    found, local, bounds, count, gain = _climb(model, first, rows, rise, most)
    found, local = jax.tree.map(np.asarray, (found, local))
    return ConjugateFit(found, local, np.asarray(bounds)[: int(count)], bool(gain <= rise))


@eqx.filter_jit
def _initialise(model: VariationalModel, rows: Any, key: Array) -> Parameters:
    return model.initialise(rows, key)


@eqx.filter_jit
def _climb(model: VariationalModel, parameters: Parameters, rows: Any, rise: Array, most: int) -> tuple:
    """The last parameters whose ELBO is known, their local state, the ELBOs, how many, and the last rise."""

    def sweep(state: tuple) -> tuple:
        following, _, local, bounds, count, _ = state
        swept = model.sweep(following, rows, local)
        gain = swept.bound - jnp.where(count > 0, bounds[count - 1], -jnp.inf)
        return swept.parameters, following, swept.local, bounds.at[count].set(swept.bound), count + 1, gain

    def rising(state: tuple) -> Array:
        return (state[-2] < most) & (state[-1] > rise)

    local = model.initial_local(rows)
    start = (parameters, parameters, local, jnp.zeros(most), jnp.asarray(0), jnp.asarray(jnp.inf))
    return jax.lax.while_loop(rising, sweep, start)[1:]
