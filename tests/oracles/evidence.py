"""Evidence by the slowest way there is: every state in a loop, or one-dimensional quadrature on a long interval."""

import itertools

import numpy as np
from scipy import integrate, stats


def sum_over_states(log_prior, log_likelihood, *values):
    """log of the sum over all joint values of p(z) p(x | z)."""
    return np.log(sum(np.exp(log_prior(*z) + log_likelihood(*z)) for z in itertools.product(*values)))


def integral(density, low, high):
    """log of the integral of p(x, z) over z."""
    return np.log(integrate.quad(density, low, high, epsabs=0, epsrel=1e-11, limit=500)[0])


def with_holes(x, observed, mean, loadings, noise_variance):
    """log p of the observed columns of each row of a linear-Gaussian model, [row]."""
    covariance = loadings @ loadings.T + np.diag(noise_variance)
    return np.array(
        [
            stats.multivariate_normal(mean[o], covariance[np.ix_(o, o)]).logpdf(row[o])
            for row, o in zip(x, observed, strict=True)
        ]
    )
