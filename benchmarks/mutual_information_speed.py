"""Time of mutual information between two columns, beside scikit-learn's mutual_info_regression, in one run.

    python benchmarks/mutual_information_speed.py [--rows N ...] [--repeats N] [--out FILE]

The two take turns on the same normal columns of correlation 0.6, each by its default public call: ours with a standard
error, scikit-learn's with one feature. Each meets the machine in the same mood, and the ratio is taken within a turn.
Prints a table in markdown: medians, and in brackets the least and the largest.
"""

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.feature_selection import mutual_info_regression

from isthmus.information.samples import mutual_information

HEADER = """
| rows | repeats | isthmus, s | scikit-learn, s | scikit-learn over isthmus |
|--:|--:|--:|--:|--:|"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000, 10_000, 100_000, 1_000_000])
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    names = ("isthmus", "numpy", "scipy", "scikit-learn")
    versions = {name: version(name) for name in names}
    threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    print(", ".join(f"{name} {number}" for name, number in versions.items()) + f"; {threads} threads", HEADER, sep="\n")
    results = []
    for rows in arguments.rows:
        results.append(measure(rows, arguments.repeats))
        print(row(results[-1]), flush=True)
    if arguments.out:
        record = {"versions": versions, "threads": threads, "results": results}
        arguments.out.write_text(json.dumps(record, indent=2) + "\n")


def measure(rows: int, repeats: int) -> dict[str, Any]:
    """Seconds of each side in each turn, after a turn to warm up."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal(rows)
    y = 0.6 * x + 0.8 * rng.standard_normal(rows)
    ours, theirs = [], []
    for _ in range(repeats + 1):
        ours.append(seconds(lambda: mutual_information(x, y)))
        theirs.append(seconds(lambda: mutual_info_regression(x[:, None], y, random_state=0)))
    return {"rows": rows, "isthmus": ours[1:], "scikit-learn": theirs[1:]}


def seconds(call: Callable[[], Any]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def row(result: dict[str, Any]) -> str:
    ours, theirs = result["isthmus"], result["scikit-learn"]
    ratios = [their / our for our, their in zip(ours, theirs, strict=True)]
    cells = [spread(ours, 4), spread(theirs, 4), spread(ratios, 2)]
    return f"| {result['rows']:,} | {len(ours)} | " + " | ".join(cells) + " |"


def spread(values: list[float], digits: int) -> str:
    low, middle, high = (f"{f(values):.{digits}f}" for f in (min, statistics.median, max))
    return f"{middle} ({low} to {high})"


if __name__ == "__main__":
    main()
