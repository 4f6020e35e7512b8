"""Training rows per second of the 784-400-20 Bernoulli VAE at batch 128, beside eager PyTorch, in one run.

    python benchmarks/training_speed.py [--rounds N] [--out FILE] [--adam fused|default] [--peer-python PYTHON]

Each side has a process and an environment of its own; PyTorch's is made in .venv-peers where it is absent. They take
turns, epoch by epoch, so only one computes at a time and both meet the machine in the same mood; a warm-up epoch each,
which compiles, is not counted. Both train on 20,000 rows of fixed-binarised MNIST for equally many epochs, from the
same kind of start, on the same schedule, and end with the ELBO of the same 5,000 held-out rows. PyTorch's Adam is the
fused one, its fastest, unless the default is asked for. The floor is the time of an epoch's matrix products alone,
compiled by XLA. The data are read from ../shared/data/binarized_mnist.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).resolve().parent
DATA = HERE.parents[1] / "shared/data/binarized_mnist/binarized_mnist.npz"
PEER_ENVIRONMENT = HERE.parent / ".venv-peers"
TRAINING, HELD_OUT, DRAWS = 20_000, 5_000, 10
VERSIONS = (("isthmus", "isthmus"), ("isthmus", "jax"), ("isthmus", "jaxlib"), ("pytorch", "torch"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--adam", choices=("fused", "default"), default="fused", help="PyTorch's implementation")
    parser.add_argument("--peer-python", type=Path, help="an interpreter that has the peers already")
    arguments = parser.parse_args()
    if arguments.rounds < 1:
        parser.error(f"--rounds is {arguments.rounds}; expected at least 1")
    if not DATA.is_file():
        sys.exit(f"{DATA} is absent; this benchmark trains on fixed-binarised MNIST, packed by numpy.packbits")
    result = measure(arguments.rounds, arguments.peer_python or peer_python(), arguments.adam)
    print(summary(result), flush=True)
    text = json.dumps(result, indent=2)
    if arguments.out:
        arguments.out.write_text(text + "\n")
    else:
        print(text)


def peer_python() -> Path:
    """The interpreter of the peers' environment, made where it is absent."""
    python = PEER_ENVIRONMENT / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not python.exists():
        print(f"making {PEER_ENVIRONMENT.name} for PyTorch ...", file=sys.stderr, flush=True)
        install = [str(python), "-m", "pip", "install", "--quiet", "-r", str(HERE / "peers/requirements.txt")]
        try:
            subprocess.run([sys.executable, "-m", "venv", str(PEER_ENVIRONMENT)], check=True)
            subprocess.run(install, check=True)
        except BaseException:
            # Half an environment would be taken for a whole one by the next run.
            shutil.rmtree(PEER_ENVIRONMENT, ignore_errors=True)
            raise
    return python


def measure(rounds: int, python: Path, adam: str) -> dict[str, Any]:
    """Alternate for a warm-up and so many rounds, evaluate, and report as one JSON object."""
    threads, epochs = available_cpus(), str(rounds + 1)
    with tempfile.TemporaryDirectory() as directory:
        rows = str(Path(directory) / "rows.npz")
        write_rows(rows)
        with (
            start(sys.executable, "isthmus_vae.py", rows, epochs) as ours,
            start(python, "pytorch_vae.py", rows, epochs, str(threads), adam) as theirs,
        ):
            versions = {"isthmus": receive(ours), "pytorch": receive(theirs)}
            turns = [
                {"isthmus": ask(ours, "epoch"), "pytorch": ask(theirs, "epoch"), "floor": ask(ours, "floor")}
                for _ in range(rounds + 1)
            ]
            sides = {"isthmus": ours, "pytorch": theirs}
            elbos = {name: ask(side, f"evaluate {DRAWS}")["elbo"] for name, side in sides.items()}
    return {
        "versions": versions,
        "pytorch_adam": adam,
        "threads": threads,
        "training_rows": TRAINING,
        "held_out_rows": HELD_OUT,
        "draws": DRAWS,
        **compare(turns[1:]),
        "held_out_elbo": elbos | {"difference": elbos["isthmus"] - elbos["pytorch"]},
    }


def available_cpus() -> int:
    """What this process may use: XLA takes as many threads by itself, and PyTorch is told to."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def write_rows(path: str) -> None:
    """The rows that both sides read, as float32."""
    with np.load(DATA) as archive:
        sets = {name: np.unpackbits(archive[name], axis=1)[:, :784].astype(np.float32) for name in ("train", "valid")}
    order = np.random.default_rng(0).permutation(len(sets["train"]))[:TRAINING]
    np.savez(path, training=sets["train"][order], held_out=sets["valid"][:HELD_OUT])


def start(python: Path | str, script: str, *arguments: str) -> subprocess.Popen[str]:
    """A process that answers each command with one line of JSON, and ends when its input is closed."""
    command = [str(python), str(HERE / "peers" / script), *arguments]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def ask(side: subprocess.Popen[str], command: str) -> dict[str, Any]:
    assert side.stdin is not None
    side.stdin.write(command + "\n")
    side.stdin.flush()
    return receive(side)


def receive(side: subprocess.Popen[str]) -> dict[str, Any]:
    assert side.stdout is not None
    line = side.stdout.readline()
    if not line:
        sys.exit(f"{side.args} ended without an answer; what it said is above")
    return json.loads(line)


def compare(turns: list[dict[str, dict[str, float]]]) -> dict[str, Any]:
    """Each round's figures, their spread, and the spread of ratios taken within a round."""
    seconds = {name: [turn[name]["seconds"] for turn in turns] for name in turns[0]}
    trained = {name: [turn[name]["rows"] / turn[name]["seconds"] for turn in turns] for name in ("isthmus", "pytorch")}
    return {
        "rounds": len(turns),
        "speed_over_pytorch": spread(np.divide(trained["isthmus"], trained["pytorch"])),
        "time_over_floor": spread(np.divide(seconds["isthmus"], seconds["floor"])),
        "seconds_per_epoch": {name: spread(values) for name, values in seconds.items()},
        "rows_per_second": {name: spread(values) for name, values in trained.items()},
        "training_loss": {name: [turn[name]["loss"] for turn in turns] for name in trained},
    }


def spread(values: Any) -> dict[str, Any]:
    values = [float(value) for value in values]
    return {"median": statistics.median(values), "min": min(values), "max": max(values), "each": values}


def summary(result: dict[str, Any]) -> str:
    """The result for people."""

    def line(name: str, figures: dict[str, Any], digits: int) -> str:
        low, middle, high = (f"{figures[key]:,.{digits}f}" for key in ("min", "median", "max"))
        return f"  {name:<28}{middle:>9}   ({low} to {high})"

    names = {"isthmus": "isthmus", "pytorch": f"PyTorch, {result['pytorch_adam']} Adam"}
    versions = ", ".join(f"{name} {result['versions'][side][name]}" for side, name in VERSIONS)
    seconds, rows, elbos = result["seconds_per_epoch"], result["rows_per_second"], result["held_out_elbo"]
    return "\n".join(
        [
            f"784-400-20 VAE, {result['rounds']} rounds in turn, {result['threads']} threads; median (min to max)",
            versions,
            "seconds per epoch",
            *(line(names.get(name, "matrix products alone"), seconds[name], 3) for name in seconds),
            "rows per second",
            *(line(names[name], rows[name], 0) for name in names),
            "ratios within a round",
            line("isthmus over PyTorch, speed", result["speed_over_pytorch"], 2),
            line("isthmus over floor, time", result["time_over_floor"], 2),
            f"held-out ELBO, nats ({result['held_out_rows']:,} rows, {result['draws']} draws)",
            *(f"  {names.get(name, 'difference'):<28}{value:>9.2f}" for name, value in elbos.items()),
        ]
    )


if __name__ == "__main__":
    main()
