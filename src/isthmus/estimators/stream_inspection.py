"""What a fit makes of a stream: columns inspected by a sample, then all rows encoded once, in a temporary file."""

import math
import warnings
from dataclasses import replace
from typing import Any

import numpy as np

from isthmus.data import DataError, RowSource, RowStore, as_stream, choose_numbers, sample_rows
from isthmus.data.column_schema import UNSEEN
from isthmus.data.row_streams import most_aside
from isthmus.estimators.anomalies import MOST_CALIBRATION_ROWS
from isthmus.estimators.configuration import NetworkConfiguration
from isthmus.estimators.inspection import Inspected, inspect_rows
from isthmus.estimators.matrix_rows import MatrixRows
from isthmus.estimators.splits import CALIBRATION_STREAM, HELD_OUT_STREAM, MOST_HELD_OUT
from isthmus.estimators.table_rows import TableRows
from isthmus.fitting import StreamedRows
from isthmus.models import Observation


def inspect(estimator: Any, X: Any, configuration: NetworkConfiguration) -> Inspected:
    """Look at the rows of a fit, in memory or in a stream. Raises what `inspect_rows` raises."""
    stream = as_stream(X)
    if stream is None:
        return inspect_rows(estimator, X, configuration)
    seed = configuration.random_state
    aside = _set_aside(stream, configuration.calibration_fraction, MOST_CALIBRATION_ROWS, CALIBRATION_STREAM, seed)
    kept = stream.without(aside)
    without_calibration = configuration.model_copy(update={"calibration_fraction": 0.0})
    seen = inspect_rows(estimator, sample_rows(kept, seed), without_calibration)
    held_out = _set_aside(kept, configuration.validation_fraction, MOST_HELD_OUT, HELD_OUT_STREAM, seed)
    store = store_rows(estimator, kept.without(held_out), seen.rows)
    return replace(
        seen,
        calibration=_encoded(estimator, stream, aside, seen.rows),
        stream=StreamedRows(store, seed, isinstance(seen.training, Observation)),
        held_out=_encoded(estimator, kept, held_out, seen.rows),
    )


def store_rows(estimator: Any, stream: RowSource, rows: MatrixRows | TableRows) -> RowStore:
    """All rows of a stream, encoded. Levels that the inspected sample did not show become holes, with one warning."""
    store, unseen = RowStore(rows.column_count, stream.row_count), np.zeros(rows.column_count, np.int64)
    for chunk in stream.chunks():
        with warnings.catch_warnings():
            # What was to be told was told of the sample, and of unseen levels there is one warning for all chunks.
            warnings.simplefilter("ignore", UserWarning)
            encoded = rows.encode(estimator, chunk)
        if isinstance(encoded, Observation):
            values, observed = np.asarray(encoded.values), np.asarray(encoded.observed)
            strange = observed & (values == UNSEEN) & _has_levels(rows)
            unseen += strange.sum(0)
            store.append(values, observed & ~strange)
        else:
            store.append(encoded)
    if store.row_count != stream.row_count:
        raise DataError(
            f"{stream.source} had {stream.row_count} rows to fit to when it was opened and has {store.row_count} now; "
            "start again"
        )
    store.seal()
    _warn_of_unseen(rows.names, unseen)
    return store


def _set_aside(stream: RowSource, share: float, most: int, split: int, seed: int) -> np.ndarray:
    count = min(math.ceil(share * stream.row_count), most_aside(most, len(stream.names)))
    return choose_numbers(stream.row_count, count, split, seed) if count < stream.row_count else np.zeros(0, np.int64)


def _encoded(estimator: Any, stream: RowSource, numbers: np.ndarray, rows: MatrixRows | TableRows) -> Any:
    return rows.encode(estimator, stream.take(numbers)) if len(numbers) else None


def _has_levels(rows: MatrixRows | TableRows) -> np.ndarray:
    assert isinstance(rows, TableRows)
    return np.array([column.levels is not None for column in rows.schema.columns])


def _warn_of_unseen(names: tuple[str, ...], unseen: np.ndarray) -> None:
    if unseen.any():
        named = ", ".join(f"{unseen[i]} of {names[i]!r}" for i in np.flatnonzero(unseen)[:5])
        warnings.warn(
            f"{int(unseen.sum())} values ({named}) are none that the rows showed by which the columns were inspected: "
            "the fit takes them for holes",
            UserWarning,
            stacklevel=6,
        )
