"""Fits on two devices, as a process of its own: `two_processes.py OUT [ADDRESS,COUNT,RANK]`.

With an address the devices are those of COUNT processes; without one they are whatever XLA_FLAGS gives this process.
"""

import os
import signal
import sys
from pathlib import Path

import jax
import numpy as np
from jax.experimental.multihost_utils import sync_global_devices
from test_training import a_line, loss, rows, settings

from isthmus.fitting import Checkpoint, FitInterrupted, train
from isthmus.fitting.batches import batch_indices


class Shards:
    """A stream whose rows are dealt to devices in turn."""

    def __init__(self, data, number=0, count=1):
        self.data, self.number, self.count = data, number, count
        self.row_count, self.fingerprint = len(data[number::count]), "shards"

    def rows(self, first, last):
        return self.data[self.number :: self.count][batch_indices(3, self.row_count, 1, first, last - first)[:, 0]]

    def shard(self, number, count):
        return Shards(self.data, number, count)


def main():
    out = sys.argv[1]
    if len(sys.argv) > 2:
        address, count, rank = sys.argv[2].split(",")
        jax.distributed.initialize(
            address, int(count), int(rank), heartbeat_timeout_seconds=10, shutdown_timeout_seconds=10
        )
        out = f"{out}-{rank}"
    found = {"devices": jax.device_count()}
    for name, data in (("memory", rows(200)), ("stream", Shards(rows(200)))):
        fit = train(a_line(), loss(), data, settings(steps=150, seed=3), lambda model: -float(model.slope))
        found[name] = np.asarray(fit.model.slope)
        found[f"{name}_history"] = np.array([record.loss for record in fit.history])
    try:
        train(a_line(), loss(), rows(), settings(batch_size=15))
        found["refused"] = ""
    except ValueError as error:
        found["refused"] = str(error)
    if jax.process_count() > 1:
        found |= stopped(Path(sys.argv[1]).parent / "checkpoint.safetensors")
    np.savez(out, **found)


def stopped(path):
    """What a fit says of which the second process is asked to stop; and its end, gone on with."""

    def ask(record):
        if record.step == 64 and jax.process_index() == 1:
            os.kill(os.getpid(), signal.SIGTERM)

    try:
        train(a_line(), loss(), rows(200), settings(steps=150, seed=3), on_record=ask, checkpoint=Checkpoint(path))
        said = ""
    except FitInterrupted as stop:
        said = str(stop)
    sync_global_devices("the first process has written the file")
    try:
        resume = jax.process_index() == 1
        train(a_line(), loss(), rows(200), settings(steps=150, seed=3), checkpoint=Checkpoint(path, resume=resume))
        alone = ""
    except ValueError as error:
        alone = str(error)
    resumed = Checkpoint(path, resume=True)
    fit = train(a_line(), loss(), rows(200), settings(steps=150, seed=3), checkpoint=resumed)
    undisturbed = train(a_line(), loss(), rows(200), settings(steps=150, seed=3))
    slopes = {"resumed": fit.model.slope, "undisturbed": undisturbed.model.slope}
    return {"stopped": said, "alone": alone, **{name: np.asarray(slope) for name, slope in slopes.items()}}


if __name__ == "__main__":
    main()
