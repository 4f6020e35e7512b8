"""The order in which a fit sees rows that stay on disk.

Rows are dealt with in blocks of some 64 KiB, which follow one another in the store whatever the files they came from.
In each epoch the blocks are permuted, and cut into windows of 2^22 numbers; within a window the rows are permuted. Both
orders follow from the seed, the epoch and the number of rows alone, so that any place of the endless stream can be
found again. Rows that fit one window are shuffled as a whole.

Several processes share the rows by blocks: block b belongs to shard b modulo the number of shards, and each shard is a
stream of its own, so that a process reads only its share.
"""

from collections import OrderedDict
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import jax
import numpy as np

from isthmus.data import RowStore
from isthmus.fitting.feeds import RowStream
from isthmus.models import Observation

BLOCK_BYTES, WINDOW_NUMBERS = 2**16, 2**22
BLOCK_ORDER, ROW_ORDER = 10, 11
"""Each order has random numbers of its own."""


class StreamedRows:
    """An endless stream of the rows of a store, in another order each epoch.

    row_count: rows of an epoch, those of this shard.  masked: whether rows are Observations, values with a mask, or
    arrays; a mask that is True everywhere is one too.
    """

    def __init__(self, store: RowStore, seed: int, masked: bool, *, shard: int = 0, shards: int = 1):
        """ValueError where a shard has no rows."""
        self._store, self._seed, self.masked = store, (seed, shard), masked
        self._block = 1 << (max(BLOCK_BYTES // (4 * store.columns), 1).bit_length() - 1)
        blocks = -(-store.row_count // self._block)
        self._blocks = np.arange(shard, blocks, shards)
        if not len(self._blocks):
            raise ValueError(
                f"{store.row_count} rows are {blocks} blocks, and shard {shard} of {shards} has none; use fewer shards"
            )
        # The last block of all may be short; one shard has it.
        self._missing = blocks * self._block - store.row_count if self._blocks[-1] == blocks - 1 else 0
        self.row_count = len(self._blocks) * self._block - self._missing
        self._in_window = max(WINDOW_NUMBERS // (self._block * store.columns), 1)
        self._windows = -(-len(self._blocks) // self._in_window)
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="rows")
        self._loaded: OrderedDict[tuple[int, int], Future[np.ndarray]] = OrderedDict()
        self._block_orders: OrderedDict[int, np.ndarray] = OrderedDict()
        self._row_orders: OrderedDict[tuple[int, int], np.ndarray] = OrderedDict()

    @property
    def fingerprint(self) -> str:
        """Equal for equal rows in equal order."""
        return f"{self._store.digest} {self._seed} {self.row_count} {self.masked}"

    @property
    def has_holes(self) -> bool:
        """Whether any value of the store is missing."""
        return self._store.has_holes

    def shard(self, number: int, count: int) -> "StreamedRows":
        """The stream of every `count`-th block, from block `number` on; ValueError where there is none."""
        return StreamedRows(self._store, self._seed[0], self.masked, shard=number, shards=count)

    def rows(self, first: int, last: int) -> Any:
        """The rows at places [first, last) of the stream, float32 [row, column] in the model's units."""
        values = np.empty((last - first, self._store.columns), np.float32)
        place = first
        while place < last:
            epoch, within = divmod(place, self.row_count)
            window, start, end = self._window_at(epoch, within)
            taken = min(end - within, last - place)
            chosen = self._row_order(epoch, window, end - start)[within - start : within - start + taken]
            np.take(self._window(epoch, window), chosen, axis=0, out=values[place - first : place - first + taken])
            place += taken
        if not self.masked:
            return values
        if not self.has_holes:
            return Observation(values, np.ones(values.shape, bool))
        observed = ~np.isnan(values)
        return Observation(np.where(observed, values, np.float32(0)), observed)

    def _window_at(self, epoch: int, place: int) -> tuple[int, int, int]:
        """(window, the places where it starts and ends) of a place in an epoch."""
        window = place // (self._in_window * self._block)
        start, end = (self._start(epoch, w) for w in (window, window + 1))
        # Behind the short block all windows start earlier.
        if place >= end:
            return window + 1, end, self._start(epoch, window + 2)
        return window, start, end

    def _start(self, epoch: int, window: int) -> int:
        blocks = min(window * self._in_window, len(self._blocks))
        if not self._missing:
            return blocks * self._block
        short_place = int(np.argmax(self._block_order(epoch)))
        return blocks * self._block - (self._missing if short_place < blocks else 0)

    def _window(self, epoch: int, window: int) -> np.ndarray:
        """The rows of a window in the order of their blocks; the next one is read meanwhile."""
        if self._windows == 1:
            epoch = 0  # the same rows in every epoch
        following = (epoch, window + 1) if window + 1 < self._windows else (epoch + 1, 0)
        for wanted in [(epoch, window)] + ([following] if self._windows > 1 else []):
            if wanted not in self._loaded:
                self._loaded[wanted] = self._reader.submit(self._read, self._blocks_of(*wanted))
        while len(self._loaded) > 2:
            self._loaded.popitem(last=False)
        return self._loaded[epoch, window].result()

    def _blocks_of(self, epoch: int, window: int) -> np.ndarray:
        order = self._block_order(epoch) if self._windows > 1 else self._blocks
        return order[window * self._in_window : (window + 1) * self._in_window]

    def _read(self, blocks: np.ndarray) -> np.ndarray:
        rows = np.empty((len(blocks) * self._block, self._store.columns), np.float32)
        place = 0
        for block in blocks:
            first = int(block) * self._block
            last = min(first + self._block, self._store.row_count)
            self._store.read_into(rows[place : place + last - first], first)
            place += last - first
        return rows[:place]

    def _block_order(self, epoch: int) -> np.ndarray:
        if epoch not in self._block_orders:
            if len(self._block_orders) > 1:
                self._block_orders.popitem(last=False)
            generator = np.random.default_rng([BLOCK_ORDER, *self._seed, epoch])
            self._block_orders[epoch] = generator.permutation(self._blocks)
        return self._block_orders[epoch]

    def _row_order(self, epoch: int, window: int, rows: int) -> np.ndarray:
        if (epoch, window) not in self._row_orders:
            self._row_orders.clear()
            generator = np.random.default_rng([ROW_ORDER, *self._seed, epoch, window])
            self._row_orders[epoch, window] = generator.permutation(np.arange(rows, dtype=np.int32))
        return self._row_orders[epoch, window]


def count_rows(rows: Any) -> int:
    """How many rows there are, in memory or in a stream."""
    return rows.row_count if isinstance(rows, RowStream) else len(jax.tree.leaves(rows)[0])
