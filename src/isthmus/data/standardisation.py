"""To a network's units and back."""

from dataclasses import dataclass

import numpy as np

LARGEST = 1e12
"""Standardised values are kept within this bound, whose square float32 still holds."""


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
        with np.errstate(over="ignore"):
            standardised = (values - self.offset) / self.scale
        return np.clip(standardised, -LARGEST, LARGEST).astype(np.float32)

    def invert(self, standardised: np.ndarray) -> np.ndarray:
        """u, [row, column], to float64 values in the columns' own units."""
        return np.asarray(standardised, np.float64) * self.scale + self.offset
