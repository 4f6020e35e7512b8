"""Rows per second of a trained 784-400-20 VAE's evaluation beside PyTorch and pythae, in one run.

    python benchmarks/evaluation_speed.py [--rounds N] [--rows N] [--scored N] [--bounded N] [--out FILE]

embed: the posterior mean of --rows rows (1,000,000), `transform` here and `embed` in pythae, which goes through the
whole model and gives a draw. score: the bound on log p(x) at 128 draws, `score_samples`. bound: the same at 5,000
draws, the IWAE_5000 of the literature. What is compared is what a user calls, here and in pythae, the checks of the
rows included, with the bare arithmetic in PyTorch, written for the purpose and as fast as it was made; all of it on the
CPU. All sides have the same weights, which isthmus has fitted; what they say of the same rows is printed beside their
speed. Each has a process and an environment of its own; that of the peers is made in .venv-peers where it is absent.
They take turns, so only one computes at a time; a first turn each, which compiles, is not counted. pythae goes through
a twentieth of the rows in score and bound, which it takes one at a time. The rows are fixed-binarised MNIST, again and
again, from ../shared/data/binarized_mnist.
"""

import argparse
import json
import os
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from peer_processes import HERE, ask, available_cpus, line, peer_python, receive, spread, start

DATA = HERE.parents[1] / "shared/data/binarized_mnist/binarized_mnist.npz"
PYTHAE_SHARE = 20
DRAWS = {"score": 128, "bound": 5000}
NAMES = {"isthmus": "isthmus", "pytorch": "PyTorch", "pythae": "pythae"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rows", type=int, default=1_000_000, help="to embed")
    parser.add_argument("--scored", type=int, default=20_000, help="rows to score at 128 draws")
    parser.add_argument("--bounded", type=int, default=1000, help="rows to bound at 5,000 draws")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--peer-python", type=Path, help="an interpreter that has the peers already")
    arguments = parser.parse_args()
    if not DATA.is_file():
        sys.exit(f"{DATA} is absent; this benchmark reads fixed-binarised MNIST, packed by numpy.packbits")
    counts = {"embed": arguments.rows, "score": arguments.scored, "bound": arguments.bounded}
    result = measure(counts, arguments.rounds, arguments.peer_python or peer_python())
    print(summary(result), flush=True)
    if arguments.out:
        arguments.out.write_text(json.dumps(result, indent=2) + "\n")


def measure(counts: dict[str, int], rounds: int, python: Path) -> dict[str, Any]:
    """Alternate for a first and so many rounds, and report as one JSON object."""
    threads = available_cpus()
    os.environ["JAX_PLATFORMS"] = "cpu"  # of our side's process: the peers know of no other device here
    with tempfile.TemporaryDirectory() as directory, ExitStack() as stack:
        work = (str(Path(directory) / "rows.npz"), str(Path(directory) / "weights.npz"))
        write_rows(Path(work[0]))
        sides = {"isthmus": stack.enter_context(start(sys.executable, "isthmus_evaluation.py", *work))}
        versions = {"isthmus": receive(sides["isthmus"])}
        for kind in ("pytorch", "pythae"):
            script = "pytorch_evaluation.py"
            sides[kind] = stack.enter_context(start(python, script, *work, str(threads), kind))
            versions[kind] = receive(sides[kind])
        turns = {task: [one_turn(sides, task, count) for _ in range(rounds + 1)] for task, count in counts.items()}
    return {
        "versions": versions,
        "threads": threads,
        "rounds": rounds,
        "rows": counts,
        "tasks": {task: compare(measured[1:]) for task, measured in turns.items()},
    }


def write_rows(path: Path) -> None:
    """The rows that all sides read, as bytes."""
    with np.load(DATA) as archive:
        np.savez(path, rows=np.unpackbits(archive["train"], axis=1)[:20_000, :784])


def one_turn(sides: dict[str, Any], task: str, count: int) -> dict[str, dict[str, float]]:
    def rows(name: str) -> int:
        return max(count // PYTHAE_SHARE, 1) if name == "pythae" and task in DRAWS else count

    return {name: ask(side, f"{task} {rows(name)} {DRAWS.get(task, 1)}") for name, side in sides.items()}


def compare(turns: list[dict[str, dict[str, float]]]) -> dict[str, Any]:
    """Rows per second, ratios within a round, and what was said of the rows."""
    speed = {name: np.array([turn[name]["rows"] / turn[name]["seconds"] for turn in turns]) for name in turns[0]}
    return {
        "rows_per_second": {name: spread(values) for name, values in speed.items()},
        "speed_over": {name: spread(speed["isthmus"] / speed[name]) for name in speed if name != "isthmus"},
        "mean": {name: turns[-1][name]["mean"] for name in speed},
    }


def summary(result: dict[str, Any]) -> str:
    """The result for people."""
    said = [
        f"784-400-20: {result['rounds']} rounds in turn, {result['threads']} threads; median (min to max)",
        ", ".join(f"{name} {number}" for side in result["versions"].values() for name, number in side.items()),
    ]
    for task, figures in result["tasks"].items():
        draws = f" at {DRAWS[task]:,} draws" if task in DRAWS else ""
        said.append(f"{task}{draws}, {result['rows'][task]:,} rows: rows per second")
        said += [line(NAMES[name], values, 1) for name, values in figures["rows_per_second"].items()]
        said += [line(f"isthmus over {NAMES[name]}", values, 2) for name, values in figures["speed_over"].items()]
        means = ", ".join(f"{NAMES[name]} {value:.3f}" for name, value in figures["mean"].items())
        said.append(f"  mean of what was found: {means}")
    return "\n".join(said)


if __name__ == "__main__":
    main()
