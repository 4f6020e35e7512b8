"""A trained model with a larger latent, which starts where the smaller one ended."""

import equinox as eqx
import jax.numpy as jnp
from jax import Array

from isthmus.models.networks import MLP, Linear, Network
from isthmus.models.vae import VariationalAutoencoder


def grow_latent(small: VariationalAutoencoder, large: VariationalAutoencoder) -> VariationalAutoencoder:
    """`large` with all weights of `small` in their places.

    small, large: models of the same columns and widths, the second with a larger latent.  The decoder does not heed the
    new dimensions at first, so the grown model explains x as well as the small one did.
    """
    old, new = small.latent_size, large.latent_size
    encoder_last, decoder_first = _last(large.encoder), _first(large.decoder)
    grown_last = _with(
        encoder_last,
        _halves(encoder_last.weight, _last(small.encoder).weight, old, new),
        _halves(encoder_last.bias, _last(small.encoder).bias, old, new),
    )
    weight = jnp.zeros_like(decoder_first.weight).at[:old].set(_first(small.decoder).weight)
    grown_first = _with(decoder_first, weight, _first(small.decoder).bias)
    model = eqx.tree_at(lambda m: (m.encoder, m.decoder, m.family), large, (small.encoder, small.decoder, small.family))
    return eqx.tree_at(lambda m: (_last(m.encoder), _first(m.decoder)), model, (grown_last, grown_first))


def _halves(start: Array, trained: Array, old: int, new: int) -> Array:
    """Means, then log-scales: each half of the last axis keeps its place."""
    return start.at[..., :old].set(trained[..., :old]).at[..., new : new + old].set(trained[..., old:])


def _with(layer: Linear, weight: Array, bias: Array) -> Linear:
    return eqx.tree_at(lambda linear: (linear.weight, linear.bias), layer, (weight, bias))


def _first(network: Network) -> Linear:
    return network.layers[0] if isinstance(network, MLP) else network.first  # type: ignore[attr-defined]


def _last(network: Network) -> Linear:
    return network.layers[-1] if isinstance(network, MLP) else network.last  # type: ignore[attr-defined]
