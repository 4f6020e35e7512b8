"""What a batch has to know of all the others before its holes can be filled.

A hole is filled as its column is written: with whole numbers where all that were observed are, with moments as coarse
as those. That is a fact of all rows, and a batch sees a few. A witness is a row with, of each column, the observed
value that is written most finely; beside it, any batch comes to the same conclusion as all rows would.
"""

import numpy as np
import pyarrow as pa

from isthmus.data.moments import grain, is_moment, is_span
from isthmus.data.table import column_from_arrow


def witnesses(table: pa.Table) -> pa.Table:
    """One row with the most finely written observed value of each column; null where a column has none.

    The witnesses of several tables' witnesses are those of the tables together.
    """
    return pa.table({name: _witness(name, table[name]) for name in table.column_names})


def with_witnesses(batch: pa.Table, found: pa.Table) -> pa.Table:
    """The batch with the witnesses as its last row; null in columns that have none."""
    last = {
        field.name: found[field.name].cast(field.type) if field.name in found.column_names else pa.nulls(1, field.type)
        for field in batch.schema
    }
    return pa.concat_tables([batch, pa.table(last, schema=batch.schema)])


def _witness(name: str, chunks: pa.ChunkedArray) -> pa.Array:
    array = chunks.unify_dictionaries().combine_chunks()
    column = column_from_arrow("the rows", name, array)
    rows = np.flatnonzero(column.observed)
    if not len(rows):
        return array.take(pa.array([None], pa.int64()))
    values = column.values[rows]
    if is_moment(array.type) or is_span(array.type):
        place = _finest_moment(values)
    else:
        place = 0 if column.categories is not None else int(np.argmax(values != np.round(values)))
    return array.take(pa.array([rows[place]]))


def _finest_moment(seconds: np.ndarray) -> int:
    """The place of a value with the grain of all: each grain divides every coarser one, so one value has it."""
    size, low, high = grain(seconds), 0, len(seconds)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if grain(seconds[low:middle]) == size else (middle, high)
    return low
