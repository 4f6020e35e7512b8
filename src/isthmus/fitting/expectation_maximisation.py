"""Maximum likelihood of the linear-Gaussian model on rows with holes, by expectation maximisation.

What a row shows determines its latent's posterior, exactly. Given these, mean and loadings of a column are one weighted
regression on (z, 1) over the rows that show it, and its noise what the regression leaves. Then the latent is let have
any mean and covariance, which changes no density of x and takes far fewer steps to the same maximum (Rubin and Thayer
1982, EM algorithms for ML factor analysis; Liu, Rubin and Wu 1998, Parameter expansion to accelerate EM).
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from isthmus.fitting.factor_analysis import LinearFit, noise_floor
from isthmus.fitting.moments import checked_weights
from isthmus.fitting.principal_components import principal_components
from isthmus.models.linear import LinearGaussian, canonical_form
from isthmus.models.linear_posterior import latent_posterior, slices

NoiseKind = Literal["isotropic", "per_column"]


@dataclass(frozen=True)
class _Rows:
    """values: [row, column], less the column's mean, 0 in holes.  shown: 1 where observed, else 0.  weights: [row]."""

    values: np.ndarray
    shown: np.ndarray
    weights: np.ndarray


@dataclass(frozen=True)
class _Expectations:
    """Sums over rows, each times its weight.

    seconds: E[(z, 1)(z, 1)^T] of the rows that show a column, [column, k + 1, k + 1].  crosses: x E[(z, 1)], [column,
    k + 1].  latent: E[(z, 1)(z, 1)^T] of all rows, [k + 1, k + 1].  log_likelihood: mean log p(x) of a row.
    """

    seconds: np.ndarray
    crosses: np.ndarray
    latent: np.ndarray
    log_likelihood: float


def expectation_maximisation(
    values: Any,
    observed: Any,
    k: int,
    noise: NoiseKind = "isotropic",
    weights: Any = None,
    *,
    tolerance: float = 1e-6,
    max_iterations: int = 1000,
    seed: int = 0,
) -> LinearFit:
    """Probabilistic PCA (isotropic noise) or factor analysis (noise per column) of rows with holes.

    values: [row, column]; what stands in a hole means nothing.  observed: [row, column], of bool.  weights: [row].
    The start is the principal components of the rows with holes filled by the columns' means, and `seed` turns
    directions that these leave empty. Stops when the mean log-likelihood of a row, over rows that show anything, rises
    by less than `tolerance` nats. Noise is floored as for `factor_analysis`. Raises ValueError for k out of range, for
    a column that no row shows, and where every column is constant.
    """
    rows, means = _gather(values, observed, weights)
    columns = rows.values.shape[1]
    if not 1 <= k <= columns:
        raise ValueError(f"k is {k}; expected 1 to {columns} columns")
    counts = rows.weights @ rows.shown
    variance = (rows.weights @ rows.values**2) / counts
    floor = noise_floor(variance)
    mean, loadings, scatter = _start(rows, k, variance, seed)
    noise_variance = _noise(scatter, counts, floor, noise)
    path: list[float] = []
    converged = False
    while True:
        expected = _expect(rows, mean, loadings, noise_variance)
        path.append(expected.log_likelihood)
        converged = len(path) > 1 and path[-1] - path[-2] < tolerance
        if converged or len(path) == max_iterations:
            break
        mean, loadings, left = _maximise(expected, counts * variance)
        noise_variance = _noise(left, counts, floor, noise)
    model = LinearGaussian(means + mean, loadings, noise_variance, with_holes=True)
    return LinearFit(canonical_form(model), np.array(path), converged)


def _gather(values: Any, observed: Any, weights: Any) -> tuple[_Rows, np.ndarray]:
    """Rows that show something, less the means of their columns; and these means, [column]."""
    weights = checked_weights(values, weights)
    weights = np.ones(len(values)) if weights is None else weights
    observed = np.asarray(observed, bool)
    if observed.shape != values.shape:
        raise ValueError(f"observed has shape {observed.shape}; expected that of values, {values.shape}")
    used = observed.any(1) & (weights > 0)
    values, observed, weights = np.asarray(values)[used], observed[used], weights[used]
    unseen = np.flatnonzero(~observed.any(0))
    if len(unseen):
        raise ValueError(f"no row shows column {unseen[0]}; leave out columns without a value")
    # From a value of the column itself, so that its offset costs no digits.
    first = values[observed.argmax(0), np.arange(values.shape[1])].astype(np.float64)
    centred = np.where(observed, values - first, 0.0)
    shown = observed.astype(np.float64)
    shift = (weights @ centred) / (weights @ shown)
    return _Rows(np.where(observed, centred - shift, 0.0), shown, weights), first + shift


def _start(rows: _Rows, k: int, variance: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean, loadings, and the sum over rows of what is left of each column's variance."""
    size = min(k, *rows.values.shape)
    components = principal_components(rows.values, size, rows.weights)
    noise = components.discarded_mean
    # No direction is left quite empty: EM would never fill it.
    spread = np.sqrt(np.maximum(components.eigenvalues - noise, 1e-3 * variance.mean()))
    loadings = 1e-3 * np.random.default_rng(seed).standard_normal((len(variance), k)) * np.sqrt(variance)[:, None]
    loadings[:, :size] = components.axes * spread
    left = np.maximum(variance - (loadings**2).sum(1), 0.1 * variance)
    return np.zeros(len(variance)), loadings, left * (rows.weights @ rows.shown)


def _expect(rows: _Rows, mean: np.ndarray, loadings: np.ndarray, noise_variance: np.ndarray) -> _Expectations:
    columns, k = loadings.shape
    seconds = np.zeros((columns, (k + 1) ** 2))
    crosses = np.zeros((columns, k + 1))
    latent = np.zeros((k + 1) ** 2)
    log_likelihood = 0.0
    constants = np.log(2.0 * np.pi * noise_variance)
    for part in slices(len(rows.values), columns + 3 * (k + 1) ** 2):
        values, shown, weights = rows.values[part], rows.shown[part], rows.weights[part]
        centred = values - shown * mean
        posterior = latent_posterior(loadings, noise_variance, centred, shown)
        residual = centred - shown * (posterior.mean @ loadings.T)
        # |x|^2 in the metric of the evidence, as a sum of squares: nothing cancels where the noise is small.
        squares = residual**2 @ (1.0 / noise_variance) + (posterior.mean**2).sum(1)
        log_likelihood -= 0.5 * float(weights @ (shown @ constants - posterior.log_determinant + squares))
        extended = np.concatenate([posterior.mean, np.ones((len(values), 1))], axis=1)
        moments = extended[:, :, None] * extended[:, None, :]
        moments[:, :k, :k] += posterior.covariance
        moments = moments.reshape(len(values), -1) * weights[:, None]
        seconds += shown.T @ moments
        crosses += values.T @ (extended * weights[:, None])
        latent += moments.sum(0)
    return _Expectations(
        seconds.reshape(columns, k + 1, k + 1),
        crosses,
        latent.reshape(k + 1, k + 1),
        log_likelihood / float(rows.weights.sum()),
    )


def _maximise(expected: _Expectations, squares: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean, loadings, and the sum over rows of each column's expected squared residual, from its sum of squares."""
    solved = np.linalg.solve(expected.seconds, expected.crosses[:, :, None])[:, :, 0]
    loadings, mean = solved[:, :-1], solved[:, -1]
    left = squares - np.einsum("ij,ij->i", solved, expected.crosses)
    # The latent's own mean and covariance are taken into mean and loadings.
    moments = expected.latent / expected.latent[-1, -1]
    centre = moments[:-1, -1]
    factor = np.linalg.cholesky(moments[:-1, :-1] - np.outer(centre, centre))
    return mean + loadings @ centre, loadings @ factor, left


def _noise(left: np.ndarray, counts: np.ndarray, floor: np.ndarray, noise: NoiseKind) -> np.ndarray:
    if noise == "isotropic":
        return np.full(len(left), max(left.sum() / counts.sum(), floor.mean()))
    return np.maximum(left / counts, floor)
