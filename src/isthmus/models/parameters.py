"""What is trained and what is held fixed; a model's arrays by name."""

from typing import Any, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

Module = TypeVar("Module", bound=eqx.Module)


class Fixed(eqx.Module):
    """An array that belongs to the model but is not trained: a column mean, a scale's floor.

    `value` stops gradients, and `split_parameters` keeps it out of the optimiser's state.
    """

    array: Array

    @property
    def value(self) -> Array:
        return lax.stop_gradient(self.array)


def split_parameters(model: Module) -> tuple[Module, Module]:
    """(parameters, rest): floating-point arrays outside `Fixed`, and everything else; `equinox.combine` joins them."""

    def trained(node):
        return jax.tree.map(lambda _: False, node) if isinstance(node, Fixed) else eqx.is_inexact_array(node)

    return eqx.partition(model, jax.tree.map(trained, model, is_leaf=lambda node: isinstance(node, Fixed)))


def named_arrays(tree: Any) -> dict[str, np.ndarray]:
    """The arrays of a pytree under their paths, such as `model.encoder.layers.0.weight`."""
    leaves, _ = jax.tree_util.tree_flatten_with_path(eqx.filter(tree, eqx.is_array))
    return {_name(path): np.asarray(leaf) for path, leaf in leaves}


def fill_arrays(skeleton: Any, arrays: dict[str, np.ndarray]) -> Any:
    """A pytree of shapes, from `equinox.filter_eval_shape`, with arrays put in place by name.

    Raises ValueError, naming the array, unless names, shapes and types agree to the last one.
    """
    shapes, rest = eqx.partition(skeleton, lambda leaf: isinstance(leaf, jax.ShapeDtypeStruct))
    leaves, structure = jax.tree_util.tree_flatten_with_path(shapes)
    expected = {_name(path): leaf for path, leaf in leaves}
    if set(expected) != set(arrays):
        raise ValueError(f"array {min(set(expected) ^ set(arrays))!r} is missing or unknown")
    for name, shape in expected.items():
        found = arrays[name]
        if found.shape != shape.shape or found.dtype != shape.dtype:
            raise ValueError(f"array {name!r} is {found.dtype} {found.shape}; expected {shape.dtype} {shape.shape}")
    return eqx.combine(jax.tree.unflatten(structure, [jnp.asarray(arrays[name]) for name in expected]), rest)


def _name(path: Any) -> str:
    return jax.tree_util.keystr(path, simple=True, separator=".")
