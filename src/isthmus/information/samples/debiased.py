"""Nearest-neighbour information with its bias removed, and its standard error.

Three biases, three remedies. What falls with the size of a neighbourhood is extrapolated to none. In many dimensions,
or under strong dependence, no size is small; what the estimates miss there is measured on a reference fitted to the
rows, whose information is known, and taken off: so far as the rows' estimates fall with the neighbourhood's size as the
reference's do, wholly where it describes them, not at all where it does not. And what winds through many dimensions, so
that no neighbourhood sees it, is looked for in functions of the columns.
"""

import numpy as np

from isthmus.information.samples import references
from isthmus.information.samples.canonical import Canonical, canonical, enough_rows
from isthmus.information.samples.extrapolation import TermsOf, extrapolated, ladder
from isthmus.information.samples.references import Reference

# Bias grows as the volume of a neighbourhood to this power where a density ends in it, and where one variable is not
# continuous.
_CONTINUOUS, _WITH_TIES = 0.5, 1.0
# Neighbouring rows share neighbours, so their terms covary: summed over neighbours, in nats squared per row, as found
# by simulation. It is less where ties or a discrete variable leave fewer counts to share.
_SHARED, _SHARED_WITH_TIES = 0.4, 0.1
# Below this much information, in nats, the estimates at several sizes of a pair of columns suffice.
_STRONG = 1.5
# A reference on which estimates differ from those on the rows by more than this over the root of the rows, their error
# several times over, does not describe them; and one that does is this many times as near.
_FAR, _NEARER = 4.0, 4.0
# Functions share more than was seen if it is more by so many standard errors.
_MORE = 2.0


def information(
    terms_of: TermsOf, x: np.ndarray, y: np.ndarray, k: int, rng: np.random.Generator
) -> tuple[float, float]:
    """(value, standard error) of the information between normal scores x [row, d] and y [row, e]."""
    value, variance = _information(terms_of, x, y, k, rng, ladder(terms_of, x, y, k, rng))
    error = _error(variance + _SHARED, len(x))
    if x.shape[1] + y.shape[1] == 2 or not enough_rows(x, y):
        return value, error
    more, error_of_more, chance = _of_functions(terms_of, canonical(x, y, rng), k, rng)
    if more - chance > value + _MORE * error:
        # What functions share is less than what x and y do, but for chance: so it is taken as it is.
        return more, float(np.hypot(error_of_more, chance))
    return value, error


def information_with_ties(
    terms_of: TermsOf, x: np.ndarray, y: np.ndarray, k: int, rng: np.random.Generator
) -> tuple[float, float]:
    """(value, standard error) of the information between x [row, d] and y [row, e], by extrapolation alone."""
    terms = extrapolated(ladder(terms_of, x, y, k, rng), k, _WITH_TIES)
    return float(terms.mean()), _error(terms.var() + _SHARED_WITH_TIES, len(x))


def information_of_labels(
    terms_of: TermsOf, x: np.ndarray, y: np.ndarray, k: int, rng: np.random.Generator
) -> tuple[float, float]:
    """(value, standard error) of the information between labels x [row, 1] and normal scores y [row, e]."""
    own, fitted = ladder(terms_of, x, y, k, rng), references.labelled(x, y, rng)
    value, variance = _less_bias(own, ladder(terms_of, fitted.x, fitted.y, k, rng), fitted, k, _WITH_TIES)
    return value, _error(variance + _SHARED_WITH_TIES, len(x))


def few_labels(labels: int, y: np.ndarray) -> bool:
    """Whether the rows of y [row, e], several columns, show the mean that each of so many labels gives."""
    rows, columns = y.shape
    return columns > 1 and max(labels**2, 8 * labels * columns) <= rows


def _information(
    terms_of: TermsOf, x: np.ndarray, y: np.ndarray, k: int, rng: np.random.Generator, own: np.ndarray
) -> tuple[float, float]:
    """(value, variance per row) from the rows' own ladder of terms, [4, row]."""
    rows, columns = len(x), x.shape[1] + y.shape[1]
    if (columns == 2 and _normal_information(x, y) < _STRONG) or rows < 8 * columns:
        terms = extrapolated(own, k, _CONTINUOUS)
        return float(terms.mean()), float(terms.var())

    def seen(reference: Reference) -> np.ndarray:
        return ladder(terms_of, reference.x, reference.y, k, rng)

    def of_pair(a: np.ndarray, b: np.ndarray) -> tuple[float, np.ndarray]:
        terms = ladder(terms_of, a, b, k, rng)
        return _information(terms_of, a, b, k, rng, terms)[0], extrapolated(terms, k, _CONTINUOUS)

    fitted = references.elliptical(x, y, rng)
    fitted_seen = seen(fitted)
    if columns > 2 and _distance(own, fitted_seen) > _FAR / np.sqrt(rows):
        pairs = references.by_columns(x, y, of_pair, rng)
        pairs_seen = seen(pairs)
        if _NEARER * _distance(own, pairs_seen) < _distance(own, fitted_seen):
            fitted, fitted_seen = pairs, pairs_seen
    return _less_bias(own, fitted_seen, fitted, k, _CONTINUOUS)


def _of_functions(
    terms_of: TermsOf, found: Canonical | None, k: int, rng: np.random.Generator
) -> tuple[float, float, float]:
    """(value, standard error, share of chance) of what functions of x and y have in common, none if there are none.

    The share of chance is half of what they share the less on rows they were not fitted to.
    """
    if found is None:
        return 0.0, 0.0, 0.0
    own = ladder(terms_of, found.f, found.g, k, rng)
    value, variance = _information(terms_of, found.f, found.g, k, rng, own)
    return value, _error(variance + _SHARED, len(found.f)), (found.fitted - found.held_out) / 2


def _less_bias(own: np.ndarray, seen: np.ndarray, reference: Reference, k: int, exponent: float) -> tuple[float, float]:
    """(value, variance per row) of the rows' ladder, less the bias that shows in the reference's: both [4, row]."""
    bias, rows = seen.mean(axis=1) - reference.information, own.shape[1]
    share = _share(own.mean(axis=1), bias, rows)
    value = extrapolated(own.mean(axis=1) - share * (bias + reference.excess), k, exponent)
    return float(value), _variance(extrapolated(own, k, exponent), extrapolated(seen, k, exponent), reference, share)


def _share(own: np.ndarray, bias: np.ndarray, rows: int) -> float:
    """How far the rows' estimates fall with the neighbourhood's size as the reference's do, between 0 and 1."""
    centred = bias - bias.mean()
    # Alike, as far as the noise in four estimates leaves open.
    noise = 4 / rows
    slope = (centred @ own + noise) / (centred @ centred + noise)
    # Within a half of one another is alike, so that noise in the slope does not become noise in the estimate.
    return float(np.clip(1.5 * min(slope, 1 / slope), 0.0, 1.0)) if slope > 0 else 0.0


def _variance(own: np.ndarray, seen: np.ndarray, reference: Reference, share: float) -> float:
    """The variance, per row, of the rows' terms less their share of the reference's, all [row].

    The fit moves with the rows by their pointwise information: its information by all of that, what is seen of it by as
    much as an estimate sees, the slope. The rest of what is seen varies by itself.
    """
    of_rows, of_drawn = reference.of_rows, reference.of_drawn
    slope = np.cov(seen, of_drawn)[0, 1] / max(of_drawn.var(), np.finfo(float).tiny)
    return float(np.var(own + share * (1 - slope) * of_rows) + share**2 * np.var(seen - slope * of_drawn))


def _distance(own: np.ndarray, seen: np.ndarray) -> float:
    """How far estimates are apart, at each size alike."""
    return float(np.abs(own.mean(axis=1) - seen.mean(axis=1)).mean())


def _normal_information(x: np.ndarray, y: np.ndarray) -> float:
    return -0.5 * np.log1p(-min(np.corrcoef(x[:, 0], y[:, 0])[0, 1] ** 2, 1 - 1e-15))


def _error(variance: float, rows: int) -> float:
    return float(np.sqrt(variance / rows))
