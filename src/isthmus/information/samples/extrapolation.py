"""From neighbourhoods of several sizes to one of no size: nearest-neighbour information with its bias removed.

Two biases, two remedies. A density that changes, or ends, within a neighbourhood makes an estimate fall with the
neighbourhood's size; estimates at k, 2k, 4k and 8k neighbours tell how, and are extrapolated to none (an ensemble in
the sense of Moon, Sricharan and Hero 2017). In many dimensions, or under strong dependence, no size is small; what
the estimates miss there is measured on a copula fitted to the rows, whose information is known, and taken off.
"""

from collections.abc import Callable

import numpy as np
from scipy.special import digamma, gammaln

from isthmus.information.samples import copula
from isthmus.information.samples.neighbours import apart

TermsOf = Callable[[np.ndarray, np.ndarray, tuple[int, ...]], np.ndarray]

# A quarter of the rows thins neighbourhoods out as four times the neighbours widen them, at a quarter of the cost.
_BLOCKS = 4
# Neighbouring rows share neighbours, so their terms covary: summed over neighbours, in nats squared per row, as found
# by simulation. It is less where ties or a discrete variable leave fewer counts to share.
_SHARED, _SHARED_WITH_TIES = 0.4, 0.1
# Below this much information, in nats, the estimates at several sizes of a pair of columns suffice.
_STRONG = 1.5


def enough_rows(rows: int, k: int) -> bool:
    return rows // _BLOCKS > 2 * k + 1


def extrapolated(terms: np.ndarray, k: int, exponent: float) -> np.ndarray:
    """Estimates, or terms, at k, 2k, 4k and 8k neighbours [4, ...], extrapolated to none."""
    return np.tensordot(_weights(k, exponent), terms, axes=1)


def ladder(terms_of: TermsOf, x: np.ndarray, y: np.ndarray, k: int, rng: np.random.Generator) -> np.ndarray:
    """Each row's term at k and 2k neighbours, and at 4k and 8k: k and 2k among the rows of its block, [4, row]."""
    neighbours, rows = (k, 2 * k), len(x)
    block = rng.permutation(np.arange(rows) * _BLOCKS // rows)
    order, terms = np.argsort(block, kind="stable"), np.empty((4, rows))
    terms[:2] = digamma(rows) + terms_of(x, y, neighbours)
    terms[2:, order] = terms_of(apart(x[order], block[order]), apart(y[order], block[order]), neighbours)
    terms[2:] += digamma(rows / _BLOCKS)
    return terms


def information_with_ties(
    terms_of: TermsOf, x: np.ndarray, y: np.ndarray, k: int, rng: np.random.Generator
) -> tuple[float, float]:
    """(value, standard error) of the information between x [row, d] and y [row, e], by extrapolation alone."""
    terms = extrapolated(ladder(terms_of, x, y, k, rng), k, 1.0)
    return float(terms.mean()), float(np.sqrt((terms.var() + _SHARED_WITH_TIES) / len(terms)))


def information(
    terms_of: TermsOf, x: np.ndarray, y: np.ndarray, k: int, rng: np.random.Generator
) -> tuple[float, float]:
    """(value, standard error) of the information between normal scores x [row, d] and y [row, e].

    The bias found on the copula is taken off so far as the rows' estimates fall with the neighbourhood's size as the
    copula's do: wholly where it describes them, not at all where it does not.
    """
    scores, d, rows = np.hstack([x, y]), x.shape[1], len(x)
    own = ladder(terms_of, x, y, k, rng)
    if (d + y.shape[1] == 2 and _normal_information(scores) < _STRONG) or rows < 8 * scores.shape[1]:
        terms = extrapolated(own, k, 0.5)
        return float(terms.mean()), _error(terms.var(), rows)
    fitted = copula.fit(scores, d)
    drawn = fitted.sample(rng, rows)
    drawn_scores = copula.normal_scores(drawn, fitted.degrees)
    reference = ladder(terms_of, drawn_scores[:, :d], drawn_scores[:, d:], k, rng)
    bias = reference.mean(axis=1) - fitted.information()
    share = _share(own.mean(axis=1), bias, rows)
    # The fit adds, on average, half a nat per row for each of its cross-correlations.
    bias = bias + d * y.shape[1] / (2 * rows)
    value = extrapolated(own.mean(axis=1) - share * bias, k, 0.5)
    of_rows = fitted.pointwise_information(copula.student_scores(scores, fitted.degrees))
    of_drawn = fitted.pointwise_information(drawn)
    variance = _variance(extrapolated(own, k, 0.5), extrapolated(reference, k, 0.5), of_rows, of_drawn, share)
    return float(value), _error(variance, rows)


def _weights(k: int, exponent: float) -> np.ndarray:
    """Weights of the estimates at k, 2k, 4k and 8k whose bias cancels, of least variance, [4].

    The bias grows as the mean of a neighbourhood's volume to the exponent; the variance falls as 1 / k.
    """
    sizes = k * np.array([1.0, 2.0, 4.0, 8.0])
    design = np.stack([np.ones(4), np.exp(gammaln(sizes + exponent) - gammaln(sizes))], axis=1)
    weighted = design.T * sizes
    return np.linalg.solve(weighted @ design, weighted)[0]


def _share(own: np.ndarray, bias: np.ndarray, rows: int) -> float:
    """How far the rows' estimates fall with the neighbourhood's size as the copula's do, between 0 and 1."""
    centred = bias - bias.mean()
    # Alike, as far as the noise in four estimates leaves open.
    noise = 4 / rows
    slope = (centred @ own + noise) / (centred @ centred + noise)
    # Within a half of one another is alike, so that noise in the slope does not become noise in the estimate.
    return float(np.clip(1.5 * min(slope, 1 / slope), 0.0, 1.0)) if slope > 0 else 0.0


def _variance(own: np.ndarray, reference: np.ndarray, of_rows: np.ndarray, of_drawn: np.ndarray, share: float) -> float:
    """The variance, per row, of the rows' terms less their share of the reference's, all [row].

    The fitted copula moves with the rows by their pointwise information: its closed form by all of that, its reference
    by as much as an estimate sees of it, the slope. The rest of the reference varies by itself.
    """
    slope = np.cov(reference, of_drawn)[0, 1] / max(of_drawn.var(), np.finfo(float).tiny)
    return float(np.var(own + share * (1 - slope) * of_rows) + share**2 * np.var(reference - slope * of_drawn))


def _normal_information(scores: np.ndarray) -> float:
    return -0.5 * np.log1p(-min(np.corrcoef(scores.T)[0, 1] ** 2, 1 - 1e-15))


def _error(variance: float, rows: int) -> float:
    return float(np.sqrt((variance + _SHARED) / rows))
