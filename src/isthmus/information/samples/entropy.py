"""Entropy of one variable, in nats: discrete from counts, differential from nearest neighbours."""

from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import digamma

from isthmus.information.estimate import Estimate
from isthmus.information.samples.counts import entropies
from isthmus.information.samples.neighbours import neighbour_distances
from isthmus.information.samples.rows import require_rows, sample, spread_ties
from isthmus.information.samples.uncertainty import subsampling_error

Method = Literal["auto", "kozachenko_leonenko", "miller_madow", "plug_in"]


def entropy(
    x: ArrayLike, *, k: int = 3, method: Method = "auto", seed: int = 0, standard_error: bool = True
) -> Estimate:
    """H(X) from rows, in nats; its `measure` tells discrete from differential.

    x: [row] or [row, dimension]. Floats have a differential entropy, by "kozachenko_leonenko" (Kozachenko and Leonenko
    1987, at k neighbours in the maximum norm of standardised columns); integers, bools, strings and objects a discrete
    one, by "miller_madow" or "plug_in". Floats that repeat are taken for rounded: each is spread evenly over the
    column's smallest gap, by the seed. A constant column of floats has entropy -inf.
    Raises ValueError for rows that are not finite or too few, and for a method that does not fit.
    """
    if method not in get_args(Method):
        raise ValueError(f"method {method!r} is unknown; expected one of {', '.join(get_args(Method))}")
    rows = sample(x, "x")
    if rows.discrete != (method in ("miller_madow", "plug_in")) and method != "auto":
        kind = "discrete" if rows.discrete else "continuous"
        raise ValueError(f"method {method!r} does not fit x, which is {kind}; floats are continuous, all else discrete")
    if rows.discrete:
        return entropies([(1, rows.codes)], miller_madow=method != "plug_in", measure="counting")
    require_rows(len(rows), k)
    scale = rows.values.std(axis=0)
    if not np.all(scale > 0):
        return Estimate(-np.inf, "nats", "estimate", None, measure="lebesgue")
    points = spread_ties(rows.values, seed) / scale
    error = subsampling_error(lambda block: _differential(block, k), seed, k, points) if standard_error else None
    value = _differential(points, k) + float(np.log(scale).sum())
    return Estimate(value, "nats", "estimate", error, measure="lebesgue")


def _differential(points: np.ndarray, k: int) -> float:
    """psi(n) - psi(k) + d E[log twice the distance to the k-th neighbour]."""
    distances = neighbour_distances(points, (k,))
    return float(digamma(len(points)) - digamma(k) + points.shape[1] * np.log(2 * distances).mean())
