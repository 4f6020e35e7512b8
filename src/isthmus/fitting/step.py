"""The compiled block of training steps."""

from typing import Any, Protocol

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jax import Array, lax

NON_FINITE_LIMIT = 10
"""So many steps in a row without a finite gradient end the block."""

ADAM = optax.scale_by_adam()
"""The default optimiser. It is made once: a rebuilt one would be compiled anew."""


class Loss(Protocol):
    """What is minimised: a scalar of the model, a batch of rows, a key, and the number of the step."""

    def __call__(self, model: Any, rows: Any, key: Array, step: Array) -> Array: ...


class Schedule(eqx.Module):
    """A learning rate that falls from its peak to zero along half a cosine (Loshchilov and Hutter 2017, SGDR).

    Both leaves are arrays, so that fits which differ only in them share one compilation.
    """

    peak: Array
    steps: Array

    def __call__(self, step: Array) -> Array:
        return self.peak * 0.5 * (1.0 + jnp.cos(jnp.pi * jnp.minimum(step / self.steps, 1.0)))


class TrainingState(eqx.Module):
    """All that changes from step to step.

    skipped: steps whose gradient was not finite, which changed nothing; streak: the latest such steps in a row.
    """

    parameters: Any
    optimiser_state: Any
    step: Array
    skipped: Array
    streak: Array


def initial_state(parameters: Any, optimiser: optax.GradientTransformation) -> TrainingState:
    """The state before the first step."""
    zero = jnp.zeros((), jnp.int32)
    return TrainingState(parameters, optimiser.init(parameters), zero, zero, zero)


@eqx.filter_jit
def run_block(
    state: TrainingState,
    rest: Any,
    loss: Loss,
    optimiser: optax.GradientTransformation,
    schedule: Schedule,
    data: Any,
    indices: Array,
    steps: Array,
    key: Array,
) -> tuple[TrainingState, Array]:
    """Take `steps` steps; return the state and the mean loss over the steps that were not skipped.

    rest: the part of the model that is not trained.  data: arrays [row, ...].  indices: [at least steps, batch], the
    rows of each step.  The count of steps is an array, so that blocks of any length share one compilation.
    """

    def loss_of(parameters, rows, key, step):
        return loss(eqx.combine(parameters, rest), rows, key, step)

    def unfinished(carry):
        i, state, _ = carry
        return (i < steps) & (state.streak < NON_FINITE_LIMIT)

    def take_step(carry):
        i, state, total = carry
        rows = jax.tree.map(lambda array: array[indices[i]], data)
        step_key = jax.random.fold_in(key, state.step)
        value, gradient = jax.value_and_grad(loss_of)(state.parameters, rows, step_key, state.step)
        # A dot product is the reduction that CPUs do fastest; a norm here was seen in the time of a step.
        finite = jnp.isfinite(value) & jnp.isfinite(optax.tree.vdot(gradient, gradient))
        state = _advance(state, gradient, finite, optimiser, schedule(state.step))
        return i + 1, state, total + jnp.where(finite, value, 0.0)

    start = (jnp.zeros((), jnp.int32), state, jnp.zeros((), jnp.float32))
    taken, after, total = lax.while_loop(unfinished, take_step, start)
    return after, total / jnp.maximum(taken - (after.skipped - state.skipped), 1)


def _advance(
    state: TrainingState, gradient: Any, finite: Array, optimiser: optax.GradientTransformation, learning_rate: Array
) -> TrainingState:
    def update() -> tuple[Any, Any]:
        direction, optimiser_state = optimiser.update(gradient, state.optimiser_state, state.parameters)
        parameters = jax.tree.map(lambda p, d: p - learning_rate.astype(p.dtype) * d, state.parameters, direction)
        return parameters, optimiser_state

    parameters, optimiser_state = lax.cond(finite, update, lambda: (state.parameters, state.optimiser_state))
    return TrainingState(
        parameters=parameters,
        optimiser_state=optimiser_state,
        step=state.step + 1,
        skipped=state.skipped + ~finite,
        streak=jnp.where(finite, 0, state.streak + 1),
    )
