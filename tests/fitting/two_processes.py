"""One fit on two devices, as a process of its own: `two_processes.py OUT [ADDRESS,COUNT,RANK]`.

With an address the devices are those of COUNT processes; without one they are whatever XLA_FLAGS gives this process.
"""

import sys

import jax
import numpy as np
from test_training import a_line, loss, rows, settings

from isthmus.fitting import train
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
    np.savez(out, **found)


if __name__ == "__main__":
    main()
