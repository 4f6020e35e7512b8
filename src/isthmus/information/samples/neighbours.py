"""Nearest neighbours in the maximum norm: distances by k-d trees, counts on one axis by sorting."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.spatial import KDTree
from scipy.special import digamma

# Threads pay for themselves from about this many rows on.
_ROWS_FOR_THREADS = 4096


def neighbour_distances(points: np.ndarray, neighbours: tuple[int, ...]) -> np.ndarray:
    """Distances of each point [row, d] to its k-th neighbour among the others, for each k: [row, k]."""
    return _query(points, points, [k + 1 for k in neighbours])[0]


def neighbour_distances_to(others: np.ndarray, points: np.ndarray, k: int) -> np.ndarray:
    """Distances of each point [row, d] to its k-th neighbour among the others [other row, d]: [row]."""
    return _query(others, points, [k])[0][:, 0]


def neighbour_indices(points: np.ndarray, k: int) -> np.ndarray:
    """The rows of each point's k nearest neighbours among the others, [row, k]."""
    nearest = _query(points, points, range(1, k + 2))[1]
    # Among rows that coincide with k others, a row need not be found as its own nearest: then the farthest is left out.
    itself = nearest == np.arange(len(points))[:, None]
    itself[~itself.any(axis=1), -1] = True
    return nearest[~itself].reshape(len(points), k)


def count_within(points: np.ndarray, radii: np.ndarray, closed: bool = False) -> np.ndarray:
    """How many of the points [row, d], itself included, lie nearer to each than its radii [row, k], or at them: closed.

    Of the shape of the radii.
    """
    slack = rounding(points)
    radii = np.maximum(radii + (slack if closed else -slack), 0.0)
    if points.shape[1] == 1:
        return _count_on_line(points[:, 0], radii)
    tree: Any = KDTree(points)
    within = [tree.query_ball_point(points, r, p=np.inf, return_length=True, workers=_workers(points)) for r in radii.T]
    return np.stack(within, axis=1)


def rounding(points: np.ndarray) -> float:
    """How far distances that are equal may differ: a few units in the last place of the largest coordinate."""
    return 4 * float(np.spacing(np.abs(points).max()))


def _count_on_line(points: np.ndarray, radii: np.ndarray) -> np.ndarray:
    # In order, the binary searches run through memory in order too.
    order = np.argsort(points, kind="stable")
    ordered, counts = points[order], np.empty(radii.shape, np.intp)
    for k, radius in enumerate(radii.T):
        reach = radius[order]
        above = np.searchsorted(ordered, ordered + reach, "right")
        counts[order, k] = above - np.searchsorted(ordered, ordered - reach, "left")
    return counts


def apart(values: np.ndarray, block: np.ndarray) -> np.ndarray:
    """The values [row, d], each block of rows, numbered in `block` [row], moved out of reach of all the others."""
    return values + (2 * np.ptp(values) + 1.0) * block[:, None]


def digamma_of_counts(counts: np.ndarray) -> np.ndarray:
    """The digamma function of positive integers, from a table where that is shorter."""
    largest = int(counts.max())
    return (
        digamma(counts)
        if largest > counts.size
        else np.concatenate([[0.0], digamma(np.arange(1, largest + 1))])[counts]
    )


def _query(tree_points: np.ndarray, points: np.ndarray, ordinals: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    tree: Any = KDTree(tree_points, balanced_tree=False)
    return tree.query(points, list(ordinals), p=np.inf, workers=_workers(points))


def _workers(points: np.ndarray) -> int:
    return -1 if len(points) >= _ROWS_FOR_THREADS else 1
