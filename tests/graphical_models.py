"""Graphical models whose posteriors and evidence are known, and some in numpyro that are known only by their fame."""

from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
from scipy.stats import multivariate_normal

from isthmus.inference import log_joint
from linear_gaussian_model import random_model, simulated_rows, with_posterior
from oracles import linear_gaussian

ROWS = 3
"""Of the case whose posteriors come by row."""


@dataclass(frozen=True)
class KnownPosterior:
    """A model and its data, with the exact mean [row, size], covariance [size, size] and log evidence [row]."""

    name: str
    model: Any
    data: Any
    mean: np.ndarray
    covariance: np.ndarray
    log_evidence: np.ndarray


def regression_in_numpyro(X, y=None):
    weights = numpyro.sample("weights", dist.Normal(0.0, 2.0 * jnp.ones(X.shape[1])).to_event(1))
    numpyro.sample("y", dist.Normal(X @ weights, 0.5), obs=y)


def regression() -> KnownPosterior:
    """Three correlated weights with a normal prior, twenty observations of known noise, in numpyro."""
    generator = np.random.default_rng(0)
    X = generator.normal(size=(20, 3)) @ np.array([[1.0, 0.8, 0.0], [0.0, 0.6, 0.0], [0.0, 0.0, 1.0]])
    y = X @ np.array([1.0, -1.0, 0.5]) + 0.5 * generator.normal(size=20)
    covariance = np.linalg.inv(X.T @ X / 0.25 + np.eye(3) / 4)
    evidence = multivariate_normal(np.zeros(20), 0.25 * np.eye(20) + 4 * X @ X.T).logpdf(y)
    mean = covariance @ X.T @ y / 0.25
    return KnownPosterior("numpyro", regression_in_numpyro, (X, y), mean[None], covariance, np.array([evidence]))


def normal_mean() -> KnownPosterior:
    """The mean of two-dimensional normals, by a prior and a likelihood; the prior's two parts have names."""
    x = np.random.default_rng(1).normal([1.0, -2.0], 1.5, size=(8, 2))
    prior = {"first": dist.Normal(0.0, 2.0), "second": dist.Normal(0.0, 2.0)}

    def log_likelihood(x, z):
        return jnp.sum(dist.Normal(jnp.stack([z["first"], z["second"]]), 1.5).log_prob(x))

    variance = 1 / (1 / 4 + len(x) / 2.25)
    marginal = multivariate_normal(np.zeros(8), 2.25 * np.eye(8) + 4.0 * np.ones((8, 8)))
    evidence = sum(marginal.logpdf(column) for column in x.T)
    mean = variance * x.sum(0) / 2.25
    model = log_joint(prior, log_likelihood)
    return KnownPosterior("log joint", model, x, mean[None], variance * np.eye(2), np.array([evidence]))


def rows_of_a_model() -> KnownPosterior:
    """Rows of a linear-Gaussian three-method model, each with a posterior of its own."""
    model = with_posterior(random_model(4), widening=1.3)
    rows = simulated_rows(model, ROWS)
    W, m = np.asarray(model.W, np.float64), np.asarray(model.m, np.float64)
    mean, covariance = linear_gaussian.posterior(rows, W, m, model.sigma)
    return KnownPosterior(
        "three methods", model, rows, mean, covariance, linear_gaussian.log_evidence(rows, W, m, model.sigma)
    )


KNOWN = [regression(), normal_mean(), rows_of_a_model()]


def two_modes(distance=4.0):
    """z at +distance or -distance with equal weight, each within 0.5: what no normal is."""

    def log_likelihood(x, z):
        modes = jnp.stack([dist.Normal(place, 0.5).log_prob(z) for place in (-distance, distance)])
        return jnp.logaddexp(*modes) - dist.Normal(0.0, 10.0).log_prob(z) - jnp.log(2.0)

    return log_joint(dist.Normal(0.0, 10.0), log_likelihood)


EFFECTS = np.array([28.0, 8.0, -3.0, 7.0, -1.0, 1.0, 18.0, 12.0])
ERRORS = np.array([15.0, 10.0, 16.0, 11.0, 9.0, 11.0, 10.0, 18.0])


def eight_schools(schools, errors, effects=None):
    """Rubin 1981, in coordinates that do not depend on the spread."""
    mean = numpyro.sample("mean", dist.Normal(0.0, 5.0))
    spread = numpyro.sample("spread", dist.HalfCauchy(5.0))
    with numpyro.plate("school", schools):
        offset = numpyro.sample("offset", dist.Normal(0.0, 1.0))
        effect = numpyro.deterministic("effect", mean + spread * offset)
        numpyro.sample("effects", dist.Normal(effect, errors), obs=effects)


def logistic_regression(X, labels=None):
    weights = numpyro.sample("weights", dist.Normal(0.0, 1.0).expand([X.shape[1]]).to_event(1))
    numpyro.sample("labels", dist.Bernoulli(logits=X @ weights), obs=labels)


def hierarchical_counts(group, exposure, groups, counts=None):
    """Counts whose rates vary by group around a common level: a hierarchical Poisson regression."""
    level = numpyro.sample("level", dist.Normal(0.0, 2.0))
    spread = numpyro.sample("spread", dist.HalfNormal(1.0))
    with numpyro.plate("group", groups):
        offset = numpyro.sample("offset", dist.Normal(0.0, 1.0))
    numpyro.sample("counts", dist.Poisson(exposure * jnp.exp(level + spread * offset[group])), obs=counts)
