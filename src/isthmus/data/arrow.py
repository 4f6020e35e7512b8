"""CSV and Parquet files as Arrow tables, in the file's own types."""

from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from isthmus.data.dataset import DataError, anonymous_names

_CSV = pyarrow.csv.ConvertOptions()
_VALUES = frozenset([*_CSV.null_values, *_CSV.true_values, *_CSV.false_values])


def read_csv(path: Path) -> pa.Table:
    """A .csv or .tsv file; its delimiter, and whether it has a header, are seen in the first line.

    An empty field is missing, in columns of words too.
    """
    first = _first_line(path)
    delimiter = max(",;\t", key=first.count)
    headless = all(_is_value(field) for field in first.split(delimiter))
    try:
        table = pyarrow.csv.read_csv(
            path,
            read_options=pyarrow.csv.ReadOptions(autogenerate_column_names=headless),
            parse_options=pyarrow.csv.ParseOptions(delimiter=delimiter),
            convert_options=pyarrow.csv.ConvertOptions(strings_can_be_null=True),
        )
    except pa.ArrowInvalid as error:
        raise DataError(f"{path} cannot be read as a table: {error}; every row needs the same columns") from None
    if any(pa.types.is_binary(column.type) for column in table.columns):
        raise _not_text(path)
    return checked(path, table.rename_columns(anonymous_names(table.num_columns)) if headless else table)


def read_parquet(path: Path) -> pa.Table:
    """A .parquet file."""
    try:
        # Not read_table: it looks columns up by name, and stumbles over a repeated one before it can be named.
        with pyarrow.parquet.ParquetFile(path) as file:
            table = file.read()
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path} cannot be read as Parquet: {error}; write it again, or pass another file") from None
    # What pandas wrote of its index is no column of the data.
    index = [name for name in table.column_names if name.startswith("__index_level_")]
    return checked(path, table.drop_columns(index))


def checked(path: Path, table: pa.Table) -> pa.Table:
    """The table, where it has rows, columns, and a name of its own for each column; else DataError."""
    if table.num_rows == 0 or table.num_columns == 0:
        raise DataError(f"{path} holds {table.num_rows} rows and {table.num_columns} columns; expected rows of numbers")
    repeated = {name for name in table.column_names if table.column_names.count(name) > 1}
    if repeated:
        raise DataError(f"{path} has two columns named {sorted(repeated)[0]!r}; give each column a name of its own")
    return table


def is_number(field: str) -> bool:
    """Whether a field of text reads as a number."""
    try:
        float(field.strip().strip('"'))
    except ValueError:
        return False
    return True


def _is_value(field: str) -> bool:
    return is_number(field) or field in _VALUES


def _first_line(path: Path) -> str:
    try:
        with path.open(encoding="utf-8-sig") as file:
            return file.readline(2**20).rstrip("\r\n")
    except UnicodeDecodeError:
        raise _not_text(path) from None


def _not_text(path: Path) -> DataError:
    return DataError(f"{path} is not UTF-8 text; save it as UTF-8")
