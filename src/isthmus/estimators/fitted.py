"""What a fit leaves behind, and its form on disk: named arrays and JSON metadata."""

import platform
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import Any

import equinox as eqx
import jax
import numpy as np
from pydantic import TypeAdapter

from isthmus.estimators.configuration import VAEConfiguration
from isthmus.estimators.matrix_rows import MatrixRows
from isthmus.estimators.table_rows import TableRows
from isthmus.evidence import IndependentColumns
from isthmus.models import ACTIVATIONS, Architecture, Observation, VariationalAutoencoder, fill_arrays, named_arrays
from isthmus.storage import ModelFileError

_ARCHITECTURE = TypeAdapter(Architecture)
_LIBRARIES = ("isthmus", "jax", "equinox", "numpyro", "optax", "numpy")
_CALIBRATION = "calibration."


@dataclass(frozen=True)
class FittedVAE:
    """Everything that scoring needs, frozen at the fit, so that later changes of parameters cannot break it.

    rows: how a user's rows come to the model and back.  threshold: the score below which `predict` calls a row an
    outlier.  calibration: rows, in the model's units, that neither training nor early stopping saw; None without them.
    draws: of z for each row in each training step.
    """

    configuration: VAEConfiguration
    rows: MatrixRows | TableRows
    architecture: Architecture
    model: VariationalAutoencoder
    baseline: IndependentColumns
    threshold: float
    calibration: Any = None
    draws: int = 1

    def to_record(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """(arrays, metadata), from which `from_record` makes an equal model."""
        arrays, described = self.rows.to_record()
        metadata = {
            "estimator": "VAE",
            "parameters": self.configuration.model_dump(mode="json"),
            "rows": "table" if isinstance(self.rows, TableRows) else "matrix",
            **described,
            "architecture": {**asdict(self.architecture), "hidden_sizes": list(self.architecture.hidden_sizes)},
            "threshold": self.threshold,
            "draws": self.draws,
            "calibration_rows": 0 if self.calibration is None else len(jax.tree.leaves(self.calibration)[0]),
            "libraries": {name: version(name) for name in _LIBRARIES} | {"python": platform.python_version()},
        }
        arrays |= named_arrays({"model": self.model, "baseline": self.baseline})
        arrays |= _calibration_arrays(self.calibration)
        return arrays, metadata

    @classmethod
    def from_record(cls, arrays: dict[str, np.ndarray], metadata: dict[str, Any]) -> "FittedVAE":
        """The model that `to_record` described; ModelFileError where the two parts do not fit together."""
        try:
            architecture = _ARCHITECTURE.validate_python(metadata["architecture"])
            _check_sizes(architecture)
            rows = {"table": TableRows, "matrix": MatrixRows}[metadata["rows"]].from_record(arrays, metadata)
            networks = {n: a for n, a in arrays.items() if not n.startswith(("standardisation.", _CALIBRATION))}
            filled = fill_arrays(eqx.filter_eval_shape(rows.blank, architecture), networks)
            configuration = VAEConfiguration.checked(metadata["parameters"])
            calibration = _calibration(arrays, int(metadata["calibration_rows"]), rows.column_count)
            threshold, draws = float(metadata["threshold"]), int(metadata["draws"])
        except (LookupError, ArithmeticError, TypeError, ValueError) as error:
            raise ModelFileError(f"the model file does not describe a VAE: {error}") from None
        return cls(
            configuration, rows, architecture, filled["model"], filled["baseline"], threshold, calibration, draws
        )


def _calibration_arrays(calibration: Any) -> dict[str, np.ndarray]:
    if calibration is None:
        return {}
    if isinstance(calibration, Observation):
        return {
            f"{_CALIBRATION}values": np.asarray(calibration.values),
            f"{_CALIBRATION}observed": np.asarray(calibration.observed),
        }
    return {f"{_CALIBRATION}values": np.asarray(calibration)}


def _calibration(arrays: dict[str, np.ndarray], count: int, columns: int) -> Any:
    if count == 0:
        return None
    values, observed = arrays[f"{_CALIBRATION}values"], arrays.get(f"{_CALIBRATION}observed")
    if values.shape != (count, columns) or values.dtype != np.float32:
        raise ValueError(
            f"the calibration rows are {values.dtype} {values.shape}; expected {count} of {columns} columns"
        )
    if observed is None:
        return values
    if observed.shape != values.shape or observed.dtype != bool:
        raise ValueError("the mask of the calibration rows does not fit their values")
    return Observation(values, observed)


def _check_sizes(architecture: Architecture) -> None:
    """What would otherwise be asked of memory before it could be refused."""
    if architecture.activation not in ACTIVATIONS:
        raise ValueError(f"there is no activation {architecture.activation!r}")
    if not all(0 < size < 2**20 for size in (architecture.latent_size, *architecture.hidden_sizes)):
        raise ValueError(f"the sizes {architecture} are out of range")
