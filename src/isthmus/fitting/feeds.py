"""What hands the loop its batches: from rows in memory, or from rows that stream."""

import math
from abc import ABC, abstractmethod
from typing import Any, Protocol, runtime_checkable

import jax
import numpy as np

from isthmus.fitting.batches import (
    Batches,
    GatheredBatches,
    StackedBatches,
    batch_indices,
    next_power_of_two,
    pad_rows,
)
from isthmus.fitting.devices import Devices

SHORTEST_BLOCK, LONGEST_BLOCK = 64, 1024
"""Steps between two looks at held-out rows: an epoch, within these bounds."""
STREAMED_NUMBERS = 2**22
"""Numbers that are brought to the device at once from a stream, about: 16 MB in float32."""


@runtime_checkable
class RowStream(Protocol):
    """Rows in one endless shuffled order, each epoch a fresh one, which follows from a seed and the place alone.

    row_count: rows of an epoch.  fingerprint: equal for equal rows in equal order.
    """

    @property
    def row_count(self) -> int: ...

    @property
    def fingerprint(self) -> str: ...

    def shard(self, number: int, count: int) -> "RowStream":
        """The rows of one of `count` devices, which has them to itself."""
        ...

    def rows(self, first: int, last: int) -> Any:
        """Arrays [last - first, ...], a pytree: the rows at places from `first` to `last` of the stream."""
        ...


class Feed(ABC):
    """Batches of any steps.  rows: of an epoch.  look: steps between two looks at held-out rows.  longest: the most
    steps that are taken at once."""

    rows: int
    look: int
    longest: int

    @abstractmethod
    def take(self, first_step: int, steps: int) -> Batches:
        """The batches of so many steps, and room for `longest`."""


class MemoryFeed(Feed):
    """Rows that are on the device as a whole."""

    def __init__(self, data: Any, batch_size: int, seed: int, devices: Devices):
        self.rows = len(jax.tree.leaves(data)[0])
        self.look = _steps_between_looks(self.rows, batch_size)
        # Shaped by the bucket of rows alone, so that all numbers of rows within it share a compilation.
        self.longest = _steps_between_looks(next_power_of_two(self.rows), batch_size)
        self._data = devices.everywhere(pad_rows(data))
        self._batch_size, self._seed, self._devices = batch_size, seed, devices

    def take(self, first_step: int, steps: int) -> Batches:
        numbers = np.zeros((self.longest, self._batch_size), np.int32)
        numbers[:steps] = batch_indices(self._seed, self.rows, self._batch_size, first_step, steps)
        return GatheredBatches(self._data, self._devices.split(numbers, 1))


class StreamFeed(Feed):
    """Rows that come as they are needed; each device has a stream of its own, and a process reads those of its
    devices."""

    def __init__(self, stream: RowStream, batch_size: int, devices: Devices):
        self.rows = stream.row_count
        self.look = _steps_between_looks(self.rows, batch_size)
        width = sum(int(np.prod(leaf.shape[1:])) for leaf in jax.tree.leaves(stream.rows(0, 1)))
        fitting = STREAMED_NUMBERS // (batch_size * width)
        self.longest = min(max(fitting, 1), SHORTEST_BLOCK)
        count = devices.count
        self._streams = [stream] if count == 1 else [stream.shard(number, count) for number in devices.own]
        self._share, self._devices = batch_size // count, devices

    def take(self, first_step: int, steps: int) -> Batches:
        first, last = first_step * self._share, (first_step + steps) * self._share
        shares = [stream.rows(first, last) for stream in self._streams]
        return StackedBatches(self._devices.gather(jax.tree.map(self._stacked, *shares), 1))

    def _stacked(self, *shares: np.ndarray) -> np.ndarray:
        stacked = np.concatenate([rows.reshape(-1, self._share, *rows.shape[1:]) for rows in shares], axis=1)
        return np.pad(stacked, [(0, self.longest - len(stacked))] + [(0, 0)] * (stacked.ndim - 1))


def _steps_between_looks(rows: int, batch_size: int) -> int:
    return min(max(math.ceil(rows / batch_size), SHORTEST_BLOCK), LONGEST_BLOCK)
