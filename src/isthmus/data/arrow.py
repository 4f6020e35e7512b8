"""Parquet files as Arrow tables, and what every table of a file must have."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet

from isthmus.data.dataset import DataError, require_distinct
from isthmus.data.room import require_columns, require_room


def read_parquet(path: Path) -> pa.Table:
    """A .parquet file, without what pandas wrote of its index, which is no column of the data."""
    table = read_whole_parquet(path)
    return table.drop_columns([name for name in table.column_names if name.startswith("__index_level_")])


def read_whole_parquet(path: Path) -> pa.Table:
    """A .parquet file, the index of pandas included."""
    try:
        # Not read_table: it looks columns up by name, and stumbles over a repeated one before it can be named.
        with pyarrow.parquet.ParquetFile(path) as file:
            require_columns(path, file.metadata.num_columns)
            # A column that repeats one value takes no room on disk, whatever its length.
            require_room(path, 8 * file.metadata.num_rows * file.metadata.num_columns)
            table = file.read()
        # Arrow trusts what it reads, down to places of words beyond the end of all words.
        table.validate(full=True)
        names = table.column_names
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read as Parquet: {error}; write it again, or pass another file") from None
    require_distinct(path, names)
    return table


def checked(path: Path, table: pa.Table) -> pa.Table:
    """The table, where it has rows and columns; else DataError."""
    if table.num_rows == 0 or table.num_columns == 0:
        raise DataError(f"{path} holds {table.num_rows} rows and {table.num_columns} columns; expected rows of numbers")
    return table
