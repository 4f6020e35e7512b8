"""Seconds of fit and transform beside scikit-learn: PCA full and randomised, FactorAnalysis, IncrementalPCA.

    python benchmarks/linear_speed.py [--repeats N] [--out FILE]
    python benchmarks/linear_speed.py --memory

Rows are a low-rank signal and noise, 10,000 x 784 and 100,000 x 200, float64; 10 components, and otherwise the defaults
of both; of transform the mean of five calls. Runs alternate, ours and theirs, in one process; the ratio is theirs over
ours, its median and quartiles over the repeats. scikit-learn's PCA is timed with svd_solver="full" and, besides,
"covariance_eigh", its fastest exact one; both are set beside our exact solver.

--memory fits the incremental path to batches that are made and dropped, 100,000 and 1,000,000 x 200 rows in all, and
prints the peak of this process's memory for each, each in a process of its own.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from records import table
from sklearn import decomposition

from isthmus import FactorAnalysis, LinearAutoencoder

SIZES = ((10_000, 784), (100_000, 200))
COMPONENTS, BATCH, TRANSFORMS = 10, 5_000, 5
PAIRS: dict[str, tuple[Callable[[], Any], Callable[[], Any]]] = {
    "PCA, full": (
        lambda: LinearAutoencoder(COMPONENTS, solver="full"),
        lambda: decomposition.PCA(COMPONENTS, svd_solver="full"),
    ),
    "PCA, full beside covariance_eigh": (
        lambda: LinearAutoencoder(COMPONENTS, solver="full"),
        lambda: decomposition.PCA(COMPONENTS, svd_solver="covariance_eigh"),
    ),
    "PCA, randomised": (
        lambda: LinearAutoencoder(COMPONENTS, solver="randomised"),
        lambda: decomposition.PCA(COMPONENTS, svd_solver="randomized"),
    ),
    "IncrementalPCA": (
        lambda: LinearAutoencoder(COMPONENTS, solver="incremental"),
        lambda: decomposition.IncrementalPCA(COMPONENTS),
    ),
    "FactorAnalysis": (lambda: FactorAnalysis(COMPONENTS), lambda: decomposition.FactorAnalysis(COMPONENTS)),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--memory", action="store_true", help="measure the incremental path's memory instead")
    parser.add_argument("--rows", type=int, help="of one memory run, in this process")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    if arguments.rows:
        print(json.dumps(incremental_peak(arguments.rows)))
        return
    found = memory() if arguments.memory else speed(arguments.repeats)
    if arguments.out:
        arguments.out.write_text(json.dumps(found, indent=2) + "\n")


def speed(repeats: int) -> list[dict]:
    threads = os.environ.get("OPENBLAS_NUM_THREADS", f"{os.cpu_count()} (all)")
    print(", ".join(f"{n} {version(n)}" for n in ("isthmus", "scikit-learn", "numpy", "scipy")), f"threads {threads}\n")
    lines, found = [], []
    for rows, columns in SIZES:
        data = made(rows, columns, np.random.default_rng(0))
        for name, pair in PAIRS.items():
            times = {"fit": [], "transform": []}
            for _ in range(repeats):
                ours, theirs = (timed(make, data) for make in pair)
                for what, (mine, other) in zip(times, zip(ours, theirs, strict=True), strict=True):
                    times[what].append((mine, other))
            line = {"data": f"{rows:,} x {columns}", "model": name}
            for what, pairs in times.items():
                ratios = [other / mine for mine, other in pairs]
                line[what] = [float(q) for q in np.quantile(ratios, [0.25, 0.5, 0.75])]
                line[f"{what}_seconds"] = [float(np.median(side)) for side in zip(*pairs, strict=True)]
            found.append(line)
            lines.append([f"{line['data']}, {name}", *cells(line)])
            print(lines[-1], file=sys.stderr, flush=True)
    head = ["data, model", "fit, ours, s", "theirs, s", "ratio", "transform, ours, s", "theirs, s", "ratio"]
    print(table(head, lines))
    return found


def cells(line: dict) -> list[str]:
    out = []
    for what in ("fit", "transform"):
        low, middle, high = line[what]
        out += [f"{seconds:.4f}" for seconds in line[f"{what}_seconds"]] + [f"{middle:.2f} ({low:.2f} to {high:.2f})"]
    return out


def timed(make: Callable[[], Any], data: np.ndarray) -> tuple[float, float]:
    """Seconds of fit and of transform."""
    model = make()
    began = time.perf_counter()
    model.fit(data)
    fitted = time.perf_counter()
    for _ in range(TRANSFORMS):
        model.transform(data)
    return fitted - began, (time.perf_counter() - fitted) / TRANSFORMS


def made(rows: int, columns: int, generator: np.random.Generator) -> np.ndarray:
    loadings = np.random.default_rng(1).standard_normal((COMPONENTS, columns)) * np.linspace(3, 1, COMPONENTS)[:, None]
    return generator.standard_normal((rows, COMPONENTS)) @ loadings + generator.standard_normal((rows, columns))


def memory() -> list[dict]:
    command = [sys.executable, __file__, "--rows"]
    found = [
        json.loads(subprocess.run([*command, str(n)], capture_output=True, text=True, check=True).stdout)
        for n in (100_000, 1_000_000)
    ]
    print(
        table(
            ["rows x 200", "peak, MB", "seconds"],
            [[f"{f['rows']:,}", f"{f['peak']:.0f}", f"{f['seconds']:.1f}"] for f in found],
        )
    )
    return found


def incremental_peak(rows: int) -> dict:
    generator, model = np.random.default_rng(0), LinearAutoencoder(COMPONENTS)
    began = time.perf_counter()
    for _ in range(rows // BATCH):
        model.partial_fit(made(BATCH, 200, generator))
    seconds = time.perf_counter() - began
    return {"rows": rows, "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, "seconds": seconds}


if __name__ == "__main__":
    main()
