"""Maximum likelihood of the linear-Gaussian model on rows without holes: from their covariance alone.

With isotropic noise the answer is the principal components'. With noise of its own for each column, factor analysis, it
is climbed to: given the noise the best loadings are eigenvectors, and given the loadings the noise is EM's.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from isthmus.fitting.moments import Moments
from isthmus.fitting.principal_components import OVERSAMPLING, PrincipalComponents
from isthmus.models.linear import LinearGaussian, canonical_form

NOISE_FLOOR = 1e-6
"""No noise variance falls below this share of its column's variance: where one factor follows one column exactly
(Heywood 1931) the likelihood has no maximum. For a constant column the mean variance stands in for its own."""
PLANE_TOLERANCE = 1e-13
"""A mean discarded variance below this share of the total is rounding."""


@dataclass(frozen=True)
class LinearFit:
    """A model of greatest likelihood and the way there.

    model: in canonical form.  log_likelihoods: mean log p(x) of a row after each step, in nats, never falling.
    converged: whether the last step rose by less than was asked for.
    """

    model: LinearGaussian
    log_likelihoods: np.ndarray
    converged: bool


def probabilistic_components(components: PrincipalComponents) -> LinearGaussian:
    """Probabilistic PCA by maximum likelihood, in canonical form.

    W = U (Lambda - sigma^2 I)^(1/2), sigma^2 the mean eigenvalue left out (Tipping and Bishop 1999). Raises ValueError
    where sigma^2 is 0: the rows lie in a plane of the latent's size, and their likelihood has no maximum.
    """
    columns, k = components.axes.shape
    noise = components.discarded_mean
    if noise <= PLANE_TOLERANCE * components.total_variance:
        rank = components.rank
        remedy = f"expected a latent size below {rank}" if rank > 1 else "no latent is small enough for them"
        raise ValueError(
            f"the rows lie in a plane of {rank} dimension(s), so that a latent of {k} leaves nothing for the noise and "
            f"the likelihood has no maximum; {remedy}"
        )
    loadings = components.axes * np.sqrt(np.maximum(components.eigenvalues - noise, 0.0))
    return LinearGaussian(components.mean, loadings, np.full(columns, noise))


def factor_analysis(
    moments: Moments, k: int, *, tolerance: float = 1e-6, max_iterations: int = 1000, seed: int = 0
) -> LinearFit:
    """Factor analysis by maximum likelihood, from the moments of rows.

    k: the latent size, 1 to columns.  Stops when the mean log-likelihood of a row rises by less than `tolerance` nats.
    A step maximises over the loadings given the noise, then takes EM's step for the noise (Liu and Rubin 1994, The ECME
    algorithm). The eigenvectors are not found anew: the last ones and their image under the covariance span a plane
    that holds the old loadings, so the best loadings within it are never worse. No noise variance falls below
    1e-6 of its column's variance. Raises ValueError for k out of range and for rows that are all alike.
    """
    covariance = moments.covariance()
    columns = len(covariance)
    if not 1 <= k <= columns:
        raise ValueError(f"k is {k}; expected 1 to {columns} columns")
    variance = covariance.diagonal().copy()
    floor = noise_floor(variance)
    noise = np.maximum(variance, floor)
    width = min(k + OVERSAMPLING, columns)
    factors = np.random.default_rng(seed).standard_normal((columns, width))
    path: list[float] = []
    converged = False
    loadings, used = factors[:, :k], noise
    for _ in range(max_iterations):
        values, factors, images = _best_in_plane(covariance, noise, factors)
        path.append(_log_likelihood(values[:k], noise, variance))
        gains = np.sqrt(np.maximum(values[:k] - 1.0, 0.0))
        loadings, used = factors[:, :k] * gains, noise
        if len(path) > 1 and path[-1] - path[-2] < tolerance:
            converged = True
            break
        noise = _noise_step(loadings, images[:, :k] * (gains / values[:k]), variance, floor)
    return LinearFit(canonical_form(LinearGaussian(moments.mean, loadings, used)), np.array(path), converged)


def noise_floor(variance: np.ndarray) -> np.ndarray:
    """The least noise variance of each column, [column], from its variance. Raises ValueError where all are 0."""
    if not variance.any():
        raise ValueError("every column is constant; expected rows that differ")
    return NOISE_FLOOR * np.where(variance > 0, variance, variance.mean())


def _best_in_plane(
    covariance: np.ndarray, noise: np.ndarray, factors: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Ritz values of Psi^-1/2 C Psi^-1/2, decreasing, their vectors U times Psi^1/2, and C Psi^-1/2 U.

    The plane is that of Psi^-1/2 `factors`, [column, width], and its image.
    """
    scale = 1.0 / np.sqrt(noise)[:, None]

    def scaled_covariance(directions: np.ndarray) -> np.ndarray:
        return scale * (covariance @ (scale * directions))

    basis = _orthonormal(scale * factors, scaled_covariance)
    image = scaled_covariance(basis)
    values, rotation = np.linalg.eigh(basis.T @ image)
    rotation = rotation[:, ::-1][:, : factors.shape[1]]
    return values[::-1][: factors.shape[1]], (basis @ rotation) / scale, (image @ rotation) / scale


def _orthonormal(directions: np.ndarray, matrix: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """An orthonormal basis of directions and their image under a matrix, [column, 2 width], or less than columns."""
    first = np.linalg.qr(directions)[0]
    second = matrix(first)
    return np.linalg.qr(np.hstack([first, second])[:, : len(first)])[0]


def _log_likelihood(values: np.ndarray, noise: np.ndarray, variance: np.ndarray) -> float:
    """Mean log p(x) at the best loadings along vectors whose values these are.

    log |W W^T + Psi| = log |Psi| + sum log max(value, 1), and tr((W W^T + Psi)^-1 C) = tr(Psi^-1 C) - sum of what the
    values have above 1.
    """
    above = np.maximum(values, 1.0)
    log_determinant = np.log(2.0 * np.pi * noise).sum() + np.log(above).sum()
    return -0.5 * float(log_determinant + (variance / noise).sum() - (above - 1.0).sum())


def _noise_step(loadings: np.ndarray, cross: np.ndarray, variance: np.ndarray, floor: np.ndarray) -> np.ndarray:
    """EM's noise given the loadings W: diag(C - 2 W E[z x^T] + W E[z z^T] W^T), where E[z z^T] = I.

    cross: E[x z^T], [column, k]. Where the loadings are eigenvectors it is W, and this is diag(C - W W^T).
    """
    residual = variance - 2.0 * np.einsum("ij,ij->i", loadings, cross) + np.einsum("ij,ij->i", loadings, loadings)
    return np.maximum(residual, floor)
