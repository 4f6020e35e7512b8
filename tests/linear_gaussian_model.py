"""A user's own three-method module: linear-Gaussian, with any diagonal normal q that is affine in x."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpyro.distributions import Normal

from isthmus import ProbabilisticModel
from oracles.linear_gaussian import posterior


class LinearGaussian(ProbabilisticModel):
    W: Array
    m: Array
    sigma: float = eqx.field(static=True)
    A: Array
    b: Array
    scale: Array

    def prior(self, c=None):
        return Normal(jnp.zeros(self.W.shape[1]), 1.0).to_event(1)

    def likelihood(self, z, c=None, *, key=None):
        return Normal(self.m + self.W @ z, self.sigma).to_event(1)

    def posterior(self, x, c=None, *, key=None):
        return Normal(self.A @ x + self.b, self.scale).to_event(1)


def random_model(seed, columns=5, latent=2, sigma=0.7):
    """A model with arbitrary parameters, and q with arbitrary ones too."""
    generator = np.random.default_rng(seed)
    return LinearGaussian(
        W=jnp.asarray(generator.normal(size=(columns, latent))),
        m=jnp.asarray(generator.normal(size=columns)),
        sigma=sigma,
        A=jnp.asarray(0.3 * generator.normal(size=(latent, columns))),
        b=jnp.asarray(0.3 * generator.normal(size=latent)),
        scale=jnp.asarray(generator.uniform(0.3, 0.9, size=latent)),
    )


def with_posterior(model, widening=1.0):
    """The same model with the posterior's exact mean, and its exact marginal scales times `widening`."""
    W, m = np.asarray(model.W, np.float64), np.asarray(model.m, np.float64)
    covariance = posterior(m[None], W, m, model.sigma)[1]
    A = covariance @ W.T / model.sigma**2
    scale = widening * np.sqrt(np.diag(covariance))
    return LinearGaussian(model.W, model.m, model.sigma, jnp.asarray(A), jnp.asarray(-A @ m), jnp.asarray(scale))


def simulated_rows(model, rows, seed=0):
    """Rows drawn from the model, float32."""
    generator = np.random.default_rng(seed)
    z = generator.normal(size=(rows, model.W.shape[1]))
    noise = model.sigma * generator.normal(size=(rows, len(model.m)))
    return (np.asarray(model.m) + z @ np.asarray(model.W).T + noise).astype(np.float32)
