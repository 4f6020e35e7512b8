"""The stream of rows that stay on disk: every row once an epoch, an order that follows from seed and place alone."""

import numpy as np
import pytest

from isthmus.data import RowStore
from isthmus.fitting import StreamedRows, streams

COLUMNS = 3


def store_of(rows: int, chunk: int = 1000) -> RowStore:
    """Rows whose first number is their own."""
    values = np.arange(rows * COLUMNS, dtype=np.float32).reshape(rows, COLUMNS)
    store = RowStore(COLUMNS, rows)
    for first in range(0, rows, chunk):
        store.append(values[first : first + chunk])
    store.seal()
    return store


def numbers(stream: StreamedRows, first: int, last: int) -> np.ndarray:
    return (stream.rows(first, last)[:, 0] / COLUMNS).astype(int)


@pytest.fixture
def small_blocks(monkeypatch):
    """Blocks of 8 rows, windows of 4 blocks."""
    monkeypatch.setattr(streams, "BLOCK_BYTES", 8 * 4 * COLUMNS)
    monkeypatch.setattr(streams, "WINDOW_NUMBERS", 4 * 8 * COLUMNS)


# One row; less than a block; a window and less; whole blocks; a short last block in any window.
SIZES = [1, 5, 32, 33, 64, 100, 203, 205]


@pytest.mark.parametrize("rows", SIZES)
def test_each_epoch_has_every_row_once_and_an_order_of_its_own(small_blocks, rows):
    stream = StreamedRows(store_of(rows), 0, masked=False)
    epochs = [numbers(stream, epoch * rows, (epoch + 1) * rows) for epoch in range(4)]
    assert stream.row_count == rows
    for epoch in epochs:
        np.testing.assert_array_equal(np.sort(epoch), np.arange(rows))
    assert rows < 5 or len({tuple(epoch) for epoch in epochs}) == 4


@pytest.mark.parametrize("rows", SIZES)
def test_any_place_is_found_again(small_blocks, rows):
    """By another stream, in pieces of other sizes, backwards, and over the ends of epochs."""
    whole = StreamedRows(store_of(rows), 7, masked=False).rows(0, 3 * rows + 1)
    again = StreamedRows(store_of(rows, chunk=3), 7, masked=False)
    for first in sorted({0, rows // 2, rows - 1, rows, 2 * rows, 3 * rows}, reverse=True):
        last = min(first + 1 + rows // 3, 3 * rows + 1)
        np.testing.assert_array_equal(again.rows(first, last), whole[first:last])


def test_another_seed_gives_another_order(small_blocks):
    first, second = (numbers(StreamedRows(store_of(100), seed, masked=False), 0, 100) for seed in (0, 1))
    assert (first != second).any()


def test_rows_of_one_window_are_shuffled_as_a_whole():
    """Without the small blocks 5,000 rows fit one: neighbours come from anywhere. Seed 0; 5 standard errors."""
    rows = 5000
    order = numbers(StreamedRows(store_of(rows), 0, masked=False), 0, rows)
    distance = np.abs(np.diff(order))
    expected, spread = rows / 3, rows / np.sqrt(18)  # of |i - j| for uniform i, j
    assert abs(distance.mean() - expected) < 5 * spread / np.sqrt(len(distance)) * np.sqrt(2)


def test_a_window_takes_its_blocks_from_anywhere(small_blocks):
    stream = StreamedRows(store_of(800), 0, masked=False)
    windows = [{int(n) // 8 for n in numbers(stream, first, first + 32)} for first in range(0, 800, 32)]
    assert all(len(blocks) == 4 for blocks in windows)
    assert any(max(blocks) - min(blocks) > 20 for blocks in windows)


@pytest.mark.parametrize(("rows", "shards"), [(205, 3), (100, 2), (64, 8), (33, 5)])
def test_shards_share_the_rows_by_blocks(small_blocks, rows, shards):
    store, found = store_of(rows), []
    for shard in range(shards):
        stream = StreamedRows(store, 0, masked=False).shard(shard, shards)
        mine = numbers(stream, stream.row_count, 2 * stream.row_count)
        assert {int(n) // 8 % shards for n in mine} == {shard}
        found.append(mine)
    np.testing.assert_array_equal(np.sort(np.concatenate(found)), np.arange(rows))


def test_a_shard_without_rows_is_refused(small_blocks):
    with pytest.raises(ValueError, match="33 rows are 5 blocks, and shard 5 of 6 has none; use fewer shards"):
        StreamedRows(store_of(33), 0, masked=False).shard(5, 6)


def test_holes_come_back_as_a_mask():
    values = np.ones((10, COLUMNS), np.float32)
    observed = np.random.default_rng(0).random(values.shape) < 0.7
    store = RowStore(COLUMNS, 10)
    store.append(values, observed)
    store.seal()
    rows = StreamedRows(store, 0, masked=True).rows(0, 10)
    np.testing.assert_array_equal(rows.values, rows.observed)
    np.testing.assert_array_equal(np.sort(rows.observed, axis=0), np.sort(observed, axis=0))


def test_a_table_without_holes_has_a_mask_too():
    assert StreamedRows(store_of(10), 0, masked=True).rows(3, 8).observed.all()


def test_a_fingerprint_tells_rows_and_orders_apart():
    prints = {
        StreamedRows(store_of(rows, chunk), seed, masked=False).fingerprint
        for rows, chunk, seed in [(100, 7, 0), (100, 100, 0), (101, 7, 0), (100, 7, 1)]
    }
    assert len(prints) == 3


def test_too_little_disk_is_told_before_any_row_is_read():
    with pytest.raises(ValueError, match=r"needs 4000000\.0 GB of temporary disk, and .* GB free; set TMPDIR"):
        RowStore(1000, 10**12)
