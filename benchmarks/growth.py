"""Time and memory of fit, score and embed as rows grow, streamed from Parquet: a table, and docs/images/growth.png.

    python benchmarks/growth.py [--rows 10000 100000 1000000 10000000] [--tasks fit score embed] [--out DIRECTORY]

Rows of 8 columns that hang on 2 latents: six numbers, a word of four with holes, and grades from 1 to 5; a VAE with two
layers of 16. Each cell is a process of its own, which does the work on the smallest set first, so that start-up and
compilation are not counted. Time is that of one pass over the rows: of a fit the difference between fits of one and of
several epochs, over the epochs between them; of score (the importance-weighted bound at 128 draws) and embed all of it,
the written file included. Memory is the most that the process ever held (ru_maxrss): libraries, compilation and all.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pyarrow as pa
import pyarrow.parquet
from records import HERE, table

from isthmus import VAE, load
from isthmus.data import open_rows
from isthmus.estimators.results import write_results

matplotlib.use("Agg")
from matplotlib import pyplot as plt

TASKS = ("fit", "score", "embed")
SIZES = (10_000, 100_000, 1_000_000, 10_000_000)
COLUMNS, LATENTS, PART_ROWS = 8, 2, 500_000
WORDS, HOLES = np.array(["low", "middle", "high", "top"]), 0.05
PASSES_OF_ROWS = {"fit": 50_000, "score": 50_000, "embed": 1_000_000}
"""Small sets are passed so often that their time can be told from noise."""
COLOURS = {"fit": "#1f6f8b", "score": "#d1495b", "embed": "#4a7c59"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=SIZES)
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=TASKS)
    parser.add_argument("--out", type=Path, default=HERE.parent / "docs/images")
    parser.add_argument("--cell", nargs=3, metavar=("TASK", "ROWS", "DIRECTORY"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.cell:
        task, rows, place = arguments.cell
        print(json.dumps(measure(task, int(rows), Path(place))))
        return
    sizes = sorted(arguments.rows)
    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory)
        for rows in sizes:
            write_rows(place / str(rows), rows)
        model(1).fit(open_rows(str(place / str(sizes[0])), stream=True)).save(place / "run")
        found = {task: [in_a_process(task, rows, sizes[0], place) for rows in sizes] for task in arguments.tasks}
    report(sizes, found)
    if len(found) == len(TASKS):
        arguments.out.mkdir(parents=True, exist_ok=True)
        draw(arguments.out / "growth.png", sizes, found)


def write_rows(directory: Path, rows: int) -> None:
    """Parquet parts of at most 500,000 rows each, the same from run to run."""
    directory.mkdir()
    loading = np.random.default_rng(0).normal(size=(LATENTS, COLUMNS))
    for part, first in enumerate(range(0, rows, PART_ROWS)):
        generator, count = np.random.default_rng([1, part]), min(PART_ROWS, rows - first)
        values = np.tanh(generator.normal(size=(count, LATENTS)) @ loading) + 0.2 * generator.normal(
            size=(count, COLUMNS)
        )
        columns: dict[str, Any] = {f"x{i}": values[:, i].astype(np.float32) for i in range(COLUMNS - 2)}
        words = WORDS[np.digitize(values[:, -2], (-0.6, 0.0, 0.6))]
        columns["word"] = pa.array(words, mask=generator.random(count) < HOLES)
        columns["grade"] = 1 + np.digitize(values[:, -1], (-0.8, -0.3, 0.3, 0.8))
        pyarrow.parquet.write_table(pa.table(columns), directory / f"part-{part:04d}.parquet")


def model(epochs: int) -> VAE:
    return VAE(LATENTS, hidden_sizes=(16, 16), likelihood="columns", max_epochs=epochs, batch_size=512, patience=None)


def in_a_process(task: str, rows: int, warm_up: int, place: Path) -> dict[str, float]:
    """The figures of one cell; what is done first, on the smallest set, is not timed."""
    (place / "warm-up").unlink(missing_ok=True)
    (place / "warm-up").symlink_to(place / str(warm_up))
    command = [sys.executable, __file__, "--cell", task, str(rows), str(place)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found = json.loads(done.stdout.splitlines()[-1])
    print(f"{task:6} {rows:>12,} rows  {found['seconds']:9.3f} s  {found['megabytes']:7.0f} MB", file=sys.stderr)
    return found


def measure(task: str, rows: int, place: Path) -> dict[str, float]:
    """Seconds of one pass, and the most memory that this process held, in MB."""
    work = {"fit": fit_pass, "score": results_pass("score_samples"), "embed": results_pass("transform")}[task]
    work(place / "warm-up", place, 1)
    repeats = max(PASSES_OF_ROWS[task] // rows, 1)
    seconds = work(place / str(rows), place, repeats)
    # Of Linux, in kilobytes.
    return {"seconds": seconds, "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000}


def fit_pass(data: Path, place: Path, passes: int) -> float:
    def seconds(epochs: int) -> float:
        start = time.perf_counter()
        model(epochs).fit(open_rows(str(data), stream=True))
        return time.perf_counter() - start

    return (seconds(1 + passes) - seconds(1)) / passes


def results_pass(method: str) -> Callable[[Path, Path, int], float]:
    def seconds(data: Path, place: Path, passes: int) -> float:
        fitted: Any = load(place / "run")
        names = ("score",) if method == "score_samples" else tuple(fitted.get_feature_names_out())

        def of_rows(rows: Any) -> np.ndarray:
            return np.reshape(getattr(fitted, method)(rows), (-1, len(names)))

        start = time.perf_counter()
        for _ in range(passes):
            write_results(open_rows(str(data), stream=True), place / f"{method}.parquet", names, of_rows)
        return (time.perf_counter() - start) / passes

    return seconds


def slope(sizes: list[int], seconds: list[float]) -> float:
    """Of log time on log rows, by least squares."""
    return float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])


def report(sizes: list[int], found: dict[str, list[dict[str, float]]]) -> None:
    """One row a task and size."""
    rows = []
    for task, cells in found.items():
        exponent = slope(sizes, [cell["seconds"] for cell in cells])
        for size, cell in zip(sizes, cells, strict=True):
            speed = size / cell["seconds"]
            rows.append([task, f"{size:,}", f"{cell['seconds']:.3g}", f"{speed:,.0f}", f"{cell['megabytes']:.0f}", ""])
        rows[-1][-1] = f"{exponent:.2f}"
    print(table(["work", "rows", "seconds a pass", "rows a second", "peak memory, MB", "slope of log time"], rows))


def draw(path: Path, sizes: list[int], found: dict[str, list[dict[str, float]]]) -> None:
    """Time left, memory right, rows on a logarithmic axis."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6))
    for task, cells in found.items():
        seconds, megabytes = ([cell[name] for cell in cells] for name in ("seconds", "megabytes"))
        left.plot(sizes, seconds, "o-", color=COLOURS[task], label=f"{task}, slope {slope(sizes, seconds):.2f}")
        right.plot(sizes, megabytes, "o-", color=COLOURS[task], label=task)
    left.set(xscale="log", yscale="log", xlabel="rows", ylabel="seconds a pass")
    right.set(xscale="log", xlabel="rows", ylabel="peak memory, MB", ylim=(0, None))
    for axes in (left, right):
        axes.legend(frameon=False)
        axes.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    figure.savefig(path, dpi=150)


if __name__ == "__main__":
    main()
