"""Entropy and Kullback-Leibler divergence of probability tables beside scipy.stats.entropy, in one process.

    python benchmarks/table_entropy_speed.py [--rounds N] [--out FILE]

At each size the two sides take turns on the same NumPy tables, so that both meet the machine in the same mood; one turn
each, not counted, warms up. A turn repeats the call until it has lasted long enough to be timed. A ratio is scipy's
time over ours, so that above one we are the faster; its median over the rounds is given with the quartiles.
isthmus checks that a table is a probability; scipy.stats.entropy normalises it.
"""

import argparse
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from isthmus.information.divergence import kl_divergence
from isthmus.information.entropies import entropy

SIZES = (1_000, 10_000, 100_000, 1_000_000)
LEAST_SECONDS = 0.01
PACKAGES = ("isthmus", "numpy", "scipy", "jax")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    if arguments.rounds < 2:
        parser.error(f"--rounds is {arguments.rounds}; expected at least 2")
    result = {
        "versions": {package: version(package) for package in PACKAGES} | {"python": platform.python_version()},
        "cpus": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "threads": {
            name: os.environ[name] for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS") if name in os.environ
        },
        "rounds": arguments.rounds,
        "ratios": [measure(size, arguments.rounds, *quantity) for size in SIZES for quantity in QUANTITIES],
    }
    for row in result["ratios"]:
        own, other, (lower, upper) = row["isthmus"] * 1e6, row["scipy"] * 1e6, row["quartiles"]
        text = f"{row['quantity']:>14} {row['cells']:>9,} cells: isthmus {own:10.1f} us, scipy {other:10.1f} us, "
        print(f"{text}ratio {row['ratio']:.2f} ({lower:.2f}-{upper:.2f})", file=sys.stderr)
    text = json.dumps(result, indent=2)
    if arguments.out:
        arguments.out.write_text(text + "\n")
    else:
        print(text)


QUANTITIES: tuple[tuple[str, Callable[..., Any], Callable[..., Any]], ...] = (
    ("entropy", lambda p, _: entropy(p), lambda p, _: stats.entropy(p)),
    ("kl_divergence", kl_divergence, stats.entropy),
)


def measure(
    cells: int, rounds: int, quantity: str, ours: Callable[..., Any], theirs: Callable[..., Any]
) -> dict[str, Any]:
    """Seconds a call of either side (medians), and the ratio of scipy's to ours, round by round."""
    p, q = np.random.default_rng(4).dirichlet(np.ones(cells), size=2)
    if not np.isclose(float(ours(p, q)), theirs(p, q), rtol=1e-10):
        raise AssertionError(f"{quantity} of {cells} cells: the two sides disagree")
    repeats = max(1, round(LEAST_SECONDS / turn(theirs, p, q, 1)))
    turns = [(turn(ours, p, q, repeats), turn(theirs, p, q, repeats)) for _ in range(rounds)]
    ratios = [other / own for own, other in turns]
    quartiles = statistics.quantiles(ratios, n=4)
    return {
        "quantity": quantity,
        "cells": cells,
        "isthmus": statistics.median(own for own, _ in turns),
        "scipy": statistics.median(other for _, other in turns),
        "ratio": statistics.median(ratios),
        "quartiles": [quartiles[0], quartiles[2]],
    }


def turn(function: Callable[..., Any], p: np.ndarray, q: np.ndarray, repeats: int) -> float:
    """Seconds a call."""
    start = time.perf_counter()
    for _ in range(repeats):
        function(p, q)
    return (time.perf_counter() - start) / repeats


if __name__ == "__main__":
    main()
