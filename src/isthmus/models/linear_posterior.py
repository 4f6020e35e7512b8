"""The posterior of the linear-Gaussian model for many rows at once, in float64 NumPy."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

CHUNK_NUMBERS = 2**20
"""A chunk's largest array holds about so many numbers."""


@dataclass(frozen=True)
class LatentPosterior:
    """N(mean, covariance) of each row.

    mean: [row, latent].  covariance: [row, latent, latent], one [latent, latent] for rows that show the same columns.
    log_determinant: of the covariance, [row] or a number.
    """

    mean: np.ndarray
    covariance: np.ndarray
    log_determinant: np.ndarray


def latent_posterior(
    loadings: np.ndarray, noise_variance: np.ndarray, centred: np.ndarray, observed: np.ndarray | None = None
) -> LatentPosterior:
    """p(z | x) of rows less their mean, [row, column], given the columns that are observed, [row, column] or all.

    loadings: [column, latent].  noise_variance: [column].  centred must be 0 in holes.
    """
    size = loadings.shape[1]
    weighted = loadings / noise_variance[:, None]
    if observed is None:
        precision = np.eye(size) + loadings.T @ weighted
    else:
        precision = np.eye(size) + weighted_outer_sums(observed, loadings, 1.0 / noise_variance)
    covariance = np.linalg.inv(precision)
    projected = centred @ weighted
    mean = projected @ covariance if observed is None else np.matmul(covariance, projected[:, :, None])[:, :, 0]
    return LatentPosterior(mean, covariance, -np.linalg.slogdet(precision)[1])


def weighted_outer_sums(observed: np.ndarray, loadings: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The sum over a row's observed columns of weight w w^T, w the column's loadings: [row, latent, latent]."""
    size = loadings.shape[1]
    products = outer_products(loadings) * weights[:, None]
    return (observed.astype(np.float64) @ products).reshape(-1, size, size)


def outer_products(loadings: np.ndarray) -> np.ndarray:
    """w w^T of each column's loadings, flat: [column, latent * latent]."""
    return (loadings[:, :, None] * loadings[:, None, :]).reshape(len(loadings), -1)


def slices(rows: int, width: int) -> Iterator[slice]:
    """Consecutive rows, so many that at `width` numbers a row they stay within a chunk."""
    size = max(CHUNK_NUMBERS // max(width, 1), 1)
    return (slice(start, start + size) for start in range(0, rows, size))
