"""A table of mixed columns with holes, in memory."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute

from isthmus.data.dataset import DataError, Dataset

FEW_VALUES = 20
"""Whole numbers that take no more distinct values than this are grades or counts to be told apart, not a scale."""


@dataclass(frozen=True)
class Column:
    """One column of a table.

    values: [row], float64 for numbers and dates (seconds since 1970), int64 for categories, numbered in order of their
        names; meaningless where not observed.
    observed: [row], False in the holes.
    categories: the names of the categories; None for numbers.
    """

    name: str
    values: np.ndarray
    observed: np.ndarray
    categories: tuple[str, ...] | None = None

    @property
    def discrete(self) -> bool:
        """Whether its values are told apart rather than measured: categories, and whole numbers of few values."""
        seen = self.values[self.observed]
        if self.categories is not None or not len(seen):
            return True
        return bool((seen == np.round(seen)).all()) and len(np.unique(seen)) <= FEW_VALUES

    @property
    def constant(self) -> bool:
        """Whether no two observed values differ."""
        seen = self.values[self.observed]
        return not len(seen) or bool((seen == seen[0]).all())


@dataclass(frozen=True)
class Table:
    """Columns of equal length, and where they come from."""

    source: str
    columns: tuple[Column, ...]

    @property
    def row_count(self) -> int:
        return len(self.columns[0].values)

    def rows(self, index: np.ndarray) -> "Table":
        """The same table with these rows only."""
        chosen = (Column(c.name, c.values[index], c.observed[index], c.categories) for c in self.columns)
        return Table(self.source, tuple(chosen))


def table_from_dataset(data: Dataset) -> Table:
    """A table of numbers; NaN is a hole. DataError, naming the column, for infinity."""
    values = np.asarray(data.values, np.float64)
    return Table(data.source, tuple(_number_column(name, values[:, i]) for i, name in enumerate(data.names)))


def table_from_arrow(source: str, table: pa.Table) -> Table:
    """A table from Arrow columns: numbers, dates, and words or truth values as categories; null and NaN are holes.

    Raises DataError, naming the column, for columns of any other type.
    """
    pairs = zip(table.column_names, table.itercolumns(), strict=True)
    return Table(source, tuple(_column(name, column.combine_chunks()) for name, column in pairs))


def _column(name: str, column: pa.Array) -> Column:
    kind = column.type
    if pa.types.is_null(kind):
        return _number_column(name, np.full(len(column), np.nan))
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return _number_column(name, _float64(column))
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        # Null before the cast: a missing date would otherwise be cast to 1970.
        microseconds = _float64(column.cast(pa.timestamp("us"), safe=False).cast(pa.int64()))
        return _number_column(name, microseconds / 1e6)
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_boolean(kind):
        return _category_column(name, column.cast(pa.string()).dictionary_encode())
    if pa.types.is_dictionary(kind):
        return _category_column(name, column.cast(pa.string()).dictionary_encode())
    raise DataError(f"column {name!r} holds {kind} values; expected numbers, dates or words: drop it or convert it")


def _float64(column: pa.Array) -> np.ndarray:
    return column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)


def _number_column(name: str, values: np.ndarray) -> Column:
    observed = ~np.isnan(values)
    if np.isinf(values).any():
        row = int(np.argmax(np.isinf(values)))
        raise DataError(f"column {name!r} contains infinity (first in row {row}); expected finite numbers or holes")
    return Column(name, np.where(observed, values, 0.0), observed)


def _category_column(name: str, column: pa.DictionaryArray) -> Column:
    names = [str(category) for category in column.dictionary.to_pylist()]
    # Numbered by name, not by first appearance: the same table in another order has the same numbers.
    rank = np.argsort(np.argsort(names)) if names else np.zeros(1, np.int64)
    observed = np.asarray(column.is_valid())
    codes = np.asarray(pyarrow.compute.fill_null(column.indices, 0)).astype(np.int64)
    return Column(name, rank[codes].astype(np.int64), observed, tuple(sorted(names)))
