"""The linear-Gaussian latent-variable model: probabilistic PCA and factor analysis."""

from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpyro.distributions import Distribution, MultivariateNormal, Normal

from isthmus.models.distributions import ColumnDistribution
from isthmus.models.model import ProbabilisticModel
from isthmus.models.observation import Observation, Product
from isthmus.models.priors import standard_normal

LARGE_OFFSET = 1e4
"""Columns so many spreads away from 0 are centred before they are multiplied."""


class LinearGaussian(ProbabilisticModel):
    """z ~ N(0, I), x = mean + loadings z + noise, noise ~ N(0, diag(noise_variance)); the posterior is exact.

    mean: [column].  loadings: [column, latent].  noise_variance: [column], one number throughout in probabilistic PCA
    (Tipping and Bishop 1999), one for each column in factor analysis.  with_holes: whether a row is an `Observation`
    and not an array.  The arrays are float64; the methods run in the precision around them.
    """

    mean: np.ndarray
    loadings: np.ndarray
    noise_variance: np.ndarray
    with_holes: bool = eqx.field(static=True, default=False)

    def prior(self, c: Any = None) -> Distribution:
        return standard_normal(self.loadings.shape[1])

    def likelihood(self, z: Array, c: Any = None, *, key: Array | None = None) -> ColumnDistribution | Product:
        base = Normal(self.mean + jnp.asarray(self.loadings) @ z, jnp.sqrt(jnp.asarray(self.noise_variance)))
        columns = ColumnDistribution(base, log_unit=jnp.zeros(self.mean.shape))
        return Product((columns,), (tuple(range(self.mean.shape[0])),)) if self.with_holes else columns

    def posterior(self, x: Any, c: Any = None, *, key: Array | None = None) -> Distribution:
        """N(S W^T Psi^-1 (x - mean), S) with S = (I + W^T Psi^-1 W)^-1, all over the columns that were observed."""
        values, observed = (x.values, x.observed) if isinstance(x, Observation) else (x, True)
        loadings = jnp.asarray(self.loadings)
        weighted = jnp.where(observed, 1.0 / jnp.asarray(self.noise_variance), 0.0)[:, None] * loadings
        precision = jnp.eye(loadings.shape[1]) + loadings.T @ weighted
        centred = jnp.where(observed, values - self.mean, 0.0)
        return MultivariateNormal(jnp.linalg.solve(precision, weighted.T @ centred), precision_matrix=precision)


def canonical_form(model: LinearGaussian) -> LinearGaussian:
    """The same distribution of x, its latent rotated until W^T Psi^-1 W is diagonal and decreasing.

    Then the posterior of a row without holes has independent dimensions, and its KL is the sum of theirs. The largest
    entry of each column of loadings is positive, so that one distribution has one canonical form.
    """
    scaled = model.loadings / np.sqrt(model.noise_variance)[:, None]
    # The right singular vectors: squaring first would blur the small directions.
    rotation = np.linalg.svd(scaled, full_matrices=scaled.shape[0] < scaled.shape[1])[2].T
    loadings = with_fixed_signs(model.loadings @ rotation)
    return LinearGaussian(model.mean, loadings, model.noise_variance, model.with_holes)


def centred_product(rows: np.ndarray, mean: np.ndarray, weights: np.ndarray, spread: float) -> np.ndarray:
    """(rows - mean) weights, [row, latent], in float64; spread: a typical one of the columns.

    Where columns are not far from 0 no digit is lost by subtracting afterwards, which saves a pass over the rows.
    """
    if np.abs(mean).max() > LARGE_OFFSET * spread:
        return (rows - mean) @ weights
    return rows @ weights - mean @ weights


def with_fixed_signs(columns: np.ndarray) -> np.ndarray:
    """The columns of a matrix, each turned so that its entry of largest absolute value is positive."""
    largest = np.take_along_axis(columns, np.abs(columns).argmax(0)[None], axis=0)
    return columns * np.where(largest < 0, -1.0, 1.0)
