"""The constructors' arguments, checked once for Python, the command line, configuration files and model files."""

import numbers
from typing import Annotated, Any, ClassVar, Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from isthmus.estimators.parts import CorruptionSetting, SparsitySetting
from isthmus.models import ACTIVATIONS
from isthmus.models.selection import LARGEST_MAXIMUM

LARGEST_SIZE, MOST_LAYERS, MOST_DRAWS, LARGEST_BATCH, MOST_PASSES = 2**20, 64, 2**14, 2**20, 2**31
"""What is refused before any memory is asked for; whether weights within these fit the machine is seen in the fit."""
Positive = Annotated[int, Field(gt=0)]
Size = Annotated[int, Field(gt=0, le=LARGEST_SIZE)]
Passes = Annotated[int, Field(gt=0, le=MOST_PASSES)]
Share = Annotated[float, Field(ge=0, lt=1)]


class Configuration(BaseModel):
    """The arguments of an estimator; ValueError, naming the argument, for one of the wrong type or out of range."""

    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False, frozen=True)
    estimator: ClassVar[str]

    n_components: Size | None = None
    calibration_fraction: Share = 0.0
    contamination: Annotated[float, Field(gt=0, le=0.5)] = 0.1
    random_state: Annotated[int, Field(ge=0, lt=2**32)] = 0

    @classmethod
    def checked(cls, arguments: dict[str, Any]) -> Self:
        """From constructor arguments; NumPy scalars count as numbers, lists as tuples, a generator as a seed.

        ValueError, of one line and naming the argument, for all that is wrong.
        """
        if not isinstance(arguments, dict):
            raise ValueError(f"the settings of {cls.estimator} are {_shown(arguments)}; expected names and values")
        plain = {name: _plain(value) for name, value in arguments.items()}
        plain["random_state"] = _seed(plain.get("random_state", 0))
        try:
            return cls(**plain)
        except ValidationError as error:
            raise ValueError(cls._told(error.errors()[0], arguments)) from None

    @classmethod
    def _told(cls, first: Any, arguments: dict[str, Any]) -> str:
        name = str(first["loc"][0])
        given = arguments.get(name)
        if name == "n_components":
            allowed = "'auto', or None" if "auto" in str(cls.model_fields[name].annotation) else "or None"
            given = _shown(first.get("input"))
            return (
                f"n_components (the latent size) is {given}; expected at least 1, {allowed}, and at most {LARGEST_SIZE}"
            )
        if first["type"] == "extra_forbidden":
            return f"{_shown(name)} is not a setting of {cls.estimator}; there are {', '.join(cls.model_fields)}"
        if name == "scale":
            return f"scale is {_shown(given)}; expected 'per_feature', 'global', or a number above 0"
        if name == "dequantise":
            return f"dequantise is {_shown(given)}; expected True, False, or a list of column names"
        said = first["msg"].removeprefix("Value error, ")
        return f"{name} is {_shown(given)}: {said[:1].lower()}{said[1:]}"


class NetworkConfiguration(Configuration):
    """What all estimators that train a network take."""

    likelihood: Literal["auto", "columns", "bernoulli", "binomial", "discretised_logistic", "normal"] = "auto"
    columns: dict[str, str] | None = None
    maximum: Annotated[int, Field(gt=0, le=LARGEST_MAXIMUM)] | None = None
    scale: Literal["per_feature", "global"] | Annotated[float, Field(gt=0)] = "per_feature"
    network: Literal["mlp", "convolutional"] = "mlp"
    image_shape: tuple[Size, Size] | None = None
    hidden_sizes: Annotated[tuple[Size, ...], Field(max_length=MOST_LAYERS)] | None = None
    activation: Literal["elu", "gelu", "relu", "silu", "tanh"] = "elu"
    overcomplete: bool = False
    max_epochs: Passes | None = None
    batch_size: Annotated[int, Field(gt=0, le=LARGEST_BATCH)] = 128
    learning_rate: Annotated[float, Field(gt=0)] = 1e-3
    precision: Literal["float32", "tensorfloat32", "bfloat16"] = "float32"
    patience: Passes | None = 20
    validation_fraction: Share = 0.1


class VAEConfiguration(NetworkConfiguration):
    """The arguments of VAE."""

    estimator: ClassVar[str] = "VAE"

    n_components: Size | Literal["auto"] | None = None
    draws: Annotated[int, Field(gt=0, le=MOST_DRAWS)] | None = None
    trim: Annotated[float, Field(ge=0, lt=0.5)] = 0.0
    beta: Annotated[float, Field(ge=0)] = 1.0
    warm_up: Annotated[float, Field(ge=0, le=1)] = 0.1


class AutoencoderConfiguration(NetworkConfiguration):
    """The arguments of Autoencoder."""

    estimator: ClassVar[str] = "Autoencoder"

    encoder: Any = Field(default=None, exclude=True)
    decoder: Any = Field(default=None, exclude=True)
    tied_weights: bool = False
    dropout: Share = 0.0
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    sparsity: SparsitySetting = None


class DenoisingConfiguration(AutoencoderConfiguration):
    """The arguments of DenoisingAutoencoder."""

    estimator: ClassVar[str] = "DenoisingAutoencoder"

    corruption: CorruptionSetting = None


class LinearConfiguration(Configuration):
    """What all linear estimators take."""

    dequantise: bool | tuple[str, ...] = False


class LinearAutoencoderConfiguration(LinearConfiguration):
    """The arguments of LinearAutoencoder."""

    estimator: ClassVar[str] = "LinearAutoencoder"

    solver: Literal["auto", "full", "randomised", "incremental", "gradient"] = "auto"
    whiten: bool = False


class ProbabilisticPCAConfiguration(LinearConfiguration):
    """The arguments of ProbabilisticPCA."""

    estimator: ClassVar[str] = "ProbabilisticPCA"

    solver: Literal["auto", "closed_form", "em"] = "auto"
    ddof: Literal[0, 1] = 0
    tolerance: Annotated[float, Field(gt=0)] = 1e-6
    max_iterations: Passes = 1000


class FactorAnalysisConfiguration(LinearConfiguration):
    """The arguments of FactorAnalysis."""

    estimator: ClassVar[str] = "FactorAnalysis"

    tolerance: Annotated[float, Field(gt=0)] = 1e-6
    max_iterations: Passes = 1000


def _shown(value: Any) -> str:
    """A value in a message, however long it or its numbers are."""
    try:
        text = repr(value)
    except ValueError:  # Python writes no integer of more than 4,300 digits
        return f"a {type(value).__name__} of too many digits to show"
    return text if len(text) <= 200 else f"{text[:200]}..."


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, list | tuple):
        return tuple(_plain(item) for item in value)
    return value


def _seed(state: Any) -> Any:
    if state is None:
        return int(np.random.default_rng().integers(2**32))
    if isinstance(state, np.random.RandomState):
        return int(state.randint(2**31))
    if isinstance(state, np.random.Generator):
        return int(state.integers(2**32))
    return int(state) if isinstance(state, numbers.Integral) else state


assert set(ACTIVATIONS) == set(VAEConfiguration.model_fields["activation"].annotation.__args__)  # type: ignore[union-attr]
