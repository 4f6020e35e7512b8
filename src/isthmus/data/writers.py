"""A table to a file, by the ending of its name."""

import io
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from isthmus.data.dataset import DataError
from isthmus.data.formulas import without_formulas
from isthmus.data.outgoing import table_to_arrow
from isthmus.data.table import Table
from isthmus.storage import write_atomically

ENDINGS = (".csv", ".parquet", ".npy")


def write_table(path: Path | str, values: np.ndarray | Table, names: tuple[str, ...] = ()) -> None:
    """Write [row, column] numbers under these names, or a Table, to a .csv, .parquet or .npy file, atomically.

    In a .csv file words and names that a spreadsheet would take for formulas get an apostrophe, with a warning.
    DataError for another ending, and for words in an .npy file.
    """
    path, buffer = Path(path), io.BytesIO()
    check_output(path)
    if path.suffix.lower() == ".npy":
        np.save(buffer, _numbers(path, values) if isinstance(values, Table) else values, allow_pickle=False)
    else:
        table = table_to_arrow(values) if isinstance(values, Table) else pa.table(list(values.T), names=list(names))
        if path.suffix.lower() == ".csv":
            pyarrow.csv.write_csv(without_formulas(table), buffer)
        else:
            pyarrow.parquet.write_table(table, buffer)
    write_atomically(path, buffer.getvalue())


def check_output(path: Path | str, endings: tuple[str, ...] = ENDINGS) -> None:
    """DataError unless the ending is one of these and the directory is there; asked before the work is done."""
    if not Path(path).parent.is_dir():
        raise DataError(f"{path} cannot be written: there is no directory {Path(path).parent}")
    if Path(path).suffix.lower() not in endings:
        raise DataError(f"{path} has an ending that cannot be written; expected one of {', '.join(endings)}")


def _numbers(path: Path, table: Table) -> np.ndarray:
    for column in table.columns:
        if column.categories is not None:
            raise DataError(f"column {column.name!r} holds words, which {path} cannot hold; write .csv or .parquet")
    return np.column_stack([np.where(column.observed, column.values, np.nan) for column in table.columns])
