"""A linear-Gaussian latent-variable model, whose evidence and posterior NumPy knows in closed form.

z ~ N(0, I), x | z ~ N(m + W z, sigma^2 I).
"""

import numpy as np
from scipy import stats


def log_evidence(x, W, m, sigma):
    """log p(x), [row]."""
    covariance = W @ W.T + sigma**2 * np.eye(len(m))
    return stats.multivariate_normal(m, covariance).logpdf(x)


def posterior(x, W, m, sigma):
    """Mean [row, latent] and covariance [latent, latent] of p(z | x)."""
    precision = np.eye(W.shape[1]) + W.T @ W / sigma**2
    covariance = np.linalg.inv(precision)
    return (x - m) @ W @ covariance / sigma**2, covariance


def kl_from_diagonal(mean, scale, target_mean, target_covariance):
    """KL(N(mean, diag(scale^2)) || N(target_mean, target_covariance)) of one row."""
    inverse = np.linalg.inv(target_covariance)
    shift = target_mean - mean
    trace = np.trace(inverse @ np.diag(scale**2))
    log_determinants = np.linalg.slogdet(target_covariance)[1] - 2 * np.log(scale).sum()
    return 0.5 * (trace + shift @ inverse @ shift - len(mean) + log_determinants)
