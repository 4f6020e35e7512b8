"""Weighted count, mean and scatter of rows, gathered chunk by chunk.

Memory stays flat, and an offset of the columns costs no digits: squares are taken about the mean of the first chunk,
which itself adds to the scatter what it is off by, so that no more than the share of the other chunks is ever lost
(Chan, Golub and LeVeque 1983, Algorithms for computing the sample variance).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

CHUNK_ROWS, CHUNK_NUMBERS = 1024, 2**17
"""A chunk has so many rows, or more where they are short: what is centred is still in the cache when it is multiplied,
and the products are few."""
LARGEST_CHUNK = 2**22


@dataclass(frozen=True)
class Moments:
    """What a linear model needs to know of its rows, float64.

    count: the sum of the weights, the number of rows where there are none.  mean: [column].
    scatter: sum of weight (x - mean)(x - mean)^T, [column, column].
    """

    count: float
    mean: np.ndarray
    scatter: np.ndarray

    def add(self, rows: Any, weights: Any = None) -> "Moments":
        """These moments and those of further rows, [row, column], with weights [row]."""
        return self.merge(moments_of(rows, weights))

    def merge(self, other: "Moments") -> "Moments":
        """The moments of both sets of rows."""
        count = self.count + other.count
        shift = other.mean - self.mean
        scatter = self.scatter + other.scatter
        scatter += np.outer(shift, shift * (self.count * other.count / count))
        return Moments(count, self.mean + shift * (other.count / count), scatter)

    def covariance(self, ddof: float = 0) -> np.ndarray:
        """scatter / (count - ddof), [column, column]. Raises ValueError where nothing is left to divide by."""
        return self.scatter / degrees_of_freedom(self.count, ddof)


def moments_of(rows: Any, weights: Any = None) -> Moments:
    """The moments of rows [row, column], of any real type and in any order, read once and never copied whole.

    weights: [row], how often each row counts. Raises ValueError for weights that are negative or sum to 0.
    """
    count, centre, shift, squares = _sums(rows, weights, lambda centred: centred.T @ centred)
    squares -= np.outer(shift, shift * count)
    return Moments(count, centre + shift, squares)


def column_moments(rows: Any, weights: Any = None) -> tuple[float, np.ndarray, np.ndarray]:
    """(count, mean [column], weighted squared deviations from it [column]), where a whole scatter is too much."""
    count, centre, shift, squares = _sums(rows, weights, lambda centred: np.einsum("ij,ij->j", centred, centred))
    return count, centre + shift, squares - shift**2 * count


def degrees_of_freedom(count: float, ddof: float) -> float:
    """count - ddof. Raises ValueError where that is not positive."""
    if count <= ddof:
        raise ValueError(f"the weights sum to {count:g}; expected more than {ddof:g}, or no variance is left")
    return count - ddof


def checked_weights(rows: Any, weights: Any) -> np.ndarray | None:
    """Weights as float64, [row]; None where every row counts once. Raises ValueError for weights that are none."""
    if rows.ndim != 2 or not len(rows):
        raise ValueError(f"rows have shape {rows.shape}; expected [row, column] with at least one row")
    if weights is None:
        return None
    weights = np.asarray(weights, np.float64)
    if weights.shape != (len(rows),):
        raise ValueError(f"weights have shape {weights.shape}; expected one number a row, ({len(rows)},)")
    if not (np.isfinite(weights).all() and (weights >= 0).all() and weights.any()):
        raise ValueError("weights must be finite, none of them negative and not all of them zero")
    return weights


def chunks_of_rows(rows: Any, weights: np.ndarray | None) -> Iterator[tuple[np.ndarray, np.ndarray | None]]:
    """Consecutive rows and their weights; chunks whose rows all have weight 0 are left out."""
    columns = max(rows.shape[1], 1)
    size = max(CHUNK_NUMBERS // columns, min(CHUNK_ROWS, LARGEST_CHUNK // columns), 1)
    for start in range(0, len(rows), size):
        of_rows = None if weights is None else weights[start : start + size]
        if of_rows is None or of_rows.any():
            yield rows[start : start + size], of_rows


def _sums(
    rows: Any, weights: Any, square: Callable[[np.ndarray], np.ndarray]
) -> tuple[float, np.ndarray, np.ndarray, np.ndarray]:
    """(count, a centre, the mean from there, the sum of squares about the centre)."""
    count, centre, total, squares = 0.0, None, np.zeros(rows.shape[1]), np.zeros(())
    for chunk, of_rows in chunks_of_rows(rows, checked_weights(rows, weights)):
        centre = _mean(chunk, of_rows) if centre is None else centre
        centred = np.subtract(chunk, centre, dtype=np.float64)
        roots = np.ones(len(chunk)) if of_rows is None else np.sqrt(of_rows)
        if of_rows is not None:
            centred *= roots[:, None]
        count += len(chunk) if of_rows is None else float(of_rows.sum())
        total += roots @ centred
        # NumPy sees it where both factors are one array, and computes half of the product (syrk).
        squares = squares + square(centred)
    assert centre is not None
    return count, centre, total / count, squares


def _mean(chunk: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
    """From the first row on: a sum of what lies far from 0 would lose what it varies by."""
    origin = np.array(chunk[0], np.float64)
    return origin + np.average(np.subtract(chunk, origin, dtype=np.float64), axis=0, weights=weights)
