"""Rows by name, in memory or as a stream: whichever their size asks for."""

from pathlib import Path
from typing import Any

import numpy as np

from isthmus.data.array_rows import ArrayRows, map_array
from isthmus.data.bundled import bundled_names
from isthmus.data.dataset import DataError, Dataset
from isthmus.data.directories import open_directory
from isthmus.data.parquet_parts import ParquetParts
from isthmus.data.readers import read_rows
from isthmus.data.row_streams import BYTES_PER_VALUE, RowReader, RowSource
from isthmus.data.table import Table

MOST_BYTES = 2**30
"""Rows that take more than this in memory are streamed."""


def open_rows(source: str, stream: bool | None = None) -> Dataset | Table | RowSource:
    """The rows of a bundled set, a file, a directory of Parquet parts or a folder of images.

    stream: True for a stream, False for rows in memory; None reads into memory what takes at most 1 GiB there. Bundled
    sets, CSV, IDX and .npz files are never streamed.
    Raises what `read_rows` raises, and DataError for a stream of what cannot be streamed.
    """
    found = open_stream(source, stream)
    return read_rows(source) if found is None else found


def open_stream(source: str, stream: bool | None = None) -> RowSource | None:
    """The stream that `open_rows` gives; None where that reads the rows into memory."""
    # An empty name is no name of the directory that the process happens to be in.
    if not source or stream is False or (source in bundled_names() and not stream):
        return None
    path = Path(source)
    found = _open(path) if stream or path.is_dir() else _looked_at(path)
    return RowSource(found) if found is not None and (stream or found.decoded_bytes > MOST_BYTES) else None


def as_stream(X: Any) -> RowSource | None:
    """The stream that X is, or that a memory map stands for whose rows would take more than 1 GiB in memory; None for
    rows in memory."""
    if isinstance(X, RowSource):
        return X
    if isinstance(X, np.memmap) and X.ndim == 2 and X.size * BYTES_PER_VALUE > MOST_BYTES:
        return RowSource(ArrayRows("X", X))
    return None


def _looked_at(path: Path) -> RowReader | None:
    """The source in a file, where there is one; the reader of whole files says what is wrong with any other."""
    try:
        return _open(path)
    except (DataError, FileNotFoundError):
        return None


def _open(path: Path) -> RowReader:
    if path.is_dir():
        return open_directory(path)
    if path.name in bundled_names():
        raise DataError(f"{path} ships with isthmus and is small: it cannot be streamed; leave out --stream")
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist; expected a file or a directory to stream rows from")
    if path.suffix.lower() == ".parquet":
        return ParquetParts(str(path), [path])
    if path.suffix.lower() == ".npy":
        return ArrayRows(str(path), map_array(path))
    raise DataError(f"{path} cannot be streamed; expected .parquet, .npy, or a directory of parts or images")
