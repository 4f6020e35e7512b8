"""The bytes of small files of each kind."""

import io
import struct

import numpy as np
import pyarrow as pa
import pyarrow.parquet

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
