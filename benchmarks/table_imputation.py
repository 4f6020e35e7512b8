"""Mean squared error of imputed entries on six UCI tables with half of the entries missing, beside scikit-learn.

    python benchmarks/table_imputation.py [--sets SET ...] [--seeds N ...] [--methods METHOD ...] [--set NAME=VALUE ...]
    python benchmarks/table_imputation.py --report [--out FILE]

Columns are standardised by the complete table's means and standard deviations, as the literature does; then each entry
is hidden with probability one half, by chance alone. Every method learns from the table with holes and fills the same
holes; the error is that of the hidden entries. Methods have their defaults, isthmus.VAE or what --set says.
IterativeImputer is chained Bayesian ridge regression, ten rounds. Each run is written as it is done, and not repeated.

--inner chooses settings without a look at hidden entries: a fifth of those left are hidden as well, and the error is
theirs. The data are read from ../shared/data/uci_miwae; the tables' targets are not used.
"""

import argparse
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from records import DATA, Records, arguments_for, label, need, settings, table, versions_of, with_error
from sklearn.exceptions import ConvergenceWarning
from sklearn.experimental import enable_iterative_imputer  # noqa: F401 (IterativeImputer is hidden without)
from sklearn.impute import IterativeImputer, KNNImputer, SimpleImputer

import isthmus

MISSING, HELD_OUT = 0.5, 0.2
SETS: tuple[str, ...] = ("banknote", "breast_cancer", "concrete", "wine_red", "wine_white", "yeast")
PUBLISHED: dict[str, float] = dict(zip(SETS, (0.446, 0.280, 0.501, 0.643, 0.735, 0.964), strict=True))
"""Mean squared errors of MIWAE as published by Mattei and Frellsen 2019, at the same share of holes."""
IMPUTERS: dict[str, Callable[[int], Any]] = {
    "IterativeImputer": lambda seed: IterativeImputer(random_state=seed, max_iter=10),
    "KNNImputer": lambda seed: KNNImputer(n_neighbors=5),
    "KNNImputer, 10": lambda seed: KNNImputer(n_neighbors=10),
    "mean": lambda seed: SimpleImputer(),
}


def main() -> None:
    parser = arguments_for("table_imputation", __doc__ or "", SETS, 5, ["isthmus", *IMPUTERS])
    arguments = parser.parse_args()
    need(DATA / "uci_miwae", "six UCI tables, each an .npz of X")
    name = "table_imputation-inner" if arguments.inner else "table_imputation"
    records = Records(arguments.rows, name, ("isthmus", "jax", "numpy", "scikit-learn"))
    if not arguments.report:
        measure(arguments, records)
    text, summary = report(records, label(settings(arguments.set)), published=not arguments.inner)
    records.finish(text, summary, arguments.out)


def measure(arguments: argparse.Namespace, records: Records) -> None:
    """All runs that are asked for and not there yet: every set once before any set twice."""
    chosen = settings(arguments.set)
    for method in ["isthmus"] if arguments.inner else arguments.methods:
        written = label(chosen) if method == "isthmus" else method
        for seed in arguments.seeds:
            for name in arguments.sets:
                records.measure(
                    name,
                    seed,
                    written,
                    lambda name=name, seed=seed, method=method: run(name, seed, method, chosen, arguments.inner),
                )


def run(name: str, seed: int, method: str, chosen: dict[str, Any], inner: bool) -> dict[str, Any]:
    """The error of one method on the holes that the seed makes."""
    complete = standardised(name)
    generator = np.random.default_rng(seed)
    missing = generator.random(complete.shape) < MISSING
    judged = ~missing & (generator.random(complete.shape) < HELD_OUT) if inner else missing
    holes = np.where(missing | judged, np.nan, complete)
    filled = impute(holes, method, seed, chosen)
    if filled.shape != complete.shape or not np.isfinite(filled).all():
        raise ValueError(f"{method} left {np.sum(~np.isfinite(filled))} entries of {name} without a number")
    return {"mse": float(np.mean((filled - complete)[judged] ** 2)), "entries": int(judged.sum())}


def standardised(name: str) -> np.ndarray:
    with np.load(DATA / "uci_miwae" / f"{name}.npz") as archive:
        rows = archive["X"]
    return (rows - rows.mean(0)) / rows.std(0)


def impute(holes: np.ndarray, method: str, seed: int, chosen: dict[str, Any]) -> np.ndarray:
    with warnings.catch_warnings():
        # Ten rounds are what was asked for, whether or not they are enough.
        warnings.simplefilter("ignore", ConvergenceWarning)
        if method != "isthmus":
            return IMPUTERS[method](seed).fit_transform(holes)
        frame = pd.DataFrame(holes, columns=[f"x{i}" for i in range(holes.shape[1])])
        return isthmus.VAE(random_state=seed, **chosen).fit(frame).impute(frame).to_numpy(float)


def report(records: Records, ours: str, published: bool) -> tuple[str, dict[str, Any]]:
    """The tables of what is there, and their figures: errors, and differences on the same holes."""
    methods, sets = records.names("method", [ours, *IMPUTERS]), [name for name in SETS if records.where(set=name)]
    errors = {
        name: {m: {row["seed"]: row["mse"] for row in records.where(set=name, method=m)} for m in methods}
        for name in sets
    }
    header, note = ["set, mean squared error", *methods], ""
    lines = [[name, *(with_error(list(errors[name][m].values())) for m in methods)] for name in sets]
    if published:
        note = " The published figures come from another protocol, with other holes: they are not on equal terms."
        header.append("published MIWAE")
        lines = [[*line, f"{PUBLISHED[line[0]]:.3f}"] for line in lines]
    others = [method for method in methods if method != ours]
    differences = [[name, *(with_error(paired(errors[name], m, ours), sign="+") for m in others)] for name in sets]
    seeds = sorted({row["seed"] for row in records.rows})
    parts = [
        versions_of(records.rows),
        f"Mean over {len(seeds)} seeds ± its standard error.{note}",
        table(header, lines),
    ]
    if others and ours in methods:
        parts.append(f"Method minus {ours}, on the same holes, mean ± standard error; above zero, {ours} is better.")
        parts.append(table(["set, paired difference", *others], differences))
    return "\n\n".join(parts), errors


def paired(errors: dict[str, dict[int, float]], method: str, ours: str) -> list[float]:
    """By how much the method's error is larger, for each seed that both have."""
    mine, theirs = errors.get(ours, {}), errors[method]
    return [theirs[seed] - mine[seed] for seed in theirs if seed in mine]


if __name__ == "__main__":
    main()
