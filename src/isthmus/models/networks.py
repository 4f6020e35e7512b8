"""Neural networks for one datum."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from equinox.nn import LayerNorm
from jax import Array

ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "elu": jax.nn.elu,
    "gelu": jax.nn.gelu,
    "relu": jax.nn.relu,
    "silu": jax.nn.silu,
    "tanh": jnp.tanh,
}


class Linear(eqx.Module):
    """x W + b, the weight of shape (inputs, outputs), which CPUs multiply fastest; Glorot's uniform initialisation."""

    weight: Array
    bias: Array

    def __init__(self, inputs: int, outputs: int, key: Array):
        self.weight = jax.nn.initializers.glorot_uniform()(key, (inputs, outputs))
        self.bias = jnp.zeros(outputs)

    def __call__(self, x: Array) -> Array:
        return x @ self.weight + self.bias


class MLP(eqx.Module):
    """A multilayer perceptron: linear layers with an activation between them; with no hidden sizes, a linear map.

    sizes: inputs, hidden sizes, outputs.  activation: a name in ACTIVATIONS.  output_bias: where the last layer starts.
    """

    layers: tuple[Linear, ...]
    activation: str = eqx.field(static=True)

    def __init__(self, sizes: tuple[int, ...], activation: str, key: Array, output_bias: Array | None = None):
        keys = jax.random.split(key, len(sizes) - 1)
        layers = [Linear(*args) for args in zip(sizes[:-1], sizes[1:], keys, strict=True)]
        if output_bias is not None:
            layers[-1] = eqx.tree_at(lambda layer: layer.bias, layers[-1], output_bias)
        self.layers, self.activation = tuple(layers), activation

    def __call__(self, x: Array) -> Array:
        activate = ACTIVATIONS[self.activation]
        for layer in self.layers[:-1]:
            x = activate(layer(x))
        return self.layers[-1](x)


class ResidualMLP(eqx.Module):
    """A residual network: a linear layer, blocks x + W2 activation(W1 normalise(x)), and a linear layer.

    Each row is normalised by its own mean and spread (Ba, Kiros and Hinton 2016), so nothing is kept from batch to
    batch and a row's output never depends on its neighbours. What tables like best among plain networks (Gorishniy et
    al. 2021, Revisiting deep learning models for tabular data).

    sizes: inputs, the width of each block (all equal), outputs.  The second layer of each block starts at 0, so that
    the network starts as a linear map of what is normalised.
    """

    first: Linear
    blocks: tuple[tuple[LayerNorm, Linear, Linear], ...]
    normalise: LayerNorm
    last: Linear
    activation: str = eqx.field(static=True)

    def __init__(self, sizes: tuple[int, ...], activation: str, key: Array, output_bias: Array | None = None):
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
        self.activation = activation

    def __call__(self, x: Array) -> Array:
        activate = ACTIVATIONS[self.activation]
        x = self.first(x)
        for normalise, widen, narrow in self.blocks:
            x = x + narrow(activate(widen(normalise(x))))
        return self.last(activate(self.normalise(x)))


def _from_zero(layer: Linear) -> Linear:
    return eqx.tree_at(lambda linear: linear.weight, layer, jnp.zeros_like(layer.weight))
