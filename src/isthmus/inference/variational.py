"""Variational inference for a whole model: fit generator and posterior together by maximising an objective."""

import math
import numbers
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array

from isthmus.fitting import ADAM, Checkpoint, Fit, FitRecord, Precision, RowStream, TrainingSettings, train
from isthmus.inference.importance import sample_importance_weights
from isthmus.inference.objectives import Objective, elbo
from isthmus.information.precision import in_float32
from isthmus.models import ProbabilisticModel, terms
from isthmus.models.rows import row_count

SPLIT_STREAM = 1
"""Random numbers for the split come from a stream of their own, apart from the batch order's."""


Corruption = Callable[[Any, Array], Any]
"""What is done to a batch of rows before each step, with a key; a module-level function, or it is compiled anew."""


class VariationalLoss(eqx.Module):
    """Minus an objective at `samples` draws a row, with the divergence's weight rising to beta over `warm_up` steps.

    beta and warm_up are arrays, so that fits which differ only in them share one compilation.
    """

    beta: Array
    warm_up: Array
    objective: Objective = eqx.field(static=True)
    samples: int = eqx.field(static=True)
    corruption: Corruption | None = eqx.field(static=True, default=None)

    def __call__(self, model: ProbabilisticModel, rows: Any, key: Array, step: Array) -> Array:
        weight = self.beta * jnp.minimum((step + 1) / jnp.maximum(self.warm_up, 1.0), 1.0)
        if self.corruption is not None:
            key, corruption_key = jax.random.split(key)
            rows = self.corruption(rows, corruption_key)
        return -self.objective(terms(model, rows, key, samples=self.samples), weight)


@in_float32
def fit(
    model: ProbabilisticModel,
    X: Any,
    objective: Objective = elbo,
    *,
    held_out: Any = 0.1,
    samples: int = 1,
    beta: float = 1.0,
    warm_up: float = 0.0,
    epochs: float = 100.0,
    batch_size: int = 128,
    learning_rate: float = 1e-3,
    precision: Precision = "float32",
    patience: int | None = 20,
    seed: int = 0,
    optimiser: optax.GradientTransformation = ADAM,
    on_record: Callable[[FitRecord], None] | None = None,
    corruption: Corruption | None = None,
    held_out_trim: float = 0.0,
    checkpoint: Checkpoint | None = None,
) -> Fit:
    """Fit a three-method model to rows X by maximising `objective`; the same arguments give the same Fit.

    X: arrays [row, ...] (a pytree), in the model's own units, computed with in float32; or a RowStream, of which no
        share can be held out: pass arrays, or None.
    objective: a function of (Terms, beta); see `isthmus.inference.objectives`.
    held_out: rows kept from training, as a share of X or as arrays like X; their ELBO (their
        importance-weighted bound at more than one draw a row), always at beta = 1, decides which weights are kept and
        when to stop. 0 or None: none are kept and training runs to its end.
    samples: posterior draws a row in each step.  beta: weight of the divergence from the prior.
    warm_up: share of all steps over which beta rises from 0; it always finishes, because patience waits for it.
    epochs: passes over the training rows; the learning rate falls to 0 over them.
    precision: of the factors of matrix products in the steps; their sums, and all scores, are in float32.
    patience: looks at the held-out rows without a new best before the fit stops; None for no early stopping.
    corruption: what is done to each batch before its step, such as `isthmus.models.hide_values`.
    held_out_trim: share of the held-out rows, those of the lowest bound, which their score leaves out.
    checkpoint: where the state is kept, so that a fit which was stopped can go on; see `isthmus.Checkpoint`.

    Returns a Fit: `.model`, `.history`, `.verdict`. Raises TrainingDiverged where gradients stay non-finite, ValueError
    for arguments out of range, FitInterrupted where a signal asked a fit with a checkpoint to stop.
    """
    _check_arguments(
        samples=samples, beta=beta, warm_up=warm_up, epochs=epochs, batch_size=batch_size, learning_rate=learning_rate
    )
    training, kept = _split(X if isinstance(X, RowStream) else _float32(X), held_out, seed)
    rows = training.row_count if isinstance(training, RowStream) else row_count(training)
    steps = max(math.ceil(epochs * rows / batch_size), 1)
    settle = math.floor(warm_up * steps)
    settings = TrainingSettings(steps, batch_size, learning_rate, patience, settle, seed, optimiser, precision)
    loss = VariationalLoss(jnp.float32(beta), jnp.float32(settle), objective, samples, corruption)
    score = None if kept is None else lambda model: held_out_bound(model, kept, samples, held_out_trim)
    return train(model, loss, training, settings, score, on_record, checkpoint)


def held_out_bound(model: ProbabilisticModel, rows: Any, samples: int, trim: float = 0.0) -> float:
    """A lower bound on log p(x), the mean over rows, in nats, with the same noise at every look, so that looks compare.

    The ELBO at one draw; at more, the importance-weighted bound: a posterior that was trained under it is judged by it.
    """
    sampled = sample_importance_weights(model, rows, draws=samples)
    bounds = sampled.elbo if samples == 1 else sampled.log_evidence
    return float(np.mean(np.sort(bounds)[math.floor(trim * len(bounds)) :] if trim > 0 else bounds))


_ACCEPTED: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "samples": ("a whole number above 0", lambda value: value >= 1 and isinstance(value, numbers.Integral)),
    "beta": ("a finite number from 0", lambda value: 0 <= value < math.inf),
    "warm_up": ("a share from 0 to 1", lambda value: 0 <= value <= 1),
    "epochs": ("a finite number above 0", lambda value: 0 < value < math.inf),
    "batch_size": ("a whole number above 0", lambda value: value >= 1 and isinstance(value, numbers.Integral)),
    "learning_rate": ("a finite number above 0", lambda value: 0 < value < math.inf),
}


def _check_arguments(**arguments: Any) -> None:
    for name, value in arguments.items():
        expected, accepts = _ACCEPTED[name]
        if not isinstance(value, numbers.Real) or not accepts(value):
            raise ValueError(f"{name} is {value!r}; expected {expected}")


def _float32(rows: Any) -> Any:
    if all(isinstance(leaf, numbers.Real) for leaf in jax.tree.leaves(rows)):
        rows = np.asarray(rows)  # a list of lists; any other list is a pytree of arrays

    def converted(array):
        array = np.asarray(array)
        return array if array.dtype.kind == "b" else array.astype(np.float32, copy=False)

    return jax.tree.map(converted, rows)


def _split(X: Any, held_out: Any, seed: int) -> tuple[Any, Any]:
    rows = X.row_count if isinstance(X, RowStream) else row_count(X)
    if rows < 1:
        raise ValueError("X has no rows; expected at least one to fit to")
    if held_out is None:
        return X, None
    if not isinstance(held_out, numbers.Real):
        kept = _float32(held_out)
        if row_count(kept) < 1:
            raise ValueError("held_out has no rows; expected some, a share from 0 to below 1, or None")
        return X, kept
    if isinstance(X, RowStream):
        raise ValueError(f"held_out is {held_out} and X a stream; expected arrays of rows, or None")
    share = float(held_out)
    if not 0 <= share < 1:
        raise ValueError(f"held_out is {share}; expected a share from 0 to below 1, or arrays of rows")
    count = math.ceil(share * rows)
    if count == 0 or rows - count < 1:
        return X, None
    order = np.random.default_rng([SPLIT_STREAM, seed]).permutation(rows)
    training, validation = (jax.tree.map(lambda a, i=i: a[i], X) for i in (order[count:], order[:count]))
    return training, validation
