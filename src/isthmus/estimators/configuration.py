"""The constructor's arguments, checked once for Python, the command line, configuration files and model files."""

import numbers
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from isthmus.models import ACTIVATIONS
from isthmus.models.selection import LARGEST_MAXIMUM

Positive = Annotated[int, Field(gt=0)]


class VAEConfiguration(BaseModel):
    """The arguments of VAE; ValueError, naming the argument, for one of the wrong type or out of range."""

    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False, frozen=True)

    n_components: Positive | Literal["auto"] | None = None
    likelihood: Literal["auto", "columns", "bernoulli", "binomial", "discretised_logistic", "normal"] = "auto"
    columns: dict[str, str] | None = None
    maximum: Annotated[int, Field(gt=0, le=LARGEST_MAXIMUM)] | None = None
    scale: Literal["per_feature", "global"] | Annotated[float, Field(gt=0)] = "per_feature"
    hidden_sizes: tuple[Positive, ...] | None = None
    activation: Literal["elu", "gelu", "relu", "silu", "tanh"] = "elu"
    overcomplete: bool = False
    draws: Positive | None = None
    trim: Annotated[float, Field(ge=0, lt=0.5)] = 0.0
    beta: Annotated[float, Field(ge=0)] = 1.0
    warm_up: Annotated[float, Field(ge=0, le=1)] = 0.1
    max_epochs: Positive | None = None
    batch_size: Positive = 128
    learning_rate: Annotated[float, Field(gt=0)] = 1e-3
    patience: Positive | None = 20
    validation_fraction: Annotated[float, Field(ge=0, lt=1)] = 0.1
    calibration_fraction: Annotated[float, Field(ge=0, lt=1)] = 0.0
    contamination: Annotated[float, Field(gt=0, le=0.5)] = 0.1
    random_state: Annotated[int, Field(ge=0, lt=2**32)] = 0

    @classmethod
    def checked(cls, arguments: dict[str, Any]) -> "VAEConfiguration":
        """From constructor arguments; NumPy scalars count as numbers, lists as tuples, a generator as a seed."""
        plain = {name: _plain(value) for name, value in arguments.items()}
        plain["random_state"] = _seed(plain.get("random_state", 0))
        try:
            return cls(**plain)
        except ValidationError as error:
            first = error.errors()[0]
            name = str(first["loc"][0])
            if name == "n_components":
                given = first.get("input")
                raise ValueError(
                    f"n_components (the latent size) is {given!r}; expected at least 1, 'auto', or None"
                ) from None
            if first["type"] == "extra_forbidden":
                raise ValueError(f"{name!r} is not a setting of VAE; there are {', '.join(cls.model_fields)}") from None
            if name == "scale":
                given = arguments.get(name)
                raise ValueError(f"scale is {given!r}; expected 'per_feature', 'global', or a number above 0") from None
            raise ValueError(f"{name} is {arguments.get(name)!r}: {first['msg'].lower()}") from None


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
