"""Held-out log-likelihood of mixed tables with holes, above that of independent columns.

    python benchmarks/table_likelihoods.py [--seed N] [--out FILE]

Adult, Wine and Breast as the HI-VAE paper has them, complete, and with 20 % and 50 % of the entries missing by its
masks.
A fifth of the rows (2,000 at most) is held out; isthmus.VAE has its defaults. The gain is the bound on log p of what
was observed of a held-out row, less its log p under independent columns, row by row. The data are read from
../shared/data/hivae.
"""

import argparse
import json
import warnings
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
from mixed_imputation import SETS, SHARES, frame_of, read
from records import DATA, need, table

import isthmus

HELD_OUT, MOST_HELD_OUT = 0.2, 2000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    need(DATA / "hivae", "the tables of the HI-VAE paper")
    warnings.simplefilter("ignore")
    rows = [measured(name, share, arguments.seed) for name in SETS for share in (0, 20, 50)]
    head = [
        "set",
        "missing",
        "held-out rows",
        "independent columns",
        "isthmus, at least",
        "gain",
        "± sampling",
        "± rows",
    ]
    print(", ".join(f"{name} {version(name)}" for name in ("isthmus", "jax", "numpy")) + "; nats per row\n")
    print(table(head, [[*map(str, row.values())] for row in rows]))
    if arguments.out is not None:
        arguments.out.write_text(json.dumps(rows, indent=2) + "\n")


def measured(name: str, share: int, seed: int) -> dict[str, str]:
    """The gain on one table."""
    frame = frame_with_holes(name, share)
    order = np.random.default_rng(seed).permutation(len(frame))
    kept = min(round(HELD_OUT * len(frame)), MOST_HELD_OUT)
    training, test = frame.iloc[order[kept:]], frame.iloc[order[:kept]]
    ledger = isthmus.VAE(random_state=seed).fit(training).ledger(test)
    gain, bound = ledger.gain, ledger["log_likelihood_lower"]
    assert gain is not None
    assert bound is not None
    return {
        "set": name,
        "missing": f"{share} %",
        "rows": str(kept),
        "independent": f"{float(ledger['log_likelihood_independent']):.3f}",  # type: ignore[arg-type]
        "bound": f"{float(bound):.3f}",
        "gain": f"{float(gain):.3f}",
        "sampling": f"{gain.stderr:.2g}",
        "over rows": f"{gain.stderr_rows:.2g}",
    }


def frame_with_holes(name: str, share: int) -> pd.DataFrame:
    """The table, with the holes of the mask of that share; without it, only those of its own file."""
    complete, hidden = read(name, share or min(SHARES))
    values = np.where(hidden, np.nan, complete.values) if share else complete.values
    return frame_of(replace(complete, values=values))


if __name__ == "__main__":
    main()
