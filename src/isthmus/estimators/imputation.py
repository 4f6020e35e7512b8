"""From the observed part of a row to the rest: imputation, and columns given others."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from isthmus.inference import conditional_mean, sample_conditional
from isthmus.models import Observation, Product, VariationalAutoencoder
from isthmus.models.rows import map_rows

IMPUTATION_DRAWS = 1024
INTERVAL_DRAWS = 200


def impute_values(model: VariationalAutoencoder, rows: Observation) -> np.ndarray:
    """The rows with each hole filled by its conditional mean, or its likeliest level, [row, column]."""

    def values_of(holed: Observation) -> np.ndarray:
        finish = partial(_values_of, model)
        return conditional_mean(model, holed, _expectation, IMPUTATION_DRAWS, finish=finish)

    return _with_holes_filled(model, rows, values_of)


def impute_samples(model: VariationalAutoencoder, rows: Observation, n: int, seed: int) -> list[np.ndarray]:
    """`n` versions of the rows, [row, column] each, with each hole filled by a draw from p(x | x_observed)."""

    def drawn(holed: Observation) -> np.ndarray:
        return sample_conditional(model, holed, n, max(IMPUTATION_DRAWS, 4 * n), seed).values

    return list(np.moveaxis(_with_holes_filled(model, rows, drawn, versions=n), 1, 0))


def _with_holes_filled(
    model: VariationalAutoencoder, rows: Observation, fill: Callable[[Observation], np.ndarray], versions: int = 0
) -> np.ndarray:
    """The rows, [row, column] or [row, version, column], with what `fill` makes of the holes of those that have any."""
    values, observed = np.asarray(rows.values), np.asarray(rows.observed)
    filled = np.repeat(values[:, None], versions, axis=1) if versions else values.copy()
    holed = np.flatnonzero(~observed.all(1))
    if len(holed):
        seen = Observation(values[holed], observed[holed])
        mask = observed[holed][:, None] if versions else observed[holed]
        filled[holed] = np.where(mask, filled[holed], fill(believed(model, seen)))
    return filled


def believed(model: VariationalAutoencoder, rows: Observation) -> Observation:
    """The rows without the observed values that are impossible under the model: nothing follows from them."""
    possible = map_rows(_possible, model.family, rows)
    return Observation(np.where(possible, rows.values, 0.0).astype(np.float32), np.asarray(rows.observed) & possible)


@dataclass(frozen=True)
class Conditional:
    """p(x_column | x_others) of one column at each row.

    mean: [row], the mean or the likeliest level.  lower, upper: [row], quantiles; None where values are told apart.
    probabilities: [row, level]; None where values are measured or counted.
    """

    mean: np.ndarray
    lower: np.ndarray | None
    upper: np.ndarray | None
    probabilities: np.ndarray | None


def conditional_columns(
    model: VariationalAutoencoder, rows: Observation, columns: list[int], coverage: float
) -> dict[int, Conditional]:
    """Some columns of each row given all that is observed in the others; the columns' own values are not looked at."""
    hidden = believed(model, hide_columns(rows, columns))
    averages = conditional_mean(model, hidden, _expectation, IMPUTATION_DRAWS)
    means = _values_of(model, averages)
    drawn: Observation = sample_conditional(model, hidden, INTERVAL_DRAWS, IMPUTATION_DRAWS)
    tail = 0.5 * (1.0 - coverage)
    found = {}
    for column in columns:
        probabilities = _probabilities(model, averages, column)
        if probabilities is None:
            lower, upper = np.quantile(drawn.values[:, :, column], [tail, 1.0 - tail], axis=1)
            found[column] = Conditional(means[:, column], lower, upper, None)
        else:
            found[column] = Conditional(means[:, column], None, None, probabilities)
    return found


def hide_columns(rows: Observation, columns: list[int]) -> Observation:
    """The rows as if these columns had not been observed."""
    values, observed = np.array(rows.values), np.array(rows.observed)
    values[:, columns], observed[:, columns] = 0.0, False
    return Observation(values, observed)


def _possible(family: Any, row: Observation) -> jax.Array:
    return family(family.initial_outputs()).log_probs(row) > -jnp.inf


def _expectation(distribution: Product) -> tuple[jax.Array, ...]:
    return distribution.expectation


def _values_of(model: VariationalAutoencoder, averages: Any) -> np.ndarray:
    return map_rows(_from_expectation, model.family, jax.tree.map(lambda a: a.astype(np.float32), averages))


def _from_expectation(family: Any, averages: Any) -> jax.Array:
    return family(family.initial_outputs()).from_expectation(averages)


def _probabilities(model: VariationalAutoencoder, averages: tuple[np.ndarray, ...], column: int) -> np.ndarray | None:
    family: Any = model.family
    for group, places, average in zip(family.groups, family.places, averages, strict=True):
        if column in places and group.told_apart:
            return average[:, places.index(column)]
    return None
