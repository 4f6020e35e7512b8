"""Results of a benchmark of many runs: kept as they come, resumed where they stopped, and printed from what is there.

A row of a JSON-lines file is one run: its set, seed and method, its figures, its seconds and the versions behind it.
"""

import argparse
import ast
import json
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).resolve().parent
DATA = HERE.parents[1] / "shared/data"


def arguments_for(
    name: str, description: str, sets: Sequence[str], seeds: int, methods: Sequence[str]
) -> argparse.ArgumentParser:
    """What every such benchmark can be asked."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", nargs="+", choices=sets or None, default=list(sets), metavar="SET")
    parser.add_argument("--seeds", nargs="+", type=int, default=list(range(seeds)), metavar="SEED")
    parser.add_argument("--methods", nargs="+", choices=methods, default=list(methods), metavar="METHOD")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="an argument of isthmus.VAE")
    parser.add_argument("--inner", action="store_true", help="isthmus alone, judged within what it is given to learn")
    parser.add_argument("--rows", type=Path, help=f"of results; runs/benchmarks/{name}.jsonl where left out")
    parser.add_argument("--report", action="store_true", help="run nothing, and print what is there")
    parser.add_argument("--out", type=Path, help="the tables' figures, as JSON")
    return parser


def settings(pairs: Iterable[str]) -> dict[str, Any]:
    """Keyword arguments from NAME=VALUE; what is not a Python literal is a word."""
    chosen = {}
    for pair in pairs:
        name, _, text = pair.partition("=")
        try:
            chosen[name] = ast.literal_eval(text)
        except (ValueError, SyntaxError):
            chosen[name] = text
    return chosen


def label(chosen: dict[str, Any]) -> str:
    """The name of our method at these settings."""
    return " ".join(["isthmus", *(f"{name}={value}" for name, value in sorted(chosen.items()))])


def need(directory: Path, what: str) -> None:
    """Stop, with the reason, where the data are absent."""
    if not directory.is_dir():
        sys.exit(f"{directory} is absent; this benchmark reads {what}")


class Records:
    """The rows of one file. `rows` may be there from runs before."""

    def __init__(self, path: Path | None, name: str, packages: Iterable[str]):
        self.path = path or HERE.parent / "runs/benchmarks" / f"{name}.jsonl"
        self.versions = {package: version(package) for package in packages}
        lines = self.path.read_text().splitlines() if self.path.is_file() else []
        self.rows: list[dict[str, Any]] = [json.loads(line) for line in lines]
        self.failures: list[str] = []

    def measure(self, name: str, seed: int, method: str, run: Callable[[], dict[str, Any]]) -> None:
        """Run and write one row, unless it is there. A run that fails is told, and leaves the others to go on."""
        if any((row["set"], row["seed"], row["method"]) == (name, seed, method) for row in self.rows):
            return
        began = time.perf_counter()
        try:
            figures = run()
        except Exception:
            traceback.print_exc()
            self.failures.append(f"{name}, seed {seed}, {method}")
            return
        row = {"set": name, "seed": seed, "method": method, "seconds": time.perf_counter() - began, **figures}
        row.setdefault("versions", self.versions)
        self.rows.append(row)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a") as file:
            file.write(json.dumps(row) + "\n")
        print(f"{name}, seed {seed}, {method}: {row['seconds']:.1f} s", file=sys.stderr, flush=True)

    def where(self, **fields: Any) -> list[dict[str, Any]]:
        """The rows that have these fields."""
        return [row for row in self.rows if all(row.get(name) == value for name, value in fields.items())]

    def names(self, field: str, known: Iterable[str]) -> list[str]:
        """The values of a field that the rows have: ours first, then in the order that is known, then the rest."""
        order = list(known)
        found = dict.fromkeys(row[field] for row in self.rows)
        return sorted(found, key=lambda one: (not one.startswith("isthmus"), order.index(one) if one in order else 99))

    def finish(self, text: str, summary: Any, out: Path | None) -> None:
        """Print the tables, write their figures, and fail where a run did."""
        print(text)
        if out:
            out.write_text(json.dumps(summary, indent=2) + "\n")
        if self.failures:
            sys.exit("failed, and to be run again: " + "; ".join(self.failures))


def versions_of(rows: Iterable[dict[str, Any]]) -> str:
    """The versions behind the rows, each once."""
    pairs = dict.fromkeys(pair for row in rows for pair in row["versions"].items())
    return ", ".join(f"{name} {number}" for name, number in sorted(pairs))


def mean_and_error(values: Sequence[float]) -> tuple[float, float]:
    """The mean and its standard error, which one value does not have."""
    values_ = np.asarray(values, float)
    error = values_.std(ddof=1) / np.sqrt(len(values_)) if len(values_) > 1 else np.nan
    return float(values_.mean()), float(error)


def with_error(values: Sequence[float], digits: int = 3, sign: str = "") -> str:
    """A cell: the mean, and its standard error where there is one."""
    if not len(values):
        return ""
    mean, error = mean_and_error(values)
    return f"{mean:{sign}.{digits}f}" + ("" if np.isnan(error) else f" ± {error:.{digits}f}")


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in markdown, its first column of words and the others of numbers."""
    lines = [header, ["---", *["--:"] * (len(header) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
