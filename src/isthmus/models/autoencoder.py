"""Deep autoencoders: deterministic models of an encoder, a decoder and a likelihood."""

from typing import Any

import equinox as eqx
import jax
from jax import Array

from isthmus.models.convolutional import ConvolutionalDecoder, ConvolutionalEncoder
from isthmus.models.distributions import DistributionLike
from isthmus.models.inputs import Inputs
from isthmus.models.likelihoods import Likelihood
from isthmus.models.model import DeterministicModel
from isthmus.models.networks import MLP, Network, ResidualMLP, TiedMLP
from isthmus.models.sparsity import keep_largest


class DeterministicAutoencoder(DeterministicModel):
    """z = encoder(x), x ~ likelihood(decoder(z)) (Hinton and Salakhutdinov 2006).

    inputs: what the encoder is shown of x.  kept: so many entries of the latent, the largest, go on; None for all.
    """

    inputs: Inputs
    encoder: Network
    decoder: Network
    family: Likelihood
    latent_size: int = eqx.field(static=True)
    kept: int | None = eqx.field(static=True, default=None)

    def encode(self, x: Any, c: Any = None, *, key: Array | None = None) -> Array:
        z = self.encoder(self.inputs(x), key=key)
        return z if self.kept is None else keep_largest(z, self.kept)

    def likelihood(self, z: Array, c: Any = None, *, key: Array | None = None) -> DistributionLike:
        if isinstance(self.decoder, TiedMLP):
            assert isinstance(self.encoder, MLP)
            return self.family(self.decoder(z, self.encoder, key=key))
        return self.family(self.decoder(z, key=key))


def make_networks(
    family: Likelihood,
    inputs: Inputs,
    *,
    kind: str,
    code_size: int,
    latent_size: int,
    hidden_sizes: tuple[int, ...],
    activation: str,
    key: Array,
    image_shape: tuple[int, int] | None = None,
    dropout: float = 0.0,
) -> tuple[Network, Network]:
    """(encoder, decoder) of one kind, "plain", "tied", "residual" or "convolutional"; the decoder mirrors the encoder
    and starts at the columns' own distributions.

    code_size: the encoder's outputs.  hidden_sizes: widths, or channels, from x to z.  Raises ValueError for tied
    weights under a likelihood with more than one output a column, and for images that the columns are not.
    """
    encoder_key, decoder_key = jax.random.split(key)
    start, back = family.initial_outputs(), tuple(reversed(hidden_sizes))
    if kind == "convolutional":
        shape = _image_shape(image_shape, inputs.size)
        encoder = ConvolutionalEncoder(shape, hidden_sizes, code_size, activation, encoder_key)
        return encoder, ConvolutionalDecoder(latent_size, back, shape, activation, decoder_key, start)
    network: Any = ResidualMLP if kind == "residual" else MLP
    encoder = network((inputs.size, *hidden_sizes, code_size), activation, encoder_key, dropout=dropout)
    if kind == "tied":
        if start.shape[0] != inputs.size:
            raise ValueError(
                f"tied weights give {inputs.size} outputs, and the likelihood takes {start.shape[0]}; pass "
                "likelihood='normal', 'bernoulli' or 'binomial', or tied_weights=False"
            )
        return encoder, TiedMLP(encoder, start)
    return encoder, network((latent_size, *back, start.shape[0]), activation, decoder_key, start, dropout=dropout)


def _image_shape(shape: tuple[int, int] | None, pixels: int) -> tuple[int, int]:
    if shape is None:
        raise ValueError("network='convolutional' needs image_shape=(height, width), or data that are images")
    if shape[0] * shape[1] != pixels:
        raise ValueError(f"image_shape {shape} has {shape[0] * shape[1]} pixels, and the rows have {pixels} columns")
    return shape
