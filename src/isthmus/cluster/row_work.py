"""What a worker makes of a batch of rows: an Arrow table in, an Arrow table out.

No row's result depends on the others of its batch, so that batches can be cut anywhere.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from isthmus.cluster.witnesses import with_witnesses
from isthmus.data import Table
from isthmus.data.table import column_from_arrow, table_from_arrow
from isthmus.data.typed_values import columns_by_name, with_holes_filled
from isthmus.estimators.scoring import scored_columns

Work = Callable[[Any, pa.Table], pa.Table]
"""From a fitted estimator and a batch to what is written of the batch."""


class Worker:
    """An actor's callable: it holds the estimator, so that batches share its compiled functions."""

    def __init__(self, estimator: Any, work: Work):
        self._estimator, self._work = estimator, work

    def __call__(self, batch: pa.Table) -> pa.Table:
        return self._work(self._estimator, batch)


@dataclass(frozen=True)
class Scoring:
    """The score of each row, its p-value where there are calibration rows, and what each column contributes.

    known: the columns that the model reads.  kept: those that are written beside the scores.
    false_positive_rate: call rows anomalies at this rate, or None.
    """

    known: tuple[str, ...]
    kept: tuple[str, ...]
    false_positive_rate: float | None = None

    def __call__(self, estimator: Any, batch: pa.Table) -> pa.Table:
        rows = _read_by_model(batch, self.known)
        found = scored_columns(estimator, rows, self.false_positive_rate)
        return _beside(batch, self.kept, found)


@dataclass(frozen=True)
class Embedding:
    """The latent of each row.  known, kept: as of `Scoring`."""

    known: tuple[str, ...]
    kept: tuple[str, ...]

    def __call__(self, estimator: Any, batch: pa.Table) -> pa.Table:
        latents = estimator.transform(_read_by_model(batch, self.known))
        names = map(str, estimator.get_feature_names_out())
        return _beside(batch, self.kept, {name: latents[:, i] for i, name in enumerate(names)})


@dataclass(frozen=True)
class Imputing:
    """The batch with only its holes changed.  witnesses: a row that says how the values of all batches are written."""

    known: tuple[str, ...]
    witnesses: pa.Table

    def __call__(self, estimator: Any, batch: pa.Table) -> pa.Table:
        whole = with_witnesses(batch, self.witnesses)
        arrays = {name: whole[name].unify_dictionaries().combine_chunks() for name in self.known}
        seen = Table("a batch", tuple(column_from_arrow("a batch", name, array) for name, array in arrays.items()))
        filled = columns_by_name("a batch", seen, estimator.impute(seen))
        for column in seen.columns:
            place = whole.column_names.index(column.name)
            array = with_holes_filled(arrays[column.name], column, filled[column.name])
            whole = whole.set_column(place, whole.schema.field(place), array)
        return whole.slice(0, batch.num_rows)


def _read_by_model(batch: pa.Table, known: tuple[str, ...]) -> Table:
    return table_from_arrow("a batch", batch.select(list(known)))


def _beside(batch: pa.Table, kept: tuple[str, ...], found: dict[str, np.ndarray]) -> pa.Table:
    columns = {name: batch[name] for name in kept} | {name: pa.array(values) for name, values in found.items()}
    return pa.table(columns)
