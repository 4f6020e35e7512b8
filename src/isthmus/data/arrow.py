"""Parquet files as Arrow tables, and what every table of a file must have.

Words are read as numbers of a dictionary: a long word takes room once, however often a file repeats it, which costs a
file nothing. `spelled_out` undoes it where there is room.
"""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet

from isthmus.data.dataset import DataError, require_distinct
from isthmus.data.room import require_columns, require_room
from isthmus.data.table import is_text

READ_BYTES = 2**20
"""A column is read from the file so many bytes at once."""
CODED = pa.dictionary(pa.int32(), pa.string())
UNREADABLE = (pa.ArrowException, OSError, UnicodeDecodeError)
"""What Arrow raises on damaged bytes."""


def open_parquet(path: Path) -> pyarrow.parquet.ParquetFile:
    """A .parquet file whose words are read as numbers. DataError for more columns than a table takes."""
    return _opened(path, [field.name for field in parquet_schema(path) if is_text(field.type)])


def parquet_schema(path: Path) -> pa.Schema:
    """The columns of a file in the types that it says they have; DataError where they are too many."""
    with _opened(path, []) as file:
        require_columns(path, file.metadata.num_columns)
        return file.schema_arrow


def read_whole_parquet(path: Path) -> pa.Table:
    """A .parquet file, the index of pandas included. DataError where it is more than memory takes."""
    try:
        schema = parquet_schema(path)
        # Not read_table: it looks columns up by name, and stumbles over a repeated one before it can be named.
        with open_parquet(path) as file:
            # A column that repeats one value takes no room on disk, whatever its length.
            require_room(path, 8 * file.metadata.num_rows * file.metadata.num_columns)
            table = file.read()
        # Arrow trusts what it reads, down to places of words beyond the end of all words.
        table.validate(full=True)
        require_distinct(path, table.column_names)
        return spelled_out(path, table, schema)
    except UNREADABLE as error:
        raise DataError(f"{path} cannot be read as Parquet: {error}; write it again, or pass another file") from None


def spelled_out(source: object, table: pa.Table, schema: pa.Schema) -> pa.Table:
    """The table in the types of a schema, its words as words. DataError where these are more than memory takes."""
    coded = [
        column
        for field, column in zip(schema, table.columns, strict=True)
        if is_text(field.type) and pa.types.is_dictionary(column.type)
    ]
    compute: Any = pyarrow.compute  # its functions are made when it is imported
    lengths = [
        compute.sum(compute.binary_length(chunk.dictionary).take(chunk.indices)).as_py() or 0
        for column in coded
        for chunk in column.chunks
    ]
    require_room(source, sum(lengths))
    return table.cast(schema)


def checked(path: Path, table: pa.Table) -> pa.Table:
    """The table, where it has rows and columns; else DataError."""
    if table.num_rows == 0 or table.num_columns == 0:
        raise DataError(f"{path} holds {table.num_rows} rows and {table.num_columns} columns; expected rows of numbers")
    return table


def _opened(path: Path, coded: list[str]) -> pyarrow.parquet.ParquetFile:
    return pyarrow.parquet.ParquetFile(path, buffer_size=READ_BYTES, pre_buffer=False, read_dictionary=coded)
