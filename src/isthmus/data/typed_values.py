"""The values of a filled column in the type of the array whose holes they fill."""

from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import pyarrow as pa

from isthmus.data.dataset import DataError
from isthmus.data.moments import LARGEST_GRAIN, from_microseconds, grain, is_moment, is_span, to_microseconds
from isthmus.data.table import Column, Table


def holes_to_fill(seen: Column, filled: Column) -> np.ndarray:
    """[row], whether it is a hole and has a value now.

    DataError, naming the column, where only one of the two has categories, or where a value is not finite.
    """
    if (seen.categories is None) != (filled.categories is None) and seen.observed.any():
        what = "numbers" if seen.categories is None else "categories"
        raise DataError(f"column {seen.name!r} holds {what}, and what should fill it does not; fill it with {what}")
    fill = ~seen.observed & filled.observed
    if not np.isfinite(filled.values[fill]).all():
        raise DataError(f"column {seen.name!r} would be filled with NaN or infinity; fill it with finite values")
    return fill


def columns_by_name(source: object, seen: Table, filled: Table) -> dict[str, Column]:
    """The filled columns; DataError where they cannot belong to what was seen of `source`."""
    if filled.columns and filled.row_count != seen.row_count:
        raise DataError(
            f"{source} has {seen.row_count} rows and what should fill it has {filled.row_count}; "
            "fill the table that was read from it, in its order"
        )
    unknown = {column.name for column in filled.columns} - {column.name for column in seen.columns}
    if unknown:
        raise DataError(f"{source} has no column {sorted(unknown)[0]!r} to fill; fill the table that was read from it")
    return {column.name: column for column in filled.columns}


@dataclass(frozen=True)
class Writing:
    """How the observed values of a column are written: whether all are whole, and the coarsest of day, hour, minute,
    second and its decimals, in microseconds, that divides them all.

    seen: whether there are any.
    """

    seen: bool = False
    whole: bool = True
    grain: int = LARGEST_GRAIN

    def with_more(self, column: Column) -> "Writing":
        """That of these values and of further ones."""
        known = column.values[column.observed]
        if not len(known) or column.categories is not None:
            return self
        return Writing(True, self.whole and bool((known == np.round(known)).all()), min(self.grain, grain(known)))


def whole(column: Column) -> bool:
    """Whether there are observed values and all are whole numbers."""
    known = column.values[column.observed]
    return bool(len(known) and (known == np.round(known)).all())


def typed_values(
    kind: pa.DataType, seen: Column, filled: Column, rows: np.ndarray, writing: Writing | None = None
) -> pa.Array:
    """The filled values of some rows as a plain Arrow array of this type.

    Numbers are whole where all that were observed are, and moments as coarse as those observed; writing: those of more
    rows than were seen here.
    """
    values = filled.values[rows]
    if filled.categories is not None:
        names = [filled.categories[int(code)] for code in values]
        return pa.array([name == "true" for name in names]) if pa.types.is_boolean(kind) else pa.array(names, kind)
    if is_moment(kind) or is_span(kind):
        size = grain(seen.values[seen.observed]) if writing is None else writing.grain
        return from_microseconds(to_microseconds(values, size), kind)
    rounded = whole(seen) if writing is None else writing.seen and writing.whole
    values = np.round(values) if rounded else values
    if pa.types.is_integer(kind):
        bounds = np.iinfo(kind.to_pandas_dtype())
        return pa.array([min(max(int(value), bounds.min), bounds.max) for value in np.round(values)], kind)
    if pa.types.is_decimal(kind):
        return pa.array([Decimal(f"{value:.{kind.scale}f}") for value in values], kind)
    return pa.array(values).cast(kind)


def with_holes_filled(column: pa.Array, seen: Column, filled: Column, writing: Writing | None = None) -> pa.Array:
    """An Arrow array of which `seen` was made, with its holes filled and everything else as it was."""
    fill = holes_to_fill(seen, filled)
    # A column of Arrow's null type has no type to fill it with.
    if not fill.any() or pa.types.is_null(column.type):
        return column
    if not pa.types.is_dictionary(column.type):
        values = typed_values(column.type, seen, filled, fill, writing)
        return _replaced(column, fill, values)
    places = {str(category): place for place, category in enumerate(column.dictionary.to_pylist())}
    codes = [places[filled.categories[int(code)]] for code in filled.values[fill]] if filled.categories else []
    indices = _replaced(column.indices, fill, pa.array(codes, column.indices.type))
    return pa.DictionaryArray.from_arrays(indices, column.dictionary, ordered=column.type.ordered)


def _replaced(column: pa.Array, fill: np.ndarray, values: pa.Array) -> pa.Array:
    # By places, because replace_with_mask does not know every type.
    places = np.arange(len(column))
    places[fill] = len(column) + np.arange(len(values))
    return pa.concat_arrays([column, values]).take(pa.array(places))
