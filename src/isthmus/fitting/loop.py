"""The training loop: blocks of compiled steps, looks at held-out rows between them, checkpoints on the way."""

import time
import warnings
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any, Literal

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax

from isthmus.fitting.checkpoint import Checkpoint
from isthmus.fitting.devices import Devices, choose_devices
from isthmus.fitting.feeds import SHORTEST_BLOCK, Feed, MemoryFeed, RowStream, StreamFeed
from isthmus.fitting.fingerprints import fingerprint
from isthmus.fitting.interruption import FitInterrupted, StopRequest, stop_on_signals
from isthmus.fitting.progress import FitRecord, Progress, Verdict
from isthmus.fitting.step import ADAM, NON_FINITE_LIMIT, Loss, Schedule, Task, run_block
from isthmus.information.precision import in_float32
from isthmus.models import split_parameters

Precision = Literal["float32", "tensorfloat32", "bfloat16"]
PRODUCTS: dict[str, str] = {"float32": "float32", "tensorfloat32": "tensorfloat32", "bfloat16": "BF16_BF16_F32"}

LONGEST_WAIT = 1.0
"""Seconds after which a fit that is asked to stop has heard of it, about."""


@dataclass(frozen=True)
class TrainingSettings:
    """How long and how fast to train.

    steps: in all; the learning rate falls from `learning_rate` to 0 over them.  patience: looks at held-out rows
    without a new best before the fit stops; None for no early stopping.  settle: steps before patience starts to count
    (the warm-up).  precision: of the factors of matrix products in a step, where the device has products of several;
    their sums are taken in float32, in which the parameters stay.
    """

    steps: int
    batch_size: int = 128
    learning_rate: float = 1e-3
    patience: int | None = None
    settle: int = 0
    seed: int = 0
    optimiser: optax.GradientTransformation = ADAM
    precision: Precision = "float32"


@dataclass(frozen=True)
class Fit:
    """A fitted model, how it came about, and why it ended.

    model: with the weights of the best held-out score (the last ones without held-out rows); best_step: when they were
    reached; history: one record a look.
    """

    model: Any
    history: tuple[FitRecord, ...]
    best_step: int
    verdict: Verdict

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
    checkpoint: Checkpoint | None = None,
) -> Fit:
    """Minimise `loss` over the rows of `data`; the same arguments give the same Fit.

    data: arrays [row, ...], or a RowStream.  held_out: a score of the model, larger is better, asked after every block:
    it decides which weights are kept and when to stop.  on_record: told of every look.  checkpoint: where the state is
    kept; with it SIGTERM and Ctrl-C end in FitInterrupted, once it is written.  All devices of all processes that have
    joined take part.

    Raises TrainingDiverged, with the last good state, where gradients stay non-finite; ValueError where no held-out
    score is finite.
    """
    devices = choose_devices(settings.batch_size)
    parameters, rest = split_parameters(model)
    progress = Progress.start(parameters, settings.optimiser, devices)
    if checkpoint is not None or devices.several_processes:
        # A stream's order depends on how many devices share it.
        rows = (data.fingerprint, devices.count) if isinstance(data, RowStream) else data
        identity = fingerprint(model, loss, rows, vars(settings), held_out)
        if checkpoint is not None:
            progress = checkpoint.begin(progress, identity, devices)
        devices.require_agreement(identity, progress.step, progress.verdict is not None)
    if progress.verdict is None:
        run = _Run(rest, loss, data, settings, held_out, devices, checkpoint)
        progress = _advance(run, progress, on_record)
    if held_out is not None and progress.best_step == 0 and progress.verdict != "diverged":
        raise ValueError(
            "no held-out score was finite, so there are no best weights to keep; look for missing, infinite or "
            "impossible values in the held-out rows"
        )
    assert progress.verdict is not None
    best = eqx.combine(devices.home(progress.best), rest)
    fit = Fit(best, progress.history, progress.best_step, progress.verdict)
    if fit.verdict == "diverged":
        raise TrainingDiverged(fit)
    return fit


class _Run:
    """One fit under way: what is the same at each of its looks."""

    def __init__(
        self,
        rest: Any,
        loss: Loss,
        data: Any,
        settings: TrainingSettings,
        held_out: Callable[[Any], float] | None,
        devices: Devices,
        checkpoint: Checkpoint | None,
    ):
        self.rest, self.settings, self.held_out = rest, settings, held_out
        self.devices, self.checkpoint = devices, checkpoint
        self.feed: Feed
        if isinstance(data, RowStream):
            self.feed = StreamFeed(data, settings.batch_size, devices)
        else:
            self.feed = MemoryFeed(data, settings.batch_size, settings.seed, devices)
        schedule = Schedule(_float32(settings.learning_rate), _float32(settings.steps))
        key = jax.random.key(settings.seed, impl="threefry2x32")
        placed, loss, schedule, key = devices.everywhere((rest, loss, schedule, key))
        self.task = Task(placed, loss, settings.optimiser, schedule, key)
        self.pace = _Pace(self.feed.longest, devices)

    def next_look(self, step: int) -> int:
        """The step of the next look; looks come at the same steps whether or not the fit was interrupted in between."""
        look = self.feed.look
        return min((step // look + 1) * look, self.settings.steps)

    def block(self, progress: Progress) -> Progress:
        """The progress after some steps, not beyond the next look. The state before it is no more."""
        first = progress.step
        steps = self.pace.steps(self.next_look(first) - first)
        work = (self.task, self.feed.take(first, steps), self.devices.everywhere(np.int32(steps)))
        with jax.default_matmul_precision(PRODUCTS[self.settings.precision]):
            after = replace(progress, state=run_block(work, progress.state))
        self.pace.took(after.step - first)
        return after

    def look(self, progress: Progress) -> Progress:
        """The progress with one look more."""
        state = progress.state
        score = None
        if self.held_out is not None:
            found = eqx.combine(self.devices.home(state.parameters), self.rest)
            score = self.devices.agree(self.held_out(found))
        record = FitRecord(
            step=progress.step,
            planned_steps=self.settings.steps,
            epoch=progress.step * self.settings.batch_size / self.feed.rows,
            loss=float(state.loss) / max(int(state.counted), 1),
            held_out=score,
            skipped=int(state.skipped),
        )
        return progress.after_look(record, self.settings.settle)

    def keep_or_stop(self, progress: Progress, request: StopRequest, due: bool = False) -> None:
        """Write the checkpoint where it is time to; FitInterrupted, once it is written, where a stop was asked for."""
        if self.checkpoint is None:
            return
        if due or self.checkpoint.due:
            try:
                self.checkpoint.keep(progress)
            except OSError as error:
                # A disk that is full for now is no reason to lose the steps taken since the last one.
                warnings.warn(f"no checkpoint could be written ({error}); the fit goes on", UserWarning, stacklevel=2)
        if asked := self.devices.any_asked(request.signal):
            self.checkpoint.keep(progress)
            raise FitInterrupted(
                f"stopped by {asked} at step {progress.step} of {self.settings.steps}; {self.checkpoint.path} holds "
                "what is needed to go on"
            )

    def verdict(self, progress: Progress) -> Verdict | None:
        """Why the fit ends here; None where it goes on."""
        patience = self.settings.patience
        if progress.diverged:
            return "diverged"
        if progress.step >= self.settings.steps:
            return "finished"
        return "stopped early" if patience is not None and progress.waited >= patience else None


def _advance(run: _Run, progress: Progress, on_record: Callable[[FitRecord], None] | None) -> Progress:
    """The progress at the end of the fit."""
    with stop_on_signals() if run.checkpoint is not None else nullcontext(StopRequest()) as request:
        while (verdict := run.verdict(progress)) is None:
            next_look = run.next_look(progress.step)
            progress = run.block(progress)
            if progress.step == next_look or progress.diverged:
                progress = run.look(progress)
                if on_record is not None:
                    on_record(progress.history[-1])
            run.keep_or_stop(progress, request)
        progress = replace(progress, verdict=verdict)
        run.keep_or_stop(progress, request, due=True)
    return progress


class _Pace:
    """How many steps are taken at once: so many that a fit which is asked to stop soon hears of it. Results do not
    depend on it. Several processes, which must agree, take a fixed number."""

    def __init__(self, longest: int, devices: Devices):
        self._most = min(longest, SHORTEST_BLOCK)
        self._longest, self._fixed = longest, devices.several_processes
        self._began, self._compiled = 0.0, False

    def steps(self, left: int) -> int:
        self._began = time.perf_counter()
        return min(left, self._most)

    def took(self, taken: int) -> None:
        seconds = time.perf_counter() - self._began
        if self._compiled and not self._fixed and taken:
            self._most = min(max(int(taken * LONGEST_WAIT / seconds), 1), self._longest)
        self._compiled = True


def _float32(number: float) -> jax.Array:
    return jnp.asarray(number, jnp.float32)
