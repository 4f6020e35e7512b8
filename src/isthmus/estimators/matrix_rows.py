"""Rows of numbers without holes, all of one kind: pixels, bits, real numbers under one likelihood."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, Self

import jax
import numpy as np
from pydantic import TypeAdapter

from isthmus.data import Standardisation, inspect_columns
from isthmus.estimators.configuration import VAEConfiguration
from isthmus.estimators.rows import new_rows, warn_constant, warn_off_support
from isthmus.evidence import IndependentColumns, empty_independent_columns, independent_columns
from isthmus.models import (
    Architecture,
    LikelihoodChoice,
    VariationalAutoencoder,
    assemble_vae,
    blank_vae,
    choose_likelihood,
    choose_standardisation,
)
from isthmus.models.selection import LARGEST_MAXIMUM

Assemble = Callable[[Architecture, jax.Array], VariationalAutoencoder]
"""From sizes and a key to an untrained model."""
_CHOICE = TypeAdapter(LikelihoodChoice)


@dataclass(frozen=True)
class MatrixRows:
    """How rows [row, column] come to the model and back: one likelihood for all columns, and their standardisation."""

    names: tuple[str, ...]
    choice: LikelihoodChoice
    standardisation: Standardisation

    @classmethod
    def inspect(
        cls, rows: np.ndarray, names: tuple[str, ...], configuration: VAEConfiguration
    ) -> tuple[Self, Assemble]:
        """From checked training rows; with it what assembles an untrained model for them."""
        columns = inspect_columns(rows, names)
        warn_constant(columns)
        likelihood = "auto" if configuration.likelihood == "columns" else configuration.likelihood
        choice = choose_likelihood(columns, likelihood, configuration.maximum, configuration.scale)
        standardisation = choose_standardisation(choice, columns)
        return cls(names, choice, standardisation), partial(assemble_vae, choice, columns, standardisation)

    @property
    def given(self) -> tuple[str, ...]:
        return self.names

    @property
    def column_count(self) -> int:
        return len(self.names)

    @property
    def scale(self) -> np.ndarray:
        """The columns' own units, for the squared error."""
        return self.standardisation.scale

    def encode(self, estimator: Any, X: Any) -> np.ndarray:
        rows = new_rows(estimator, X, self.names)
        warn_off_support(rows, self.names, self.choice)
        return self.standardisation.apply(rows)

    def decode(self, values: np.ndarray, like: Any = None) -> np.ndarray:
        return self.standardisation.invert(values)

    def assumptions(self) -> dict[str, Any]:
        choice = self.choice
        return {
            "likelihood": choice.kind,
            "likelihood_reason": choice.reason,
            "maximum": choice.maximum,
            "scale": choice.scale,
            "typical_spread": float(np.median(self.scale)),
        }

    def to_record(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        arrays = {"standardisation.offset": self.standardisation.offset, "standardisation.scale": self.scale}
        return arrays, {"columns": list(self.names), "likelihood": asdict(self.choice)}

    @classmethod
    def from_record(cls, arrays: dict[str, np.ndarray], metadata: dict[str, Any]) -> Self:
        choice, names = _CHOICE.validate_python(metadata["likelihood"]), tuple(metadata["columns"])
        # What would otherwise be asked of memory before it could be refused.
        if choice.kind in ("binomial", "discretised_logistic") and choice.maximum not in range(1, LARGEST_MAXIMUM + 1):
            raise ValueError(f"the maximum {choice.maximum} is not from 1 to {LARGEST_MAXIMUM}")
        return cls(names, choice, _standardisation(arrays, len(names)))

    def baseline(self, model: VariationalAutoencoder, training: Any) -> IndependentColumns:
        """Each column modelled on its own."""
        return independent_columns(model.family, training)

    def blank(self, architecture: Architecture) -> dict[str, Any]:
        """Model and baseline of the same shape whose numbers mean nothing."""
        model = blank_vae(self.choice, self.names, architecture)
        return {"model": model, "baseline": empty_independent_columns(model.family, len(self.names))}


def _standardisation(arrays: dict[str, np.ndarray], columns: int) -> Standardisation:
    offset, scale = arrays["standardisation.offset"], arrays["standardisation.scale"]
    if offset.shape != (columns,) or scale.shape != (columns,) or not (np.isfinite(offset) & (scale > 0)).all():
        raise ValueError(f"the standardisation is not {columns} finite offsets and positive scales")
    return Standardisation(offset, scale)
