"""Expectations over the integers that no closed form gives."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import Array

_REACH = 128


def expected_log_mass(
    log_mass: Callable[[Array], Array], mean: Array, deviation: Array, largest: Array | float = jnp.inf
) -> Array:
    """E[log_mass(x)] over the integers from 0 to largest, x having that bell-shaped mass up to a constant factor.

    The sum runs over the integers within at least ten standard deviations of the mean; where these are many, over
    every n-th of them, n at most a sixth of the deviation. That is the trapezoidal rule for a smooth mass, whose error
    exp(-2 pi^2 (deviation / n)^2) is far below rounding, as Poisson's summation formula shows.
    """
    mean, deviation = jax.lax.stop_gradient((mean, deviation))
    stride = jnp.maximum(1.0, jnp.floor(deviation / 6))
    x = jnp.floor(mean) + stride * jnp.arange(-_REACH, _REACH + 1, dtype=mean.dtype)
    inside = (x >= 0) & (x <= largest)
    log_masses = log_mass(jnp.where(inside, x, 0.0))
    return jax.nn.softmax(jnp.where(inside, log_masses, -jnp.inf)) @ jnp.where(inside, log_masses, 0.0)
