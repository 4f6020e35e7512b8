"""What importance weights say: the evidence from below, and whether they can be believed."""

import math
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

LARGEST_PARETO_LIMIT = 0.7
"""Above this shape the weights' tail is so heavy that their mean says nothing at any affordable number of draws."""

EQUAL_WITHIN = 0.05
"""Weights whose logarithms all lie so close, in nats, have no tail to fit: q is the posterior, but for rounding."""


@dataclass(frozen=True)
class WeightSummary:
    """Log-weights log p(x, u) - log q(u) at draws of q, [row, draw], summed up by row; nats, float64.

    elbo: their mean, and elbo_variance that of its Monte Carlo error; log_evidence: the logarithm of the weights' mean,
    which bounds log p(x) from below in expectation, and its variance by the delta method.
    effective_sample_size: (sum w)^2 / sum w^2.  pareto_k: the shape of the weights' tail; pareto_limit: the shape from
    which on so few draws do not cover the posterior, at most 0.7 (Vehtari, Simpson, Gelman, Yao and Gabry 2024, Pareto
    smoothed importance sampling).
    """

    elbo: np.ndarray
    elbo_variance: np.ndarray
    log_evidence: np.ndarray
    log_evidence_variance: np.ndarray
    effective_sample_size: np.ndarray
    pareto_k: np.ndarray
    pareto_limit: float

    @property
    def covers(self) -> np.ndarray:
        """Whether the draws cover the posterior, [row]; a shape that could not be fitted does not."""
        return self.pareto_k < self.pareto_limit


def summarise_weights(log_weights: np.ndarray) -> WeightSummary:
    """The summary of log-weights [row, draw]."""
    log_weights = np.asarray(log_weights, np.float64)
    draws, (log_mean, variance) = log_weights.shape[1], log_mean_weight(log_weights)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        relative = np.exp(log_weights - log_mean[:, None])
        return WeightSummary(
            elbo=log_weights.mean(1),
            elbo_variance=log_weights.var(1, ddof=1) / draws,
            log_evidence=log_mean,
            log_evidence_variance=variance,
            effective_sample_size=relative.sum(1) ** 2 / (relative**2).sum(1),
            pareto_k=_pareto_shapes(log_weights),
            pareto_limit=min(1.0 - 1.0 / math.log10(max(draws, 11)), LARGEST_PARETO_LIMIT),
        )


def log_mean_weight(log_weights: Any) -> tuple[np.ndarray, np.ndarray]:
    """(log of the mean of weights [row, draw], its variance by the delta method, nan for a single draw), [row] each."""
    draws = log_weights.shape[1]
    with np.errstate(invalid="ignore", divide="ignore"):
        log_mean = np.logaddexp.reduce(log_weights, axis=1) - np.log(draws)
        ratios = np.exp(log_weights - log_mean[:, None])
        variance = ratios.var(1, ddof=1) / draws if draws > 1 else np.full(len(log_weights), np.nan)
    return log_mean, variance


def _pareto_shapes(log_weights: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        equal = np.ptp(log_weights, axis=1) < EQUAL_WITHIN
    with jax.enable_x64(True):
        shapes = np.asarray(_fit_tails(log_weights), np.float64)
    return np.where(equal, -np.inf, np.where(np.isnan(shapes), np.inf, shapes))


@jax.jit
def _fit_tails(log_weights: jax.Array) -> jax.Array:
    # Imported where it is used: most fits do without, and it takes long.
    from blackjax.diagnostics import psis_weights

    return jax.vmap(lambda row: psis_weights(row)[1])(log_weights)
