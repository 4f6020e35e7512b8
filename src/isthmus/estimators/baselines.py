"""What a network's ledger compares it with: independent columns, and as many principal components."""

from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from isthmus.estimators.inspection import Inspected
from isthmus.estimators.splits import COPY_STREAM, some_rows
from isthmus.evidence import IndependentColumns
from isthmus.fitting import principal_components
from isthmus.models import Architecture, Fixed, Observation
from isthmus.models.rows import row_count

MOST_ROWS = 10_000
"""The axes of so many rows stand for those of all."""


class Baselines(eqx.Module):
    """independent: each column modelled on its own.  axes: [column, k], the principal axes of the training rows in the
    columns' own units, of norm 0 where there are too few rows; None for tables, whose columns have no unit in common.
    """

    independent: IndependentColumns
    axes: Fixed | None

    @property
    def principal_axes(self) -> np.ndarray | None:
        return None if self.axes is None else np.asarray(self.axes.array, np.float64)


def make_baselines(seen: Inspected, architecture: Architecture) -> Baselines:
    """Fitted to the rows of a fit."""
    independent = seen.rows.baseline(seen.ends.family, seen.training)
    if isinstance(seen.training, Observation):
        return Baselines(independent, None)
    axes = np.zeros(_shape(seen.rows.column_count, architecture), np.float32)
    rows = some_rows(seen.training, MOST_ROWS, COPY_STREAM) * seen.rows.scale
    found = principal_components(rows, min(axes.shape[1], row_count(rows))).axes
    axes[:, : found.shape[1]] = found
    return Baselines(independent, Fixed(jnp.asarray(axes)))


def blank_baselines(rows: Any, independent: IndependentColumns, architecture: Architecture) -> Baselines:
    """What stored arrays are read into."""
    if rows.kind == "table":
        return Baselines(independent, None)
    return Baselines(independent, Fixed(jnp.zeros(_shape(rows.column_count, architecture), jnp.float32)))


def _shape(columns: int, architecture: Architecture) -> tuple[int, int]:
    return columns, min(architecture.latent_size, columns)
