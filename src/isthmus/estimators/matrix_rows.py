"""Rows of numbers without holes, all of one kind: pixels, bits, real numbers under one likelihood."""

from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Self

import numpy as np
from pydantic import TypeAdapter

from isthmus.data import Standardisation, inspect_columns
from isthmus.estimators.configuration import NetworkConfiguration
from isthmus.estimators.rows import new_rows, require_numbers, stored_names, warn_constant, warn_off_support
from isthmus.evidence import IndependentColumns, empty_independent_columns, independent_columns
from isthmus.models import (
    Ends,
    Likelihood,
    LikelihoodChoice,
    blank_matrix_ends,
    choose_likelihood,
    choose_standardisation,
    matrix_ends,
)
from isthmus.models.selection import LARGEST_MAXIMUM

_CHOICE = TypeAdapter(LikelihoodChoice)


@dataclass(frozen=True)
class MatrixRows:
    """How rows [row, column] come to the model and back: one likelihood for all columns, and their standardisation."""

    kind: ClassVar[str] = "matrix"
    names: tuple[str, ...]
    choice: LikelihoodChoice
    standardisation: Standardisation

    @classmethod
    def inspect(
        cls, rows: np.ndarray, names: tuple[str, ...], configuration: NetworkConfiguration
    ) -> tuple[Self, Ends]:
        """From checked training rows; with it both ends of a model for them."""
        columns = inspect_columns(rows, names)
        warn_constant(columns)
        likelihood = "auto" if configuration.likelihood == "columns" else configuration.likelihood
        choice = choose_likelihood(columns, likelihood, configuration.maximum, configuration.scale)
        standardisation = choose_standardisation(choice, columns)
        return cls(names, choice, standardisation), matrix_ends(choice, columns, standardisation)

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
        choice, names = _CHOICE.validate_python(metadata["likelihood"]), stored_names(metadata["columns"])
        # What would otherwise be asked of memory before it could be refused.
        if choice.kind in ("binomial", "discretised_logistic") and choice.maximum not in range(1, LARGEST_MAXIMUM + 1):
            raise ValueError(f"the maximum {choice.maximum} is not from 1 to {LARGEST_MAXIMUM}")
        require_numbers(arrays, len(names) * (1 if choice.maximum is None else choice.maximum + 1))
        return cls(names, choice, _standardisation(arrays, len(names)))

    def baseline(self, family: Likelihood, training: Any) -> IndependentColumns:
        """Each column modelled on its own."""
        return independent_columns(family, training)

    def blank(self) -> tuple[Ends, IndependentColumns]:
        """Ends and baseline of the same shape whose numbers mean nothing."""
        ends = blank_matrix_ends(self.choice, self.names)
        return ends, empty_independent_columns(ends.family, len(self.names))


def _standardisation(arrays: dict[str, np.ndarray], columns: int) -> Standardisation:
    offset, scale = arrays["standardisation.offset"], arrays["standardisation.scale"]
    fitting = all(array.shape == (columns,) and array.dtype == np.float64 for array in (offset, scale))
    if not fitting or not (np.isfinite(offset) & np.isfinite(scale) & (scale > 0)).all():
        raise ValueError(f"the standardisation is not {columns} finite offsets and positive scales")
    return Standardisation(offset, scale)
