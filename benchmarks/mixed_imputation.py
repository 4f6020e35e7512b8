"""Errors of imputed entries on the mixed tables of the HI-VAE paper, with its own masks, beside simple imputers.

    python benchmarks/mixed_imputation.py [--sets SET ...] [--shares 20 50] [--seeds N ...] [--methods METHOD ...]
        [--set NAME=VALUE ...]
    python benchmarks/mixed_imputation.py --report [--out FILE]

Adult, Breast and Wine, with 20 and 50 % of the entries hidden (the first of the paper's ten masks). Every method learns
from the table with holes and fills the same holes. Errors are the paper's, of the hidden entries of each column: root
mean squared error over the column's range for numbers (real, pos, count); share of wrong categories (cat); mean
displacement over the number of classes (ordinal). Entries that the table itself lacks are holes, and are not judged.

isthmus.VAE has its defaults, or what --set says. Its peers are the mean or mode of the column (the median class of an
ordinal one), and scikit-learn's IterativeImputer, ten rounds of chained Bayesian ridge regression, twice: on the codes
of categories, rounded ("codes"), and on indicators of all categories but the first, the likeliest one taken
("indicators"); ordinal columns are codes in both. The peers do not depend on the seed and run once. Each run is written
as it is done, and is not repeated.

--inner chooses settings without a look at hidden entries: a fifth of those left are hidden as well, and the error is
theirs. The data are read from ../shared/data/hivae.
"""

import argparse
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from records import DATA, Records, arguments_for, label, need, settings, table, versions_of, with_error
from sklearn.exceptions import ConvergenceWarning
from sklearn.experimental import enable_iterative_imputer  # noqa: F401 (IterativeImputer is hidden without)
from sklearn.impute import IterativeImputer

import isthmus

SETS, SHARES, HELD_OUT = ("Adult", "Breast", "Wine"), (20, 50), 0.2
PEERS = ("mean or mode", "IterativeImputer, codes", "IterativeImputer, indicators")
ERRORS = {
    "real": "error over range",
    "pos": "error over range",
    "count": "error over range",
    "cat": "wrong",
    "ordinal": "displacement",
}


@dataclass(frozen=True)
class MixedTable:
    """values: [row, column], numbers, and codes from 1 for categories; NaN where the table lacks an entry."""

    values: np.ndarray
    kinds: tuple[str, ...]
    classes: tuple[int, ...]
    """The number of classes, 0 for numbers."""


def main() -> None:
    parser = arguments_for("mixed_imputation", __doc__ or "", SETS, 3, ["isthmus", *PEERS])
    parser.add_argument("--shares", nargs="+", type=int, choices=SHARES, default=SHARES, help="per cent hidden")
    arguments = parser.parse_args()
    need(DATA / "hivae", "the mixed tables of the HI-VAE paper")
    name = "mixed_imputation-inner" if arguments.inner else "mixed_imputation"
    records = Records(arguments.rows, name, ("isthmus", "jax", "numpy", "pandas", "scikit-learn"))
    if not arguments.report:
        measure(arguments, records)
    text, summary = report(records, label(settings(arguments.set)))
    records.finish(text, summary, arguments.out)


def measure(arguments: argparse.Namespace, records: Records) -> None:
    """All runs that are asked for and not there yet."""
    chosen = settings(arguments.set)
    for method in ["isthmus"] if arguments.inner else arguments.methods:
        written = label(chosen) if method == "isthmus" else method
        for seed in arguments.seeds if method == "isthmus" else [0]:
            for share in arguments.shares:
                for name in arguments.sets:
                    records.measure(
                        f"{name}, {share} %",
                        seed,
                        written,
                        lambda name=name, share=share, seed=seed, method=method: run(
                            name, share, seed, method, chosen, arguments.inner
                        ),
                    )


def run(name: str, share: int, seed: int, method: str, chosen: dict[str, Any], inner: bool) -> dict[str, Any]:
    """The error of each column."""
    complete, hidden = read(name, share)
    judged = hidden
    if inner:
        judged = ~hidden & (np.random.default_rng(seed).random(hidden.shape) < HELD_OUT)
    holes = np.where(hidden | judged, np.nan, complete.values)
    filled = impute(MixedTable(holes, complete.kinds, complete.classes), method, seed, chosen)
    if not np.isfinite(filled).all():
        raise ValueError(f"{method} left {np.sum(~np.isfinite(filled))} entries of {name} empty")
    return {"kinds": complete.kinds, "errors": errors(complete, judged, filled)}


def read(name: str, share: int) -> tuple[MixedTable, np.ndarray]:
    """The table and which of its entries are hidden."""
    directory = DATA / "hivae" / name
    values = pd.read_csv(directory / "data.csv.gz", header=None).to_numpy(float)
    types = pd.read_csv(directory / "data_types.csv")
    hidden = np.zeros(values.shape, bool)
    places = pd.read_csv(directory / f"Missing{share}_1.csv.gz", header=None).to_numpy() - 1
    hidden[places[:, 0], places[:, 1]] = True
    classes = types["nclass"].fillna(0).astype(int)
    return MixedTable(values, tuple(types["type"]), tuple(classes)), hidden


def errors(complete: MixedTable, judged: np.ndarray, filled: np.ndarray) -> list[float]:
    found = []
    for i, (kind, classes) in enumerate(zip(complete.kinds, complete.classes, strict=True)):
        column = complete.values[:, i]
        here = judged[:, i] & ~np.isnan(column)
        difference = filled[here, i] - column[here]
        if kind == "cat":
            found.append(float(np.mean(difference != 0)))
        elif kind == "ordinal":
            found.append(float(np.mean(np.abs(difference)) / classes))
        else:
            found.append(float(np.sqrt(np.mean(difference**2)) / np.ptp(column[~np.isnan(column)])))
    return found


def impute(holes: MixedTable, method: str, seed: int, chosen: dict[str, Any]) -> np.ndarray:
    """The values, filled."""
    if method == "isthmus":
        frame = frame_of(holes)
        return values_of(isthmus.VAE(random_state=seed, **chosen).fit(frame).impute(frame), holes)
    if method == "mean or mode":
        return np.where(np.isnan(holes.values), centres(holes), holes.values)
    return chained(holes, indicators=method.endswith("indicators"))


def frame_of(holes: MixedTable) -> pd.DataFrame:
    """The table as a user would have it: categories are words, with an order or without."""
    columns: dict[str, Any] = {}
    for i, (kind, classes) in enumerate(zip(holes.kinds, holes.classes, strict=True)):
        column = holes.values[:, i]
        if classes:
            codes = np.where(np.isnan(column), 0, column).astype(int) - 1
            names = [f"class {code:02d}" for code in range(1, classes + 1)]
            column = pd.Categorical.from_codes(codes.tolist(), categories=names, ordered=kind == "ordinal")
        columns[f"x{i}"] = column
    return pd.DataFrame(columns)


def values_of(frame: pd.DataFrame, holes: MixedTable) -> np.ndarray:
    """Back from `frame_of`."""
    columns = []
    for i, classes in enumerate(holes.classes):
        column = frame[f"x{i}"]
        columns.append(column.str.removeprefix("class ").astype(float) if classes else column.astype(float))
    return np.stack([column.to_numpy(float) for column in columns], axis=1)


def centres(holes: MixedTable) -> np.ndarray:
    """The mean of numbers, the mode of categories, the median class of ordered ones."""
    found = []
    for i, kind in enumerate(holes.kinds):
        seen = holes.values[~np.isnan(holes.values[:, i]), i]
        if kind == "cat":
            found.append(float(np.bincount(seen.astype(int)).argmax()))
        else:
            found.append(float(np.median(seen).round() if kind == "ordinal" else seen.mean()))
    return np.array(found)


def chained(holes: MixedTable, indicators: bool) -> np.ndarray:
    """Chained regression of all columns on all others, standardised by what is seen of them."""
    spread = [indicators and kind == "cat" for kind in holes.kinds]
    columns = zip(holes.values.T, holes.classes, spread, strict=True)
    parts = [spread_out(column, classes) if apart else column[:, None] for column, classes, apart in columns]
    joined = np.concatenate(parts, axis=1)
    mean, deviation = np.nanmean(joined, 0), np.nanstd(joined, 0)
    deviation = np.where(deviation > 0, deviation, 1.0)
    imputer = IterativeImputer(random_state=0, max_iter=10)
    with warnings.catch_warnings():
        # Ten rounds are what was asked for, whether or not they are enough.
        warnings.simplefilter("ignore", ConvergenceWarning)
        filled = imputer.fit_transform((joined - mean) / deviation) * deviation + mean
    pieces = np.split(filled, np.cumsum([part.shape[1] for part in parts])[:-1], axis=1)
    chosen = [gathered(*one) for one in zip(pieces, holes.classes, spread, strict=True)]
    return np.where(np.isnan(holes.values), np.stack(chosen, axis=1), holes.values)


def spread_out(column: np.ndarray, classes: int) -> np.ndarray:
    """An indicator of each class but the first.

    With one for each, the others would tell it exactly, and the chain would never leave the means that it starts from.
    """
    indicators = (column[:, None] == np.arange(2, classes + 1)).astype(float)
    return np.where(np.isnan(column)[:, None], np.nan, indicators)


def gathered(piece: np.ndarray, classes: int, apart: bool) -> np.ndarray:
    """The class of the largest indicator, or the nearest class, or the number."""
    if apart:
        first = 1 - piece.sum(1, keepdims=True)
        return np.concatenate([first, piece], axis=1).argmax(1) + 1.0
    return np.clip(piece[:, 0].round(), 1, classes) if classes else piece[:, 0]


def report(records: Records, ours: str) -> tuple[str, list[dict[str, Any]]]:
    """A line for each table and type of column, the mean over its columns, and a line for all columns."""
    methods = records.names("method", [ours, *PEERS])
    summary = []
    for name in (f"{name}, {share} %" for name in SETS for share in SHARES):
        rows = records.where(set=name)
        kinds = rows[0]["kinds"] if rows else []
        for kind in [*dict.fromkeys(kinds), *(["all"] if rows else [])]:
            chosen = [i for i, one in enumerate(kinds) if kind in (one, "all")]
            means = {
                method: [float(np.mean([row["errors"][i] for i in chosen])) for row in rows if row["method"] == method]
                for method in methods
            }
            summary.append({"set": name, "type": kind, "columns": len(chosen), "errors": means})
    lines = [
        [
            one["set"],
            f"{one['type']}, {ERRORS.get(one['type'], 'mean of these')}",
            str(one["columns"]),
            *(with_error(one["errors"][method], digits=4) for method in methods),
        ]
        for one in summary
    ]
    header = ["set, hidden", "columns' type, error", "columns", *methods]
    text = "Mean over columns, and over seeds ± its standard error where there are several.\n\n" + table(header, lines)
    return versions_of(records.rows) + "\n\n" + text, summary


if __name__ == "__main__":
    main()
