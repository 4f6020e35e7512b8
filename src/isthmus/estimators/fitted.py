"""What a fit leaves behind, and its form on disk: named arrays and JSON metadata."""

import platform
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from isthmus.data import Columns, Standardisation
from isthmus.estimators.configuration import VAEConfiguration
from isthmus.evidence import IndependentColumns, independent_columns
from isthmus.evidence.independent import empty_independent_columns
from isthmus.models import (
    LikelihoodChoice,
    VariationalAutoencoder,
    choose_likelihood,
    choose_standardisation,
    make_likelihood,
    make_vae,
)
from isthmus.storage import ModelFileError

_LIBRARIES = ("isthmus", "jax", "equinox", "numpyro", "optax", "numpy")


@dataclass(frozen=True)
class Architecture:
    """The sizes of the networks: what the model's shape follows from."""

    latent_size: int
    hidden_sizes: tuple[int, ...]


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
            configuration = VAEConfiguration.checked(metadata["parameters"])
            names = tuple(metadata["columns"])
            choice = LikelihoodChoice(**metadata["likelihood"])
            sizes = metadata["architecture"]
            architecture = Architecture(sizes["latent_size"], tuple(sizes["hidden_sizes"]))
            standardisation = Standardisation(arrays["standardisation.offset"], arrays["standardisation.scale"])
            skeleton = eqx.filter_eval_shape(_skeleton, choice, names, architecture, configuration.activation)
        except (KeyError, TypeError, ValueError) as error:
            raise ModelFileError(f"the model file's metadata do not describe a VAE: {error}") from None
        networks = {name: array for name, array in arrays.items() if not name.startswith("standardisation.")}
        filled = fill_arrays(skeleton, networks)
        return cls(configuration, names, choice, architecture, standardisation, filled["model"], filled["baseline"])


def assemble(
    columns: Columns, configuration: VAEConfiguration
) -> tuple[LikelihoodChoice, Standardisation, Architecture, VariationalAutoencoder]:
    """From what is seen of the columns, and the arguments, to a model that is ready to be trained."""
    choice = choose_likelihood(columns, configuration.likelihood, configuration.maximum, configuration.scale)
    standardisation = choose_standardisation(choice, columns)
    architecture = _architecture(len(columns.names), configuration)
    key = jax.random.key(configuration.random_state, impl="threefry2x32")
    model = _make_model(choice, columns, standardisation, architecture, configuration.activation, key)
    return choice, standardisation, architecture, model


def named_arrays(tree: Any) -> dict[str, np.ndarray]:
    """The arrays of a pytree under their paths, such as `model.encoder.layers.0.weight`."""
    leaves, _ = jax.tree_util.tree_flatten_with_path(eqx.filter(tree, eqx.is_array))
    return {jax.tree_util.keystr(path, simple=True, separator="."): np.asarray(leaf) for path, leaf in leaves}


def fill_arrays(skeleton: Any, arrays: dict[str, np.ndarray]) -> Any:
    """A pytree of shapes with the arrays put in place by name; ModelFileError unless both agree to the last name."""
    shapes, rest = eqx.partition(skeleton, lambda leaf: isinstance(leaf, jax.ShapeDtypeStruct))
    leaves, structure = jax.tree_util.tree_flatten_with_path(shapes)
    expected = {jax.tree_util.keystr(path, simple=True, separator="."): leaf for path, leaf in leaves}
    if set(expected) != set(arrays):
        odd = sorted(set(expected) ^ set(arrays))[0]
        raise ModelFileError(f"the model file's arrays do not fit its metadata: {odd!r} is missing or unknown")
    for name, shape in expected.items():
        if arrays[name].shape != shape.shape or arrays[name].dtype != shape.dtype:
            raise ModelFileError(
                f"array {name!r} of the model file is {arrays[name].dtype} {arrays[name].shape}; the metadata say "
                f"{shape.dtype} {shape.shape}"
            )
    filled = jax.tree.unflatten(structure, [jnp.asarray(arrays[name]) for name in expected])
    return eqx.combine(filled, rest)


def _make_model(
    choice: LikelihoodChoice,
    columns: Columns,
    standardisation: Standardisation,
    architecture: Architecture,
    activation: str,
    key: jax.Array,
) -> VariationalAutoencoder:
    count = len(columns.names)
    if choice.kind == "normal":
        centre, spread = np.zeros(count), np.ones(count)
    else:
        # One spread for all columns: a pixel that is almost never lit must not become the loudest input.
        pooled = float(np.sqrt(np.mean(columns.spread**2)))
        centre, spread = columns.mean, np.full(count, pooled)
    return make_vae(
        make_likelihood(choice, columns, standardisation),
        jnp.asarray(centre, jnp.float32),
        jnp.asarray(spread, jnp.float32),
        latent_size=architecture.latent_size,
        hidden_sizes=architecture.hidden_sizes,
        activation=activation,
        key=key,
    )


def _architecture(columns: int, configuration: VAEConfiguration) -> Architecture:
    latent = configuration.n_components
    if latent is None:
        latent = min(max(columns // 2, 1), 32)
    if latent >= columns and not configuration.overcomplete:
        raise ValueError(
            f"latent size {latent} is not below the {columns} columns of X, which has {columns} feature(s); "
            f"pass n_components < {columns}, or overcomplete=True"
        )
    if configuration.hidden_sizes is not None:
        return Architecture(latent, configuration.hidden_sizes)
    width = min(max(1 << (2 * columns - 1).bit_length(), 64), 256)
    return Architecture(latent, (width, width))


def _skeleton(choice: LikelihoodChoice, names: tuple[str, ...], architecture: Architecture, activation: str) -> Any:
    blank = np.zeros(len(names))
    columns = Columns(np.zeros((2, len(names))), names, blank, blank + 1, blank, blank + 1, blank == 0)
    standardisation = Standardisation.identity(len(names))
    model = _make_model(choice, columns, standardisation, architecture, activation, jax.random.key(0))
    return {"model": model, "baseline": empty_independent_columns(model.family, len(names))}


def fitted_baseline(model: VariationalAutoencoder, training_rows: np.ndarray) -> IndependentColumns:
    """The independent columns beside a model, from the rows that trained it."""
    return independent_columns(model.family, training_rows)
