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
    """How many of the points [row, d], itself included, lie nearer to each than its radius [row], or at it: closed."""
    # Distances are sums and differences of coordinates, exact to a few units in the last place of the largest.
    slack = 4 * np.spacing(np.abs(points).max())
    radii = np.maximum(radii + (slack if closed else -slack), 0.0)
    if points.shape[1] > 1:
        tree: Any = KDTree(points)
        return tree.query_ball_point(points, radii, p=np.inf, return_length=True, workers=_workers(points))
    order = np.argsort(points[:, 0])
    axis, radii = points[order, 0], radii[order]
    counts = np.empty(len(axis), np.intp)
    counts[order] = np.searchsorted(axis, axis + radii, "right") - np.searchsorted(axis, axis - radii, "left")
    return counts


def apart(*variables: np.ndarray, blocks: int) -> list[np.ndarray]:
    """The variables [row, d] with each of so many consecutive blocks of rows moved out of reach of all the others."""
    rows = len(variables[0])
    reach = 2 * max(np.ptp(variable) for variable in variables) + 1.0
    shift = reach * np.repeat(np.arange(blocks), -(-rows // blocks))[:rows, None]
    return [variable + shift for variable in variables]


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
