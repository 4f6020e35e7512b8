"""What a fit makes of its rows: a matrix under one likelihood, or a table in which each column has its own."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from isthmus.data import DataError, Table, inspect_columns
from isthmus.estimators.anomalies import MOST_CALIBRATION_ROWS
from isthmus.estimators.configuration import NetworkConfiguration
from isthmus.estimators.matrix_rows import MatrixRows
from isthmus.estimators.rows import has_holes, holds_numbers_only, holds_whole_numbers_only, matrix_of, training_rows
from isthmus.estimators.splits import CALIBRATION_STREAM, split_indices
from isthmus.estimators.table_rows import TableRows, as_table, brings_names
from isthmus.fitting import StreamedRows
from isthmus.models import Ends, Observation, choose_likelihood

FEWEST_ROWS = 2
FEWEST_PIXELS = 64
"""A frame or a file of so many columns of whole numbers on one scale is taken for pixels."""


FEWEST_TO_TELL_KINDS = 20
"""In fewer rows of numbers than this it cannot be told what is counted, graded or measured."""


@dataclass(frozen=True)
class Inspected:
    """What a fit needs of its rows.

    rows: how rows come to the model and back.  ends: of a model for them.  training: the rows to train on, in the
    model's units; calibration: those set aside for p-values and intervals, of which nothing was learned, not
    even a mean or a category; None without them.  stream: all rows to train on where they stay on disk; training is
    then the sample of them by which the columns were inspected.  held_out: the rows for early stopping that were set
    aside from the stream.
    """

    rows: MatrixRows | TableRows
    ends: Ends
    training: np.ndarray | Observation
    calibration: np.ndarray | Observation | None
    stream: StreamedRows | None = None
    held_out: np.ndarray | Observation | None = None


def inspect_rows(estimator: Any, X: Any, configuration: NetworkConfiguration) -> Inspected:
    """Look at the rows of a fit. Sets `n_features_in_` and `feature_names_in_`; ValueError for rows without use."""
    table = as_table(X) if brings_names(X) else None
    if not _takes_columns(X, table, configuration):
        return _inspect_matrix(estimator, matrix_of(X) if isinstance(X, Table) else X, configuration)
    table = as_table(X) if table is None else table
    if table.row_count < FEWEST_ROWS:
        raise DataError(f"n_samples={table.row_count} row of data; expected at least {FEWEST_ROWS} rows to fit to")
    if all(column.constant for column in table.columns) and any(column.observed.any() for column in table.columns):
        raise DataError(f"all {len(table.columns)} columns are constant; expected at least one that varies")
    kept, aside = _calibration_split(table.row_count, configuration)
    seen = table if aside is None else table.rows(kept)
    rows, ends = TableRows.inspect(seen, configuration.columns, frame=hasattr(X, "columns") and X is not table)
    estimator.n_features_in_ = len(table.columns)
    if brings_names(X):
        estimator.feature_names_in_ = np.array(rows.given, dtype=object)
    elif hasattr(estimator, "feature_names_in_"):
        del estimator.feature_names_in_
    training = Observation(*rows.schema.encode(seen))
    calibration = None if aside is None else Observation(*rows.schema.encode(table.rows(aside)))
    return Inspected(rows, ends, training, calibration)


def _inspect_matrix(estimator: Any, X: Any, configuration: NetworkConfiguration) -> Inspected:
    values, names = training_rows(estimator, X)
    kept, aside = _calibration_split(len(values), configuration)
    seen = values if aside is None else values[kept]
    rows, ends = MatrixRows.inspect(seen, names, configuration)
    calibration = None if aside is None else rows.standardisation.apply(values[aside])
    return Inspected(rows, ends, rows.standardisation.apply(seen), calibration)


def _calibration_split(count: int, configuration: NetworkConfiguration) -> tuple[np.ndarray, np.ndarray | None]:
    share = min(configuration.calibration_fraction, MOST_CALIBRATION_ROWS / count)
    return split_indices(count, share, configuration.random_state, CALIBRATION_STREAM)


def _takes_columns(X: Any, table: Table | None, configuration: NetworkConfiguration) -> bool:
    """Whether each column gets a likelihood of its own.

    Asked for by `columns` or likelihood="columns"; else chosen for holes, and for whatever brings names unless it is
    64 columns or more of zeros and ones, or of whole numbers up to one maximum (pixels), or fewer than 20 rows of
    numbers.
    """
    if configuration.columns is not None and configuration.likelihood not in ("auto", "columns"):
        raise ValueError(
            f"columns= gives columns likelihoods of their own, and likelihood={configuration.likelihood!r} gives them "
            "one in common; pass one of the two"
        )
    if configuration.columns is not None or configuration.likelihood == "columns":
        return True
    if configuration.likelihood != "auto" or configuration.maximum is not None or configuration.scale != "per_feature":
        return False
    if table is None:
        return has_holes(X)
    if table.row_count < FEWEST_TO_TELL_KINDS:
        return not holds_numbers_only(table)
    if len(table.columns) < FEWEST_PIXELS:
        return True
    values = holds_whole_numbers_only(table)
    if values is None or len(values) < FEWEST_ROWS or (values == values[0]).all():
        return True
    names = tuple(column.name for column in table.columns)
    return choose_likelihood(inspect_columns(values, names)).kind == "normal"
