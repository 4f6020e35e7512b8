"""Encoded rows in a temporary file, read back from any place.

The file has no name from the moment it is made, so that it is gone with the process that made it, however that ends.
It is read by offset rather than mapped: pages of a map count as memory of the process.
"""

import hashlib
import os
import shutil
import tempfile
import weakref
from typing import Any

import numpy as np

from isthmus.data.dataset import DataError

_GB = 1e9


class RowStore:
    """Rows of float32 numbers, [row, column], NaN in holes.

    columns: how many.  row_count: rows so far.  has_holes: whether any value is NaN.
    """

    def __init__(self, columns: int, rows: int):
        """Room for so many rows; DataError where the temporary directory has not enough."""
        directory, needed = tempfile.gettempdir(), 4 * columns * rows
        free = shutil.disk_usage(directory).free
        if needed > free:
            raise DataError(
                f"a stream of {rows} rows of {columns} columns needs {needed / _GB:.1f} GB of temporary disk, and "
                f"{directory} has {free / _GB:.1f} GB free; set TMPDIR to a directory with more"
            )
        self._file = tempfile.TemporaryFile(dir=directory)  # noqa: SIM115 - it lives as long as the store
        weakref.finalize(self, self._file.close)
        self.columns, self.row_count, self.has_holes = columns, 0, False
        self._hash = hashlib.blake2b(digest_size=16)

    def append(self, values: np.ndarray, observed: np.ndarray | None = None) -> None:
        """Add rows; what was not observed becomes a hole."""
        values = np.asarray(values, np.float32)
        if observed is not None and not observed.all():
            values, self.has_holes = np.where(observed, values, np.float32(np.nan)), True
        content = np.ascontiguousarray(values).data
        self._file.write(content)
        self._hash.update(content)
        self.row_count += len(values)

    @property
    def digest(self) -> str:
        """A hash of all rows."""
        return self._hash.hexdigest()

    def seal(self) -> None:
        """After the last row."""
        self._file.flush()

    def read_into(self, rows: np.ndarray, first: int) -> None:
        """Fill `rows`, [row, column] float32 and contiguous, with those from number `first` on."""
        content: Any = rows.view(np.uint8).reshape(-1)
        left, offset = memoryview(content), 4 * self.columns * first
        while left:
            count = os.preadv(self._file.fileno(), [left], offset)
            if not count:
                raise DataError(f"the temporary rows end before row {first + len(rows)}; start the fit again")
            left, offset = left[count:], offset + count
