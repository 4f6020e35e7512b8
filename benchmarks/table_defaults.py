"""The default network of tables beside its neighbours, by the likelihood of training rows held out; no label is seen.

    python benchmarks/table_defaults.py [--groups adbench uci hivae] [--settings NAME ...] [--report]

The rows are those that the other benchmarks train on: the training splits of every third of the 26 ADBench sets (seed
0), the six UCI tables with half of their entries hidden, Adult, Wine and Breast with 20 % hidden; 4,000 rows at most. A
fifth of them is held out, and the score is their bound on log p of what is observed, in nats per row. Each setting
changes one thing: the width of the layers, their number, the latent size or the length of training.

The rule, fixed before the runs: a setting replaces the default where its gain is above zero over the sets by a
two-sided Wilcoxon test at .05 over the number of settings, and a fit takes no more than half as long again.
"""

import argparse
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pandas as pd
from peers.anomaly_splits import split
from records import DATA, Records, need, table, versions_of
from scipy.stats import wilcoxon
from table_imputation import MISSING, standardised
from table_imputation import SETS as UCI
from table_likelihoods import frame_with_holes

import isthmus

MOST_ROWS, HELD_OUT, LEVEL = 4_000, 0.2, 0.05
STEPS, FEWEST_EPOCHS, BATCH = 4_000, 30, 128
DEFAULT = "default"
SETTINGS: dict[str, Callable[[int, int], dict[str, Any]]] = {
    DEFAULT: lambda columns, rows: {},
    "half as wide": lambda columns, rows: {"hidden_sizes": (width(columns) // 2,) * 2},
    "twice as wide": lambda columns, rows: {"hidden_sizes": (width(columns) * 2,) * 2},
    "one layer": lambda columns, rows: {"hidden_sizes": (width(columns),)},
    "three layers": lambda columns, rows: {"hidden_sizes": (width(columns),) * 3},
    "half the latent": lambda columns, rows: {"n_components": max(min(columns // 2, 32) // 2, 1)},
    "twice the latent": lambda columns, rows: {"n_components": min(2 * min(columns // 2, 32), columns - 1)},
    "half the steps": lambda columns, rows: {"max_epochs": epochs(0.5, rows)},
    "twice the steps": lambda columns, rows: {"max_epochs": epochs(2.0, rows)},
}
"""From the numbers of columns and rows to what is passed to isthmus.VAE."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--groups", nargs="+", choices=GROUPS, default=list(GROUPS))
    parser.add_argument("--settings", nargs="+", choices=SETTINGS, default=list(SETTINGS))
    parser.add_argument("--rows", type=Path, help="of results; runs/benchmarks/table_defaults.jsonl where left out")
    parser.add_argument("--report", action="store_true", help="run nothing, and print what is there")
    arguments = parser.parse_args()
    need(DATA, "the shared tables")
    warnings.simplefilter("ignore")
    records = Records(arguments.rows, "table_defaults", ("isthmus", "jax", "numpy"))
    if not arguments.report:
        for group in arguments.groups:
            for name, read in GROUPS[group]().items():
                for setting in arguments.settings:
                    records.measure(name, 0, setting, lambda read=read, setting=setting: run(read(), setting))
    records.finish(*report(records), None)


def adbench() -> dict[str, Callable[[], pd.DataFrame]]:
    paths = sorted((DATA / "adbench").glob("*.npz"), key=lambda path: int(path.stem.split("_")[0]))
    return {path.stem: lambda path=path: framed(split(path, 0)[0]) for path in paths[::3]}


def uci() -> dict[str, Callable[[], pd.DataFrame]]:
    def holed(name: str) -> pd.DataFrame:
        rows = standardised(name)
        return framed(np.where(np.random.default_rng(0).random(rows.shape) < MISSING, np.nan, rows))

    return {name: lambda name=name: holed(name) for name in UCI}


def hivae() -> dict[str, Callable[[], pd.DataFrame]]:
    return {name: lambda name=name: frame_with_holes(name, 20) for name in ("Adult", "Breast", "Wine")}


GROUPS = {"uci": uci, "hivae": hivae, "adbench": adbench}


def framed(rows: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=[f"x{i}" for i in range(rows.shape[1])])


def width(columns: int) -> int:
    """What the default takes."""
    return min(max(1 << (2 * columns - 1).bit_length(), 64), 256)


def epochs(factor: float, rows: int) -> int:
    return max(round(factor * max(STEPS * BATCH / rows, FEWEST_EPOCHS)), 1)


def run(frame: pd.DataFrame, setting: str) -> dict[str, Any]:
    """The held-out bound of one setting."""
    # Hundreds of compilations would otherwise fill the memory.
    jax.clear_caches()
    order = np.random.default_rng(1).permutation(len(frame))[:MOST_ROWS]
    aside = max(round(HELD_OUT * len(order)), 1)
    training, held_out = frame.iloc[order[aside:]], frame.iloc[order[:aside]]
    chosen = SETTINGS[setting](frame.shape[1], len(training))
    scores = isthmus.VAE(**chosen).fit(training).score_samples(held_out)
    # A value that no training row holds may be impossible under every setting alike.
    return {"bound": float(np.mean(scores[np.isfinite(scores)])), "rows": int(np.isfinite(scores).sum())}


def report(records: Records) -> tuple[str, dict[str, Any]]:
    """A line for each setting: its gain over the default, set by set, and the time that it takes."""
    found = {s: {row["set"]: row for row in records.where(method=s)} for s in SETTINGS}
    lines = []
    for setting, rows in found.items():
        shared = [name for name in rows if name in found[DEFAULT]]
        if setting == DEFAULT or len(shared) < 2:
            continue
        gains = np.array([rows[name]["bound"] - found[DEFAULT][name]["bound"] for name in shared])
        time = np.median([rows[name]["seconds"] / found[DEFAULT][name]["seconds"] for name in shared])
        p = wilcoxon(gains)[1] if gains.any() else 1.0
        better = f"{(gains > 0).sum()} of {len(shared)}"
        quartiles = np.quantile(gains, [0.25, 0.5, 0.75])
        lines.append([setting, better, *(f"{q:+.3f}" for q in quartiles), f"{p:.2g}", f"{time:.2f}"])
    header = ["setting", "better than the default on", "gain, nats: lower quartile", "median", "upper quartile"]
    text = table([*header, "p, two-sided Wilcoxon", "time over the default's"], lines)
    level = f"Replaced below p = {LEVEL / (len(SETTINGS) - 1):.3g}."
    return f"{versions_of(records.rows)}\n\n{text}\n\n{level}", found


if __name__ == "__main__":
    main()
