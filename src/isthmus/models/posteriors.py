"""Families of q(z | x), each member chosen by an encoder's outputs."""

import jax.numpy as jnp
from jax import Array
from numpyro.distributions import Distribution, Normal

LOG_SCALE_LIMIT = 10.0
"""|log sigma| is kept within this bound, so that no input drives sigma, or its square, out of float32."""


def diagonal_normal(outputs: Array) -> Distribution:
    """N(mu, diag(sigma^2)) with (mu, log sigma) the two halves of `outputs`.

    Its samples are mu + sigma * eps with eps ~ N(0, I), so that gradients pass to mu and sigma (Kingma and Welling
    2014, Auto-encoding variational Bayes).
    """
    mean, log_scale = jnp.split(outputs, 2)
    return Normal(mean, jnp.exp(jnp.clip(log_scale, -LOG_SCALE_LIMIT, LOG_SCALE_LIMIT))).to_event(1)
