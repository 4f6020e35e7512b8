"""The bytes of small files of each kind, and the numbers in what they are read as."""

import io
import struct

import numpy as np
import pyarrow as pa
import pyarrow.parquet

from isthmus.data import Dataset

IDX_CODES = {"u1": 0x08, "i1": 0x09, "i2": 0x0B, "i4": 0x0C, "f4": 0x0D, "f8": 0x0E}


def npy(array, allow_pickle=False):
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=allow_pickle)
    return buffer.getvalue()


def npz(compressed=False, **arrays):
    buffer = io.BytesIO()
    (np.savez_compressed if compressed else np.savez)(buffer, **arrays)
    return buffer.getvalue()


def parquet(columns, names=None):
    """From {name: values}, or from a list of Arrow arrays and their names."""
    buffer = io.BytesIO()
    pyarrow.parquet.write_table(pa.table(columns, names=names), buffer)
    return buffer.getvalue()


def idx(array):
    header = struct.pack(">HBB", 0, IDX_CODES[array.dtype.str[1:]], array.ndim)
    sizes = struct.pack(f">{array.ndim}I", *array.shape)
    return header + sizes + array.astype(array.dtype.newbyteorder(">")).tobytes()


def numbers(found):
    """[row, column] of what was read, NaN in the holes of a table; the numbers of categories where it holds words."""
    if isinstance(found, Dataset):
        return found.values
    return np.column_stack([np.where(column.observed, column.values, np.nan) for column in found.columns])


def names(found):
    """The names of the columns of what was read."""
    return found.names if isinstance(found, Dataset) else tuple(column.name for column in found.columns)
