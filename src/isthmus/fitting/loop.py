"""The training loop: blocks of compiled steps, each followed by one look at held-out rows."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax

from isthmus.fitting.batches import batch_indices, next_power_of_two, pad_rows
from isthmus.fitting.step import ADAM, NON_FINITE_LIMIT, Loss, Schedule, TrainingState, initial_state, run_block
from isthmus.information.precision import in_float32
from isthmus.models import split_parameters

SHORTEST_BLOCK, LONGEST_BLOCK = 64, 1024
"""Steps between two looks at held-out rows: an epoch, within these bounds."""


@dataclass(frozen=True)
class TrainingSettings:
    """How long and how fast to train.

    steps: in all; the learning rate falls from `learning_rate` to 0 over them.  patience: looks at held-out rows
    without a new best before the fit stops; None for no early stopping.  settle: steps before patience starts to count
    (the warm-up).
    """

    steps: int
    batch_size: int = 128
    learning_rate: float = 1e-3
    patience: int | None = None
    settle: int = 0
    seed: int = 0
    optimiser: optax.GradientTransformation = ADAM


@dataclass(frozen=True)
class FitRecord:
    """One look during a fit: steps so far and planned, epochs so far, mean training loss since the last look, held-out
    score (None without held-out rows), steps skipped so far because their gradient was not finite."""

    step: int
    planned_steps: int
    epoch: float
    loss: float
    held_out: float | None
    skipped: int


@dataclass(frozen=True)
class Fit:
    """A fitted model, how it came about, and why it ended.

    model: with the weights of the best held-out score (the last ones without held-out rows); best_step: when they were
    reached; history: one record a look.
    """

    model: Any
    history: tuple[FitRecord, ...]
    best_step: int
    verdict: Literal["finished", "stopped early", "diverged"]

    @property
    def skipped_steps(self) -> int:
        return self.history[-1].skipped


class TrainingDiverged(RuntimeError):  # noqa: N818 - what happened, in the words a user would use
    """Training stopped because gradients stayed non-finite; `fit` holds the last good state."""

    def __init__(self, fit: Fit):
        super().__init__(
            f"training stopped at step {fit.history[-1].step}: {NON_FINITE_LIMIT} gradients in a row were not finite "
            f"({fit.skipped_steps} in all). Try a smaller learning rate, or look for extreme values in the data; the "
            "best weights so far are in the `fit` of this error"
        )
        self.fit = fit


@in_float32
def train(
    model: Any,
    loss: Loss,
    data: Any,
    settings: TrainingSettings,
    held_out: Callable[[Any], float] | None = None,
    on_record: Callable[[FitRecord], None] | None = None,
) -> Fit:
    """Minimise `loss` over the rows of `data`, arrays [row, ...]; the same arguments give the same Fit.

    held_out: a score of the model, larger is better, asked after every block: it decides which weights are kept and
    when to stop.  on_record: told of every look.  Raises TrainingDiverged, with the last good state, where gradients
    stay non-finite; ValueError where no held-out score is finite.
    """
    parameters, rest = split_parameters(model)
    state = best = initial_state(parameters, settings.optimiser)
    best_score, best_step, waited = -math.inf, 0, 0
    history: list[FitRecord] = []
    for latest, record in _blocks(state, rest, loss, data, settings, held_out):
        state = latest
        history.append(record)
        if on_record is not None:
            on_record(record)
        # Without held-out rows every look is the best so far.
        score = math.inf if record.held_out is None else record.held_out
        if score > best_score or record.held_out is None:
            best, best_score, best_step, waited = state, score, record.step, 0
        elif record.step > settings.settle:
            waited += 1
        if settings.patience is not None and waited >= settings.patience:
            break
    stopped = "finished" if history[-1].step >= settings.steps else "stopped early"
    diverged = int(state.streak) >= NON_FINITE_LIMIT
    verdict: Any = "diverged" if diverged else stopped
    if held_out is not None and best_step == 0 and not diverged:
        raise ValueError(
            "no held-out score was finite, so there are no best weights to keep; look for missing, infinite or "
            "impossible values in the held-out rows"
        )
    fit = Fit(eqx.combine(best.parameters, rest), tuple(history), best_step, verdict)
    if diverged:
        raise TrainingDiverged(fit)
    return fit


def _blocks(
    state: TrainingState,
    rest: Any,
    loss: Loss,
    data: Any,
    settings: TrainingSettings,
    held_out: Callable[[Any], float] | None,
) -> Iterator[tuple[TrainingState, FitRecord]]:
    rows = len(jax.tree.leaves(data)[0])
    data = jax.tree.map(jnp.asarray, pad_rows(data))
    schedule = Schedule(_float32(settings.learning_rate), _float32(settings.steps))
    key = jax.random.key(settings.seed, impl="threefry2x32")
    block = _block(rows, settings.batch_size)
    # Shaped by the bucket of rows alone, so that all numbers of rows within it share a compilation.
    slots = _block(next_power_of_two(rows), settings.batch_size)
    step = 0
    while step < settings.steps and int(state.streak) < NON_FINITE_LIMIT:
        steps = min(block, settings.steps - step)
        indices = np.zeros((slots, settings.batch_size), np.int32)
        indices[:steps] = batch_indices(settings.seed, rows, settings.batch_size, step, steps)
        state, mean_loss = run_block(
            state, rest, loss, settings.optimiser, schedule, data, jnp.asarray(indices), jnp.int32(steps), key
        )
        step = int(state.step)
        score = None if held_out is None else held_out(eqx.combine(state.parameters, rest))
        epoch = step * settings.batch_size / rows
        yield state, FitRecord(step, settings.steps, epoch, float(mean_loss), score, int(state.skipped))


def _block(rows: int, batch_size: int) -> int:
    return min(max(math.ceil(rows / batch_size), SHORTEST_BLOCK), LONGEST_BLOCK)


def _float32(number: float) -> jax.Array:
    return jnp.asarray(number, jnp.float32)
