"""NumPy and IDX files as arrays."""

import gzip
import zlib
from pathlib import Path

import numpy as np

from isthmus.data.dataset import DataError, Dataset, from_array

_LABEL_KEYS = ("y", "label", "labels", "target")
_IDX_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


def read_numpy(path: Path) -> Dataset:
    """An .npy or .npz file: its rows, and its labels where they have a name that says so."""
    arrays = _load_numpy(path)
    rows = ["X"] if "X" in arrays else [key for key, array in arrays.items() if array.ndim >= 2 or len(arrays) == 1]
    if len(rows) != 1:
        raise DataError(
            f"{path} holds {len(arrays)} arrays ({', '.join(arrays)}); expected the rows under X, or a single matrix"
        )
    labels = next((arrays[key] for key in _LABEL_KEYS if key in arrays and arrays[key].ndim == 1), None)
    return from_array(str(path), arrays[rows[0]], labels)


def _load_numpy(path: Path) -> dict[str, np.ndarray]:
    """The arrays of an .npz by name, or the one array of an .npy."""
    try:
        loaded = np.load(path, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            return {"X": loaded}
        with loaded:
            return {key: loaded[key] for key in loaded.files}
    except Exception as error:  # on damaged bytes NumPy, zipfile and the tokeniser raise a dozen kinds between them
        reason = str(error) or type(error).__name__
        raise DataError(
            f"{path} cannot be read as NumPy arrays: {reason}; save plain numbers with numpy.save or numpy.savez"
        ) from None


def read_idx(path: Path) -> Dataset:
    """An IDX file, with the labels of the file beside it where its name says that it holds images."""
    values = _idx_array(path)
    sibling = path.with_name(path.name.replace("images-idx3", "labels-idx1"))
    labels = _idx_array(sibling) if sibling != path and sibling.is_file() else None
    return from_array(str(path), values, labels)


def _idx_array(path: Path) -> np.ndarray:
    """The array of an IDX file (http://yann.lecun.com/exdb/mnist): two zeros, a type, a rank, sizes, values."""
    try:
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} cannot be decompressed: {error}") from None
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] not in _IDX_TYPES or content[3] not in range(1, 4):
        raise DataError(f"{path} is not an IDX file of 1 to 3 dimensions: its first bytes are {content[:4].hex(' ')}")
    shape = tuple(np.frombuffer(content, ">u4", count=min(content[3], (len(content) - 4) // 4), offset=4).tolist())
    start, kind = 4 + 4 * content[3], np.dtype(_IDX_TYPES[content[2]])
    expected = start + int(np.prod(shape, dtype=object)) * kind.itemsize
    if len(shape) != content[3] or len(content) != expected:
        raise DataError(
            f"{path} is cut off or damaged: expected {expected} bytes for shape {shape}, got {len(content)}"
        )
    return np.frombuffer(content, kind, offset=start).reshape(shape).astype(kind.newbyteorder("="))
