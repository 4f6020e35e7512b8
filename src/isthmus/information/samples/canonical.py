"""Functions of x and of y that tell much of one another: what they share, x and y share at least.

Where a dependence winds through many dimensions, neighbourhoods are too wide to see it; functions found on all rows
together can (canonical correlation analysis of functions of the columns; Breiman and Friedman 1985, Bach and Jordan
2002). The functions here are linear, with coefficients that vary with the distance from the centre: they follow what
is turned, stretched or bent by an amount that depends on it.
"""

from dataclasses import dataclass

import numpy as np

from isthmus.information.samples import copula
from isthmus.information.samples.rows import normal_scores

# Cosines of the distance, from none of its period to this many halves of it, and how far each is held down.
_WAVES, _PENALTY = 12, 0.03
_FOLDS = 10
# Rows for each function that may enter.
_ROWS = 8


@dataclass(frozen=True)
class Functions:
    """Functions of a vector, [row, f], and how far a combination of them is held back from each, [f]."""

    values: np.ndarray
    penalty: np.ndarray

    def root(self, rows: np.ndarray) -> np.ndarray:
        """The Cholesky root of their covariance over some rows, and their penalty."""
        return np.linalg.cholesky(np.cov(self.values[rows].T, bias=True) + np.diag(self.penalty))


def enough_rows(x: np.ndarray, y: np.ndarray) -> bool:
    return len(x) >= _ROWS * _WAVES * max(x.shape[1], y.shape[1])


@dataclass(frozen=True)
class Canonical:
    """Functions f(x) and g(y), two of [row, m], and what they share, in nats, were it as normals share it.

    held_out: on rows that they were not fitted to. fitted: on their own, which is more by what chance adds.
    """

    f: np.ndarray
    g: np.ndarray
    held_out: float
    fitted: float


def canonical(x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> Canonical | None:
    """The functions of normal scores x [row, d] and y [row, e] that tell most of one another, if they tell anything."""
    of_x, of_y, most = functions(x), functions(y), min(x.shape[1], y.shape[1])
    fold, everywhere = rng.permutation(np.arange(len(x)) * _FOLDS // len(x)), np.full(len(x), True)
    held_out = [_correlations(*_fitted(of_x, of_y, fold != i, fold == i, most)) for i in range(_FOLDS)]
    f, g = _fitted(of_x, of_y, everywhere, everywhere, most)
    held_out, fitted = _nats(np.mean(held_out, axis=0)), _nats(_correlations(f, g))
    kept = held_out > fitted / 2
    count = most if kept.all() else int(np.argmin(kept))
    if not count:
        return None
    return Canonical(f[:, :count], g[:, :count], float(held_out[:count].sum()), float(fitted[:count].sum()))


def functions(scores: np.ndarray) -> Functions:
    """White scores [row, d], each times cosines of their distance from the centre."""
    root = np.linalg.cholesky(copula.regular(np.atleast_2d(np.cov(scores.T))))
    white = np.linalg.solve(root, scores.T).T
    distance = np.linalg.norm(white, axis=1)
    waves = np.cos(np.pi * np.outer(distance / distance.max(), np.arange(_WAVES)))
    values = (waves[:, :, None] * white[:, None, :]).reshape(len(scores), -1)
    return Functions(values, np.repeat(_PENALTY * np.arange(_WAVES) + 1e-6, scores.shape[1]))


def _fitted(x: Functions, y: Functions, fit: np.ndarray, seen: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The combinations of x and of y that tell most of one another on some rows, as normal scores of the rows seen."""
    root_x, root_y = x.root(fit), y.root(fit)
    of_x, of_y = x.values[fit], y.values[fit]
    covariance = (of_x - of_x.mean(axis=0)).T @ of_y / len(of_x)
    covariance = np.linalg.solve(root_y, np.linalg.solve(root_x, covariance).T).T
    left, _, right = np.linalg.svd(covariance, full_matrices=False)
    f = x.values[seen] @ np.linalg.solve(root_x.T, left[:, :count])
    g = y.values[seen] @ np.linalg.solve(root_y.T, right[:count].T)
    return normal_scores(f), normal_scores(g)


def _correlations(f: np.ndarray, g: np.ndarray) -> np.ndarray:
    """Of each column of one with that of the other; normal scores without ties all have one length and no mean."""
    return np.sum(f * g, axis=0) / np.sqrt(np.sum(f**2, axis=0) * np.sum(g**2, axis=0))


def _nats(correlations: np.ndarray) -> np.ndarray:
    """What pairs of normals share, none where they are turned against one another."""
    return -0.5 * np.log1p(-(np.clip(correlations, 0.0, 1 - 1e-9) ** 2))
