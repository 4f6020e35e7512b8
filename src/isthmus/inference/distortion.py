"""What a deterministic model says of rows: log p(x | encode(x)), minus the distortion."""

from typing import Any

import numpy as np

from isthmus.models import DeterministicModel, Observation
from isthmus.models.rows import map_rows


def log_likelihood_at_code(model: DeterministicModel, rows: Any) -> tuple[np.ndarray, np.ndarray | None]:
    """(log p(x | encode(x)) of each row, [row]; that of each column, [row, column]), in nats; None for the second where
    the likelihood has no columns.

    rows: arrays [row, ...] (a pytree), in the model's units. It is no log-likelihood: nothing pays for the latent.
    """
    total, by_column = map_rows(_of_row, model, rows)
    return np.asarray(total, np.float64), None if by_column is None else np.asarray(by_column, np.float64)


def reconstruct(model: Any, rows: Any) -> np.ndarray:
    """The location of p(x | encode(x)) of each row, [row, column], of a model of either interface."""
    return np.asarray(map_rows(_reconstruct, model, _single(rows)), np.float64)


def _of_row(model: DeterministicModel, row: Any):
    likelihood = model.likelihood(model.encode(row))
    of_columns = getattr(likelihood, "log_probs", None)
    return likelihood.log_prob(row), None if of_columns is None else of_columns(row)


def _reconstruct(model: Any, row: Any):
    return model.decode(model.encode(row))


def _single(rows: Any) -> Any:
    return rows if isinstance(rows, Observation) else np.asarray(rows, np.float32)
