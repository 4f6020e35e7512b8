"""What a fit leaves behind, frozen, so that later changes of parameters cannot break it; and its form on disk."""

import platform
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from typing import Any

import jax
import numpy as np

from isthmus.estimators.configuration import Configuration
from isthmus.estimators.matrix_rows import MatrixRows
from isthmus.estimators.real_rows import RealRows
from isthmus.estimators.table_rows import TableRows
from isthmus.models import Observation, named_arrays

LIBRARIES = ("isthmus", "jax", "equinox", "numpyro", "optax", "numpy")
MODULES = ("encoder", "decoder")
CALIBRATION, STANDARDISATION = "calibration.", "standardisation."


Rows = MatrixRows | TableRows | RealRows


@dataclass(frozen=True)
class Fitted:
    """Everything that scoring needs.

    rows: how a user's rows come to the model and back.  model: the module underneath.  architecture: its sizes, a
    dataclass.  baseline: what the ledger compares with (a pytree).  threshold: the score below which `predict` calls a
    row an outlier.  calibration: rows, in the model's units, that neither training nor early stopping saw; None
    without.  facts: what else was seen in the fit, as JSON has it.
    """

    configuration: Configuration
    rows: Rows
    architecture: Any
    model: Any
    baseline: Any
    threshold: float
    calibration: Any = None
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def modules(self) -> dict[str, Any]:
        """The modules of a user's own that the fit was given, by name: no file keeps them."""
        given = {name: getattr(self.configuration, name, None) for name in MODULES}
        return {name: module for name, module in given.items() if module is not None}

    def to_record(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """(arrays, metadata), from which the estimator makes an equal one."""
        arrays, described = self.rows.to_record()
        metadata = {
            "estimator": self.configuration.estimator,
            "parameters": self.configuration.model_dump(mode="json"),
            "rows": self.rows.kind,
            **described,
            "architecture": _as_json(asdict(self.architecture)),
            "threshold": self.threshold,
            "facts": self.facts,
            "modules": list(self.modules),
            "calibration_rows": 0 if self.calibration is None else len(jax.tree.leaves(self.calibration)[0]),
            "libraries": {name: version(name) for name in LIBRARIES} | {"python": platform.python_version()},
        }
        arrays |= named_arrays({"model": self.model, "baseline": self.baseline})
        arrays |= _calibration_arrays(self.calibration)
        return arrays, metadata


def model_arrays(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Those of model and baseline."""
    return {name: array for name, array in arrays.items() if not name.startswith((STANDARDISATION, CALIBRATION))}


def calibration_rows(arrays: dict[str, np.ndarray], count: int, columns: int, dtype: Any = np.float32) -> Any:
    """The rows that a record keeps for calibration; None for none. ValueError where they do not fit."""
    if count == 0:
        return None
    values, observed = arrays[f"{CALIBRATION}values"], arrays.get(f"{CALIBRATION}observed")
    if values.shape != (count, columns) or values.dtype != dtype:
        raise ValueError(
            f"the calibration rows are {values.dtype} {values.shape}; expected {count} of {columns} columns"
        )
    if np.isnan(values).any():
        raise ValueError("the calibration rows hold NaN")
    if observed is None:
        return values
    if observed.shape != values.shape or observed.dtype != bool:
        raise ValueError("the mask of the calibration rows does not fit their values")
    return Observation(values, observed)


def _calibration_arrays(calibration: Any) -> dict[str, np.ndarray]:
    if calibration is None:
        return {}
    if isinstance(calibration, Observation):
        return {
            f"{CALIBRATION}values": np.asarray(calibration.values),
            f"{CALIBRATION}observed": np.asarray(calibration.observed),
        }
    return {f"{CALIBRATION}values": np.asarray(calibration)}


def _as_json(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _as_json(item) for name, item in value.items()}
    return [_as_json(item) for item in value] if isinstance(value, tuple) else value
