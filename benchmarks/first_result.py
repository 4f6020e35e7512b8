"""Seconds to a first result: `isthmus fit digits` with a cold and a warm compilation cache, and a second fit.

    python benchmarks/first_result.py [--rounds N] [--out FILE]

Each command is a process of its own. The cold ones begin with an empty cache; the warm ones with what the last cold one
left. All models must be the same to the bit. The second fit is of the same architecture at another seed and learning
rate, in the process of the first: how long until its first block of steps begins, which is the time of its first look
at held-out rows less the median time between looks.
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from peer_processes import available_cpus, line, spread

SECOND_FIT = """
import time
from sklearn.datasets import load_digits
from isthmus import VAE
X, looks = load_digits().data, []
for seed in (0, 1):
    looks.append([time.perf_counter()])
    model = VAE(random_state=seed, learning_rate=1e-3 * (1 + seed), max_epochs=30)
    model.fit(X, on_record=lambda record: looks[-1].append(time.perf_counter()))
gaps = sorted(b - a for a, b in zip(looks[1][1:], looks[1][2:]))
print(looks[1][1] - looks[1][0] - gaps[len(gaps) // 2])
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    result = measure(arguments.rounds)
    print(summary(result), flush=True)
    if arguments.out:
        arguments.out.write_text(json.dumps(result, indent=2) + "\n")


def measure(rounds: int) -> dict[str, Any]:
    seconds: dict[str, list[float]] = {"import isthmus": [], "cold": [], "warm": [], "second fit": []}
    models = set()
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as directory:
            place = Path(directory)
            seconds["import isthmus"].append(timed(["-c", "import isthmus"], place))
            for kind in ("cold", "warm"):
                run = place / kind
                seconds[kind].append(timed(["-m", "isthmus", "fit", "digits", "--out", str(run)], place))
                models.add(hashlib.sha256((run / "model.safetensors").read_bytes()).hexdigest())
        second = subprocess.run([sys.executable, "-c", SECOND_FIT], check=True, capture_output=True, text=True)
        seconds["second fit"].append(float(second.stdout))
    return {
        "threads": available_cpus(),
        "seconds": {name: spread(values) for name, values in seconds.items()},
        "models": sorted(models),
    }


def timed(arguments: list[str], place: Path) -> float:
    """Of one process, whose compilation cache is in this place."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("JAX_")}
    environment = {**kept, "ISTHMUS_COMPILATION_CACHE": str(place / "cache")}
    began = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True, env=environment)
    return time.perf_counter() - began


def summary(result: dict[str, Any]) -> str:
    """The result for people."""
    names = {"cold": "fit digits, cold cache", "warm": "fit digits, warm cache"}
    names["second fit"] = "second fit, until its first step"
    same = "the same to the bit" if len(result["models"]) == 1 else f"{len(result['models'])} different ones"
    rounds = len(result["seconds"]["cold"]["each"])
    return "\n".join(
        [
            f"{rounds} rounds, {result['threads']} threads; seconds, median (min to max)",
            *(line(names.get(name, name), figures, 2) for name, figures in result["seconds"].items()),
            f"models, cold and warm: {same}",
        ]
    )


if __name__ == "__main__":
    main()
