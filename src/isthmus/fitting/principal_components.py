"""Principal components of rows: from their covariance, from their Gram matrix, or from random projections."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import linalg

from isthmus.fitting.moments import (
    Moments,
    checked_weights,
    chunks_of_rows,
    column_moments,
    degrees_of_freedom,
    moments_of,
)
from isthmus.models.linear import with_fixed_signs

OVERSAMPLING = 10
"""Random directions beyond those asked for (Halko, Martinsson and Tropp 2011, section 4.2)."""
RANK_TOLERANCE = 1e-12
"""A direction with less than this share of the total variance has none but of rounding."""


@dataclass(frozen=True)
class PrincipalComponents:
    """The directions of largest variance, float64.

    mean: [column].  axes: [column, k], orthonormal, the entry of largest absolute value of each positive.
    eigenvalues: [k], variances along the axes, decreasing.  total_variance: the sum over all columns.
    count: the sum of the rows' weights.
    """

    mean: np.ndarray
    axes: np.ndarray
    eigenvalues: np.ndarray
    total_variance: float
    count: float

    @property
    def discarded_mean(self) -> float:
        """The mean variance along the directions left out; 0 where there are none."""
        columns, k = self.axes.shape
        if k == columns:
            return 0.0
        return max(self.total_variance - float(self.eigenvalues.sum()), 0.0) / (columns - k)

    @property
    def rank(self) -> int:
        """How many of the axes carry more variance than rounding makes."""
        return int((self.eigenvalues > RANK_TOLERANCE * self.total_variance).sum())

    def first(self, k: int) -> "PrincipalComponents":
        """The same with the first k axes only."""
        return replace(self, axes=self.axes[:, :k], eigenvalues=self.eigenvalues[:k])


def principal_components(rows: Any, k: int, weights: Any = None, *, ddof: float = 0) -> PrincipalComponents:
    """The first k principal components of rows [row, column], exact.

    weights: [row].  ddof: the covariance is the scatter over the weights' sum less ddof. Where columns outnumber rows
    the Gram matrix [row, row] is decomposed in place of the covariance. Raises ValueError unless
    1 <= k <= min(rows, columns).
    """
    _check_size(k, min(rows.shape))
    if rows.shape[1] > rows.shape[0]:
        return _components_of_gram_matrix(rows, k, checked_weights(rows, weights), ddof)
    return components_of_moments(moments_of(rows, weights), k, ddof=ddof)


def components_of_moments(moments: Moments, k: int, *, ddof: float = 0) -> PrincipalComponents:
    """The first k principal components of rows whose moments are known. Raises ValueError unless k is 1 to columns."""
    columns = len(moments.mean)
    _check_size(k, columns)
    scale = 1.0 / degrees_of_freedom(moments.count, ddof)
    values, vectors = top_eigenvectors(moments.scatter, k)
    total = float(np.trace(moments.scatter)) * scale
    return PrincipalComponents(moments.mean, with_fixed_signs(vectors), values * scale, total, moments.count)


def randomised_components(
    rows: Any, k: int, seed: int = 0, weights: Any = None, *, ddof: float = 0
) -> PrincipalComponents:
    """The first k principal components, nearly, from random directions multiplied by the scatter again and again.

    rows: [row, column].  weights: [row].  One pass over chunks of rows for each multiplication, without a centred copy;
    where the scatter itself is cheaper than the passes, it is made once and multiplied instead. Halko, Martinsson and
    Tropp 2011, Finding structure with randomness. Raises ValueError unless 1 <= k <= min(rows, columns).
    """
    smallest = min(rows.shape)
    _check_size(k, smallest)
    weights = checked_weights(rows, weights)
    width = min(k + OVERSAMPLING, smallest)
    iterations = 7 if k < 0.1 * smallest else 4
    # A pass multiplies twice by `width` columns; the scatter is symmetric, and so half a multiplication.
    if rows.shape[1] <= 4 * width * (iterations + 1):
        moments = moments_of(rows, weights)
        count, mean, total = moments.count, moments.mean, float(np.trace(moments.scatter))

        def scattered(directions: np.ndarray) -> np.ndarray:
            return moments.scatter @ directions
    else:
        count, mean, squares = column_moments(rows, weights)
        total = float(squares.sum())

        def scattered(directions: np.ndarray) -> np.ndarray:
            return _scattered_by_chunks(rows, weights, mean, directions)

    start = np.random.default_rng(seed).standard_normal((rows.shape[1], width))
    values, vectors = _range_of_powers(scattered, start, iterations)
    scale = 1.0 / degrees_of_freedom(count, ddof)
    return PrincipalComponents(mean, with_fixed_signs(vectors[:, :k]), values[:k] * scale, total * scale, count)


def top_eigenvectors(matrix: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The k largest eigenvalues, decreasing and not below 0, and their vectors [column, k], of a symmetric matrix."""
    columns = len(matrix)
    # All vectors together (evd) are found faster than most of them (evr).
    if 4 * k < columns:
        few = (columns - k, columns - 1)
        values, vectors = linalg.eigh(matrix, check_finite=False, driver="evr", subset_by_index=few)
    else:
        values, vectors = linalg.eigh(matrix, check_finite=False, driver="evd")
    return np.maximum(values[::-1][:k], 0.0), vectors[:, ::-1][:, :k]


def _components_of_gram_matrix(rows: Any, k: int, weights: np.ndarray | None, ddof: float) -> PrincipalComponents:
    count, mean, squares = column_moments(rows, weights)
    centred = np.subtract(rows, mean, dtype=np.float64)
    if weights is not None:
        centred *= np.sqrt(weights)[:, None]
    values, vectors = top_eigenvectors(centred @ centred.T, k)
    # Orthonormal even where an eigenvalue is 0 and its vector could be any.
    axes = np.linalg.qr(centred.T @ vectors)[0]
    scale = 1.0 / degrees_of_freedom(count, ddof)
    return PrincipalComponents(mean, with_fixed_signs(axes), values * scale, float(squares.sum()) * scale, count)


def _range_of_powers(
    scattered: Callable[[np.ndarray], np.ndarray], start: np.ndarray, iterations: int
) -> tuple[np.ndarray, np.ndarray]:
    """Eigenvalues, decreasing, and vectors of the scatter S, within the span of S^(iterations + 1) start."""
    directions = np.linalg.qr(start)[0]
    for _ in range(iterations):
        directions = np.linalg.qr(scattered(directions))[0]
    image = scattered(directions)
    # X Q = P R is never made: R^T R = Q^T S Q, and B = P^T X = R^-T (S Q)^T has the singular values that are wanted.
    values, vectors = np.linalg.eigh(directions.T @ image)
    kept = values > values[-1] * len(values) * np.finfo(float).eps
    half = np.zeros_like(vectors)
    half[:, kept] = vectors[:, kept] / np.sqrt(values[kept])
    axes, singular, _ = np.linalg.svd(image @ half, full_matrices=False)
    return singular**2, axes


def _scattered_by_chunks(rows: Any, weights: np.ndarray | None, mean: np.ndarray, directions: np.ndarray) -> np.ndarray:
    """S directions, [column, width], each chunk of rows read once."""
    total = np.zeros_like(directions)
    for chunk, of_rows in chunks_of_rows(rows, weights):
        centred = np.subtract(chunk, mean, dtype=np.float64)
        projected = centred @ directions
        if of_rows is not None:
            projected *= of_rows[:, None]
        total += centred.T @ projected
    return total


def _check_size(k: int, largest: int) -> None:
    if not 1 <= k <= largest:
        raise ValueError(f"k is {k}; expected 1 to {largest}, the smaller of rows and columns")
