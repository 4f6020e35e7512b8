"""What can be seen of each column of a table of numbers."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from isthmus.data.dataset import DataError


@dataclass(frozen=True)
class Columns:
    """The columns of training rows, seen once, in float64.

    names: one a column. minimum, maximum, mean, spread (the standard deviation): [column]. integer: [column], whether
    every value is a whole number.
    """

    values: np.ndarray
    names: tuple[str, ...]
    minimum: np.ndarray
    maximum: np.ndarray
    mean: np.ndarray
    spread: np.ndarray
    integer: np.ndarray

    @property
    def constant(self) -> np.ndarray:
        """[column], whether all rows agree."""
        return self.minimum == self.maximum

    @cached_property
    def smallest_gap(self) -> np.ndarray:
        """The smallest distance between distinct values of each column, [column]; 0 where the column is constant.

        It is the resolution at which the column was recorded: no density can be known at a finer one.
        """
        gaps = np.diff(np.sort(self.values, axis=0).astype(np.float64), axis=0)
        smallest = np.min(gaps, axis=0, where=gaps > 0, initial=np.inf)
        return np.where(np.isfinite(smallest), smallest, 0.0)


def inspect_columns(values: np.ndarray, names: tuple[str, ...]) -> Columns:
    """Look at training rows [row, column]; DataError, naming the column, where they cannot be modelled.

    Missing and infinite values, fewer than two rows and a table without any variation are refused.
    """
    require_finite(values, names)
    if len(values) < 2:
        raise DataError(f"n_samples={len(values)} row of data; expected at least 2 rows to fit a distribution")
    minimum, maximum = values.min(0).astype(np.float64), values.max(0).astype(np.float64)
    if np.all(minimum == maximum):
        raise DataError(f"all {len(names)} columns are constant; expected at least one that varies")
    mean, spread = _moments(values, minimum, maximum)
    integer = np.array([bool(np.all(values[:, i] == np.round(values[:, i]))) for i in range(values.shape[1])])
    return Columns(values, names, minimum, maximum, mean, spread, integer)


def all_finite(values: np.ndarray) -> bool:
    """Whether no value is missing or infinite."""
    if values.dtype.kind in "biu":
        return True
    with np.errstate(over="ignore", invalid="ignore"):
        # A sum is finite only if every term is, and takes less time than a look at each; that it may overflow costs the
        # look.
        return bool(np.isfinite(values.sum()) or np.isfinite(values).all())


def require_finite(values: np.ndarray, names: tuple[str, ...], first_row: int = 0) -> None:
    """DataError that names the first column with a missing or infinite value, and its row, counted from `first_row`."""
    if all_finite(values):
        return
    finite = np.isfinite(values)
    column = int(np.argmin(finite.all(0)))
    row = int(np.argmin(finite[:, column]))
    if not finite[:, column].any() and np.isnan(values[:, column]).all():
        raise DataError(f"column {names[column]!r} is entirely missing (NaN); drop it")
    what = "NaN" if np.isnan(values[row, column]) else "infinity"
    raise DataError(
        f"column {names[column]!r} contains {what} (first in row {first_row + row}); expected finite numbers: "
        "drop or fill these rows"
    )


def _moments(values: np.ndarray, minimum: np.ndarray, maximum: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    # Columns are brought to [-1, 1] first: the squares of 1e200, or of 1e-200, leave float64, and a sum at an offset of
    # 1e9 loses digits.
    centre, half_range = minimum / 2 + maximum / 2, maximum / 2 - minimum / 2
    half_range = np.where(half_range > 0, half_range, 1.0)
    scaled = (values - centre) / half_range
    return centre + scaled.mean(0) * half_range, scaled.std(0) * half_range
