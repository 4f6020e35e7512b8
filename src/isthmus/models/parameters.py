"""What is trained and what is held fixed."""

from typing import TypeVar

import equinox as eqx
import jax
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
