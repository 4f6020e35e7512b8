"""From what is seen of the columns to a model that is ready to be trained."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from isthmus.data import Columns, Standardisation, TableSchema
from isthmus.information.precision import in_float32
from isthmus.models.column_assembly import make_column_likelihoods, make_table_inputs
from isthmus.models.inputs import MatrixInputs
from isthmus.models.likelihoods import make_likelihood
from isthmus.models.networks import ResidualMLP
from isthmus.models.parameters import Fixed
from isthmus.models.selection import LikelihoodChoice
from isthmus.models.vae import VariationalAutoencoder, make_vae

LARGEST_LATENT = 32
NARROWEST, WIDEST = 64, 256


@dataclass(frozen=True)
class Architecture:
    """The sizes of the networks; with the columns and the likelihood, the whole shape of a model follows from them."""

    latent_size: int
    hidden_sizes: tuple[int, ...]
    activation: str


def choose_architecture(
    columns: int,
    latent_size: int | None = None,
    hidden_sizes: tuple[int, ...] | None = None,
    activation: str = "elu",
    overcomplete: bool = False,
) -> Architecture:
    """Sizes that suit so many columns where none are given.

    The latent has half as many dimensions, at most 32: those without use fall silent. Two hidden layers are twice as
    wide as the columns, within bounds. Raises ValueError for a latent that could copy x, unless overcomplete.
    """
    latent = min(max(columns // 2, 1), LARGEST_LATENT) if latent_size is None else latent_size
    if latent >= columns and not overcomplete:
        remedy = "overcomplete=True" if columns == 1 else f"n_components < {columns}, or overcomplete=True"
        raise ValueError(
            f"latent size {latent} is not below the {columns} columns of X, which has {columns} feature(s); "
            f"pass {remedy}"
        )
    width = min(max(1 << (2 * columns - 1).bit_length(), NARROWEST), WIDEST)
    return Architecture(latent, (width, width) if hidden_sizes is None else hidden_sizes, activation)


@in_float32
def assemble_vae(
    choice: LikelihoodChoice, columns: Columns, standardisation: Standardisation, architecture: Architecture, key: Array
) -> VariationalAutoencoder:
    """An untrained variational autoencoder for these columns."""
    count = len(columns.names)
    if choice.kind == "normal":
        centre, spread = np.zeros(count), np.ones(count)
    else:
        # One spread for all columns: a pixel that is almost never lit must not become the loudest input.
        centre, spread = columns.mean, np.full(count, np.sqrt(np.mean(columns.spread**2)))
    inputs = MatrixInputs(Fixed(jnp.asarray(centre, jnp.float32)), Fixed(jnp.asarray(spread, jnp.float32)))
    return make_vae(
        make_likelihood(choice, columns, standardisation),
        inputs,
        latent_size=architecture.latent_size,
        hidden_sizes=architecture.hidden_sizes,
        activation=architecture.activation,
        key=key,
    )


@in_float32
def assemble_table_vae(schema: TableSchema, architecture: Architecture, key: Array) -> VariationalAutoencoder:
    """An untrained variational autoencoder for a table of mixed columns with holes."""
    return make_vae(
        make_column_likelihoods(schema),
        make_table_inputs(schema),
        latent_size=architecture.latent_size,
        hidden_sizes=architecture.hidden_sizes,
        activation=architecture.activation,
        key=key,
        network=ResidualMLP,
    )


def blank_table_vae(schema: TableSchema, architecture: Architecture) -> VariationalAutoencoder:
    """A model of the same shape whose numbers mean nothing: what stored arrays are read into."""
    return assemble_table_vae(schema, architecture, jax.random.key(0))


def blank_vae(choice: LikelihoodChoice, names: tuple[str, ...], architecture: Architecture) -> VariationalAutoencoder:
    """A model of the same shape whose numbers mean nothing: what stored arrays are read into."""
    blank = np.zeros(len(names))
    columns = Columns(np.zeros((2, len(names))), names, blank, blank + 1, blank, blank + 1, blank == 0)
    standardisation = Standardisation.identity(len(names))
    return assemble_vae(choice, columns, standardisation, architecture, jax.random.key(0))
