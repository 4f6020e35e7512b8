"""Neural networks for one datum. All are called as `network(x, key=None)`, as equinox's own layers are."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from equinox.nn import LayerNorm
from jax import Array

from isthmus.models.parameters import Fixed

ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "elu": jax.nn.elu,
    "gelu": jax.nn.gelu,
    "relu": jax.nn.relu,
    "silu": jax.nn.silu,
    "tanh": jnp.tanh,
}

Network = Callable[..., Array]
"""An equinox module, called as `network(x, key=None)`."""


class Linear(eqx.Module):
    """x W + b, the weight of shape (inputs, outputs), which CPUs multiply fastest; Glorot's uniform initialisation."""

    weight: Array
    bias: Array

    def __init__(self, inputs: int, outputs: int, key: Array):
        self.weight = jax.nn.initializers.glorot_uniform()(key, (inputs, outputs))
        self.bias = jnp.zeros(outputs)

    def __call__(self, x: Array) -> Array:
        return x @ self.weight + self.bias


class Dropout(eqx.Module):
    """Each number set to 0 with probability `share` and the others scaled up, where there is a key (Srivastava et al.
    2014)."""

    share: Fixed

    def __call__(self, x: Array, key: Array | None) -> Array:
        if key is None:
            return x
        kept = jax.random.bernoulli(key, 1.0 - self.share.value, x.shape)
        return jnp.where(kept, x / (1.0 - self.share.value), 0.0)


class MLP(eqx.Module):
    """A multilayer perceptron: linear layers with an activation between them; with no hidden sizes, a linear map.

    sizes: inputs, hidden sizes, outputs.  activation: a name in ACTIVATIONS.  output_bias: where the last layer starts.
    dropout: share of each hidden layer that is dropped in training.
    """

    layers: tuple[Linear, ...]
    dropout: Dropout | None
    activation: str = eqx.field(static=True)

    def __init__(
        self,
        sizes: tuple[int, ...],
        activation: str,
        key: Array,
        output_bias: Array | None = None,
        dropout: float = 0.0,
    ):
        keys = jax.random.split(key, len(sizes) - 1)
        layers = [Linear(*args) for args in zip(sizes[:-1], sizes[1:], keys, strict=True)]
        if output_bias is not None:
            layers[-1] = eqx.tree_at(lambda layer: layer.bias, layers[-1], output_bias)
        self.layers, self.activation, self.dropout = tuple(layers), activation, _make_dropout(dropout)

    def __call__(self, x: Array, *, key: Array | None = None) -> Array:
        activate, keys = ACTIVATIONS[self.activation], _layer_keys(key, len(self.layers) - 1)
        for layer, layer_key in zip(self.layers[:-1], keys, strict=True):
            x = _dropped(activate(layer(x)), self.dropout, layer_key)
        return self.layers[-1](x)


class TiedMLP(eqx.Module):
    """The decoder that mirrors an MLP by its transposed weights: only the biases are its own (Vincent et al. 2010).

    mirrored: the MLP, from inputs to latent.  The outputs are as many as its inputs.
    """

    biases: tuple[Array, ...]

    def __init__(self, mirrored: MLP, output_bias: Array):
        inner = [jnp.zeros(layer.weight.shape[0]) for layer in reversed(mirrored.layers[1:])]
        self.biases = (*inner, output_bias)

    def __call__(self, z: Array, mirrored: MLP, *, key: Array | None = None) -> Array:
        activate, keys = ACTIVATIONS[mirrored.activation], _layer_keys(key, len(self.biases) - 1)
        layers = reversed(mirrored.layers[1:])
        for bias, layer, layer_key in zip(self.biases[:-1], layers, keys, strict=True):
            z = _dropped(activate(z @ layer.weight.T + bias), mirrored.dropout, layer_key)
        return z @ mirrored.layers[0].weight.T + self.biases[-1]


class ResidualMLP(eqx.Module):
    """A residual network: a linear layer, blocks x + W2 activation(W1 normalise(x)), and a linear layer.

    Each row is normalised by its own mean and spread (Ba, Kiros and Hinton 2016), so nothing is kept from batch to
    batch and a row's output never depends on its neighbours. What tables like best among plain networks (Gorishniy et
    al. 2021, Revisiting deep learning models for tabular data).

    sizes: inputs, the width of each block (all equal), outputs.  The second layer of each block starts at 0, so that
    the network starts as a linear map of what is normalised.  dropout: share of each block's inner layer.
    """

    first: Linear
    blocks: tuple[tuple[LayerNorm, Linear, Linear], ...]
    normalise: LayerNorm
    last: Linear
    dropout: Dropout | None
    activation: str = eqx.field(static=True)

    def __init__(
        self,
        sizes: tuple[int, ...],
        activation: str,
        key: Array,
        output_bias: Array | None = None,
        dropout: float = 0.0,
    ):
        inputs, *widths, outputs = sizes
        if not widths:
            raise ValueError("hidden_sizes is (); the network of a table has at least one hidden layer")
        width = widths[0]
        if set(widths) != {width}:
            raise ValueError(f"hidden_sizes is {tuple(widths)}; the network of a table has layers of one width")
        first, last, *keys = jax.random.split(key, 2 + 2 * len(widths))
        self.first = Linear(inputs, width, first)
        self.blocks = tuple(
            (LayerNorm(width), Linear(width, width, keys[2 * i]), _from_zero(Linear(width, width, keys[2 * i + 1])))
            for i in range(len(widths))
        )
        self.normalise = LayerNorm(width)
        self.last = Linear(width, outputs, last)
        if output_bias is not None:
            self.last = eqx.tree_at(lambda layer: layer.bias, self.last, output_bias)
        self.activation, self.dropout = activation, _make_dropout(dropout)

    def __call__(self, x: Array, *, key: Array | None = None) -> Array:
        activate = ACTIVATIONS[self.activation]
        x = self.first(x)
        for (normalise, widen, narrow), block_key in zip(self.blocks, _layer_keys(key, len(self.blocks)), strict=True):
            x = x + narrow(_dropped(activate(widen(normalise(x))), self.dropout, block_key))
        return self.last(activate(self.normalise(x)))


def _from_zero(layer: Linear) -> Linear:
    return eqx.tree_at(lambda linear: linear.weight, layer, jnp.zeros_like(layer.weight))


def _make_dropout(share: float) -> Dropout | None:
    return Dropout(Fixed(jnp.asarray(share, jnp.float32))) if share > 0 else None


def _layer_keys(key: Array | None, layers: int) -> list[Array | None]:
    return [None] * layers if key is None or layers == 0 else list(jax.random.split(key, layers))


def _dropped(x: Array, dropout: Dropout | None, key: Array | None) -> Array:
    return x if dropout is None else dropout(x, key)
