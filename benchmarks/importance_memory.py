"""Time and peak memory of the importance-weighted bound at k = 5000 on 10,000 rows of 784 columns.

    python benchmarks/importance_memory.py [--rows N] [--draws K]

Draws are streamed, so the memory follows from the chunk, not from rows or draws. The model is the 784-200-200-50 VAE,
untrained, on random binary rows: neither time nor memory depends on the weights.
"""

import argparse
import json
import resource
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from isthmus.evidence import importance_weighted_bound
from isthmus.models import Architecture, Ends, Fixed, MatrixInputs, assemble_vae
from isthmus.models.likelihoods import BernoulliLikelihood


def peak_megabytes() -> float:
    """The largest resident size of this program so far.

    On Linux not that of getrusage, which a program started by a larger one inherits.
    """
    status = Path("/proc/self/status")
    if status.is_file():
        fields = dict(line.split(":", 1) for line in status.read_text().splitlines())
        return int(fields["VmHWM"].split()[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--draws", type=int, default=5000)
    arguments = parser.parse_args()
    rows = (np.random.default_rng(0).random((arguments.rows, 784)) < 0.15).astype(np.float32)
    mean = jnp.asarray(rows.mean(0))
    model = assemble_vae(
        Ends(MatrixInputs(Fixed(mean), Fixed(jnp.ones(784))), BernoulliLikelihood(Fixed(mean))),
        Architecture(50, (200, 200), "tanh"),
        jax.random.key(0),
    )
    before, began = peak_megabytes(), time.perf_counter()
    bound = importance_weighted_bound(model, rows, k=arguments.draws)
    seconds = time.perf_counter() - began
    record = {
        "rows": arguments.rows,
        "draws": arguments.draws,
        "bound": bound.to_dict(),
        "seconds": seconds,
        "weights_per_second": arguments.rows * arguments.draws / seconds,
        "peak_megabytes": peak_megabytes(),
        "peak_megabytes_before": before,
    }
    print(json.dumps(record))


if __name__ == "__main__":
    main()
