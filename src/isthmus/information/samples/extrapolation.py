"""From neighbourhoods of several sizes to one of no size.

A density that changes, or ends, within a neighbourhood makes an estimate fall with the neighbourhood's size; estimates
at k, 2k, 4k and 8k neighbours tell how, and are extrapolated to none (an ensemble in the sense of Moon, Sricharan and
Hero 2017).
"""

from collections.abc import Callable

import numpy as np
from scipy.special import digamma, gammaln

from isthmus.information.samples.neighbours import apart

TermsOf = Callable[[np.ndarray, np.ndarray, tuple[int, ...]], np.ndarray]

# A quarter of the rows thins neighbourhoods out as four times the neighbours widen them, at a quarter of the cost.
_BLOCKS = 4


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


def _weights(k: int, exponent: float) -> np.ndarray:
    """Weights of the estimates at k, 2k, 4k and 8k whose bias cancels, of least variance, [4].

    The bias grows as the mean of a neighbourhood's volume to the exponent; the variance falls as 1 / k.
    """
    sizes = k * np.array([1.0, 2.0, 4.0, 8.0])
    design = np.stack([np.ones(4), np.exp(gammaln(sizes + exponent) - gammaln(sizes))], axis=1)
    weighted = design.T * sizes
    return np.linalg.solve(weighted @ design, weighted)[0]
