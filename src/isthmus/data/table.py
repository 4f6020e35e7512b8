"""A table of mixed columns with holes, in memory."""

import numbers
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import narwhals as nw
import numpy as np
import pyarrow as pa
import pyarrow.compute

from isthmus.data.dataset import DataError, Dataset, from_array, require_distinct
from isthmus.data.moments import is_moment, is_span, to_seconds
from isthmus.data.room import require_columns


@dataclass(frozen=True)
class Column:
    """One column of a table.

    values: [row], float64 for numbers, dates (seconds since 1970), times of day and durations (seconds); int64 for
        categories, numbered in their order; meaningless where not observed.
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

    def plain(self) -> np.ndarray:
        """The values as NumPy has them: numbers, or an array of words."""
        if self.categories is None:
            return self.values
        return np.array(self.categories, dtype=object)[self.values]

    def as_text(self) -> list[str]:
        """Each value as it is read, six digits of a number; an empty text for a hole."""
        if self.categories is not None:
            shown = [self.categories[int(code)] if 0 <= code < len(self.categories) else "" for code in self.values]
        elif self.temporal:
            shown = [str(np.datetime64(0, "s") + np.timedelta64(round(value), "s")) for value in self.values]
        else:
            shown = [f"{value:.6g}" for value in self.values]
        return [text if seen else "" for text, seen in zip(shown, self.observed, strict=True)]


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
    require_columns(data.source, len(data.names))
    values = np.asarray(data.values, np.float64)
    rows = data.first_row + np.arange(len(values))
    columns = (_number_column(data.source, name, values[:, i], rows) for i, name in enumerate(data.names))
    return Table(data.source, tuple(columns))


def table_from_array(values: np.ndarray, names: tuple[str, ...]) -> Table:
    """A table from [row, column] numbers; NaN is a hole. DataError for another shape, words, or infinity."""
    data = from_array("X", np.asarray(values))
    if len(names) != data.values.shape[1]:
        raise DataError(f"X has {data.values.shape[1]} columns and {len(names)} names; expected a name for each column")
    return table_from_dataset(replace(data, names=tuple(names)))


def table_from_arrow(source: str, table: pa.Table, rows: np.ndarray | None = None) -> Table:
    """A table from Arrow columns: numbers, dates, and words or truth values as categories; null and NaN are holes.

    Times of day and durations are numbers, in seconds. rows: their numbers in the source, by which messages call them;
    None where the table is all of it. Raises DataError, naming the column, for infinity and for columns of any other
    type.
    """
    pairs = zip(table.column_names, table.itercolumns(), strict=True)
    columns = (column_from_arrow(source, name, column.combine_chunks(), rows) for name, column in pairs)
    return Table(source, tuple(columns))


def table_from_frame(frame: Any) -> Table:
    """A table from a pandas or polars frame; its index is left out, labels of columns are taken as text.

    Raises DataError where the frame has no rows or columns, where a name is repeated, and, naming the column, where one
    mixes types or holds what `table_from_arrow` refuses.
    """
    if 0 in frame.shape:
        raise DataError(f"X has shape {tuple(frame.shape)}; expected at least one row and one column")
    require_distinct("X", [str(name) for name in frame.columns])
    columns = nw.from_native(frame, eager_only=True).iter_columns()
    return Table("X", tuple(column_from_arrow("X", str(c.name), series_to_arrow(c)) for c in columns))


def series_to_arrow(series: nw.Series) -> pa.Array:
    """A column of a frame as an Arrow array. DataError, naming it, where its values have no type in common."""
    if isinstance(series.dtype, nw.Object):
        _require_one_type(series)
    try:
        array = series.to_arrow()
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
        raise DataError(
            f"column {str(series.name)!r} of X mixes types, or holds what no table can: {error}; give it one type"
        ) from None
    array = array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
    if pa.types.is_dictionary(array.type) and not is_text(array.type.value_type):
        # The categories of pandas may be anything, intervals for one; only their names count here.
        texts = pa.array([str(category) for category in series.to_native().cat.categories], pa.string())
        return pa.DictionaryArray.from_arrays(array.indices, texts, ordered=array.type.ordered)
    return array


def _require_one_type(series: nw.Series) -> None:
    """DataError, naming the column, where Arrow would make one type of several, a date of a number for one."""
    families = sorted({_family(value) for value in series.drop_nulls().to_list()})
    if len(families) > 1:
        what = " and ".join(families)
        raise DataError(f"column {str(series.name)!r} of X mixes types, {what}; give it one type")


def _family(value: object) -> str:
    if isinstance(value, bool | np.bool):
        return "truth value"
    if isinstance(value, numbers.Real | Decimal):
        return "number"
    return "datetime" if isinstance(value, datetime) else type(value).__name__


def column_from_arrow(source: str, name: str, column: pa.Array, rows: np.ndarray | None = None) -> Column:
    """What `table_from_arrow` does to one column."""
    kind = column.type
    require_known_type(source, name, kind)
    if pa.types.is_null(kind):
        return _number_column(source, name, np.full(len(column), np.nan))
    if _is_number(kind):
        return _number_column(source, name, _float64(column), rows)
    if is_moment(kind) or is_span(kind):
        return replace(_number_column(source, name, to_seconds(column), rows), temporal=is_moment(kind))
    if pa.types.is_dictionary(kind):
        return _ordered_column(name, column) if kind.ordered else _category_column(name, column)
    return _category_column(name, column.cast(pa.string()).dictionary_encode())


def require_known_type(source: str, name: str, kind: pa.DataType) -> None:
    """DataError, naming the column, for a type that no column of a table has."""
    words = is_text(kind) or pa.types.is_boolean(kind) or pa.types.is_dictionary(kind)
    if not (words or pa.types.is_null(kind) or _is_number(kind) or is_moment(kind) or is_span(kind)):
        raise DataError(
            f"column {name!r} of {source} holds {kind} values; expected numbers, dates or words: drop it or convert it"
        )


def _is_number(kind: pa.DataType) -> bool:
    return pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)


def is_text(kind: pa.DataType) -> bool:
    """Whether values of this type are words."""
    return pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)


def _float64(column: pa.Array) -> np.ndarray:
    return column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)


def _number_column(source: str, name: str, values: np.ndarray, rows: np.ndarray | None = None) -> Column:
    observed = ~np.isnan(values)
    if np.isinf(values).any():
        place = int(np.argmax(np.isinf(values)))
        row = place if rows is None else int(rows[place])
        raise DataError(
            f"column {name!r} of {source} contains infinity (first in row {row}); expected finite numbers or holes"
        )
    return Column(name, np.where(observed, values, 0.0), observed)


def _category_column(name: str, column: pa.DictionaryArray) -> Column:
    texts = [str(category) for category in column.dictionary.to_pylist()]
    observed, codes = _codes(column)
    # Numbered by name, not by first appearance: the same table in another order has the same numbers.
    categories = sorted({texts[code] for code in np.unique(codes[observed])})
    ranked = {category: rank for rank, category in enumerate(categories)}
    ranks = np.array([ranked.get(text, 0) for text in texts] or [0], np.int64)
    return Column(name, ranks[codes], observed, tuple(categories))


def _ordered_column(name: str, column: pa.DictionaryArray) -> Column:
    observed, codes = _codes(column)
    categories = tuple(str(category) for category in column.dictionary.to_pylist())
    return Column(name, codes, observed, categories, ordered=True)


def _codes(column: pa.DictionaryArray) -> tuple[np.ndarray, np.ndarray]:
    """Which rows are observed, and the number of each row's category in the dictionary, 0 in the holes."""
    return np.asarray(column.is_valid()), np.asarray(pyarrow.compute.fill_null(column.indices, 0)).astype(np.int64)
