"""What the rungs that train a network have in common: how rows pass through it, and how it is read from a file."""

from abc import abstractmethod
from typing import Any, ClassVar, final

import equinox as eqx
import numpy as np
from pydantic import TypeAdapter

from isthmus.estimators.baselines import blank_baselines
from isthmus.estimators.configuration import LARGEST_SIZE, MOST_LAYERS, NetworkConfiguration
from isthmus.estimators.estimator import LatentEstimator
from isthmus.estimators.facts import checked_facts, checked_threshold
from isthmus.estimators.fitted import MODULES, Fitted, calibration_rows, model_arrays
from isthmus.estimators.matrix_rows import MatrixRows
from isthmus.estimators.table_rows import TableRows
from isthmus.models import ACTIVATIONS, Architecture, Ends, fill_arrays
from isthmus.models.rows import map_rows
from isthmus.storage import ModelFileError

_ARCHITECTURE = TypeAdapter(Architecture)
_ROWS: dict[str, type[MatrixRows] | type[TableRows]] = {"matrix": MatrixRows, "table": TableRows}


class NetworkEstimator(LatentEstimator):
    """An estimator whose model is a network from rows to latents and back."""

    configuration_type: ClassVar[type[NetworkConfiguration]]

    @classmethod
    @abstractmethod
    def _blank(cls, ends: Ends, architecture: Architecture, configuration: Any, modules: dict[str, Any]) -> Any:
        """An untrained model of this shape."""

    @final
    def _transformed(self, X: Any) -> np.ndarray:
        return self._latents(self._encoded(X))

    @final
    def _latents(self, rows: Any) -> np.ndarray:
        return map_rows(_encode, self.model_, rows)

    @final
    def _values(self, latents: np.ndarray) -> np.ndarray:
        return map_rows(_decode, self.model_, latents.astype(np.float32))

    @final
    def _ledger_units(self) -> dict[str, Any]:
        """What a ledger needs to know of the columns."""
        fitted, model = self._fitted, self.model_
        table = isinstance(fitted.rows, TableRows)
        return {
            "scale": fitted.rows.scale,  # type: ignore[attr-defined]
            "centre": None if table else np.asarray(model.inputs.centre.array, np.float64),
            "principal_axes": fitted.baseline.principal_axes,
            "measure": model.family.measure,
        }

    @final
    @classmethod
    def _from_record(cls, arrays: dict[str, np.ndarray], metadata: dict[str, Any], modules: dict[str, Any]) -> Fitted:
        _check_modules(metadata.get("modules"), modules)
        try:
            architecture = _ARCHITECTURE.validate_python(metadata["architecture"])
            _check_sizes(architecture, len(arrays))
            configuration = cls.configuration_type.checked({**metadata["parameters"], **modules})
            rows = _ROWS[metadata["rows"]].from_record(arrays, metadata)

            def blank() -> dict[str, Any]:
                ends, independent = rows.blank()
                baselines = blank_baselines(rows, independent, architecture)
                return {"model": cls._blank(ends, architecture, configuration, modules), "baseline": baselines}

            stored = model_arrays(arrays)
            filled = fill_arrays(eqx.filter_eval_shape(blank), stored)
            _check_numbers(stored, modules)
            return Fitted(
                configuration,
                rows,
                architecture,
                filled["model"],
                filled["baseline"],
                checked_threshold(metadata["threshold"]),
                calibration_rows(arrays, int(metadata["calibration_rows"]), rows.column_count),
                checked_facts(cls.__name__, metadata["facts"]),
            )
        except (LookupError, ArithmeticError, TypeError, ValueError) as error:
            raise ModelFileError(f"the model file does not describe a {cls.__name__}: {error}") from None


def _encode(model: Any, row: Any):
    return model.encode(row)


def _decode(model: Any, latent: Any):
    return model.decode(latent)


def _check_modules(needed: Any, given: dict[str, Any]) -> None:
    if not isinstance(needed, list) or not all(name in MODULES for name in needed):
        raise ModelFileError(
            f"the model file says of modules {str(needed)[:80]}; expected some of {', '.join(MODULES)}"
        )
    if set(needed) == set(given):
        return
    arguments = ", ".join(f"{name}=" for name in needed)
    raise ModelFileError(
        f"the fit was given {arguments or 'no module'} of one's own, which no file keeps; pass "
        f"{f'{arguments}, of the same shape,' if needed else 'none'} to isthmus.load"
    )


def _check_sizes(architecture: Architecture, arrays: int) -> None:
    """What would otherwise be asked of memory before it could be refused."""
    if architecture.activation not in ACTIVATIONS:
        raise ValueError(f"there is no activation {architecture.activation!r}")
    sizes = (architecture.latent_size, *architecture.hidden_sizes, *(architecture.image_shape or ()))
    if not all(0 < size <= LARGEST_SIZE for size in sizes) or not 0 <= architecture.dropout < 1:
        raise ValueError(f"the sizes {str(architecture)[:200]} are out of range")
    layers = len(architecture.hidden_sizes)
    # Each has arrays of its own; tracing many that are not there takes seconds.
    if layers > min(MOST_LAYERS, max(arrays // 2, 2)):
        raise ValueError(f"it has {layers} hidden layers, in {arrays} arrays; expected at most {MOST_LAYERS}")


def _check_numbers(arrays: dict[str, np.ndarray], modules: dict[str, Any]) -> None:
    # What a module of a user's own holds is its own affair: a mask of minus infinities, say.
    own = tuple(f"model.{module}." for module in modules)
    for name, array in arrays.items():
        if array.dtype.kind == "f" and not name.startswith(own) and not np.isfinite(array).all():
            raise ValueError(f"array {name!r} holds NaN or infinity")
