"""From the observed part of a row to the rest: imputation, and prediction of any columns from any others."""

from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from sklearn.base import clone

from isthmus.estimators.table_rows import as_table
from isthmus.inference import conditional_mean, sample_conditional
from isthmus.models import Observation, Product, VariationalAutoencoder
from isthmus.models.rows import map_rows

IMPUTATION_DRAWS = 1024
INTERVAL_DRAWS = 200
BOOTSTRAP_STREAM = 5


def impute_values(model: VariationalAutoencoder, rows: Observation) -> np.ndarray:
    """The rows with each hole filled by its conditional mean, or its likeliest level, [row, column]."""
    averages = conditional_mean(model, rows, _expectation, IMPUTATION_DRAWS)
    return _filled(rows, _values_of(model, averages))


def impute_samples(model: VariationalAutoencoder, rows: Observation, n: int, seed: int) -> np.ndarray:
    """`n` versions of the rows with each hole filled by a draw from p(x | x_observed), [n, row, column]."""
    drawn: Observation = sample_conditional(model, rows, n, max(IMPUTATION_DRAWS, 4 * n), seed)
    return np.stack([_filled(rows, drawn.values[:, i]) for i in range(n)])


def proper_imputations(estimator: Any, X: Any, n: int, seed: int) -> list[Any]:
    """`n` versions of X, each by a model of its own, fitted to rows of X drawn with replacement: so the versions differ
    by what is unknown of the parameters too (Rubin 1987)."""
    table = as_table(X, estimator._fitted.rows.given)
    generator = np.random.default_rng([BOOTSTRAP_STREAM, seed])
    versions = []
    for i in range(n):
        rows = generator.integers(table.row_count, size=table.row_count)
        refitted: Any = clone(estimator)
        refitted.set_params(random_state=(seed + i) % 2**32).fit(table.rows(rows))
        versions += refitted.impute(X, 1, random_state=seed + i)
    return versions


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
    hidden = hide_columns(rows, columns)
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


def _filled(rows: Observation, values: Any) -> np.ndarray:
    return np.where(np.asarray(rows.observed), np.asarray(rows.values), values)


def _expectation(distribution: Product) -> tuple[jax.Array, ...]:
    return distribution.expectation


def _values_of(model: VariationalAutoencoder, averages: Any) -> np.ndarray:
    return map_rows(_from_expectation, model.family, jax.tree.map(lambda a: a.astype(np.float32), averages))


def _from_expectation(family: Any, averages: Any) -> jax.Array:
    return family(family.initial_outputs()).from_expectation(averages)


def _probabilities(model: VariationalAutoencoder, averages: tuple[np.ndarray, ...], column: int) -> np.ndarray | None:
    family: Any = model.family
    for places, average in zip(family.places, averages, strict=True):
        if column in places and average.shape[-1] > 1:
            return average[:, places.index(column)]
    return None
