"""The identity log p(x) = ELBO(q) + KL(q || p(z | x)), each of its three terms computed by itself."""

from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from numpyro.distributions import MultivariateNormal, Normal
from scipy.special import logsumexp

from isthmus.inference.exact import infer_exactly
from isthmus.information import kl_divergence
from isthmus.models import LinearGaussian


@dataclass(frozen=True)
class Identity:
    """log p(x), the ELBO of q, KL(q || p(z | x)), in nats, float64, one for each case; residual: the first less the
    other two, 0 but for rounding."""

    log_evidence: np.ndarray
    elbo: np.ndarray
    kl: np.ndarray

    @property
    def residual(self) -> np.ndarray:
        return self.log_evidence - (self.elbo + self.kl)


def identity(model: Any, q: Any, X: Any = None) -> Identity:
    """The three terms for any q at all, not only a fitted one.

    model: a table of log p(x, z) at the data over a finite z, [..., state], with q a table of its shape whose rows add
        up to 1; or a `LinearGaussian` and rows X [row, column] without holes, with q a numpyro MultivariateNormal of
        batch [row] over z.

    Nothing is sampled. log p(x) is the log of the sum over states, or the density of the normal that x has; the ELBO
    is E_q[log p(x, z) - log q(z)]; the KL is from q to the posterior, made on its own. Raises ValueError for shapes
    that disagree and for a q that is no distribution. Jordan, Ghahramani, Jaakkola and Saul 1999.
    """
    if isinstance(model, LinearGaussian):
        return _of_linear_gaussian(model, q, np.asarray(X, np.float64))
    return _of_table(np.asarray(model, np.float64), np.asarray(q, np.float64))


def _of_table(log_joint: np.ndarray, q: np.ndarray) -> Identity:
    if log_joint.shape != q.shape:
        raise ValueError(f"log p(x, z) has shape {log_joint.shape} and q {q.shape}; expected one shape")
    if (q < 0).any() or not np.allclose(q.sum(-1), 1.0, rtol=0, atol=1e-9):
        raise ValueError("q is no distribution over states; expected numbers >= 0 that add up to 1 along the last axis")
    with np.errstate(divide="ignore", invalid="ignore"):
        log_ratio = np.where(q > 0, log_joint - np.log(q), 0.0)
    weights = np.exp(log_joint - log_joint.max(-1, keepdims=True))
    posterior = weights / weights.sum(-1, keepdims=True)
    return Identity(
        np.asarray(logsumexp(log_joint, axis=-1)),
        (q * log_ratio).sum(-1),
        np.asarray(kl_divergence(q, posterior, axis=-1).value),
    )


def _of_linear_gaussian(model: LinearGaussian, q: Any, rows: np.ndarray) -> Identity:
    if rows.ndim != 2 or tuple(q.batch_shape) != (len(rows),) or tuple(q.event_shape) != (model.loadings.shape[1],):
        raise ValueError(
            f"q has batch {q.batch_shape} over vectors {q.event_shape}, X has shape {rows.shape}; expected one normal "
            f"over {model.loadings.shape[1]} latents for each row [row, column]"
        )
    exact = infer_exactly(model, rows)
    with jax.enable_x64(True):
        mean, covariance = np.asarray(q.mean, np.float64), np.asarray(q.covariance_matrix, np.float64)
        normal = MultivariateNormal(mean, covariance)
        prior = MultivariateNormal(np.zeros(mean.shape[1]), np.eye(mean.shape[1]))
        marginal = MultivariateNormal(model.mean, model.loadings @ model.loadings.T + np.diag(model.noise_variance))
        rate = kl_divergence(normal, prior).value
        return Identity(
            np.asarray(marginal.log_prob(rows)),
            _expected_log_likelihood(model, rows, mean, covariance) - np.asarray(rate),
            np.asarray(kl_divergence(normal, MultivariateNormal(exact.mean, exact.covariance)).value),
        )


def _expected_log_likelihood(
    model: LinearGaussian, rows: np.ndarray, mean: np.ndarray, covariance: np.ndarray
) -> np.ndarray:
    """E_q log p(x | z), [row]: log p at q's mean, less half of what q's spread adds to the squared residuals."""
    noise = model.noise_variance
    at_mean = Normal(model.mean + mean @ model.loadings.T, np.sqrt(noise)).log_prob(rows)
    spread = np.einsum("ck,rkl,cl->rc", model.loadings, covariance, model.loadings)
    return np.asarray(at_mean).sum(1) - 0.5 * (spread / noise).sum(1)
