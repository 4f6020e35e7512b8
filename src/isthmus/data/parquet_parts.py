"""A directory of Parquet parts, or one file of them, as a stream of rows and as one table.

Files are read one at a time and in order, row group by row group, a few rows at once. The scanner of pyarrow.dataset
reads ahead over files and groups, so that its memory grows with how the files are cut; here it does not.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from isthmus.data.arrow import CODED, UNREADABLE, checked, open_parquet, parquet_schema, spelled_out
from isthmus.data.dataset import DataError, require_distinct
from isthmus.data.room import require_room
from isthmus.data.row_streams import RowReader, concatenate, rows_at_once
from isthmus.data.table import Table, is_text, require_known_type, table_from_arrow


def read_parquet(path: Path) -> Table:
    """A .parquet file, without what pandas wrote of its index, which is no column of the data."""
    return ParquetParts(str(path), [path]).read()


class ParquetParts(RowReader):
    """The rows of some Parquet files, one after another."""

    def __init__(self, name: str, paths: list[Path]):
        """DataError, naming the file, for one that cannot be read, for columns of a type that no table has, and for
        columns that differ between files."""
        self.name, self.image_shape = name, None
        self._paths, self._counts, schema, found, self._bytes = [], [], None, pa.schema([]), 0
        for path in paths:
            found, rows, size = _look(path)
            self._bytes += size
            if rows:
                schema = found if schema is None else _common(schema, found, path)
                self._paths.append(path)
                self._counts.append(rows)
        if schema is None or not schema.names:
            raise DataError(
                f"{name} holds {sum(self._counts)} rows and {len(found.names)} columns; expected rows of numbers"
            )
        self._schema = schema
        # Words as numbers, in every part that has words there.
        self._coded = pa.schema([field.with_type(CODED) if is_text(field.type) else field for field in schema])
        self.names = tuple(schema.names)
        self.row_count = sum(self._counts)

    def chunks(self, size: int) -> Iterator[Table]:
        for path, first, batch in self._in_order(size):
            table = table_from_arrow(str(path), batch, np.arange(first, first + batch.num_rows))
            yield replace(table, source=self.name)

    def arrow_chunks(self, size: int) -> Iterator[pa.Table]:
        """The same rows as they are in the files, in the type that all files share."""
        for path, _, batch in self._in_order(size):
            yield spelled_out(path, batch, self._schema)

    def take(self, numbers: np.ndarray) -> Table:
        found, first = [], 0
        for path, count in zip(self._paths, self._counts, strict=True):
            here = _between(numbers, first, first + count)
            if len(here):
                found += self._take_from(path, count, here)
            first += count
        whole = concatenate(found)
        assert isinstance(whole, Table)
        return whole

    def read(self) -> Table:
        """All rows. DataError where they are more than memory takes."""
        require_room(self.name, max(self.decoded_bytes, self._bytes))
        whole = pa.concat_tables([batch for _, _, batch in self._in_order(self.row_count)]).unify_dictionaries()
        return table_from_arrow(self.name, checked(Path(self.name), whole))

    def _take_from(self, path: Path, count: int, numbers: np.ndarray) -> list[Table]:
        sizes = _group_sizes(path)
        _require_unchanged(path, count, sum(sizes))
        starts = np.cumsum([0, *sizes])
        groups = [i for i in range(len(sizes)) if len(_between(numbers, starts[i], starts[i + 1]))]
        # The numbers that the rows of these groups have when they are read one after another.
        places = np.concatenate(
            [
                _between(numbers, starts[group], starts[group + 1]) + before
                for group, before in zip(groups, np.cumsum([0, *(sizes[i] for i in groups)]), strict=False)
            ]
        )
        found, first, taken = [], 0, 0
        for batch in self._batches(path, rows_at_once(len(self.names)), groups):
            here = _between(places, first, first + batch.num_rows)
            if len(here):
                rows = numbers[taken : taken + len(here)]
                found.append(replace(table_from_arrow(str(path), batch.take(pa.array(here)), rows), source=self.name))
            first, taken = first + batch.num_rows, taken + len(here)
        return found

    def _in_order(self, size: int) -> Iterator[tuple[Path, int, pa.Table]]:
        """All rows: (file, number of the first row in it, rows). DataError where a file has not the rows it had."""
        for path, count in zip(self._paths, self._counts, strict=True):
            first = 0
            for batch in self._batches(path, size):
                yield path, first, batch
                first += batch.num_rows
            _require_unchanged(path, count, first)

    def _batches(self, path: Path, size: int, groups: list[int] | None = None) -> Iterator[pa.Table]:
        try:
            with open_parquet(path) as file:
                for batch in file.iter_batches(batch_size=size, row_groups=groups, columns=list(self.names)):
                    # Arrow trusts what it reads, down to places of words beyond the end of all words.
                    batch.validate(full=True)
                    yield pa.Table.from_batches([batch]).select(self.names).cast(self._coded, safe=False)
        except UNREADABLE as error:
            raise _unreadable(path, error) from None


def find_parts(directory: Path) -> list[Path]:
    """The Parquet files of a directory and those below it, by name; what begins with a dot or an underscore is none."""
    found = [path for path in directory.rglob("*") if path.suffix.lower() == ".parquet" and path.is_file()]
    hidden = [path for path in found if any(part[0] in "._" for part in path.relative_to(directory).parts)]
    return sorted(set(found) - set(hidden), key=lambda path: path.relative_to(directory).parts)


def _require_unchanged(path: Path, count: int, found: int) -> None:
    if found != count:
        raise DataError(f"{path} had {count} rows when it was opened and has {found} now; start again")


def _group_sizes(path: Path) -> list[int]:
    try:
        with open_parquet(path) as file:
            return [file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)]
    except UNREADABLE as error:
        raise _unreadable(path, error) from None


def _look(path: Path) -> tuple[pa.Schema, int, int]:
    """The columns of a file, without the index of pandas and its metadata, the number of its rows, and the bytes of its
    pages when they are decompressed."""
    try:
        schema = parquet_schema(path)
        with open_parquet(path) as file:
            metadata = file.metadata
            rows, size = (
                metadata.num_rows,
                sum(metadata.row_group(i).total_byte_size for i in range(file.num_row_groups)),
            )
        names = schema.names
    except UNREADABLE as error:
        raise _unreadable(path, error) from None
    require_distinct(path, names)
    fields = [pa.field(field.name, field.type) for field in schema if not field.name.startswith("__index_level_")]
    for field in fields:
        require_known_type(str(path), field.name, field.type)
    return pa.schema(fields), rows, size


def _common(schema: pa.Schema, found: pa.Schema, path: Path) -> pa.Schema:
    """The columns of the files before and of this one: whole numbers beside others become numbers."""
    odd = sorted(set(schema.names) ^ set(found.names))
    if odd:
        what = "lacks" if odd[0] in schema.names else "has"
        raise DataError(f"{path} {what} column {odd[0]!r}, unlike the parts before it; give all parts the same columns")
    fields = []
    for field in schema:
        given = found.field(field.name).type
        try:
            both = pa.unify_schemas(
                [pa.schema([field]), pa.schema([(field.name, given)])], promote_options="permissive"
            )
        except (pa.ArrowInvalid, pa.ArrowTypeError):
            raise DataError(
                f"column {field.name!r} of {path} holds {given} values and the parts before it {field.type}; write all "
                "parts with one type"
            ) from None
        fields.append(both.field(0))
    return pa.schema(fields)


def _between(numbers: np.ndarray, first: int, last: int) -> np.ndarray:
    """Of ascending numbers those in [first, last), counted from first."""
    return numbers[np.searchsorted(numbers, first) : np.searchsorted(numbers, last)] - first


def _unreadable(path: Path, error: Exception) -> DataError:
    return DataError(f"{path} cannot be read as Parquet: {error}; write it again, or leave it out")
