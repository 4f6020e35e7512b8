"""What a fit makes of its rows: a matrix under one likelihood, or a table in which each column has its own."""

from typing import Any

import numpy as np

from isthmus.data import DataError, Dataset, Table, inspect_columns
from isthmus.estimators.configuration import VAEConfiguration
from isthmus.estimators.matrix_rows import Assemble, MatrixRows
from isthmus.estimators.rows import has_holes, holds_numbers_only, matrix_of, training_rows
from isthmus.estimators.table_rows import TableRows, as_table, is_named
from isthmus.models import Observation, choose_likelihood

FEWEST_ROWS = 2


def inspect_rows(
    estimator: Any, X: Any, configuration: VAEConfiguration
) -> tuple[MatrixRows | TableRows, Assemble, np.ndarray | Observation]:
    """(how rows come to the model, what assembles an untrained model, the rows in the model's units).

    Sets `n_features_in_` and `feature_names_in_`. Raises ValueError for rows that cannot be used.
    """
    table = as_table(X) if is_named(X) and not isinstance(X, Dataset) else None
    if not _takes_columns(X, table, configuration):
        values, names = training_rows(estimator, matrix_of(X) if isinstance(X, Table) else X)
        matrix, assemble = MatrixRows.inspect(values, names, configuration)
        return matrix, assemble, matrix.standardisation.apply(values)
    table = as_table(X) if table is None else table
    if table.row_count < FEWEST_ROWS:
        raise DataError(f"n_samples={table.row_count} row of data; expected at least {FEWEST_ROWS} rows to fit to")
    rows, assemble = TableRows.inspect(table, configuration.columns, frame=hasattr(X, "columns") and X is not table)
    estimator.n_features_in_ = len(table.columns)
    if is_named(X) and not isinstance(X, Dataset):
        estimator.feature_names_in_ = np.array(rows.given, dtype=object)
    elif hasattr(estimator, "feature_names_in_"):
        del estimator.feature_names_in_
    return rows, assemble, Observation(*rows.schema.encode(table))


def _takes_columns(X: Any, table: Table | None, configuration: VAEConfiguration) -> bool:
    """Whether each column gets a likelihood of its own.

    Asked for by `columns` or likelihood="columns"; else chosen for holes, and for whatever brings names unless it is
    numbers of one kind: zeros and ones, or integers up to one maximum, such as pixels.
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
    values = holds_numbers_only(table)
    if values is None or len(values) < FEWEST_ROWS or (values == values[0]).all():
        return True
    names = tuple(column.name for column in table.columns)
    return choose_likelihood(inspect_columns(values, names)).kind == "normal"
