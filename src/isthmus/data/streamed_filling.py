"""Parquet parts with only their holes changed, some rows at a time."""

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa

from isthmus.data.dataset import DataError
from isthmus.data.parquet_parts import ParquetParts
from isthmus.data.row_streams import RowSource
from isthmus.data.table import Table, table_from_arrow
from isthmus.data.typed_values import Writing, columns_by_name, with_holes_filled
from isthmus.data.writers import arrow_output, check_output
from isthmus.storage import open_atomically


def fill_stream(source: RowSource, output: Path, fill: Callable[[Table], Table]) -> tuple[int, int]:
    """Write the rows of Parquet parts to one .parquet file, their holes filled by what `fill` makes of some rows.

    All else is as it was, but for the index of pandas, which is left out. Values are written as those observed are,
    for which the parts are read once more. Returns (holes, holes that are left); DataError for other sources.
    """
    check_output(output, (".parquet",))
    parts = source.rows_of
    if not isinstance(parts, ParquetParts):
        raise DataError(f"{source.source} cannot be filled as a stream; expected Parquet, or pass --no-stream")
    writings = [Writing() for _ in parts.names]
    for chunk in parts.chunks(source.chunk_rows):
        writings = [writing.with_more(column) for writing, column in zip(writings, chunk.columns, strict=True)]
    holes = left = 0
    with open_atomically(output) as file, arrow_output(output, file) as write:
        for rows in parts.arrow_chunks(source.chunk_rows):
            seen = table_from_arrow(parts.name, rows)
            filled = fill(seen)
            holes += _holes(seen)
            left += _holes(filled)
            write(_filled(rows, seen, filled, writings))
    return holes, left


def _filled(rows: pa.Table, seen: Table, filled: Table, writings: list[Writing]) -> pa.Table:
    by_name = columns_by_name(seen.source, seen, filled)
    arrays = [
        with_holes_filled(array.combine_chunks(), column, by_name[column.name], writing)
        if column.name in by_name
        else array
        for array, column, writing in zip(rows.columns, seen.columns, writings, strict=True)
    ]
    return pa.table(arrays, schema=rows.schema)


def _holes(table: Table) -> int:
    return sum(int((~column.observed).sum()) for column in table.columns)
