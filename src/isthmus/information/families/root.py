"""The one equation solver of the families: a root of an increasing function of one variable."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import Array

_STEPS = 100


def increasing_root(function: Callable[[Array], Array], lower: Array, upper: Array) -> Array:
    """x between lower and upper where the increasing `function` crosses zero; numbers all.

    Newton's steps, and bisection wherever one would leave the bracket or is not half the step before. Differentiable,
    to any order, in what `function` closes over, by the implicit function theorem.
    """

    def solve(f: Callable[[Array], Array], start: Array) -> Array:
        return _safeguarded_newton(f, start, lower, upper)

    def divide(linear: Callable[[Array], Array], y: Array) -> Array:
        return y / linear(jnp.ones_like(y))

    return jax.lax.custom_root(function, (lower + upper) / 2, solve, divide)


def _safeguarded_newton(f: Callable[[Array], Array], start: Array, lower: Array, upper: Array) -> Array:
    precision = jnp.finfo(start.dtype).eps

    def step(state: tuple[Array, ...]) -> tuple[Array, ...]:
        x, lower, upper, last, _, count = state
        value, slope = jax.jvp(f, (x,), (jnp.ones_like(x),))
        lower, upper = jnp.where(value < 0, x, lower), jnp.where(value < 0, upper, x)
        newton = -value / slope
        trusted = (x + newton >= lower) & (x + newton <= upper) & (jnp.abs(newton) <= last / 2)
        change = jnp.where(trusted, newton, (lower + upper) / 2 - x)
        # A Newton step of half the digits leaves none to be found: its error is squared.
        digits = jnp.where(trusted, jnp.sqrt(precision), 2 * precision)
        found = ~(jnp.abs(change) > digits * jnp.maximum(jnp.abs(x), 1.0))  # a nan is not worth the search
        return x + change, lower, upper, jnp.abs(change), found, count + 1

    def searching(state: tuple[Array, ...]) -> Array:
        return ~state[-2] & (state[-1] < _STEPS)

    state = (start, lower, upper, upper - lower, jnp.asarray(False), jnp.asarray(0))
    return jax.lax.while_loop(searching, step, state)[0]
