"""What a fit leaves behind, and its form on disk: named arrays and JSON metadata."""

import platform
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import Any

import equinox as eqx
import numpy as np

from isthmus.data import Standardisation
from isthmus.estimators.configuration import VAEConfiguration
from isthmus.evidence import IndependentColumns, empty_independent_columns
from isthmus.models import (
    Architecture,
    LikelihoodChoice,
    VariationalAutoencoder,
    blank_vae,
    fill_arrays,
    named_arrays,
)
from isthmus.storage import ModelFileError

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
            sizes = metadata["architecture"]
            architecture = Architecture(sizes["latent_size"], tuple(sizes["hidden_sizes"]), sizes["activation"])
            choice, names = LikelihoodChoice(**metadata["likelihood"]), tuple(metadata["columns"])
            standardisation = Standardisation(arrays["standardisation.offset"], arrays["standardisation.scale"])
            networks = {name: array for name, array in arrays.items() if not name.startswith("standardisation.")}
            filled = fill_arrays(eqx.filter_eval_shape(_skeleton, choice, names, architecture), networks)
            configuration = VAEConfiguration.checked(metadata["parameters"])
        except (KeyError, TypeError, ValueError) as error:
            raise ModelFileError(f"the model file does not describe a VAE: {error}") from None
        return cls(configuration, names, choice, architecture, standardisation, filled["model"], filled["baseline"])


def _skeleton(choice: LikelihoodChoice, names: tuple[str, ...], architecture: Architecture) -> dict[str, Any]:
    model = blank_vae(choice, names, architecture)
    return {"model": model, "baseline": empty_independent_columns(model.family, len(names))}
