"""The same file or frame with only its holes changed."""

import io
from pathlib import Path
from typing import Any

import narwhals as nw
import numpy as np
import pyarrow as pa
import pyarrow.parquet

from isthmus.data.arrays import read_numpy
from isthmus.data.arrow import read_whole_parquet
from isthmus.data.csv_filling import fill_csv
from isthmus.data.dataset import DataError
from isthmus.data.table import (
    Column,
    Table,
    column_from_arrow,
    series_to_arrow,
    table_from_dataset,
    table_from_frame,
)
from isthmus.data.typed_values import columns_by_name, holes_to_fill, typed_values, whole, with_holes_filled
from isthmus.storage import write_atomically

FILLED_ENDINGS = (".csv", ".tsv", ".parquet", ".npy")


def fill_frame(frame: Any, filled: Table) -> Any:
    """The pandas or polars frame with its holes filled; its index, labels, types and observed cells are as they were.

    filled: the columns of `table_from_frame(frame)`, by name, or some of them, with a value for every row where
    observed; a hole for which it has none stays one. Numbers are whole where all that were observed are, and moments as
    coarse as those. Raises DataError where the rows or the names are not those of the frame.
    """
    columns = columns_by_name("X", table_from_frame(frame), filled)
    wrapped = nw.from_native(frame, eager_only=True)
    return wrapped.with_columns(
        *(
            _filled_series(series, columns[str(series.name)])
            for series in wrapped.iter_columns()
            if str(series.name) in columns
        )
    ).to_native()


def fill_file(source: Path, output: Path, filled: Table) -> None:
    """Write `source`, a .csv, .tsv, .parquet or .npy file, to `output` with its holes filled, atomically.

    filled: the columns of `read_table(source)`, by name, or some of them, as in `fill_frame`. Of a CSV file every byte
    outside the holes is kept, and values are spelled as the column spells them (`csv_filling`); of a Parquet file the
    schema and its metadata, the index of pandas included; of an .npy file shape and type.

    Raises DataError where the ending of `source` is another or not that of `output`, where the directory of `output`
    is absent, and where the rows or the names of `filled` are not those of the file.
    """
    ending = source.suffix.lower()
    if ending not in FILLED_ENDINGS or output.suffix.lower() != ending:
        raise DataError(
            f"{source} cannot be filled into {output}; expected the same ending of both, one of "
            f"{', '.join(FILLED_ENDINGS)}"
        )
    if not output.parent.is_dir():
        raise DataError(f"{output} cannot be written: there is no directory {output.parent}")
    fill = {".parquet": _fill_parquet, ".npy": _fill_array}.get(ending, fill_csv)
    write_atomically(output, fill(source, filled))


def _fill_parquet(source: Path, filled: Table) -> bytes:
    table = read_whole_parquet(source)
    # What pandas keeps of its index may have holes too, but is no column that was read.
    names = [name for name in table.column_names if not name.startswith("__index_level_")]
    arrays = {name: _whole_array(table[name]) for name in names}
    seen = {name: column_from_arrow(str(source), name, array) for name, array in arrays.items()}
    for name, column in columns_by_name(source, Table(str(source), tuple(seen.values())), filled).items():
        place = table.column_names.index(name)
        array = with_holes_filled(arrays[name], seen[name], column)
        table = table.set_column(place, table.schema.field(place), array)
    buffer = io.BytesIO()
    pyarrow.parquet.write_table(table, buffer)
    return buffer.getvalue()


def _whole_array(column: pa.ChunkedArray) -> pa.Array:
    return column.unify_dictionaries().combine_chunks()


def _fill_array(source: Path, filled: Table) -> bytes:
    data = read_numpy(source)
    seen, values = table_from_dataset(data), data.values.copy()
    columns = columns_by_name(source, seen, filled)
    for place, column in enumerate(seen.columns):
        if column.name in columns:
            fill = holes_to_fill(column, columns[column.name])
            numbers = columns[column.name].values[fill]
            values[fill, place] = np.round(numbers) if whole(column) else numbers
    buffer = io.BytesIO()
    np.save(buffer, values.reshape(len(values), *data.image_shape) if data.image_shape else values, allow_pickle=False)
    return buffer.getvalue()


def _filled_series(series: nw.Series, filled: Column) -> nw.Series:
    array = series_to_arrow(series)
    seen = column_from_arrow("X", str(series.name), array)
    fill = holes_to_fill(seen, filled)
    if not fill.any() or pa.types.is_null(array.type):
        return series
    if filled.categories is None:
        values = typed_values(array.type, seen, filled, fill).to_pylist()
    else:
        members, closed = _members(series, seen), isinstance(series.dtype, nw.Categorical | nw.Enum)
        names = [filled.categories[int(code)] for code in filled.values[fill]]
        # A type that lists its categories takes no others: such holes stay. Elsewhere a word is its own name.
        taken = [name in members or not closed for name in names]
        fill[fill] = taken
        values = [members.get(name, name) for name, take in zip(names, taken, strict=True) if take]
    if series.implementation.is_polars():
        # Plain objects would be taken in a type of their own, microseconds for nanoseconds.
        values = nw.new_series("", values, series.dtype, backend="polars")
    return series.scatter(np.flatnonzero(fill).tolist(), values)


def _members(series: nw.Series, seen: Column) -> dict[str, Any]:
    """What the frame itself holds for each category, by its name: text, a truth value, an interval."""
    members = {}
    if isinstance(series.dtype, nw.Categorical | nw.Enum) and series.implementation.is_pandas():
        members = {str(member): member for member in series.to_native().cat.categories}
    elif isinstance(series.dtype, nw.Enum):
        members = {member: member for member in series.dtype.categories}
    rows = np.flatnonzero(seen.observed)
    codes, first = np.unique(seen.values[rows], return_index=True)
    categories = seen.categories or ()
    return members | {categories[int(code)]: series[int(rows[i])] for code, i in zip(codes, first, strict=True)}
