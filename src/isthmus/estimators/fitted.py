"""What a fit leaves behind, and its form on disk: named arrays and JSON metadata."""

import platform
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import Any

import equinox as eqx
import numpy as np
from pydantic import TypeAdapter

from isthmus.data import Standardisation
from isthmus.estimators.configuration import VAEConfiguration
from isthmus.evidence import IndependentColumns, empty_independent_columns
from isthmus.models import (
    ACTIVATIONS,
    Architecture,
    LikelihoodChoice,
    VariationalAutoencoder,
    blank_vae,
    fill_arrays,
    named_arrays,
)
from isthmus.models.selection import LARGEST_MAXIMUM
from isthmus.storage import ModelFileError

_ARCHITECTURE, _CHOICE = TypeAdapter(Architecture), TypeAdapter(LikelihoodChoice)
_LIBRARIES = ("isthmus", "jax", "equinox", "numpyro", "optax", "numpy")


@dataclass(frozen=True)
class FittedVAE:
    """Everything that scoring needs, frozen at the fit, so that later changes of parameters cannot break it."""

    configuration: VAEConfiguration
    names: tuple[str, ...]
    choice: LikelihoodChoice
    architecture: Architecture
    standardisation: Standardisation
    model: VariationalAutoencoder
    baseline: IndependentColumns

    def to_record(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """(arrays, metadata), from which `from_record` makes an equal model."""
        metadata = {
            "estimator": "VAE",
            "parameters": self.configuration.model_dump(mode="json"),
            "columns": list(self.names),
            "likelihood": asdict(self.choice),
            "architecture": {**asdict(self.architecture), "hidden_sizes": list(self.architecture.hidden_sizes)},
            "libraries": {name: version(name) for name in _LIBRARIES} | {"python": platform.python_version()},
        }
        arrays = named_arrays({"model": self.model, "baseline": self.baseline})
        arrays["standardisation.offset"] = self.standardisation.offset
        arrays["standardisation.scale"] = self.standardisation.scale
        return arrays, metadata

    @classmethod
    def from_record(cls, arrays: dict[str, np.ndarray], metadata: dict[str, Any]) -> "FittedVAE":
        """The model that `to_record` described; ModelFileError where the two parts do not fit together."""
        try:
            architecture = _ARCHITECTURE.validate_python(metadata["architecture"])
            choice, names = _CHOICE.validate_python(metadata["likelihood"]), tuple(metadata["columns"])
            _check_sizes(choice, architecture)
            standardisation = _standardisation(arrays, len(names))
            networks = {name: array for name, array in arrays.items() if not name.startswith("standardisation.")}
            filled = fill_arrays(eqx.filter_eval_shape(_skeleton, choice, names, architecture), networks)
            configuration = VAEConfiguration.checked(metadata["parameters"])
        except (KeyError, TypeError, ValueError) as error:
            raise ModelFileError(f"the model file does not describe a VAE: {error}") from None
        return cls(configuration, names, choice, architecture, standardisation, filled["model"], filled["baseline"])


def _check_sizes(choice: LikelihoodChoice, architecture: Architecture) -> None:
    """What would otherwise be asked of memory before it could be refused."""
    if choice.kind in ("binomial", "discretised_logistic") and choice.maximum not in range(1, LARGEST_MAXIMUM + 1):
        raise ValueError(f"the maximum {choice.maximum} is not from 1 to {LARGEST_MAXIMUM}")
    if architecture.activation not in ACTIVATIONS:
        raise ValueError(f"there is no activation {architecture.activation!r}")
    if not all(0 < size < 2**20 for size in (architecture.latent_size, *architecture.hidden_sizes)):
        raise ValueError(f"the sizes {architecture} are out of range")


def _standardisation(arrays: dict[str, np.ndarray], columns: int) -> Standardisation:
    offset, scale = arrays["standardisation.offset"], arrays["standardisation.scale"]
    if offset.shape != (columns,) or scale.shape != (columns,) or not (np.isfinite(offset) & (scale > 0)).all():
        raise ValueError(f"the standardisation is not {columns} finite offsets and positive scales")
    return Standardisation(offset, scale)


def _skeleton(choice: LikelihoodChoice, names: tuple[str, ...], architecture: Architecture) -> dict[str, Any]:
    model = blank_vae(choice, names, architecture)
    return {"model": model, "baseline": empty_independent_columns(model.family, len(names))}
