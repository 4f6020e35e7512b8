"""Results to a file, all at once or as they come, by the ending of its name; the file is whole or absent."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from isthmus.data.dataset import DataError
from isthmus.data.formulas import without_formulas
from isthmus.data.outgoing import table_to_arrow
from isthmus.data.table import Table
from isthmus.storage import open_atomically

ENDINGS = (".csv", ".parquet", ".npy")
Write = Callable[[np.ndarray | Table], None]


def write_table(path: Path | str, values: np.ndarray | Table, names: tuple[str, ...] = ()) -> None:
    """Write [row, column] numbers under these names, or a Table, to a .csv, .parquet or .npy file, atomically.

    Raises what `open_output` raises.
    """
    with open_output(path, _rows(values), names) as write:
        write(values)


@contextmanager
def open_output(path: Path | str, rows: int, names: tuple[str, ...]) -> Iterator[Write]:
    """What takes the next rows of a .csv, .parquet or .npy file: numbers [row, column] under these names, or a Table.

    rows: how many there will be; DataError where there were others.  The file takes its place when the block ends;
    where the block raises there is none. In a .csv file words and names that a spreadsheet would take for formulas get
    an apostrophe, with a warning. DataError for another ending, and for words in an .npy file.
    """
    path, written = Path(path), 0
    check_output(path)

    def counted(values: np.ndarray | Table) -> None:
        nonlocal written
        write(values)
        written += _rows(values)

    with open_atomically(path) as file:
        with _writer(path, file, rows, names) as write:
            yield counted
        if written != rows:
            raise DataError(
                f"{path} was to hold {rows} rows and got {written}: what they were read from changed meanwhile; start "
                "again"
            )


@contextmanager
def _writer(path: Path, file: BinaryIO, rows: int, names: tuple[str, ...]) -> Iterator[Write]:
    if path.suffix.lower() == ".npy":
        yield _array_writer(path, file, rows)
        return
    with arrow_output(path, file) as write:
        yield lambda values: write(_as_arrow(values, names))


@contextmanager
def arrow_output(path: Path, file: BinaryIO) -> Iterator[Callable[[pa.Table], None]]:
    """What takes the next Arrow tables of a .csv or .parquet file; the first says what the columns are.

    In a .csv file words and names that a spreadsheet would take for formulas get an apostrophe, with a warning.
    """
    writers: list[Any] = []

    def write(table: pa.Table) -> None:
        csv = path.suffix.lower() == ".csv"
        table = without_formulas(table) if csv else table
        if not writers:
            writer = pyarrow.csv.CSVWriter if csv else pyarrow.parquet.ParquetWriter
            writers.append(writer(file, table.schema))
        writers[0].write_table(table)

    try:
        yield write
    finally:
        for writer in writers:
            writer.close()


def check_output(path: Path | str, endings: tuple[str, ...] = ENDINGS) -> None:
    """DataError unless the ending is one of these and the directory is there; asked before the work is done."""
    if not Path(path).parent.is_dir():
        raise DataError(f"{path} cannot be written: there is no directory {Path(path).parent}")
    if Path(path).suffix.lower() not in endings:
        raise DataError(f"{path} has an ending that cannot be written; expected one of {', '.join(endings)}")


def _array_writer(path: Path, file: BinaryIO, rows: int) -> Write:
    kind: np.dtype | None = None

    def write(values: np.ndarray | Table) -> None:
        nonlocal kind
        numbers = _numbers(path, values) if isinstance(values, Table) else values
        if kind is None:
            kind = numbers.dtype
            header = {
                "descr": np.lib.format.dtype_to_descr(kind),
                "fortran_order": False,
                "shape": (rows, *numbers.shape[1:]),
            }
            np.lib.format.write_array_header_1_0(file, header)
        file.write(np.ascontiguousarray(numbers, kind).data)

    return write


def _numbers(path: Path, table: Table) -> np.ndarray:
    """A table as [row, column] numbers, NaN in holes; DataError for words."""
    for column in table.columns:
        if column.categories is not None:
            raise DataError(f"column {column.name!r} holds words, which {path} cannot hold; write .csv or .parquet")
    return np.column_stack([np.where(column.observed, column.values, np.nan) for column in table.columns])


def _as_arrow(values: np.ndarray | Table, names: tuple[str, ...]) -> pa.Table:
    if isinstance(values, Table):
        return table_to_arrow(values)
    return pa.table([np.ascontiguousarray(column) for column in values.T], names=list(names))


def _rows(values: np.ndarray | Table) -> int:
    return values.row_count if isinstance(values, Table) else len(values)
