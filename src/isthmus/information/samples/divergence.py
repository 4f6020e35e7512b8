"""Kullback-Leibler divergence between two sets of rows, in nats."""

import numpy as np
from numpy.typing import ArrayLike

from isthmus.information.estimate import Estimate
from isthmus.information.samples.neighbours import neighbour_distances, neighbour_distances_to
from isthmus.information.samples.rows import distinct, require_rows, sample, spread_ties
from isthmus.information.samples.uncertainty import subsampling_error


def kl_divergence(x: ArrayLike, y: ArrayLike, *, k: int = 3, seed: int = 0, standard_error: bool = True) -> Estimate:
    """KL(P || Q) from rows x of P and rows y of Q, drawn apart, in nats.

    x: [row] or [row, d]; y: [other row] or [other row, d]. Floats by nearest neighbours: d E[log(distance to the k-th
    in y / to the k-th in x)] + log(m / (n - 1)) (Wang, Kulkarni and Verdu 2009), repeated values spread as in
    `entropy`; all else by the frequencies of the levels, which is inf where x has a level that y lacks.
    Raises ValueError for rows that are not finite, too few, or of different dimension, TypeError for unlike kinds.
    """
    p, q = sample(x, "x"), sample(y, "y")
    if p.discrete != q.discrete:
        raise TypeError(
            "x and y are of different kinds; expected both floats, or both integers, bools, strings or objects"
        )
    both = [np.asarray(v) for v in (x, y)]
    both = [v.reshape(len(v), -1) for v in both]
    if both[0].shape[1] != both[1].shape[1]:
        raise ValueError(
            f"x has {both[0].shape[1]} columns and y {both[1].shape[1]}; expected the same columns in both"
        )
    stacked = np.concatenate(both)
    if p.discrete:
        return _of_levels(*np.split(distinct(stacked), [len(p)]))
    require_rows(min(len(p), len(q)), k)
    scale = stacked.std(axis=0)
    # A column that is constant throughout says nothing of either.
    points = spread_ties(stacked, seed)[:, scale > 0] / scale[scale > 0]
    if points.shape[1] == 0:
        return Estimate(0.0, "nats", "estimate", 0.0 if standard_error else None)
    samples = np.split(points, [len(p)])
    error = subsampling_error(lambda a, b: _nearest(a, b, k), seed, k, *samples) if standard_error else None
    return Estimate(_nearest(samples[0], samples[1], k), "nats", "estimate", error)


def _nearest(x: np.ndarray, y: np.ndarray, k: int) -> float:
    own = neighbour_distances(x, (k,))[:, 0]
    other = neighbour_distances_to(y, x, k)
    return float(x.shape[1] * np.mean(np.log(other / own)) + np.log(len(y) / (len(x) - 1)))


def _of_levels(x: np.ndarray, y: np.ndarray) -> Estimate:
    levels = max(x.max(), y.max()) + 1
    p, q = (np.bincount(codes, minlength=levels) / len(codes) for codes in (x, y))
    seen = p > 0
    if np.any(q[seen] == 0):
        return Estimate(np.inf, "nats", "estimate", None)
    ratio = p[seen] / q[seen]
    value = float(p[seen] @ np.log(ratio))
    # The delta method: the divergence moves by log(p / q) with p, and by -p / q with q.
    of_p, of_q = np.var(np.log(ratio)[_among(x, seen)]), max(q[seen] @ ratio**2 - 1, 0.0)
    return Estimate(value, "nats", "estimate", float(np.sqrt(of_p / len(x) + of_q / len(y))))


def _among(codes: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """The codes renumbered among the levels seen."""
    return (np.cumsum(seen) - 1)[codes]
