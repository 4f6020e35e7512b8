"""How far a fit has come: the state, the best weights so far, and what was seen on the way."""

import math
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal, Self

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax

from isthmus.fitting.devices import Devices
from isthmus.fitting.step import NON_FINITE_LIMIT, TrainingState, initial_state
from isthmus.models.parameters import fill_arrays, named_arrays

Verdict = Literal["finished", "stopped early", "diverged"]


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
class Progress:
    """best: the parameters of the best look; best_score, best_step: its held-out score and when it was.  waited: looks
    since then that patience counts.  verdict: None while the fit goes on."""

    state: TrainingState
    best: Any
    best_score: float = -math.inf
    best_step: int = 0
    waited: int = 0
    history: tuple[FitRecord, ...] = field(default=())
    verdict: Verdict | None = None

    @classmethod
    def start(cls, parameters: Any, optimiser: optax.GradientTransformation, devices: Devices) -> Self:
        """Before the first step."""
        state = devices.everywhere(initial_state(parameters, optimiser))
        return cls(state, jax.tree.map(jnp.copy, state.parameters))

    @property
    def step(self) -> int:
        return int(self.state.step)

    @property
    def diverged(self) -> bool:
        return int(self.state.streak) >= NON_FINITE_LIMIT

    def after_look(self, record: FitRecord, settle: int) -> Self:
        """With one look more; the state's sums start anew."""
        state = replace(self.state, loss=jnp.zeros_like(self.state.loss), counted=jnp.zeros_like(self.state.counted))
        looked = replace(self, state=state, history=(*self.history, record))
        # Without held-out rows every look is the best so far.
        if record.held_out is None or record.held_out > self.best_score:
            best = jax.tree.map(jnp.copy, state.parameters)
            score = math.inf if record.held_out is None else record.held_out
            return replace(looked, best=best, best_score=score, best_step=record.step, waited=0)
        return replace(looked, waited=self.waited + 1) if record.step > settle else looked

    def to_record(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """(arrays, metadata) from which `from_record` makes the same again. Of a fit that ended the best weights."""
        kept = {"best": self.best} if self.verdict else {"best": self.best, "state": self.state}
        metadata = {
            "best_score": self.best_score if math.isfinite(self.best_score) else None,
            "best_step": self.best_step,
            "waited": self.waited,
            "history": [_told(record) for record in self.history],
            "verdict": self.verdict,
        }
        return named_arrays(kept), metadata

    def from_record(self, arrays: dict[str, np.ndarray], metadata: dict[str, Any], devices: Devices) -> Self:
        """What `to_record` told of a fit that began as this one. ValueError where the parts do not fit together."""
        kept = {"best": self.best} if metadata["verdict"] else {"best": self.best, "state": self.state}
        filled = devices.everywhere(fill_arrays(eqx.filter_eval_shape(lambda: kept), arrays))
        history = tuple(_record(told) for told in metadata["history"])
        score = metadata["best_score"]
        if score is None:
            score = math.inf if history and history[-1].held_out is None else -math.inf
        found = {name: metadata[name] for name in ("best_step", "waited", "verdict")}
        return replace(self, **filled, best_score=score, history=history, **found)


def _told(record: FitRecord) -> dict[str, Any]:
    """As JSON can hold it: numbers that are not finite by their names."""
    numbers = asdict(record).items()
    return {name: str(x) if isinstance(x, float) and not math.isfinite(x) else x for name, x in numbers}


def _record(told: dict[str, Any]) -> FitRecord:
    numbers: dict[str, Any] = {name: float(x) if isinstance(x, str) else x for name, x in told.items()}
    return FitRecord(**numbers)
