"""Rows in memory and rows that stream train the same model where they come in the same order."""

import jax
import numpy as np
import pytest
from test_training import a_line, loss, rows, settings

from isthmus.fitting import Checkpoint, train
from isthmus.fitting.batches import batch_indices
from isthmus.fitting.devices import choose_devices
from isthmus.fitting.feeds import RowStream, StreamFeed


class InOrderOfMemory:
    """A stream in the order in which rows in memory come."""

    def __init__(self, data, seed):
        self.data, self.seed = data, seed
        self.row_count, self.fingerprint = len(data), "memory"

    def rows(self, first, last):
        return self.data[batch_indices(self.seed, self.row_count, 1, first, last - first)[:, 0]]

    def shard(self, number, count):
        raise AssertionError("one device has all rows")


@pytest.mark.parametrize("count", [50, 100, 1000])
def test_a_stream_trains_the_model_that_memory_does(count):
    data = rows(count)
    stream = InOrderOfMemory(data, seed=3)
    assert isinstance(stream, RowStream)
    chosen = settings(steps=200, seed=3)
    memory, streamed = (train(a_line(), loss(), source, chosen) for source in (data, stream))
    assert memory.model.slope == streamed.model.slope
    assert memory.history == streamed.history


def test_a_streamed_fit_goes_on_too(tmp_path):
    class Stop(Exception):  # noqa: N818
        pass

    def stop(record):
        if record.step > 64:
            raise Stop

    stream, path = InOrderOfMemory(rows(), seed=3), tmp_path / "checkpoint.safetensors"
    with pytest.raises(Stop):
        train(a_line(), loss(), stream, settings(seed=3), on_record=stop, checkpoint=Checkpoint(path, minutes=0))
    resumed = train(a_line(), loss(), stream, settings(seed=3), checkpoint=Checkpoint(path, resume=True))
    assert resumed.model.slope == train(a_line(), loss(), rows(), settings(seed=3)).model.slope


def test_wide_rows_come_in_small_blocks():
    wide = InOrderOfMemory(np.zeros((10, 2**16), np.float32), seed=0)
    feed = StreamFeed(wide, 32, choose_devices(32))
    assert feed.longest == 2
    assert jax.tree.leaves(feed.take(0, 1).data)[0].shape == (2, 32, 2**16)
