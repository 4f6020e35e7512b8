"""Training rows per second of Bernoulli VAEs beside PyTorch, compiled PyTorch and pythae, in one run.

    python benchmarks/training_speed.py [--batch N ...] [--network mlp convolutional] [--rounds N] [--out FILE]

"mlp" is 784-400-20; "convolutional" has convolutions of 32 and 64 channels, kernel 4, stride 2, and their mirror image.
Each side has a process and an environment of its own; that of the peers is made in .venv-peers where it is absent. They
take turns, so only one computes at a time and all meet the machine in the same mood; a turn is an epoch, of at least 64
steps (of pythae exactly an epoch, by its own trainer), and the first, which compiles, is not counted. All train on
20,000 rows of fixed-binarised MNIST, from the same kind of start, along half a cosine, and end with the ELBO of the
same 5,000 held-out rows. PyTorch's Adam is the fused one, its fastest, unless the default is asked for. The floor is
the time of the MLP's matrix products alone, compiled by XLA. The data are read from ../shared/data/binarized_mnist.
"""

import argparse
import json
import math
import sys
import tempfile
from contextlib import ExitStack
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from peer_processes import HERE, ask, available_cpus, line, peer_python, receive, spread, start

DATA = HERE.parents[1] / "shared/data/binarized_mnist/binarized_mnist.npz"
HELD_OUT, DRAWS, FEWEST_STEPS = 5_000, 10, 64
MOST_STEPS = 1024
"""Of a block of isthmus, which tells of itself once."""
PEERS = ("pytorch", "compiled", "pythae")
NAMES = {"isthmus": "isthmus", "pytorch": "PyTorch", "compiled": "PyTorch, compiled", "pythae": "pythae"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, nargs="+", default=[64, 128, 512, 1024])
    parser.add_argument("--network", nargs="+", choices=("mlp", "convolutional"), default=["mlp"])
    parser.add_argument("--peers", nargs="*", choices=PEERS, default=list(PEERS))
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--rows", type=int, default=20_000, help="to train on")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--adam", choices=("fused", "default"), default="fused", help="PyTorch's implementation")
    parser.add_argument("--channels-last", action="store_true", help="PyTorch's other memory layout, for convolutions")
    parser.add_argument("--peer-python", type=Path, help="an interpreter that has the peers already")
    arguments = parser.parse_args()
    if arguments.rounds < 1:
        parser.error(f"--rounds is {arguments.rounds}; expected at least 1")
    if arguments.rows > MOST_STEPS * min(arguments.batch):
        parser.error(
            f"--rows is {arguments.rows}; a turn is one block of steps, of at most {MOST_STEPS}: expected at most "
            f"{MOST_STEPS} rows for each of a batch of {min(arguments.batch)}"
        )
    if not DATA.is_file():
        sys.exit(f"{DATA} is absent; this benchmark trains on fixed-binarised MNIST, packed by numpy.packbits")
    python = arguments.peer_python or (peer_python() if arguments.peers else Path(sys.executable))
    results = []
    with tempfile.TemporaryDirectory() as directory:
        rows = Path(directory) / "rows.npz"
        write_rows(rows, arguments.rows)
        for network, batch in product(arguments.network, arguments.batch):
            results.append(measure(network, batch, rows, arguments, python))
            print(summary(results[-1]), flush=True)
    if arguments.out:
        arguments.out.write_text(json.dumps(results, indent=2) + "\n")


def write_rows(path: Path, count: int) -> None:
    """The rows that all sides read, as float32."""
    with np.load(DATA) as archive:
        sets = {name: np.unpackbits(archive[name], axis=1)[:, :784].astype(np.float32) for name in ("train", "valid")}
    order = np.random.default_rng(0).permutation(len(sets["train"]))[:count]
    np.savez(path, training=sets["train"][order], held_out=sets["valid"][:HELD_OUT])


def measure(network: str, batch: int, rows: Path, arguments: Any, python: Path) -> dict[str, Any]:
    """Alternate for a first and so many rounds, evaluate, and report as one JSON object."""
    threads, turns = available_cpus(), arguments.rounds + 1
    steps = max(math.ceil(arguments.rows / batch), FEWEST_STEPS)
    work = (str(rows), network, str(batch), str(turns))
    layout = "channels_last" if arguments.channels_last and network == "convolutional" else "contiguous_format"
    with ExitStack() as stack:
        sides = {"isthmus": stack.enter_context(start(sys.executable, "isthmus_vae.py", *work, str(steps)))}
        for peer in arguments.peers:
            own = (str(threads),) if peer == "pythae" else (str(threads), str(steps), arguments.adam, peer, layout)
            script = "pythae_vae.py" if peer == "pythae" else "pytorch_vae.py"
            sides[peer] = stack.enter_context(start(python, script, *work, *own))
        versions = {name: receive(side) for name, side in sides.items()}
        measured = []
        for _ in range(turns):
            turn = {name: ask(side, "train") for name, side in sides.items()}
            if network == "mlp":
                turn["floor"] = ask(sides["isthmus"], "floor")
            measured.append(turn)
        elbos = {name: ask(side, f"evaluate {DRAWS}")["elbo"] for name, side in sides.items()}
    return {
        "network": network,
        "batch": batch,
        "versions": versions,
        "pytorch_adam": arguments.adam,
        "pytorch_layout": layout,
        "threads": threads,
        "training_rows": arguments.rows,
        "held_out_rows": HELD_OUT,
        "draws": DRAWS,
        **compare(measured[1:]),
        "held_out_elbo": elbos,
    }


def compare(turns: list[dict[str, dict[str, float]]]) -> dict[str, Any]:
    """Each round's figures, their spread, and the spread of ratios taken within a round."""
    speed = {name: np.array([turn[name]["rows"] / turn[name]["seconds"] for turn in turns]) for name in turns[0]}
    ours = speed["isthmus"]
    return {
        "rounds": len(turns),
        "speed_over": {name: spread(ours / speed[name]) for name in speed if name in PEERS},
        "time_over_floor": spread(speed["floor"] / ours) if "floor" in speed else None,
        "rows_per_second": {name: spread(values) for name, values in speed.items()},
        "training_loss": {name: [turn[name]["loss"] for turn in turns] for name in speed if name != "floor"},
    }


def summary(result: dict[str, Any]) -> str:
    """The result for people."""
    peer = next((versions for name, versions in result["versions"].items() if name in PEERS), {})
    ours = {name: result["versions"]["isthmus"][name] for name in ("isthmus", "jax", "jaxlib")}
    versions = ", ".join(f"{name} {number}" for name, number in {**ours, **peer}.items() if name not in ("python",))
    names = {**NAMES, "floor": "matrix products alone"}
    said = [
        f"{result['network']}, batch {result['batch']}: {result['rounds']} rounds in turn, "
        f"{result['threads']} threads, PyTorch's {result['pytorch_adam']} Adam, {result['pytorch_layout']}; "
        "median (min to max)",
        versions,
        "rows per second",
        *(line(names[name], figures, 0) for name, figures in result["rows_per_second"].items()),
        "ratios within a round",
        *(line(f"isthmus over {names[name]}, speed", figures, 2) for name, figures in result["speed_over"].items()),
    ]
    if result["time_over_floor"]:
        said.append(line("isthmus over floor, time", result["time_over_floor"], 2))
    said.append(f"held-out ELBO, nats ({result['held_out_rows']:,} rows, {result['draws']} draws)")
    said += [f"  {names[name]:<34}{value:>11.2f}" for name, value in result["held_out_elbo"].items()]
    return "\n".join(said)


if __name__ == "__main__":
    main()
