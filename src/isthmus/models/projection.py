"""The linear autoencoder, which is PCA, as a deterministic model."""

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array
from numpyro.distributions import Normal

from isthmus.models.distributions import ColumnDistribution
from isthmus.models.model import DeterministicModel


class LinearProjection(DeterministicModel):
    """z = U^T (x - m) / s, x ~ N(m + U (s z), sigma^2 I), with U^T U = I.

    mean: m, [column].  axes: U, [column, latent].  latent_scale: s, [latent], 1 where the latent is not whitened.
    noise_variance: sigma^2, a number.  The arrays are float64; the methods run in the precision around them.
    """

    mean: np.ndarray
    axes: np.ndarray
    latent_scale: np.ndarray
    noise_variance: np.ndarray

    def encode(self, x: Any, c: Any = None, *, key: Array | None = None) -> Array:
        return jnp.asarray(self.axes).T @ (x - self.mean) / self.latent_scale

    def likelihood(self, z: Array, c: Any = None, *, key: Array | None = None) -> ColumnDistribution:
        location = self.mean + jnp.asarray(self.axes) @ (self.latent_scale * z)
        scale = jnp.sqrt(jnp.asarray(self.noise_variance))
        return ColumnDistribution(Normal(location, scale), log_unit=jnp.zeros(self.mean.shape))
