"""Seconds of annealed importance sampling beside PyTorch at the same settings, in one run.

    python benchmarks/annealed_speed.py [--rounds N] [--rows N] [--temperatures N] [--out FILE] [--peer-python PYTHON]

Two Bernoulli decoders of 784 columns with random weights: 20-400-784 (relu) and 50-200-200-784 (tanh). 1,000 rows drawn
from each, 4 chains a row, 5 leapfrogs a temperature, the same temperatures, the same step size. Each side has a process
and an environment of its own; PyTorch's is made in .venv-peers where it is absent. They take turns, so that only one
computes at a time and both meet the machine in the same mood; a first turn each, which compiles, is not counted. The
floor is the time of the decoder's matrix products alone, compiled by XLA. Both sides' log p(x) and acceptance are
printed: they anneal the same thing. PyTorch runs twice: plainly, and with isthmus's own economy of evaluations
(benchmarks/peers/pytorch_annealing.py).
"""

import argparse
import json
import sys
import tempfile
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from peer_processes import ask, available_cpus, peer_python, receive, spread, start

DECODERS = {"20-400-784": ("relu", (20, 400, 784)), "50-200-200-784": ("tanh", (50, 200, 200, 784))}
CHAINS, LEAPFROGS, SCALE, STEP = 4, 5, 1.0, 0.15


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--temperatures", type=int, default=16)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--peer-python", type=Path, help="an interpreter that has the peers already")
    arguments = parser.parse_args()
    python = arguments.peer_python or peer_python()
    results = {}
    for name in DECODERS:
        results[name] = measure(name, arguments.rows, arguments.temperatures, arguments.rounds, python)
        print(summary(name, results[name]), flush=True)
    if arguments.out:
        arguments.out.write_text(json.dumps(results, indent=2) + "\n")


def measure(name: str, rows: int, temperatures: int, rounds: int, python: Path) -> dict[str, Any]:
    """Alternate for a first and so many rounds, and report as one JSON object."""
    activation, sizes = DECODERS[name]
    threads = available_cpus()
    with tempfile.TemporaryDirectory() as directory:
        path = str(Path(directory) / "decoder.npz")
        write_decoder(path, activation, sizes, rows, temperatures)
        settings = (path, activation, str(temperatures), str(CHAINS), str(LEAPFROGS))
        with (
            start(sys.executable, "isthmus_annealing.py", *settings) as ours,
            start(python, "pytorch_annealing.py", *settings, str(threads)) as theirs,
        ):
            versions = {"isthmus": receive(ours), "pytorch": receive(theirs)}
            turns = [
                {"isthmus": ask(ours, "anneal"), "plain": ask(theirs, "plain"), "frugal": ask(theirs, "frugal")}
                | {"floor": ask(ours, "floor")}
                for _ in range(rounds + 1)
            ]
    return {"versions": versions, "threads": threads, "rows": rows, "temperatures": temperatures, **compare(turns[1:])}


def write_decoder(path: str, activation: str, sizes: tuple[int, ...], rows: int, temperatures: int) -> None:
    """Weights, and rows drawn from the decoder they make, that both sides read."""
    generator = np.random.default_rng(0)
    shapes = list(pairwise(sizes))
    weights = [generator.normal(size=shape) * np.sqrt(2.0 / shape[0]) for shape in shapes]
    biases = [0.1 * generator.normal(size=shape[1]) for shape in shapes]
    hidden = generator.normal(size=(rows, sizes[0]))
    for weight, bias in zip(weights[:-1], biases[:-1], strict=True):
        hidden = hidden @ weight + bias
        hidden = np.maximum(hidden, 0.0) if activation == "relu" else np.tanh(hidden)
    logits = hidden @ weights[-1] + biases[-1]
    drawn = generator.random(logits.shape) < 1.0 / (1.0 + np.exp(-logits))
    arrays = {f"weight{i}": weight for i, weight in enumerate(weights)}
    arrays |= {f"bias{i}": bias for i, bias in enumerate(biases)} | {"rows": drawn}
    betas = np.linspace(0.0, 1.0, temperatures + 1) ** 4
    np.savez(path, **{n: a.astype(np.float32) for n, a in arrays.items()}, betas=betas, step=STEP, scale=SCALE)


def compare(turns: list[dict[str, dict[str, float]]]) -> dict[str, Any]:
    """Each round's figures, their spread, and the spread of ratios taken within a round."""
    seconds = {name: [turn[name]["seconds"] for turn in turns] for name in turns[0]}
    sides = ("isthmus", "plain", "frugal")
    return {
        "rounds": len(turns),
        "seconds": {name: spread(values) for name, values in seconds.items()},
        "speed_over_plain": spread(np.divide(seconds["plain"], seconds["isthmus"])),
        "speed_over_frugal": spread(np.divide(seconds["frugal"], seconds["isthmus"])),
        "time_over_floor": spread(np.divide(seconds["isthmus"], seconds["floor"])),
        "log_evidence": {side: spread([turn[side]["log_evidence"] for turn in turns]) for side in sides},
        "acceptance": {side: spread([turn[side]["acceptance"] for turn in turns]) for side in sides},
    }


def summary(name: str, result: dict[str, Any]) -> str:
    """The result for people."""

    def line(label: str, figures: dict[str, Any]) -> str:
        return f"  {label:<34}{figures['median']:>10.3f}   ({figures['min']:.3f} to {figures['max']:.3f})"

    labels = {"isthmus": "isthmus", "plain": "PyTorch, plain", "frugal": "PyTorch, frugal"}
    labels |= {"floor": "matrix products alone"}
    heading = (
        f"{name}: {result['rows']} rows x {CHAINS} chains, {result['temperatures']} temperatures, {LEAPFROGS} "
        f"leapfrogs; {result['rounds']} rounds in turn, {result['threads']} threads; median (min to max)"
    )
    return "\n".join(
        [
            heading,
            *(line(f"{labels[side]}, seconds", figures) for side, figures in result["seconds"].items()),
            line("isthmus over plain, speed", result["speed_over_plain"]),
            line("isthmus over frugal, speed", result["speed_over_frugal"]),
            line("isthmus over floor, time", result["time_over_floor"]),
            *(line(f"{labels[side]}, log p(x) >=", figures) for side, figures in result["log_evidence"].items()),
            *(line(f"{labels[side]}, acceptance", figures) for side, figures in result["acceptance"].items()),
        ]
    )


if __name__ == "__main__":
    main()
