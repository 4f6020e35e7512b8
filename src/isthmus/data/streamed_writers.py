"""Results to a file as they come, some rows at a time; the file is whole or absent."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from isthmus.data.formulas import without_formulas
from isthmus.data.outgoing import table_to_arrow
from isthmus.data.table import Table
from isthmus.data.writers import check_output, numbers_of_table
from isthmus.storage import open_atomically

Write = Callable[[np.ndarray | Table], None]
NPY_TYPE = np.dtype(np.float64)


@contextmanager
def open_output(path: Path | str, rows: int, names: tuple[str, ...]) -> Iterator[Write]:
    """What takes the next rows of a .csv, .parquet or .npy file: numbers [row, column] under these names, or a Table.

    rows: how many there will be.  The file takes its place when the block ends; where the block raises there is none.
    DataError for another ending, and for words in an .npy file.
    """
    path = Path(path)
    check_output(path)
    with open_atomically(path) as file:
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


def _array_writer(path: Path, file: BinaryIO, rows: int) -> Write:
    begun = False

    def write(values: np.ndarray | Table) -> None:
        nonlocal begun
        numbers = numbers_of_table(path, values) if isinstance(values, Table) else values
        if not begun:
            header = {"descr": NPY_TYPE.str, "fortran_order": False, "shape": (rows, numbers.shape[1])}
            np.lib.format.write_array_header_1_0(file, header)
            begun = True
        file.write(np.ascontiguousarray(numbers, NPY_TYPE).data)

    return write


def _as_arrow(values: np.ndarray | Table, names: tuple[str, ...]) -> pa.Table:
    if isinstance(values, Table):
        return table_to_arrow(values)
    return pa.table([np.ascontiguousarray(column) for column in values.T], names=list(names))
