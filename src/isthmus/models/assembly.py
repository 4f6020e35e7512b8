"""From what is seen of the columns to a model that is ready to be trained."""

from dataclasses import dataclass
from typing import Literal

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from isthmus.data import Columns, Standardisation, TableSchema
from isthmus.information.precision import in_float32
from isthmus.models.autoencoder import DeterministicAutoencoder, make_networks
from isthmus.models.column_assembly import make_column_likelihoods, make_table_inputs
from isthmus.models.inputs import Inputs, MatrixInputs
from isthmus.models.likelihoods import Likelihood, make_likelihood
from isthmus.models.networks import Network
from isthmus.models.parameters import Fixed
from isthmus.models.selection import LikelihoodChoice
from isthmus.models.vae import VariationalAutoencoder

LARGEST_LATENT = 32
NARROWEST, WIDEST = 64, 256
CHANNELS = (32, 64)

NetworkKind = Literal["plain", "tied", "residual", "convolutional"]


@dataclass(frozen=True)
class Architecture:
    """The sizes of the networks; with the columns and the likelihood, the whole shape of a model follows from them.

    hidden_sizes: widths of the layers, or channels of convolutions.  image_shape: of convolutional networks. Both are
    tuples: what is made for an architecture is found again by its hash.
    """

    latent_size: int
    hidden_sizes: tuple[int, ...]
    activation: str
    network: NetworkKind = "plain"
    image_shape: tuple[int, int] | None = None
    dropout: float = 0.0


@dataclass(frozen=True)
class Ends:
    """Both ends of any model of these columns: what an encoder is shown, and the likelihood that a decoder chooses
    from."""

    inputs: Inputs
    family: Likelihood


def choose_latent_size(columns: int, asked: int | None = None, overcomplete: bool = False) -> int:
    """Half as many dimensions as columns where none are asked for, at most 32: those without use fall silent.

    Raises ValueError for a latent that could copy x, unless overcomplete.
    """
    latent = min(max(columns // 2, 1), LARGEST_LATENT) if asked is None else asked
    if latent >= columns and not overcomplete:
        remedy = "overcomplete=True" if columns == 1 else f"n_components < {columns}, or overcomplete=True"
        raise ValueError(
            f"latent size {latent} is not below the {columns} columns of X, which has {columns} feature(s); "
            f"pass {remedy}"
        )
    return latent


def choose_hidden_sizes(columns: int, network: NetworkKind) -> tuple[int, ...]:
    """Two hidden layers, twice as wide as the columns, within bounds; for images convolutions of 32 and 64 channels."""
    if network == "convolutional":
        return CHANNELS
    width = min(max(1 << (2 * columns - 1).bit_length(), NARROWEST), WIDEST)
    return width, width


@in_float32
def matrix_ends(choice: LikelihoodChoice, columns: Columns, standardisation: Standardisation) -> Ends:
    """For rows of numbers under one likelihood."""
    count = len(columns.names)
    pooled = float(np.sqrt(np.mean(columns.spread**2)))
    if choice.kind != "normal":
        # One spread for all columns: a pixel that is almost never lit must not become the loudest input.
        centre, spread = columns.mean, np.full(count, pooled)
    elif choice.scale == "per_feature":
        centre, spread = np.zeros(count), np.ones(count)
    else:
        # A scale in common means columns in the same units, as pixels are.
        centre, spread = np.zeros(count), pooled / standardisation.scale
    inputs = MatrixInputs(Fixed(jnp.asarray(centre, jnp.float32)), Fixed(jnp.asarray(spread, jnp.float32)))
    return Ends(inputs, make_likelihood(choice, columns, standardisation))


@in_float32
def table_ends(schema: TableSchema) -> Ends:
    """For a table of mixed columns with holes."""
    return Ends(make_table_inputs(schema), make_column_likelihoods(schema))


def blank_matrix_ends(choice: LikelihoodChoice, names: tuple[str, ...]) -> Ends:
    """Ends of the same shape whose numbers mean nothing: what stored arrays are read into."""
    blank = np.zeros(len(names))
    columns = Columns(np.zeros((2, len(names))), names, blank, blank + 1, blank, blank + 1, blank == 0)
    return matrix_ends(choice, columns, Standardisation.identity(len(names)))


@in_float32
def assemble_vae(ends: Ends, architecture: Architecture, key: Array) -> VariationalAutoencoder:
    """An untrained variational autoencoder."""
    encoder, decoder = _networks(ends.family, ends.inputs, architecture, 2 * architecture.latent_size, key)
    return VariationalAutoencoder(ends.inputs, encoder, decoder, ends.family, architecture.latent_size)


@in_float32
def assemble_autoencoder(
    ends: Ends,
    architecture: Architecture,
    key: Array,
    *,
    kept: int | None = None,
    encoder: eqx.Module | None = None,
    decoder: eqx.Module | None = None,
) -> DeterministicAutoencoder:
    """An untrained deterministic autoencoder.

    kept: so many entries of the latent, the largest, go on to the decoder.
    encoder, decoder: modules of one's own, called as `module(x, key=None)`, from the inputs to the latent and from the
    latent to the likelihood's outputs. Raises ValueError where theirs are of another shape.
    """
    made = (
        (None, None)
        if encoder is not None and decoder is not None
        else _networks(ends.family, ends.inputs, architecture, architecture.latent_size, key)
    )
    networks = (encoder if encoder is not None else made[0], decoder if decoder is not None else made[1])
    model = DeterministicAutoencoder(ends.inputs, *networks, ends.family, architecture.latent_size, kept)  # type: ignore[arg-type]
    if encoder is not None:
        _check_outputs("encoder", encoder, ends.inputs.size, architecture.latent_size)
    if decoder is not None:
        outputs = jax.eval_shape(ends.family.initial_outputs).shape[0]
        _check_outputs("decoder", decoder, architecture.latent_size, outputs)
    return model


@eqx.filter_jit
def _networks(
    family: Likelihood, inputs: Inputs, architecture: Architecture, code_size: int, key: Array
) -> tuple[Network, Network]:
    # Layer by layer, each random number and each scale would be compiled on its own.
    return make_networks(
        family,
        inputs,
        kind=architecture.network,
        code_size=code_size,
        latent_size=architecture.latent_size,
        hidden_sizes=architecture.hidden_sizes,
        activation=architecture.activation,
        key=key,
        image_shape=architecture.image_shape,
        dropout=architecture.dropout,
    )


def _check_outputs(name: str, module: eqx.Module, inputs: int, expected: int) -> None:
    try:
        made = eqx.filter_eval_shape(module, jnp.zeros(inputs), key=None)  # type: ignore[arg-type]
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{name} cannot be called with {inputs} numbers and key=None ({error}); expected an equinox module from "
            f"({inputs},) to ({expected},)"
        ) from None
    found = getattr(made, "shape", type(made).__name__)
    if found != (expected,):
        raise ValueError(f"{name} makes {found} of ({inputs},); expected ({expected},)")
