"""Parameters as numpyro holds them, numbers or arrays of any kind, made floating and taken to logarithms."""

from typing import Any

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike


def floating(parameter: Any) -> Array:
    """The parameter as a floating-point array, in its own precision if it has one."""
    return jnp.asarray(parameter, jnp.result_type(parameter, float))


def stacked(*parameters: ArrayLike) -> Array:
    """Parameters broadcast against each other, along a new last axis."""
    return jnp.stack(jnp.broadcast_arrays(*map(floating, parameters)), axis=-1)


def logarithm(x: ArrayLike) -> Array:
    """log x; at 0 it is -inf, with gradient 0 and not nan."""
    x = floating(x)
    return jnp.where(x == 0, -jnp.inf, jnp.log(jnp.where(x == 0, 1.0, x)))


def logarithm_of_complement(x: ArrayLike) -> Array:
    """log(1 - x); at 1 it is -inf, with gradient 0 and not nan."""
    x = floating(x)
    return jnp.where(x == 1, -jnp.inf, jnp.log1p(-jnp.where(x == 1, 0.0, x)))


def log_odds(probability: ArrayLike) -> Array:
    """log(p / (1 - p)); infinite at 0 and 1, with gradient 0 and not nan."""
    return logarithm(probability) - logarithm_of_complement(probability)
