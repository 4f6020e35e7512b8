"""Stochastic variational inference: natural-gradient steps on minibatches."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from isthmus.inference.conjugate.coordinate_ascent import as_rows, start_at
from isthmus.inference.conjugate.model import ConjugateModel, Parameters, count_rows
from isthmus.inference.conjugate.result import ConjugateFit, warn_unless_converged
from isthmus.information.precision import in_float64

_STARTING_ROWS = 1000


def stochastic_natural_gradient(
    model: ConjugateModel,
    rows: Any,
    *,
    batch_size: int = 256,
    epochs: int = 20,
    delay: float = 1.0,
    forgetting: float = 0.7,
    tolerance: float = 1e-2,
    parameters: Parameters = None,
    seed: int = 0,
) -> ConjugateFit:
    """q by natural-gradient steps on minibatches, in float64 (Hoffman, Blei, Wang and Paisley 2013).

    Step t, counted from 1, moves the natural coordinates by rho_t = (t - 1 + delay)^-forgetting of the way to their
    optimum for a batch that stands for all rows; forgetting in (0.5, 1] makes the steps converge. Every epoch shuffles
    the rows anew and leaves out those that fill no batch; batch_size is at most the number of rows. The model's own
    start sees a thousand rows at most, or one batch.

    Returns a ConjugateFit with no local state, whose bounds are the batches' unbiased estimates of the ELBO, averaged
    over each epoch; converged means that the last epoch raised it by less than `tolerance` nats a row. Raises
    ValueError as `coordinate_ascent`.
    """
    if batch_size < 1 or epochs < 1 or not delay >= 1 or not 0 <= forgetting <= 1:
        raise ValueError(
            f"batch_size {batch_size}, epochs {epochs}, delay {delay} and forgetting {forgetting}; expected at least "
            "1, 1, 1, and a forgetting from 0 to 1"
        )
    rows = as_rows(model, rows)
    count = count_rows(rows)
    with jax.enable_x64(True):
        first = np.random.default_rng(seed).permutation(count)[: max(batch_size, _STARTING_ROWS)]
        start = start_at(model, jax.tree.map(lambda leaf: leaf[first], rows), parameters, seed, 0)
        schedule = jnp.asarray([delay, forgetting], jnp.float64)
        key = jax.random.key(seed)
        found, bounds = _descend(model, start, rows, schedule, key, min(batch_size, count), epochs)
    bounds = np.asarray(bounds)
    converged = bool(epochs > 1 and bounds[-1] - bounds[-2] <= tolerance * count)
    fit = ConjugateFit(jax.tree.map(np.asarray, found), None, bounds, converged)
    return warn_unless_converged(fit, f"epochs={epochs}", tolerance)


@in_float64
@eqx.filter_jit
def natural_gradient_step(
    model: ConjugateModel, parameters: Parameters, batch: Any, rate: Array, scale: float
) -> tuple[Parameters, Array]:
    """The parameters moved by `rate` of the way to their optimum for a batch that counts `scale` times, and the
    estimate of the ELBO, in nats, at the parameters that came in."""
    step = model.local_step(parameters, batch, model.initial_local(batch))
    bound = scale * jnp.sum(step.bounds) - model.divergence(parameters)
    optimum = model.optimum(step.statistics, scale)
    return jax.tree.map(lambda here, there: (1.0 - rate) * here + rate * there, parameters, optimum), bound


@eqx.filter_jit
def _descend(
    model: ConjugateModel, parameters: Parameters, rows: Any, schedule: Array, key: Array, size: int, epochs: int
) -> tuple[Parameters, Array]:
    """The parameters after all epochs, and the mean estimate of the ELBO in each, [epoch]."""
    count = count_rows(rows)
    batches = count // size
    delay, forgetting = schedule

    def step(parameters: Parameters, chosen: tuple[Array, Array]) -> tuple[Parameters, Array]:
        members, number = chosen
        rate = (number + delay) ** -forgetting
        batch = jax.tree.map(lambda leaf: leaf[members], rows)
        return natural_gradient_step(model, parameters, batch, rate, count / size)

    def epoch(parameters: Parameters, number: Array) -> tuple[Parameters, Array]:
        order = jax.random.permutation(jax.random.fold_in(key, number), count)[: batches * size]
        numbers = number * batches + jnp.arange(batches)
        parameters, bounds = jax.lax.scan(step, parameters, (order.reshape(batches, size), numbers))
        return parameters, jnp.mean(bounds)

    return jax.lax.scan(epoch, parameters, jnp.arange(epochs))
