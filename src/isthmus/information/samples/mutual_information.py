"""Mutual information of two variables seen together, in nats."""

from collections.abc import Callable
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import digamma

from isthmus.information.estimate import Estimate
from isthmus.information.samples import extrapolation, nearest
from isthmus.information.samples.counts import entropies
from isthmus.information.samples.rows import Sample, distinct, has_ties, levels_apart, paired, require_rows
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
    """I(X;Y) from rows seen together, in nats: symmetric, the same through any increasing map of a column, and 0 up to
    its standard error, on either side, for independent variables.

    x, y: [row] or [row, dimension]. Floats are continuous; bools, strings, objects, and integers of at most as many
    levels as the root of the rows, are discrete. Continuous columns are first replaced by their normal scores.

    method: "ksg1", "ksg2" (Kraskov, Stogbauer and Grassberger 2004), "mixed" (Gao et al. 2017: ties and discrete
    columns allowed), "local_gaussian" (ksg2 corrected for strong dependence, Gao, Ver Steeg and Galstyan 2015) at k
    neighbours, as published; "plug_in" and "miller_madow" for discrete pairs. "auto" is miller_madow for discrete
    pairs, and otherwise ksg1, or mixed where there are ties, with the bias removed: see `samples.extrapolation`.
    What it cannot see is dependence finer than a neighbourhood, as of curved or sharp-edged shapes in many dimensions:
    there it stays too low, by more than its standard error.

    seed: of the copula that bias is measured on, and of the subsamples. standard_error: False saves the subsamples.
    Raises ValueError for rows that are not finite, too few, or of unequal number, and for a method that does not fit.
    """
    if method not in get_args(Method):
        raise ValueError(f"method {method!r} is unknown; expected one of {', '.join(get_args(Method))}")
    one, other = paired("xy", x, y)
    if method in ("plug_in", "miller_madow") or (method == "auto" and one.discrete and other.discrete):
        return _of_counts(one, other, method)
    require_rows(len(one), k)
    if _constant(one) or _constant(other):
        return Estimate(0.0, "nats", "estimate", 0.0 if standard_error else None)
    x, y = levels_apart(one), levels_apart(other)
    tied = one.discrete or other.discrete or has_ties(x) or has_ties(y)
    if (x.shape[1], *x[0]) > (y.shape[1], *y[0]):
        # What is drawn at random must not depend on which of the two comes first.
        x, y = y, x
    if method != "auto":
        if tied and method != "mixed":
            raise ValueError(
                f"method {method!r} takes continuous variables without ties; pass method='mixed' or 'auto'"
            )
        return _as_published(method, x, y, k, seed, standard_error)
    terms_of = nearest.mixed_terms if tied else nearest.ksg1_terms
    if not extrapolation.enough_rows(len(one), k):
        return _as_published("mixed" if tied else "ksg1", x, y, k, seed, standard_error)
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(x))
    if tied:
        value, error = extrapolation.information_with_ties(terms_of, x[order], y[order], k)
    else:
        value, error = extrapolation.information(terms_of, x[order], y[order], k, rng)
    return Estimate(value, "nats", "estimate", error if standard_error else None)


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


def _constant(variable: Sample) -> bool:
    return bool(np.all(variable.values == variable.values[0]))
