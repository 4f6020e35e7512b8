"""A directory of Parquet parts, or one file of them, as a stream of rows and as one table.

Files are read one at a time and in order, row group by row group, a few rows at once. The scanner of pyarrow.dataset
reads ahead over files and groups, so that its memory grows with how the files are cut; here it does not.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet

from isthmus.data.arrow import checked
from isthmus.data.dataset import DataError, require_distinct
from isthmus.data.room import require_columns, require_room
from isthmus.data.row_streams import RowReader, concatenate
from isthmus.data.table import Table, table_from_arrow

BYTES_PER_VALUE = 9
"""In memory: a number of eight bytes and whether it was observed."""
READ_BYTES = 2**20
"""A column is read from the file so many bytes at once."""


class ParquetParts(RowReader):
    """The rows of some Parquet files, one after another."""

    def __init__(self, name: str, paths: list[Path]):
        """DataError, naming the file, for one that cannot be read, and for columns that differ between files."""
        self.name, self.image_shape = name, None
        self._paths, self._counts, schema = [], [], None
        for path in paths:
            found, rows = _look(path)
            if rows:
                schema = found if schema is None else _common(schema, found, path)
                self._paths.append(path)
                self._counts.append(rows)
        if schema is None or not schema.names:
            raise DataError(f"{name} holds no rows in {len(paths)} Parquet files; expected rows of numbers")
        self._schema = schema
        self.names = tuple(schema.names)
        self.row_count = sum(self._counts)
        self.decoded_bytes = self.row_count * len(self.names) * BYTES_PER_VALUE

    def chunks(self, size: int) -> Iterator[Table]:
        for path in self._paths:
            first = 0
            for batch in self._batches(path, size):
                # What is wrong with a value is told by its row, counted from where this reading began.
                table = table_from_arrow(f"{path}, read from row {first} on,", batch)
                yield replace(table, source=self.name)
                first += batch.num_rows

    def arrow_chunks(self, size: int) -> Iterator[pa.Table]:
        """The same rows as they are in the files, in the type that all files share."""
        for path in self._paths:
            yield from self._batches(path, size)

    def take(self, numbers: np.ndarray) -> Table:
        found, first = [], 0
        for path, count in zip(self._paths, self._counts, strict=True):
            here = _between(numbers, first, first + count)
            if len(here):
                found += self._take_from(path, here)
            first += count
        whole = concatenate(found)
        assert isinstance(whole, Table)
        return whole

    def read(self) -> Table:
        """All rows. DataError where they are more than memory takes."""
        require_room(self.name, self.decoded_bytes)
        tables = [batch for path in self._paths for batch in self._batches(path, self.row_count)]
        return table_from_arrow(self.name, checked(Path(self.name), pa.concat_tables(tables).unify_dictionaries()))

    def _take_from(self, path: Path, numbers: np.ndarray) -> list[Table]:
        with _opened(path) as file:
            sizes = [file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)]
        starts = np.cumsum([0, *sizes])
        groups = [i for i in range(len(sizes)) if len(_between(numbers, starts[i], starts[i + 1]))]
        # The numbers that the rows of these groups have when they are read one after another.
        places = np.concatenate(
            [
                _between(numbers, starts[group], starts[group + 1]) + before
                for group, before in zip(groups, np.cumsum([0, *(sizes[i] for i in groups)]), strict=False)
            ]
        )
        found, first = [], 0
        for batch in self._batches(path, 2**16, groups):
            here = _between(places, first, first + batch.num_rows)
            if len(here):
                found.append(table_from_arrow(self.name, batch.take(pa.array(here))))
            first += batch.num_rows
        return found

    def _batches(self, path: Path, size: int, groups: list[int] | None = None) -> Iterator[pa.Table]:
        try:
            with _opened(path) as file:
                for batch in file.iter_batches(batch_size=size, row_groups=groups, columns=list(self.names)):
                    # Arrow trusts what it reads, down to places of words beyond the end of all words.
                    batch.validate(full=True)
                    yield pa.Table.from_batches([batch]).select(self.names).cast(self._schema, safe=False)
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
            raise _unreadable(path, error) from None


def find_parts(directory: Path) -> list[Path]:
    """The Parquet files of a directory and those below it, by name; what begins with a dot or an underscore is none."""
    found = [path for path in directory.rglob("*") if path.suffix.lower() == ".parquet" and path.is_file()]
    hidden = [path for path in found if any(part[0] in "._" for part in path.relative_to(directory).parts)]
    return sorted(set(found) - set(hidden), key=lambda path: path.relative_to(directory).parts)


def _opened(path: Path) -> pyarrow.parquet.ParquetFile:
    return pyarrow.parquet.ParquetFile(path, buffer_size=READ_BYTES, pre_buffer=False)


def _look(path: Path) -> tuple[pa.Schema, int]:
    """The columns of a file, without the index of pandas and its metadata, and the number of its rows."""
    try:
        with _opened(path) as file:
            require_columns(path, file.metadata.num_columns)
            schema, rows = file.schema_arrow, file.metadata.num_rows
            names = schema.names
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise _unreadable(path, error) from None
    require_distinct(path, names)
    fields = [pa.field(field.name, field.type) for field in schema if not field.name.startswith("__index_level_")]
    return pa.schema(fields), rows


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
