"""What holds the columns of a table together: their entropies, the information between pairs, and the tree of most.

No model is fitted. The tree's sum says, before any is, how far one could rise above independent columns.
"""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import minimum_spanning_tree

from isthmus.data import Column, ColumnKind, DataError, Table, infer_kind
from isthmus.data.kinds import TOLD_APART
from isthmus.information import Estimate, samples

MOST_ROWS = 20_000
FEWEST_ROWS = 20
"""A pair with fewer complete rows is left blank."""
ROW_STREAM = 3


@dataclass(frozen=True)
class PairInformation:
    """The mutual information of two columns, over the rows where both are observed; None where these are too few."""

    columns: tuple[str, str]
    rows: int
    information: Estimate | None


@dataclass(frozen=True)
class Dependence:
    """The columns of a table and what holds them together, in nats.

    rows: of the source; rows_used: of these, at random, where there are more than enough.
    kinds: what each column was taken for. Identifiers, and columns without any value, are set aside: they have a kind
        (None without values) and no further entry.
    entropies: one a column, discrete or differential by the column's kind; None where too few rows are observed.
    pairs: every two columns.  tree: the pairs of the Chow-Liu tree, which holds the most information a tree can.
    tree_information: the sum over the tree: a lower bound on the total correlation, up to the pairs' estimation error.
        Its standard error is the sum of the pairs', which no dependence between them can exceed.
    """

    source: str
    rows: int
    rows_used: int
    kinds: dict[str, ColumnKind | None]
    entropies: dict[str, Estimate | None]
    pairs: tuple[PairInformation, ...]
    tree: tuple[PairInformation, ...]
    tree_information: Estimate

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        return {
            "data": self.source,
            "rows": self.rows,
            "rows_used": self.rows_used,
            "kinds": {name: kind and asdict(kind) for name, kind in self.kinds.items()},
            "entropies": {name: entropy and entropy.to_dict() for name, entropy in self.entropies.items()},
            "mutual_information": [_pair_record(pair) for pair in self.pairs],
            "tree": {"edges": [list(pair.columns) for pair in self.tree], "total": self.tree_information.to_dict()},
        }


def measure_dependence(
    table: Table, *, most_rows: int = MOST_ROWS, seed: int = 0, on_pair: Callable[[int, int], None] | None = None
) -> Dependence:
    """The entropies of a table's columns, their pairwise mutual information, and their Chow-Liu tree.

    Each pair is measured on its complete rows; of more than `most_rows` rows, so many are drawn at random.
    on_pair: told of (pairs done, pairs in all). Raises DataError for a table of fewer than 20 rows or 2 columns.
    Chow and Liu 1968, Approximating discrete probability distributions with dependence trees.
    """
    if table.row_count < FEWEST_ROWS or len(table.columns) < 2:
        raise DataError(
            f"{table.source} has {table.row_count} rows and {len(table.columns)} columns; expected at least "
            f"{FEWEST_ROWS} rows and 2 columns to measure what holds them together"
        )
    used = table if table.row_count <= most_rows else table.rows(_some_rows(table.row_count, most_rows, seed))
    kinds = {column.name: infer_kind(column) if column.observed.any() else None for column in used.columns}
    variables = [_Variable(column, kind) for column in used.columns if (kind := _measurable(kinds[column.name]))]
    pairs = tuple(_all_pairs(variables, seed, on_pair))
    tree = _chow_liu_tree(tuple(variable.column.name for variable in variables), pairs)
    return Dependence(
        source=table.source,
        rows=table.row_count,
        rows_used=used.row_count,
        kinds=kinds,
        entropies={variable.column.name: _entropy(variable, seed) for variable in variables},
        pairs=pairs,
        tree=tree,
        tree_information=_total(tree),
    )


def _some_rows(rows: int, kept: int, seed: int) -> np.ndarray:
    return np.sort(np.random.default_rng([ROW_STREAM, seed]).choice(rows, kept, replace=False))


@dataclass(frozen=True)
class _Variable:
    column: Column
    kind: ColumnKind

    def values(self, rows: np.ndarray) -> np.ndarray:
        """The values in some rows, or their numbers in order where they are told apart rather than measured."""
        values = self.column.values[rows]
        return np.unique(values, return_inverse=True)[1] if self.kind.kind in TOLD_APART else values


def _measurable(kind: ColumnKind | None) -> ColumnKind | None:
    return None if kind is None or kind.kind == "identifier" else kind


def _entropy(variable: _Variable, seed: int) -> Estimate | None:
    column = variable.column
    if column.constant:
        return Estimate(0.0, "nats", "exact", 0.0, measure="counting")
    seen = variable.values(column.observed)
    whole = seen.astype(np.int64) if (seen == np.round(seen)).all() else seen
    return samples.entropy(whole, seed=seed) if len(seen) >= FEWEST_ROWS else None


def _all_pairs(
    variables: list[_Variable], seed: int, on_pair: Callable[[int, int], None] | None
) -> Iterator[PairInformation]:
    couples = list(combinations(variables, 2))
    for done, (one, other) in enumerate(couples, start=1):
        yield _pair(one, other, seed)
        if on_pair is not None:
            on_pair(done, len(couples))


def _pair(one: _Variable, other: _Variable, seed: int) -> PairInformation:
    complete = one.column.observed & other.column.observed
    rows, names = int(complete.sum()), (one.column.name, other.column.name)
    if rows < FEWEST_ROWS:
        return PairInformation(names, rows, None)
    if one.column.constant or other.column.constant:
        return PairInformation(names, rows, Estimate(0.0, "nats", "exact", 0.0))
    return PairInformation(
        names, rows, samples.mutual_information(one.values(complete), other.values(complete), seed=seed)
    )


def _chow_liu_tree(names: tuple[str, ...], pairs: tuple[PairInformation, ...]) -> tuple[PairInformation, ...]:
    """The spanning tree (or forest, where pairs are blank) of most information."""
    known = [pair for pair in pairs if pair.information is not None]
    place = {name: i for i, name in enumerate(names)}
    rows, columns = ([place[pair.columns[side]] for pair in known] for side in (0, 1))
    # Heavier is shorter; a length of 0 would be no edge at all.
    lengths = [1e6 - max(float(pair.information), 0.0) for pair in known]  # type: ignore[arg-type]
    found = minimum_spanning_tree(csr_array((lengths, (rows, columns)), shape=(len(names), len(names)))).tocoo()
    edges = {(names[i], names[j]) for i, j in zip(*found.coords, strict=True)}
    tree = [pair for pair in known if pair.columns in edges]
    return tuple(sorted(tree, key=lambda pair: -float(pair.information)))  # type: ignore[arg-type]


def _total(tree: tuple[PairInformation, ...]) -> Estimate:
    informations = [pair.information for pair in tree if pair.information is not None]
    value = sum(max(float(information), 0.0) for information in informations)
    errors = [float(np.asarray(information.stderr or 0.0)) for information in informations]
    return Estimate(value, "nats", "lower", sum(errors))


def _pair_record(pair: PairInformation) -> dict[str, Any]:
    estimate = None if pair.information is None else pair.information.to_dict()
    return {"columns": list(pair.columns), "rows": pair.rows, "information": estimate}
