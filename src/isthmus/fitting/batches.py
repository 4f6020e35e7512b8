"""Which rows each step sees: one endless stream of permutations, cut into batches of equal size.

The stream repeats the rows in a fresh order each epoch; the batch that ends one epoch is filled from the start of the
next. So every batch has the same shape, every row is used equally often, and no last, short batch exists. The order
follows from (seed, epoch) alone: any step's batch can be made again.
"""

from functools import lru_cache
from typing import Any

import jax
import numpy as np

ORDER_STREAM = 0


def batch_indices(seed: int, rows: int, batch_size: int, first_step: int, steps: int) -> np.ndarray:
    """Row numbers of `steps` batches from `first_step` on, [step, batch_size]."""
    first, last = first_step * batch_size, (first_step + steps) * batch_size
    epochs = range(first // rows, (last - 1) // rows + 1)
    stream = np.concatenate([_permutation(seed, epoch, rows) for epoch in epochs])
    start = first - epochs.start * rows
    return stream[start : start + last - first].reshape(steps, batch_size)


def pad_rows(data: Any) -> Any:
    """Arrays [row, ...] padded with zero rows to the next power of two, so that sizes share compilations."""

    def pad(array):
        missing = next_power_of_two(len(array)) - len(array)
        return np.pad(array, [(0, missing)] + [(0, 0)] * (array.ndim - 1))

    return jax.tree.map(pad, data)


def next_power_of_two(number: int) -> int:
    """The smallest power of two that is at least `number`."""
    return 1 << max(number - 1, 0).bit_length()


@lru_cache(maxsize=2)
def _permutation(seed: int, epoch: int, rows: int) -> np.ndarray:
    return np.random.default_rng([ORDER_STREAM, seed, epoch]).permutation(rows).astype(np.int32)
