"""The compiled block of training steps."""

from typing import Any, NamedTuple, Protocol

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jax import Array, lax

from isthmus.fitting.batches import Batches

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
    loss: the sum over the steps since the last look that were not skipped, which `counted` counts.
    """

    parameters: Any
    optimiser_state: Any
    step: Array
    skipped: Array
    streak: Array
    loss: Array
    counted: Array


class Task(NamedTuple):
    """What stays the same from block to block of one fit.

    rest: the part of the model that is not trained.
    """

    rest: Any
    loss: Loss
    optimiser: optax.GradientTransformation
    schedule: Schedule
    key: Array


def initial_state(parameters: Any, optimiser: optax.GradientTransformation) -> TrainingState:
    """The state before the first step. The parameters are copied: a block takes its state's memory for its own."""
    zero = jnp.zeros((), jnp.int32)
    parameters = jax.tree.map(jnp.copy, parameters)
    return TrainingState(
        parameters, optimiser.init(parameters), zero, zero.copy(), zero.copy(), jnp.float32(0.0), zero.copy()
    )


@eqx.filter_jit(donate="all-except-first")
def run_block(work: tuple[Task, Batches, Array], state: TrainingState) -> TrainingState:
    """Take steps from a state, whose memory is taken too; work: the task, the batches, and how many of these to take.

    The count of steps is an array, so that blocks of any length share one compilation.
    """
    task, batches, steps = work

    def unfinished(carry):
        i, state = carry
        return (i < steps) & (state.streak < NON_FINITE_LIMIT)

    def take_step(carry):
        i, state = carry
        return i + 1, _take_step(task, state, batches(i))

    return lax.while_loop(unfinished, take_step, (jnp.zeros((), jnp.int32), state))[1]


def _take_step(task: Task, state: TrainingState, rows: Any) -> TrainingState:
    def loss_of(parameters):
        return task.loss(eqx.combine(parameters, task.rest), rows, jax.random.fold_in(task.key, state.step), state.step)

    def update() -> tuple[Any, Any]:
        direction, optimiser_state = task.optimiser.update(gradient, state.optimiser_state, state.parameters)
        rate = task.schedule(state.step)
        return jax.tree.map(lambda p, d: p - rate.astype(p.dtype) * d, state.parameters, direction), optimiser_state

    value, gradient = jax.value_and_grad(loss_of)(state.parameters)
    # A dot product is the reduction that CPUs do fastest; a norm here was seen in the time of a step.
    finite = jnp.isfinite(value) & jnp.isfinite(optax.tree.vdot(gradient, gradient))
    parameters, optimiser_state = lax.cond(finite, update, lambda: (state.parameters, state.optimiser_state))
    return TrainingState(
        parameters=parameters,
        optimiser_state=optimiser_state,
        step=state.step + 1,
        skipped=state.skipped + ~finite,
        streak=jnp.where(finite, 0, state.streak + 1),
        loss=state.loss + jnp.where(finite, value, 0.0),
        counted=state.counted + finite,
    )
