"""Neural networks for one datum."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
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
