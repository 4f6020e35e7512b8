"""Rows by name, in memory or as a stream: whichever their size asks for."""

from pathlib import Path
from typing import Any

import numpy as np

from isthmus.data.array_rows import ArrayRows, map_array
from isthmus.data.dataset import DataError, Dataset
from isthmus.data.directories import open_directory, read_source
from isthmus.data.parquet_parts import ParquetParts
from isthmus.data.readers import read_rows
from isthmus.data.row_streams import RowReader, RowSource
from isthmus.data.table import Table

MOST_BYTES = 2**30
"""Rows that take more than this in memory are streamed."""


def open_rows(source: str, stream: bool | None = None) -> Dataset | Table | RowSource:
    """The rows of a bundled set, a file, a directory of Parquet parts or a folder of images.

    stream: True for a stream, False for rows in memory; None reads into memory what takes at most 1 GiB there. Bundled
    sets, CSV, IDX and .npz files are never streamed.
    Raises what `read_rows` raises, and DataError for a stream of what cannot be streamed.
    """
    path = Path(source)
    if source and path.is_dir():
        found = open_directory(path)
        return RowSource(found) if _is_streamed(found, stream) else read_source(found)
    found = _open_file(path) if stream else _looked_at(path) if stream is None else None
    return RowSource(found) if found is not None and _is_streamed(found, stream) else read_rows(source)


def as_stream(X: Any) -> RowSource | None:
    """The stream that X is, or that a memory map larger than 1 GiB stands for; None for rows in memory."""
    if isinstance(X, RowSource):
        return X
    if isinstance(X, np.memmap) and X.nbytes > MOST_BYTES and X.ndim == 2:
        return RowSource(ArrayRows("X", X))
    return None


def _is_streamed(source: RowReader, stream: bool | None) -> bool:
    return source.decoded_bytes > MOST_BYTES if stream is None else stream


def _looked_at(path: Path) -> RowReader | None:
    """The source in a file, where there is one; the reader of whole files says what is wrong with any other."""
    try:
        return _open_file(path)
    except (DataError, FileNotFoundError):
        return None


def _open_file(path: Path) -> RowReader:
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist; expected a file or a directory to stream rows from")
    if path.suffix.lower() == ".parquet":
        return ParquetParts(str(path), [path])
    if path.suffix.lower() == ".npy":
        return ArrayRows(str(path), map_array(path))
    raise DataError(f"{path} cannot be streamed; expected .parquet, .npy, or a directory of parts or images")
