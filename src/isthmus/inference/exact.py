"""What the linear-Gaussian model knows of rows without sampling: posterior, evidence, rate and distortion, in float64.

    log p(x) = E_q[log p(x | z)] - KL(q(z | x) || p(z)),  q the exact posterior

With `added_variance` V each row stands for x + u, where u has mean 0 and covariance diag(V), and every figure is its
expectation over u. All are quadratic in x, so that only V enters: V = 1/12 is uniform dequantisation of whole numbers.
"""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from isthmus.models import Observation
from isthmus.models.linear import LinearGaussian, centred_product
from isthmus.models.linear_posterior import latent_posterior, outer_products, slices, weighted_outer_sums

DIAGONAL_TOLERANCE = 1e-9


@dataclass(frozen=True)
class ExactInference:
    """What is known of each row, float64.

    mean: of p(z | x), [row, latent].  covariance: [latent, latent] for rows without holes, else [row, latent, latent].
    log_likelihood: E_q log p(x | z); rate: KL(q || p); log_evidence: log p(x), their difference; nats, [row].
    kl_terms: the rate of each latent dimension, [row, latent], where these are independent (rows without holes, a model
    in canonical form), else None.  column_log_likelihood: [row, column], 0 in holes; None unless asked for.
    """

    mean: np.ndarray
    covariance: np.ndarray
    log_likelihood: np.ndarray
    rate: np.ndarray
    log_evidence: np.ndarray
    kl_terms: np.ndarray | None
    column_log_likelihood: np.ndarray | None


def infer_exactly(
    model: LinearGaussian, rows: Any, *, added_variance: np.ndarray | None = None, by_column: bool = False
) -> ExactInference:
    """The exact posterior of each row and what it says.

    rows: an array [row, column], or an `Observation` of such arrays.  added_variance: [column], see above; a hole has
    none.  by_column: keep the likelihood of each column too.
    """
    values, observed = _values_and_mask(rows)
    columns, k = model.loadings.shape
    added = np.zeros(columns) if added_variance is None else np.broadcast_to(added_variance, (columns,))
    width = columns if observed is None else columns + 4 * k**2
    parts = [
        _infer_chunk(model, values[part], None if observed is None else observed[part], added, by_column)
        for part in slices(len(values), width)
    ]
    return parts[0] if len(parts) == 1 else ExactInference(**{f.name: _joined(f.name, parts) for f in fields(parts[0])})


def posterior_means(model: LinearGaussian, rows: Any) -> np.ndarray:
    """The mean of p(z | x) of each row, [row, latent]: of rows without holes by one product."""
    values, observed = _values_and_mask(rows)
    if observed is not None:
        return infer_exactly(model, rows).mean
    weighted = model.loadings / model.noise_variance[:, None]
    weights = weighted @ np.linalg.inv(np.eye(model.loadings.shape[1]) + model.loadings.T @ weighted)
    spread = np.sqrt(model.noise_variance + (model.loadings**2).sum(1)).max()
    return centred_product(values, model.mean, weights, float(spread))


def conditional_values(model: LinearGaussian, rows: Any) -> np.ndarray:
    """The rows with each hole filled by its mean given what was observed, [row, column]."""
    values, observed = _values_and_mask(rows)
    if observed is None:
        return np.array(values, np.float64)
    filled = np.empty(values.shape)
    for part in slices(len(values), values.shape[1] + 4 * model.loadings.shape[1] ** 2):
        shown = observed[part]
        centred = np.where(shown, values[part] - model.mean, 0.0)
        latent = latent_posterior(model.loadings, model.noise_variance, centred, shown).mean
        filled[part] = np.where(shown, values[part], model.mean + latent @ model.loadings.T)
    return filled


def sample_conditional_values(model: LinearGaussian, rows: Any, n: int, seed: int = 0) -> np.ndarray:
    """`n` draws of each row given what was observed, [row, n, column]: observed values as they are, holes drawn."""
    values, observed = _values_and_mask(rows)
    if observed is None:
        return np.repeat(np.array(values, np.float64)[:, None], n, axis=1)
    generator = np.random.default_rng(seed)
    columns, k = model.loadings.shape
    sampled = np.empty((len(values), n, columns))
    for part in slices(len(values), n * (columns + k) + 4 * k**2):
        shown = observed[part]
        centred = np.where(shown, values[part] - model.mean, 0.0)
        posterior = latent_posterior(model.loadings, model.noise_variance, centred, shown)
        # One block of noise a row, so that the draws do not depend on how rows fall into chunks.
        noise = generator.standard_normal((len(shown), n, k + columns))
        factor = np.linalg.cholesky(posterior.covariance)
        latent = posterior.mean[:, None] + noise[:, :, :k] @ factor.transpose(0, 2, 1)
        drawn = model.mean + latent @ model.loadings.T + np.sqrt(model.noise_variance) * noise[:, :, k:]
        sampled[part] = np.where(shown[:, None], values[part][:, None], drawn)
    return sampled


def _infer_chunk(
    model: LinearGaussian, values: np.ndarray, observed: np.ndarray | None, added: np.ndarray, by_column: bool
) -> ExactInference:
    loadings, noise = model.loadings, model.noise_variance
    k = loadings.shape[1]
    shown = 1.0 if observed is None else observed.astype(np.float64)
    centred = values - model.mean if observed is None else np.where(observed, values - model.mean, 0.0)
    posterior = latent_posterior(loadings, noise, centred, observed)
    covariance = posterior.covariance
    # The covariance that u gives the posterior mean.
    if observed is None:
        wandering = covariance @ (loadings.T @ ((added / noise**2)[:, None] * loadings)) @ covariance
    else:
        wandering = covariance @ weighted_outer_sums(observed, loadings, added / noise**2) @ covariance
    variances = np.diagonal(covariance + wandering, axis1=-2, axis2=-1)
    rate = 0.5 * ((posterior.mean**2).sum(1) + variances.sum(-1) - k - posterior.log_determinant)

    residual = centred - posterior.mean @ loadings.T
    if observed is not None:
        residual *= observed
    np.square(residual, out=residual)
    residual /= noise
    constants = np.log(2.0 * np.pi * noise)
    # Of each column, over its noise: the variance of W z under q, and of what u leaves of x - W E_q[z].
    spreads = _quadratic_forms(loadings, covariance + wandering) / noise
    absorbed = 2.0 * added * _quadratic_forms(loadings, covariance) / noise**2
    extra = spreads + added / noise - absorbed + constants
    log_likelihood = -0.5 * (residual.sum(1) + (shown * extra).sum(-1))
    squares = residual.sum(1) + (posterior.mean**2).sum(1)
    precise = (shown * (constants + added / noise)).sum(-1)
    # tr(Sigma^-1 V) = tr(Psi^-1 V) - tr(S^-1 A V A^T).
    explained = np.trace(np.linalg.solve(covariance, wandering), axis1=-2, axis2=-1)
    log_evidence = -0.5 * (squares + precise - posterior.log_determinant - explained)
    return ExactInference(
        mean=posterior.mean,
        covariance=covariance,
        log_likelihood=log_likelihood,
        rate=rate,
        log_evidence=log_evidence,
        kl_terms=_kl_terms(posterior.mean, covariance, wandering) if observed is None else None,
        column_log_likelihood=-0.5 * (residual + shown * extra) if by_column else None,
    )


def _kl_terms(mean: np.ndarray, covariance: np.ndarray, wandering: np.ndarray) -> np.ndarray | None:
    diagonal = np.diagonal(covariance)
    scale = np.sqrt(np.outer(diagonal, diagonal))
    if (np.abs(covariance - np.diag(diagonal)) > DIAGONAL_TOLERANCE * scale).any():
        return None
    return 0.5 * (mean**2 + np.diagonal(wandering) + diagonal - 1.0 - np.log(diagonal))


def _quadratic_forms(loadings: np.ndarray, matrices: np.ndarray) -> np.ndarray:
    """w^T matrix w of each column's loadings, [column], or [row, column] for matrices [row, latent, latent]."""
    if matrices.ndim == 2:
        return ((loadings @ matrices) * loadings).sum(1)
    return matrices.reshape(len(matrices), -1) @ outer_products(loadings).T


def _values_and_mask(rows: Any) -> tuple[np.ndarray, np.ndarray | None]:
    if not isinstance(rows, Observation):
        return rows, None
    return np.asarray(rows.values), np.asarray(rows.observed, bool)


def _joined(name: str, parts: list[ExactInference]) -> Any:
    arrays = [getattr(part, name) for part in parts]
    if arrays[0] is None or (name == "covariance" and arrays[0].ndim == 2):
        return arrays[0]
    return np.concatenate(arrays)
