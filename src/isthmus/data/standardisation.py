"""To a network's units and back."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

LARGEST = 1e12
"""Standardised values are kept within this bound, whose square float32 still holds."""
NUMBERS_AT_ONCE = 2**16
"""512 KiB in float64, which a processor's second-level cache holds from one operation to the next."""


@dataclass(frozen=True)
class Standardisation:
    """u = (x - offset) / scale, in float64; offset and scale are [column].

    The subtraction must happen in float64: a time stamp of 1.7e9 has a resolution of 128 in float32.
    """

    offset: np.ndarray
    scale: np.ndarray

    @classmethod
    def identity(cls, columns: int) -> "Standardisation":
        return cls(np.zeros(columns), np.ones(columns))

    def apply(self, values: np.ndarray) -> np.ndarray:
        """Values in their own units, [row, column], to float32 u."""
        standardised = np.empty(values.shape, np.float32)
        with np.errstate(over="ignore"):
            for block in row_blocks(values):
                exact = np.subtract(values[block], self.offset, dtype=np.float64)
                exact /= self.scale
                standardised[block] = np.clip(exact, -LARGEST, LARGEST, out=exact)
        return standardised

    def invert(self, standardised: np.ndarray) -> np.ndarray:
        """u, [row, column], to float64 values in the columns' own units."""
        return np.asarray(standardised, np.float64) * self.scale + self.offset


def row_blocks(values: np.ndarray) -> Iterator[slice]:
    """Rows [row, column] in blocks of at most NUMBERS_AT_ONCE numbers, or one row."""
    at_once = max(NUMBERS_AT_ONCE // max(values.shape[1], 1), 1)
    return (slice(first, first + at_once) for first in range(0, len(values), at_once))
