"""Files and bundled sets, read by the ending of their names: as numbers, or as tables of mixed columns."""

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa

from isthmus.data.arrays import read_idx, read_numpy
from isthmus.data.arrow import checked
from isthmus.data.bundled import bundled_names, load_bundled
from isthmus.data.csv_files import read_csv
from isthmus.data.dataset import DataError, Dataset
from isthmus.data.directories import open_directory, read_source
from isthmus.data.parquet_parts import read_parquet
from isthmus.data.table import Table, table_from_arrow, table_from_dataset

_TABLES: dict[str, Callable[[Path], pa.Table | Table]] = {
    ".csv": read_csv,
    ".tsv": read_csv,
    ".parquet": read_parquet,
}
_ARRAYS: dict[str, Callable[[Path], Dataset]] = {
    ".npy": read_numpy,
    ".npz": read_numpy,
    "-ubyte": read_idx,
    "-ubyte.gz": read_idx,
    ".idx": read_idx,
}


def read_rows(source: str) -> Dataset | Table:
    """Read a bundled data set by its name, a .csv, .tsv, .parquet, .npy, .npz or IDX (.gz) file, a directory of Parquet
    parts or a folder of images, as a fit takes it: arrays, images and bundled sets as a Dataset; CSV and Parquet files
    as a Table, words, dates and holes included.

    A .npz holds its rows under `X` or as its only array of two or more dimensions, and labels under `y` or `label`.
    Raises DataError with the file, what was expected and what to do; FileNotFoundError where there is no such file.
    """
    found = _read(source)
    return table_from_arrow(source, found) if isinstance(found, pa.Table) else found


def read_table(source: str) -> Table:
    """Read what `read_rows` reads, always as a table. Raises what `read_rows` raises."""
    found = read_rows(source)
    return table_from_dataset(found) if isinstance(found, Dataset) else found


def stem(source: str) -> str:
    """The name of a source without its directories and its known ending."""
    name = Path(source).name
    known = next((ending for ending in (*_TABLES, *_ARRAYS) if name.lower().endswith(ending)), "")
    return name.removesuffix(name[len(name) - len(known) :]).strip(".") or "run"


def _read(source: str) -> Dataset | Table | pa.Table:
    if source in bundled_names():
        return load_bundled(source)
    path = Path(source)
    if source and path.is_dir():
        return read_source(open_directory(path))
    if not path.is_file():
        raise FileNotFoundError(f"{source} does not exist; expected a file, or one of {', '.join(bundled_names())}")
    if path.stat().st_size == 0:
        raise DataError(f"{source} is empty; expected rows of numbers")
    found = _reader(path)(path)
    return found if isinstance(found, Dataset | Table) else checked(path, found)


def _reader(path: Path) -> Callable[[Path], Dataset | Table | pa.Table]:
    readers = {**_TABLES, **_ARRAYS}
    for ending, reader in readers.items():
        if path.name.lower().endswith(ending):
            return reader
    if "-idx" in path.name or ".idx" in path.name:
        return read_idx
    raise DataError(f"{path} has an ending that is not known; expected {', '.join(readers)} or an IDX file")
