"""Arrays that stay on disk: .npy files and NumPy's memory maps."""

import mmap
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from isthmus.data.arrays import require_length
from isthmus.data.dataset import DataError, Dataset, from_array
from isthmus.data.row_streams import RowReader


class ArrayRows(RowReader):
    """The rows of an array [row, column] or [row, height, width] that is mapped, not read."""

    def __init__(self, name: str, array: np.ndarray):
        """DataError for an array that holds no rows of numbers."""
        looked_at = from_array(name, array[:1] if array.ndim else array)
        self._array = array
        self.name, self.names, self.image_shape = name, looked_at.names, looked_at.image_shape
        self.row_count = len(array)

    def chunks(self, size: int) -> Iterator[Dataset]:
        for first in range(0, self.row_count, size):
            chunk = from_array(self.name, np.array(self._array[first : first + size]))
            yield replace(chunk, first_row=first)
            self._forget()

    def take(self, numbers: np.ndarray) -> Dataset:
        found = from_array(self.name, np.array(self._array[numbers]))
        self._forget()
        return found

    def _forget(self) -> None:
        """Pages that were read count as memory of the process until they are given back."""
        mapped: Any = getattr(self._array, "_mmap", None)
        # Of a private, writable map that would lose what was written to it.
        if mapped is not None and getattr(self._array, "mode", "") in ("r", "r+"):
            mapped.madvise(mmap.MADV_DONTNEED)


def map_array(path: Path) -> np.ndarray:
    """An .npy file, mapped."""
    try:
        with path.open("rb") as file:
            require_length(file, path.stat().st_size)
        found = np.load(path, mmap_mode="r", allow_pickle=False)
    except Exception as error:  # on damaged bytes NumPy and the tokeniser raise a dozen kinds between them
        reason = str(error) or type(error).__name__
        raise DataError(
            f"{path} cannot be read as a NumPy array: {reason}; save plain numbers with numpy.save"
        ) from None
    if not isinstance(found, np.ndarray):
        found.close()
        raise DataError(f"{path} is an archive of arrays, which cannot be streamed; save its rows with numpy.save")
    return found
