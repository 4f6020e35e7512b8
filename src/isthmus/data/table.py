"""A table of mixed columns with holes, in memory."""

from dataclasses import dataclass, replace
from typing import Any

import narwhals as nw
import numpy as np
import pyarrow as pa
import pyarrow.compute

from isthmus.data.dataset import DataError, Dataset


@dataclass(frozen=True)
class Column:
    """One column of a table.

    values: [row], float64 for numbers and dates (seconds since 1970), int64 for categories, numbered in their order;
        meaningless where not observed.
    observed: [row], False in the holes.
    categories: the names of the categories, sorted unless they are ordered; None for numbers.
    ordered: whether the categories have an order of their own.  temporal: whether the numbers are moments in time.
    """

    name: str
    values: np.ndarray
    observed: np.ndarray
    categories: tuple[str, ...] | None = None
    ordered: bool = False
    temporal: bool = False

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
        chosen = (replace(c, values=c.values[index], observed=c.observed[index]) for c in self.columns)
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


def table_from_frame(frame: Any) -> Table:
    """A table from a pandas or polars frame; its index is left out.

    Raises DataError where a name is repeated, or where a column mixes types.
    """
    names = [str(name) for name in frame.columns]
    repeated = {name for name in names if names.count(name) > 1}
    if repeated:
        raise DataError(f"X has two columns named {sorted(repeated)[0]!r}; give each column a name of its own")
    try:
        return table_from_arrow("X", nw.from_native(frame, eager_only=True).to_arrow())
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise DataError(f"a column of X mixes types: {error}; give each column one type") from None


def _column(name: str, column: pa.Array) -> Column:
    kind = column.type
    if pa.types.is_null(kind):
        return _number_column(name, np.full(len(column), np.nan))
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return _number_column(name, _float64(column))
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        # Null before the cast: a missing date would otherwise be cast to 1970.
        microseconds = _float64(column.cast(pa.timestamp("us"), safe=False).cast(pa.int64()))
        return replace(_number_column(name, microseconds / 1e6), temporal=True)
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_boolean(kind):
        return _category_column(name, column.cast(pa.string()).dictionary_encode())
    if pa.types.is_dictionary(kind):
        if kind.ordered:
            return _ordered_column(name, column)
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


def _ordered_column(name: str, column: pa.DictionaryArray) -> Column:
    categories = tuple(str(category) for category in column.dictionary.to_pylist())
    codes = np.asarray(pyarrow.compute.fill_null(column.indices, 0)).astype(np.int64)
    return Column(name, codes, np.asarray(column.is_valid()), categories, ordered=True)
