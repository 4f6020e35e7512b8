"""Normal and Student copulas fitted to scores: what a nearest-neighbour estimator gets wrong is measured on them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special, stats

_RIDGE = 1e-8
_DEGREES = (np.inf, 20.0, 10.0, 5.0, 3.0, 2.0, 1.0)


@dataclass(frozen=True)
class EllipticalCopula:
    """The copula of a Student distribution of x and y together, or of a normal: degrees infinite.

    correlation: [d + e, d + e]; dimension: d, that of x.
    """

    correlation: np.ndarray
    degrees: float
    dimension: int

    def information(self) -> float:
        """I(X;Y) in closed form: a normal's, and what the shared scale of a Student adds (Guerrero-Cusumano 1998)."""
        d, total = self.dimension, len(self.correlation)
        x, y = self.correlation[:d, :d], self.correlation[d:, d:]
        normal = 0.5 * (_log_determinant(x) + _log_determinant(y) - _log_determinant(self.correlation))
        if np.isinf(self.degrees):
            return normal
        half = (self.degrees + np.array([0, total, d, total - d])) / 2
        return normal + float((special.gammaln(half) - half * special.digamma(half)) @ [1, 1, -1, -1])

    def log_density(self, z: np.ndarray) -> np.ndarray:
        """log density of Student scores [row, d + e], up to those of each column: [row]."""
        return _student(self.correlation, self.degrees, z)

    def pointwise_information(self, z: np.ndarray) -> np.ndarray:
        """log p(x, y) / (p(x) p(y)) of Student scores, [row]; its mean is the information."""
        d = self.dimension
        x, y = (_student(self.correlation[s, s], self.degrees, z[:, s]) for s in (slice(d), slice(d, None)))
        return self.log_density(z) - x - y

    def pairwise_information(self, z: np.ndarray) -> np.ndarray:
        """The pointwise information of each row's x with each row's y, [row, row of y]."""
        d, rows = self.dimension, len(z)
        pairs = np.concatenate([np.repeat(z[:, :d], rows, axis=0), np.tile(z[:, d:], (rows, 1))], axis=1)
        return self.pointwise_information(pairs).reshape(rows, rows)

    def sample(self, rng: np.random.Generator, rows: int) -> np.ndarray:
        """Student scores [row, d + e] whose sample covariance, before the common scale, is the correlation exactly.

        What varies with the covariance is known in closed form, so there is nothing to learn from its variation.
        """
        normal = rng.standard_normal((rows, len(self.correlation)))
        normal = whitened(normal) @ np.linalg.cholesky(self.correlation).T
        if np.isinf(self.degrees):
            return normal
        levels = (rng.permutation(rows) + 0.5) / rows
        return normal * np.sqrt(self.degrees / stats.chi2(self.degrees).ppf(levels))[:, None]


def fit(scores: np.ndarray, dimension: int) -> EllipticalCopula:
    """The likeliest copula of normal scores [row, d + e], over a grid of degrees of freedom; x is the first columns."""
    candidates = [_fit_degrees(scores, dimension, degrees) for degrees in _DEGREES]
    return max(candidates, key=lambda candidate: candidate[1])[0]


def student_scores(scores: np.ndarray, degrees: float) -> np.ndarray:
    """Normal scores as quantiles of a Student distribution."""
    return scores if np.isinf(degrees) else special.stdtrit(degrees, special.ndtr(scores))


def normal_scores(scores: np.ndarray, degrees: float) -> np.ndarray:
    """Quantiles of a Student distribution as normal scores."""
    if np.isinf(degrees):
        return scores
    # By the lower tail, where a probability near 0 keeps its digits and one near 1 does not.
    return -np.sign(scores) * special.ndtri(special.stdtr(degrees, -np.abs(scores)))


def _fit_degrees(scores: np.ndarray, dimension: int, degrees: float) -> tuple[EllipticalCopula, float]:
    z = student_scores(scores, degrees)
    copula = EllipticalCopula(_correlation(z, degrees), degrees, dimension)
    return copula, float(np.sum(copula.log_density(z)) - np.sum(stats.t.logpdf(z, degrees)))


def _correlation(z: np.ndarray, degrees: float, steps: int = 20) -> np.ndarray:
    """The maximum-likelihood correlation of Student scores, by expectation maximisation (Liu and Rubin 1995)."""
    scatter = regular(np.cov(z.T))
    for _ in range(0 if np.isinf(degrees) else steps):
        distance = np.sum(z * np.linalg.solve(scatter, z.T).T, axis=1)
        weights = (degrees + z.shape[1]) / (degrees + distance)
        scatter = regular((weights[:, None] * z).T @ z / len(z))
    scale = np.sqrt(np.diag(scatter))
    return scatter / np.outer(scale, scale)


def regular(covariance: np.ndarray) -> np.ndarray:
    """The covariance, raised so that columns which determine one another have a density all the same."""
    return covariance + _RIDGE * np.diag(np.diag(covariance))


def _student(correlation: np.ndarray, degrees: float, z: np.ndarray) -> np.ndarray:
    student: Any = stats.multivariate_t
    return student(shape=correlation, df=degrees).logpdf(z)


def whitened(normal: np.ndarray) -> np.ndarray:
    normal = normal - normal.mean(axis=0)
    return np.linalg.solve(np.linalg.cholesky(normal.T @ normal / len(normal)), normal.T).T


def _log_determinant(matrix: np.ndarray) -> float:
    return float(np.linalg.slogdet(matrix)[1])
