"""Mutual information of two variables seen together, in nats."""

from collections.abc import Callable
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import digamma

from isthmus.information.estimate import Estimate
from isthmus.information.samples import debiased, nearest
from isthmus.information.samples.counts import entropies
from isthmus.information.samples.extrapolation import enough_rows
from isthmus.information.samples.rows import (
    Sample,
    coordinates,
    distinct,
    distinct_share,
    is_constant,
    paired,
    require_rows,
    standardised,
)
from isthmus.information.samples.uncertainty import subsampling_error

Method = Literal["auto", "ksg1", "ksg2", "mixed", "local_gaussian", "miller_madow", "plug_in"]

_TERMS: dict[str, Callable[[np.ndarray, np.ndarray, int], np.ndarray]] = {
    "ksg1": lambda x, y, k: nearest.ksg1_terms(x, y, (k,))[0],
    "ksg2": nearest.ksg2_terms,
    "mixed": lambda x, y, k: nearest.mixed_terms(x, y, (k,))[0],
    "local_gaussian": nearest.local_gaussian_terms,
}


def mutual_information(
    x: ArrayLike,
    y: ArrayLike,
    *,
    method: Method = "auto",
    k: int = 3,
    seed: int = 0,
    standard_error: bool = True,
) -> Estimate:
    """I(X;Y) from rows seen together, in nats. By default symmetric, the same through any increasing map of a column,
    and, for independent variables, 0 up to its standard error on either side.

    x, y: [row] or [row, dimension]. Floats are continuous; bools, strings, objects, and integers of at most as many
    levels as the root of the rows, are discrete.

    method: "auto" is "miller_madow" for discrete pairs, and otherwise "ksg1", or "mixed" where there are ties, of
    normal scores and with the bias removed: see `samples.debiased`. Its interval is for what nearest neighbours, or
    functions that are linear but for the distance from the centre, can see: dependence that winds more finely through
    many columns stays out of both, and the estimate is then too low by more than its standard error. The others are as
    published: at k neighbours of standardised columns "ksg1", "ksg2" (Kraskov, Stogbauer and Grassberger 2004), "mixed"
    (Gao et al. 2017: ties and discrete columns allowed) and "local_gaussian" (Gao, Ver Steeg and Galstyan 2015: for
    strong dependence; k above the sum of the dimensions); "plug_in" and "miller_madow" for discrete pairs.

    seed: of the rows that bias is measured on, and of the subsamples. standard_error: False saves the subsamples.
    Raises ValueError for rows that are not finite, too few, or of unequal number, and for a method that does not fit.
    """
    if method not in get_args(Method):
        raise ValueError(f"method {method!r} is unknown; expected one of {', '.join(get_args(Method))}")
    one, other = paired("xy", x, y)
    if method in ("plug_in", "miller_madow") or (method == "auto" and one.discrete and other.discrete):
        return _of_counts(one, other, method)
    require_rows(len(one), k)
    if is_constant(one) or is_constant(other):
        return Estimate(0.0, "nats", "estimate", 0.0 if standard_error else None)
    distinct_rows = min(distinct_share(one), distinct_share(other))
    if distinct_rows < 1 and method not in ("auto", "mixed"):
        raise ValueError(f"method {method!r} takes continuous variables without ties; pass method='mixed' or 'auto'")
    if method == "local_gaussian" and k <= one.values.shape[1] + other.values.shape[1]:
        raise ValueError(f"k is {k}; for local_gaussian, expected more neighbours than x and y have columns")
    if method != "auto":
        x, y = (coordinates(variable, standardised) for variable in (one, other))
        return _as_published(method, x, y, k, seed, standard_error)
    x, y = _in_order(coordinates(one), coordinates(other))
    if not enough_rows(len(one), k):
        return _as_published("mixed", x, y, k, seed, standard_error)
    terms_of = nearest.mixed_terms if distinct_rows < 1 else nearest.ksg1_terms
    value, error = _debiased(one, other)(terms_of, x, y, k, np.random.default_rng(seed))
    return Estimate(value, "nats", "estimate", error if standard_error else None)


def _debiased(one: Sample, other: Sample) -> Callable[..., tuple[float, float]]:
    """The estimate that fits two variables of these kinds."""
    # A few rows that repeat, as rounding makes them, leave a continuous variable continuous.
    continuous = [variable for variable in (one, other) if distinct_share(variable) > 0.9]
    if len(continuous) == 2:
        return debiased.information
    labels = [variable for variable in (one, other) if variable.discrete]
    if labels and continuous and debiased.few_labels(labels[0].codes.max() + 1, continuous[0].values):
        return debiased.information_of_labels
    return debiased.information_with_ties


def _in_order(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The two, and their rows, in an order of their own: what is drawn at random must not depend on how they came.

    Neighbours of rows in order are also found faster.
    """
    skew = np.mean(x[:, 0] ** 2 * y[:, 0]) - np.mean(x[:, 0] * y[:, 0] ** 2)
    if (x.shape[1], skew) > (y.shape[1], 0.0):
        x, y = y, x
    order = np.lexsort([*y.T[::-1], *x.T[::-1]])
    return x[order], y[order]


def _of_counts(one: Sample, other: Sample, method: str) -> Estimate:
    if not (one.discrete and other.discrete):
        raise ValueError(f"method {method!r} takes two discrete variables; pass integers, bools, strings or objects")
    joint = distinct(np.hstack([one.values, other.values]))
    return entropies([(1, one.codes), (1, other.codes), (-1, joint)], miller_madow=method != "plug_in")


def _as_published(method: str, x: np.ndarray, y: np.ndarray, k: int, seed: int, standard_error: bool) -> Estimate:
    def estimate(x: np.ndarray, y: np.ndarray) -> float:
        return float(digamma(len(x)) + _TERMS[method](x, y, k).mean())

    error = subsampling_error(estimate, seed, k, x, y) if standard_error else None
    return Estimate(estimate(x, y), "nats", "estimate", error)
