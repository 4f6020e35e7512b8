"""Distributions of the latent before any datum is seen."""

import jax.numpy as jnp
from numpyro.distributions import Distribution, Normal


def standard_normal(size: int) -> Distribution:
    """N(0, I) of `size` dimensions."""
    return Normal(jnp.zeros(size), jnp.ones(size)).to_event(1)
