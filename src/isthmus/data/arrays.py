"""NumPy and IDX files as arrays."""

import gzip
import math
import zipfile
import zlib
from pathlib import Path
from typing import IO

import numpy as np

from isthmus.data.dataset import DataError, Dataset, from_array
from isthmus.data.room import require_room

_PIECE = 2**20
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
        _require_announced(path)
        loaded = np.load(path, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            return {"X": loaded}
        with loaded:
            found = {key: loaded[key] for key in loaded.files}
            return {key: array for key, array in found.items() if isinstance(array, np.ndarray)}
    except DataError:
        raise
    except Exception as error:  # on damaged bytes NumPy, zipfile and the tokeniser raise a dozen kinds between them
        reason = str(error) or type(error).__name__
        raise DataError(
            f"{path} cannot be read as NumPy arrays: {reason}; save plain numbers with numpy.save or numpy.savez"
        ) from None


def _require_announced(path: Path) -> None:
    """DataError where sizes that a header announces are not those of what follows, or beyond memory.

    NumPy makes room for what is announced before it looks whether it is there.
    """
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            require_room(path, sum(member.file_size for member in archive.infolist()))
            for member in archive.infolist():
                with archive.open(member) as file:
                    require_length(file, member.file_size)
        return
    with path.open("rb") as file:
        require_length(file, path.stat().st_size)
    require_room(path, path.stat().st_size)


def require_length(file: IO[bytes], length: int) -> None:
    """ValueError, or another of NumPy's, unless an .npy of this length has the length that its header announces."""
    start = file.read(12)
    if not start.startswith(b"\x93NUMPY") or len(start) < 12:
        return  # which `numpy.load` tells better
    magic, header = start[:8], int.from_bytes(start[8 : 10 if start[6] == 1 else 12], "little")
    if header > length:
        raise ValueError(f"it is cut off or damaged: a header of {header} bytes is announced, and it has {length}")
    file.seek(8)
    readers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    if (magic[6], magic[7]) not in readers:
        return  # the third is for names beyond Latin-1: records, which are refused
    shape, _, kind = readers[magic[6], magic[7]](file)
    announced = math.prod(shape) * kind.itemsize
    if min(shape, default=0) < 0 or (not kind.hasobject and announced > length - file.tell()):
        raise ValueError(f"it is cut off or damaged: {announced} bytes are announced and {length} there")


def read_idx(path: Path) -> Dataset:
    """An IDX file, with the labels of the file beside it where its name says that it holds images."""
    values = _idx_array(path)
    sibling = path.with_name(path.name.replace("images-idx3", "labels-idx1"))
    labels = _idx_array(sibling) if sibling != path and sibling.is_file() else None
    return from_array(str(path), values, labels)


def _idx_array(path: Path) -> np.ndarray:
    """The array of an IDX file (http://yann.lecun.com/exdb/mnist): two zeros, a type, a rank, sizes, values."""
    try:
        content = _unzipped(path) if path.suffix == ".gz" else path.read_bytes()
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} cannot be decompressed: {error}") from None
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] not in _IDX_TYPES or content[3] not in range(1, 4):
        raise DataError(f"{path} is not an IDX file of 1 to 3 dimensions: its first bytes are {content[:4].hex(' ')}")
    shape, start, kind = _idx_sizes(content)
    expected = start + math.prod(shape) * kind.itemsize
    if len(shape) != content[3] or len(content) != expected:
        raise DataError(
            f"{path} is cut off or damaged: expected {expected} bytes for shape {shape}, got {len(content)}"
        )
    return np.frombuffer(content, kind, offset=start).reshape(shape).astype(kind.newbyteorder("="))


def _idx_sizes(content: bytes) -> tuple[tuple[int, ...], int, np.dtype]:
    """(shape, where the values begin, their type) of a header that is one; fewer sizes where it is cut off."""
    shape = np.frombuffer(content, ">u4", count=min(content[3], (len(content) - 4) // 4), offset=4)
    return tuple(shape.tolist()), 4 + 4 * content[3], np.dtype(_IDX_TYPES[content[2]])


def _unzipped(path: Path) -> bytes:
    """What a gzip file holds, as long as its IDX header announces more."""
    with gzip.open(path) as file:
        head = file.read(16)
        if len(head) < 4 or head[2] not in _IDX_TYPES:
            return head
        shape, start, kind = _idx_sizes(head)
        announced = start + math.prod(shape) * kind.itemsize
        require_room(path, announced)
        content = bytearray(head)
        # In pieces: `read` makes room for all that it is asked for, there or not.
        while len(content) <= announced and (piece := file.read(_PIECE)):
            content += piece
        return bytes(content)
