"""Bias, standard error and coverage of mutual information from samples, where the truth is known, beside peers.

    python benchmarks/mutual_information_accuracy.py [--repeats N] [--large-repeats N] [--of all|pairs|vectors]
        [--only TEXT] [--out FILE]

The distributions are those of tests/known_information.py. Every estimator has its defaults and sees the same samples:
isthmus.information.samples.mutual_information everywhere; scikit-learn's mutual_info_regression on pairs of columns;
NPEET on vectors, in an environment of its own, .venv-peers, made where it is absent. Pairs of columns have 2,000 rows,
vectors 1,000. Coverage is the share of 95 % intervals, value +- 1.96 stderr, that hold the truth. Distributions of more
than five columns a side, or more than two nats, have fewer repeats. Prints a table in markdown as it goes.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from peer_processes import HERE, PEER_ENVIRONMENT, ask, receive, start
from sklearn.feature_selection import mutual_info_regression

from isthmus.information.samples import mutual_information

sys.path.insert(0, str(HERE.parent / "tests"))
from known_information import CASES, Case

PAIR_ROWS, VECTOR_ROWS = 2_000, 1_000
HEADER = """
| distribution | truth | rows | repeats | bias | spread | stated | coverage | peer | its bias | its spread | beside it |
|---|--:|--:|--:|--:|--:|--:|--:|---|--:|--:|---|"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=200)
    parser.add_argument("--large-repeats", type=int, default=20, help="for over five columns a side, or over two nats")
    parser.add_argument("--of", choices=("all", "pairs", "vectors"), default="all")
    parser.add_argument("--only", default="", help="the distributions whose names hold this text")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    python, results = peer_python(), []
    with tempfile.TemporaryDirectory() as directory, start(python, "npeet_information.py") as npeet:
        names = ("isthmus", "numpy", "scipy", "scikit-learn")
        versions = {name: version(name) for name in names} | receive(npeet)
        print(", ".join(f"{name} {number}" for name, number in versions.items()), HEADER, sep="\n", flush=True)
        for name, case in CASES.items():
            if arguments.only in name and arguments.of in ("all", "pairs" if case.dimensions == (1, 1) else "vectors"):
                repeats = arguments.repeats if routine(case) else arguments.large_repeats
                results.append(measure(name, case, repeats, npeet, Path(directory) / "samples.npz"))
                print(row(results[-1]), flush=True)
    print(summary(results))
    if arguments.out:
        arguments.out.write_text(json.dumps({"versions": versions, "results": results}, indent=2) + "\n")


def peer_python() -> Path:
    """The interpreter of the peers' environment, NPEET installed where it is absent."""
    python = PEER_ENVIRONMENT / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(PEER_ENVIRONMENT)], check=True)
    if subprocess.run([str(python), "-c", "import npeet_plus"], capture_output=True).returncode:
        requirements = sorted(str(path) for path in (HERE / "peers").glob("*.txt"))
        options = [option for path in requirements for option in ("-r", path)]
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", *options], check=True)
    return python


def routine(case: Case) -> bool:
    """Where the intervals are held to their word."""
    return max(case.dimensions) <= 5 and case.truth <= 2.0 + 1e-9


def measure(name: str, case: Case, repeats: int, npeet: subprocess.Popen[str], path: Path) -> dict[str, Any]:
    """One distribution's figures."""
    pair = case.dimensions == (1, 1)
    rows = PAIR_ROWS if pair else VECTOR_ROWS
    samples = [case.sample(np.random.default_rng([repeat, 4]), rows) for repeat in range(repeats)]
    ours = [mutual_information(x, y, seed=repeat) for repeat, (x, y) in enumerate(samples)]
    values, errors = (np.array([getattr(one, field) for one in ours]) for field in ("value", "stderr"))
    if pair:
        theirs = [
            mutual_info_regression(x, y[:, 0], discrete_features=case.discrete, random_state=0)[0] for x, y in samples
        ]
    else:
        x, y = (np.stack(variable) for variable in zip(*samples, strict=True))
        np.savez(path, x=x, y=y, discrete=case.discrete)
        theirs = ask(npeet, str(path))["values"]
    return {
        "name": name,
        "truth": float(case.truth),
        "rows": rows,
        "repeats": repeats,
        "bias": float(values.mean() - case.truth),
        "spread": float(values.std(ddof=1)),
        "stated": float(np.sqrt(np.mean(errors**2))),
        "coverage": float(np.mean(np.abs(values - case.truth) <= 1.96 * errors)) if routine(case) else None,
        "peer": "scikit-learn" if pair else "NPEET",
        "peer_bias": float(np.mean(theirs) - case.truth),
        "peer_spread": float(np.std(theirs, ddof=1)),
    }


def verdict(result: dict[str, Any]) -> str:
    """Whose bias is the smaller, and whether by more than the error of one estimate."""
    difference = abs(result["peer_bias"]) - abs(result["bias"])
    if abs(difference) <= result["spread"]:
        return "within the error"
    return "better" if difference > 0 else "worse"


def row(result: dict[str, Any]) -> str:
    coverage = "" if result["coverage"] is None else f"{100 * result['coverage']:.1f} %"
    return (
        f"| {result['name']} | {result['truth']:.3f} | {result['rows']:,} | {result['repeats']} "
        f"| {result['bias']:+.3f} | {result['spread']:.3f} | {result['stated']:.3f} | {coverage} "
        f"| {result['peer']} | {result['peer_bias']:+.3f} | {result['peer_spread']:.3f} | {verdict(result)} |"
    )


def summary(results: list[dict[str, Any]]) -> str:
    verdicts = [verdict(result) for result in results]
    held = [result for result in results if result["coverage"] is not None]
    missed = [result["name"] for result in held if not 0.9 <= result["coverage"] <= 0.99]
    counts = ", ".join(f"{verdicts.count(v)} {v}" for v in ("better", "within the error", "worse"))
    return (
        f"\n{len(results)} distributions: bias {counts}. Coverage between 90 and 99 % on {len(held) - len(missed)} of "
        f"{len(held)}; outside: {', '.join(missed) or 'none'}."
    )


if __name__ == "__main__":
    main()
