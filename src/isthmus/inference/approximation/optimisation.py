"""The best member of a family for each row's posterior: one compiled scan of Adam, vectorised over rows."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jax import Array

from isthmus.inference.approximation.divergences import Divergence, draw
from isthmus.inference.approximation.families import PosteriorFamily
from isthmus.inference.graphical import LogJoint

START_DRAWS = 64
DRAWS_AT_ONCE = 64
"""Weighed side by side for each row: all of them at once would take gigabytes."""
NARROW = 0.1
"""Scales that a q starts with where one prior draw, not the prior's spread, says where it starts."""


class Optimisation(eqx.Module):
    """How q is optimised: all but the learning rate is compiled in."""

    learning_rate: Array
    divergence: Divergence
    steps: int = eqx.field(static=True)
    samples: int = eqx.field(static=True)

    def slowed(self, share: float) -> "Optimisation":
        """The same at a share of the learning rate."""
        return Optimisation(self.learning_rate * share, self.divergence, self.steps, self.samples)


@eqx.filter_jit
def optimise(joint: LogJoint, data: Any, start: Any, settings: Optimisation, keys: Array) -> tuple[Any, Array]:
    """(q of each row, the objective at each step [row, step]); start, data and keys have a first axis over rows.

    A step whose gradient is not finite is left out, its objective nan.
    """

    def of_row(q, x, key):
        trainable, static = eqx.partition(q, eqx.is_inexact_array)
        schedule = optax.cosine_decay_schedule(1.0, settings.steps)
        adam = optax.chain(optax.clip_by_global_norm(1e3), optax.scale_by_adam(), optax.scale_by_schedule(schedule))

        def negated(trainable, key):
            return -settings.divergence(joint, eqx.combine(trainable, static), x, key, settings.samples)

        def step(carry, number):
            trainable, state = carry
            loss, gradient = jax.value_and_grad(negated)(trainable, jax.random.fold_in(key, number))
            # A draw that lands where the log joint has no gradient teaches nothing, and must not end the fit.
            finite = jnp.all(jnp.array([jnp.all(jnp.isfinite(leaf)) for leaf in jax.tree.leaves(gradient)]))
            gradient = jax.tree.map(lambda leaf: jnp.where(finite, leaf, 0.0), gradient)
            update, state = adam.update(gradient, state)
            trainable = jax.tree.map(lambda p, u: p - settings.learning_rate * u, trainable, update)
            return (trainable, state), jnp.where(finite, -loss, jnp.nan)

        (trainable, _), trace = jax.lax.scan(step, (trainable, adam.init(trainable)), jnp.arange(settings.steps))
        return trainable, trace

    trained, trace = eqx.filter_vmap(of_row)(start, data, keys)
    return eqx.combine(trained, start), trace


@eqx.filter_jit
def starting_moments(joint: LogJoint, data: Any, where: str, keys: Array) -> tuple[Array, Array]:
    """Mean and scales [row, size] that each row's q starts from: those of the model's own posterior ("posterior"),
    those of the prior ("prior"), or narrow, around the likeliest of some prior draws ("draw")."""

    def of_row(x, key):
        if where == "posterior":
            return joint.posterior_moments(x)
        draws = jax.vmap(lambda k: joint.sample_prior(x, k))(jax.random.split(key, START_DRAWS))
        return _likeliest(joint, x, draws) if where == "draw" else _spread(draws)

    return eqx.filter_vmap(of_row)(data, keys)


@eqx.filter_jit
def sample_weights(joint: LogJoint, data: Any, q: PosteriorFamily, draws: int, keys: Array) -> tuple[Array, Array]:
    """(u [row, draw, size], log-weights [row, draw]) at draws of each row's q."""

    def of_row(q, x, key):
        u = draw(q, key, draws)
        return u, jax.lax.map(lambda one: joint.log_density(x, one) - q.log_prob(one), u, batch_size=DRAWS_AT_ONCE)

    return eqx.filter_vmap(of_row)(q, data, keys)


def _likeliest(joint: LogJoint, x: Any, draws: Array) -> tuple[Array, Array]:
    densities = jax.vmap(lambda u: joint.log_density(x, u))(draws)
    best = draws[jnp.argmax(jnp.where(jnp.isnan(densities), -jnp.inf, densities))]
    return best, jnp.full_like(best, NARROW)


def _spread(draws: Array) -> tuple[Array, Array]:
    low, median, high = jnp.quantile(draws, jnp.array([0.159, 0.5, 0.841]), axis=0)
    return median, jnp.maximum(0.5 * (high - low), 1e-3)
