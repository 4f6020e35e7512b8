"""A table of numbers to a file, by the ending of its name."""

import io
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from isthmus.data.dataset import DataError
from isthmus.storage import write_atomically

ENDINGS = (".csv", ".parquet", ".npy")


def write_table(path: Path | str, values: np.ndarray, names: tuple[str, ...]) -> None:
    """Write [row, column] numbers to a .csv, .parquet or .npy file, atomically. DataError for another ending."""
    path, buffer = Path(path), io.BytesIO()
    check_output(path)
    if path.suffix.lower() == ".npy":
        np.save(buffer, values, allow_pickle=False)
    else:
        table = pa.table(list(values.T), names=list(names))
        write = pyarrow.csv.write_csv if path.suffix.lower() == ".csv" else pyarrow.parquet.write_table
        write(table, buffer)
    write_atomically(path, buffer.getvalue())


def check_output(path: Path | str) -> None:
    """DataError unless `write_table` knows the ending and the directory is there; asked before the work is done."""
    if not Path(path).parent.is_dir():
        raise DataError(f"{path} cannot be written: there is no directory {Path(path).parent}")
    if Path(path).suffix.lower() not in ENDINGS:
        raise DataError(f"{path} has an ending that cannot be written; expected one of {', '.join(ENDINGS)}")
