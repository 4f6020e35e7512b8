"""Which rows each step sees: one endless stream of permutations, cut into batches of equal size.

The stream repeats the rows in a fresh order each epoch; the batch that ends one epoch is filled from the start of the
next. So every batch has the same shape, every row is used equally often, and no last, short batch exists. The order
follows from the seed and the place in the stream alone: any step's batch can be made again.
"""

from functools import lru_cache
from typing import Any, Protocol

import equinox as eqx
import jax
import numpy as np
from jax import Array

ORDER_STREAM = 0
DRAWN_AT_ONCE = 2048
"""So many row numbers, in whole epochs, are drawn from one generator: with few rows an epoch each would take longer
than the steps."""


class Batches(Protocol):
    """The rows of each step of a block, by its number in the block; a pytree of arrays."""

    def __call__(self, i: Array) -> Any: ...


class GatheredBatches(eqx.Module):
    """Rows by number, from data that are on the device.  data: arrays [row, ...].  numbers: [step, batch]."""

    data: Any
    numbers: Array

    def __call__(self, i: Array) -> Any:
        return jax.tree.map(lambda array: array[self.numbers[i]], self.data)


class StackedBatches(eqx.Module):
    """Rows that came to the device for these steps.  data: arrays [step, batch, ...]."""

    data: Any

    def __call__(self, i: Array) -> Any:
        return jax.tree.map(lambda array: array[i], self.data)


def batch_indices(seed: int, rows: int, batch_size: int, first_step: int, steps: int) -> np.ndarray:
    """Row numbers of `steps` batches from `first_step` on, [step, batch_size]."""
    first, last = first_step * batch_size, (first_step + steps) * batch_size
    length = rows * max(DRAWN_AT_ONCE // rows, 1)
    stretches = range(first // length, (last - 1) // length + 1)
    stream = np.concatenate([_permutations(seed, stretch, rows) for stretch in stretches])
    start = first - stretches.start * length
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
def _permutations(seed: int, stretch: int, rows: int) -> np.ndarray:
    epochs = np.tile(np.arange(rows, dtype=np.int32), (max(DRAWN_AT_ONCE // rows, 1), 1))
    return np.random.default_rng([ORDER_STREAM, seed, stretch]).permuted(epochs, axis=1).ravel()
