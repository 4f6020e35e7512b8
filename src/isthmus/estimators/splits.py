"""Rows set aside: for early stopping, for calibration, for a bootstrap."""

import math
from typing import Any

import jax
import numpy as np

from isthmus.models.rows import row_count

HELD_OUT_STREAM, CALIBRATION_STREAM, BOOTSTRAP_STREAM, THRESHOLD_STREAM, CALIBRATE_STREAM, COPY_STREAM = range(3, 9)
"""Each split has random numbers of its own."""
MOST_HELD_OUT = 5000
"""Rows held out for early stopping, at most: each look scores all of them."""


def split_rows(rows: Any, share: float, seed: int, stream: int) -> tuple[Any, Any]:
    """(most rows, the share of them set aside), at random; None where the share is less than a row."""
    kept, aside = split_indices(row_count(rows), share, seed, stream)
    if aside is None:
        return rows, None
    return take_rows(rows, kept), take_rows(rows, aside)


def split_indices(count: int, share: float, seed: int, stream: int) -> tuple[np.ndarray, np.ndarray | None]:
    """(row numbers kept, row numbers set aside), at random; None where the share is less than a row, or all rows."""
    aside = math.ceil(share * count)
    if aside == 0 or aside >= count:
        return np.arange(count), None
    order = np.random.default_rng([stream, seed]).permutation(count)
    return order[aside:], order[:aside]


def bootstrap_rows(rows: Any, seed: int) -> tuple[Any, Any]:
    """(as many rows drawn with replacement, those that were not drawn); None where all were."""
    count = row_count(rows)
    drawn = np.random.default_rng([BOOTSTRAP_STREAM, seed]).integers(count, size=count)
    left = np.setdiff1d(np.arange(count), drawn)
    return take_rows(rows, drawn), take_rows(rows, left) if len(left) else None


def some_rows(rows: Any, most: int, stream: int) -> Any:
    """The rows, or `most` of them at random: always the same ones."""
    count = row_count(rows)
    return rows if count <= most else take_rows(rows, some_indices(count, most, stream))


def some_indices(count: int, most: int, stream: int) -> np.ndarray:
    """All row numbers, or `most` of them at random, in order: always the same ones."""
    if count <= most:
        return np.arange(count)
    return np.sort(np.random.default_rng(stream).permutation(count)[:most])


def take_rows(rows: Any, index: np.ndarray) -> Any:
    """Rows by number, of every array."""
    return jax.tree.map(lambda array: np.asarray(array)[index], rows)
