"""The schema of a table: what each column was taken for, and the numbers that carry its values to a model and back."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from isthmus.data.column_schema import MOST_LEVELS, ColumnSchema, inspect_column
from isthmus.data.dataset import DataError
from isthmus.data.kinds import KINDS, ColumnKind, infer_kind
from isthmus.data.likelihood_names import LIKELIHOODS
from isthmus.data.table import Column, Table

MOST_CATEGORIES = 1000
"""A column of more words than this is set aside: most of its categories were hardly ever seen."""


@dataclass(frozen=True)
class TableSchema:
    """The columns that a model takes, in order, and those that were set aside, each with the reason."""

    columns: tuple[ColumnSchema, ...]
    set_aside: tuple[tuple[str, str], ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    def encode(self, table: Table) -> tuple[np.ndarray, np.ndarray]:
        """(values, observed), [row, column] float32 and bool: the table's columns, found by name, in the model's units.

        A column that the table lacks is unobserved, with a warning; a column that the schema lacks is left out.
        Holes hold 0, a value that every kind can take. DataError, naming the column, where its type is another one.
        """
        given = {column.name: column for column in table.columns}
        self._warn_of_differences(table, given)
        values = np.zeros((table.row_count, len(self.columns)), np.float32)
        observed = np.zeros(values.shape, bool)
        for i, column in enumerate(self.columns):
            if column.name in given:
                values[:, i], observed[:, i] = column.encode(given[column.name])
        return values, observed

    def decode(self, values: np.ndarray, source: str = "model") -> Table:
        """A table without holes from values in the model's units, [row, column]."""
        return Table(source, tuple(column.decode(values[:, i]) for i, column in enumerate(self.columns)))

    def _warn_of_differences(self, table: Table, given: Mapping[str, Column]) -> None:
        missing = [name for name in self.names if name not in given]
        if len(missing) == len(self.names):
            raise DataError(
                f"{table.source} has none of the {len(self.names)} columns that the model was fitted to, the first of "
                f"which is {self.names[0]!r}; pass a table with columns of these names"
            )
        if missing:
            _warn(f"{table.source} lacks {_listed(missing)}: taken as unobserved in every row")
        known = {*self.names, *(name for name, _ in self.set_aside)}
        unknown = [name for name in given if name not in known]
        if unknown:
            _warn(f"{table.source} has {_listed(unknown)}, which the model was not fitted to: left out")


def choose_schema(table: Table, requested: Mapping[str, str] | None = None) -> TableSchema:
    """The schema of a training table: each column by inspection, or as `requested`, {name: kind or likelihood}.

    Set aside, with a warning, are identifiers, columns without any value, and words of more than 1,000 kinds.
    Raises DataError, naming the column, for a request that its values cannot meet, for a name that the table lacks,
    and where no column is left.
    """
    requested = {} if requested is None else requested
    names = {column.name for column in table.columns}
    for name, wish in requested.items():
        if name not in names:
            raise DataError(f"there is no column {name!r} in {table.source}; it has {_listed(sorted(names))}")
        if wish not in KINDS and wish not in LIKELIHOODS:
            raise DataError(
                f"column {name!r} cannot be {wish!r}; expected a kind ({', '.join(KINDS)}) or a likelihood "
                f"({', '.join(LIKELIHOODS)})"
            )
    columns: list[ColumnSchema] = []
    set_aside: list[tuple[str, str]] = []
    for column in table.columns:
        wish = requested.get(column.name)
        found = infer_kind(column) if column.observed.any() else None
        reason = _reason_against(column, found, wish)
        if reason is None and found is not None:
            columns.append(inspect_column(column, found, wish))
        elif reason is not None:
            set_aside.append((column.name, reason))
    for name, reason in set_aside:
        _warn(f"column {name!r} is set aside: {reason}")
    if not columns:
        raise DataError(f"{table.source} has no column to model; all of them were set aside")
    return TableSchema(tuple(columns), tuple(set_aside))


def _reason_against(column: Column, found: ColumnKind | None, wish: str | None) -> str | None:
    """Why a column cannot be modelled; None where it can."""
    if found is None:
        return "it holds no value"
    if wish == "identifier":
        return "it is an identifier, as requested"
    if wish is not None:
        return None
    if found.kind == "identifier":
        return f"it is an identifier ({found.reason})"
    seen = len(np.unique(column.values[column.observed])) if column.categories is not None else 0
    if seen > MOST_CATEGORIES and not column.ordered:
        return f"it holds {seen} different words, and {MOST_CATEGORIES} at most are told apart"
    if column.ordered and len(column.categories or ()) > MOST_LEVELS:
        return f"it has {len(column.categories or ())} ordered categories, and {MOST_LEVELS} at most are told apart"
    return None


def _listed(names: list[str]) -> str:
    shown = ", ".join(repr(name) for name in names[:5]) + (", ..." if len(names) > 5 else "")
    return f"column {shown}" if len(names) == 1 else f"the {len(names)} columns {shown}"


def _warn(message: str) -> None:
    warnings.warn(message, UserWarning, stacklevel=4)
