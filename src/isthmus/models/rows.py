"""A function of one row, over all rows, in chunks of one fixed size.

The size depends on the rows' shape alone, and a last, short chunk is padded: so a row's result depends neither on its
neighbours nor on how many rows were asked for, and any number of rows shares one compilation.
"""

from collections.abc import Callable, Iterator
from typing import Any

import equinox as eqx
import jax
import numpy as np

from isthmus.information.precision import in_float32

CHUNK_NUMBERS = 2**21
"""A chunk's largest array holds about so many numbers: 8 MB in float32."""
LARGEST_CHUNK = 1024


@in_float32
def map_rows(function: Callable[..., Any], model: Any, rows: Any) -> Any:
    """`function(model, row)` of every row, stacked on the host as NumPy arrays [row, ...].

    function: a module-level function, or it is compiled anew.  rows: arrays [row, ...] (a pytree).
    """
    count = row_count(rows)
    parts = [_map_chunk(function, model, chunk) for chunk in chunks(rows, chunk_size(rows))]
    return jax.tree.map(lambda *arrays: np.concatenate(arrays)[:count], *parts)


def chunks(rows: Any, size: int) -> Iterator[Any]:
    """Consecutive chunks of `size` rows; the last is padded with copies of its last row."""
    for start in range(0, row_count(rows), size):
        yield jax.tree.map(lambda array, start=start: _padded(np.asarray(array[start : start + size]), size), rows)


def chunk_size(rows: Any, copies: int = 1) -> int:
    """Rows a chunk, a power of two, where each row is worked on in `copies` versions at once."""
    width = max(256, *(int(np.prod(leaf.shape[1:])) for leaf in jax.tree.leaves(rows)))
    fitting = max(CHUNK_NUMBERS // (width * copies), 1)
    return min(1 << (fitting.bit_length() - 1), LARGEST_CHUNK)


def row_count(rows: Any) -> int:
    """The length of the first axis that all arrays share."""
    counts = {leaf.shape[0] for leaf in jax.tree.leaves(rows)}
    if len(counts) != 1:
        raise ValueError(f"the arrays have {sorted(counts)} rows; expected one number of rows for all")
    return counts.pop()


@eqx.filter_jit
def _map_chunk(function: Callable[..., Any], model: Any, chunk: Any) -> Any:
    return jax.vmap(lambda row: function(model, row))(chunk)


def _padded(array: np.ndarray, size: int) -> np.ndarray:
    if len(array) == size:
        return array  # np.pad would copy it all the same
    return np.pad(array, [(0, size - len(array))] + [(0, 0)] * (array.ndim - 1), mode="edge")
