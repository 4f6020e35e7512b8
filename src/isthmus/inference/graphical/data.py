"""The data of a graphical model: arrays of numbers, with or without a first axis over rows; all else is the model's."""

from typing import Any

import equinox as eqx
import jax
import numpy as np

from isthmus.models.rows import row_count

Arguments = tuple[tuple[Any, ...], dict[str, Any]]


def as_arrays(data: Any, floating: Any) -> Any:
    """Arrays of numbers in one precision; anything that is no array, Python's numbers too, stays as it is."""

    def converted(leaf):
        if isinstance(leaf, int | float | bool) or not hasattr(leaf, "__array__"):
            return leaf
        array = np.asarray(leaf)
        return array.astype(floating) if np.issubdtype(array.dtype, np.floating) else array

    return jax.tree.map(converted, data)


def as_arguments(data: Any) -> Arguments:
    """A numpyro model's arguments, in float64; ValueError where data are neither a tuple of them nor a dict."""
    if not isinstance(data, dict | tuple | list | None):
        raise ValueError(
            f"data is a {type(data).__name__}; expected a numpyro model's arguments: a tuple, such as (y,), or a dict"
        )
    arguments = ((), data) if isinstance(data, dict) else (() if data is None else tuple(data), {})
    return as_arrays(arguments, np.float64)


def with_rows(data: Any, each_row: bool) -> Any:
    """The data with a first axis over rows, one where none were asked for; ValueError for rows that are not there."""
    if not each_row:
        return jax.tree.map(lambda leaf: leaf[None] if eqx.is_array(leaf) else leaf, data)
    arrays = [leaf for leaf in jax.tree.leaves(data) if eqx.is_array(leaf)]
    if not arrays or any(leaf.ndim == 0 for leaf in arrays):
        raise ValueError("each_row=True, and the data hold no arrays [row, ...], or a number that has no rows")
    return data


def first_row(data: Any) -> Any:
    """The first row of data [row, ...]."""
    return jax.tree.map(lambda leaf: leaf[0] if eqx.is_array(leaf) else leaf, data)


def count_rows(data: Any) -> int:
    """How many rows data [row, ...] hold; one where they hold no arrays."""
    arrays = eqx.filter(data, eqx.is_array)
    return row_count(arrays) if jax.tree.leaves(arrays) else 1
