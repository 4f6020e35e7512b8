"""Rows that may be more than memory holds: read in order, chunk by chunk, as often as wanted."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from isthmus.data.dataset import DataError, Dataset
from isthmus.data.table import Column, Table

Rows = Dataset | Table
CHUNK_ROWS = 2**16
"""Rows read at once, at most; fewer where they are wide."""
CHUNK_NUMBERS = 2**22
ASIDE_NUMBERS, FEWEST_ASIDE = 2**22, 32
BYTES_PER_VALUE = 9
"""In memory: a number of eight bytes and whether it was observed."""


class RowReader(ABC):
    """Where the rows of a stream come from.

    name: for messages.  names: one a column.  row_count: of all rows.  image_shape: (height, width) where a row is an
    image.
    """

    name: str
    names: tuple[str, ...]
    row_count: int
    image_shape: tuple[int, int] | None

    @property
    def decoded_bytes(self) -> int:
        """What all rows take in memory, whatever they take on disk."""
        return self.row_count * len(self.names) * BYTES_PER_VALUE

    @abstractmethod
    def chunks(self, size: int) -> Iterator[Rows]:
        """All rows in order, at most `size` at once; DataError, naming the file, where they cannot be read."""

    @abstractmethod
    def take(self, numbers: np.ndarray) -> Rows:
        """The rows of these numbers, which are at least one and ascend."""


@dataclass(frozen=True)
class RowSource:
    """The rows of a source, less some that were set aside.

    aside: their numbers in the source, ascending.
    """

    rows_of: RowReader
    aside: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))

    @property
    def source(self) -> str:
        return self.rows_of.name

    @property
    def names(self) -> tuple[str, ...]:
        return self.rows_of.names

    @property
    def image_shape(self) -> tuple[int, int] | None:
        return self.rows_of.image_shape

    @property
    def row_count(self) -> int:
        return self.rows_of.row_count - len(self.aside)

    @property
    def chunk_rows(self) -> int:
        """Rows read at once, by the number of columns alone."""
        return rows_at_once(len(self.names))

    def chunks(self) -> Iterator[Rows]:
        """The rows in order, some at once; a chunk is never empty."""
        first = 0
        for chunk in self.rows_of.chunks(self.chunk_rows):
            last = first + row_count(chunk)
            gone = self.aside[np.searchsorted(self.aside, first) : np.searchsorted(self.aside, last)] - first
            if len(gone) < last - first:
                yield chunk.rows(np.delete(np.arange(last - first), gone)) if len(gone) else chunk
            first = last

    def take(self, numbers: np.ndarray) -> Rows:
        """The rows of these numbers, in ascending order, in memory."""
        return self.rows_of.take(self.in_source(np.sort(numbers)))

    def without(self, numbers: np.ndarray) -> "RowSource":
        """The stream less the rows of these numbers."""
        return replace(self, aside=np.union1d(self.aside, self.in_source(numbers)))

    def in_source(self, numbers: np.ndarray) -> np.ndarray:
        """The numbers that rows of the stream have in the source."""
        # Of the rows set aside, those before row i of the stream are the ones with at most i kept rows before them.
        kept_before = self.aside - np.arange(len(self.aside))
        return numbers + np.searchsorted(kept_before, numbers, side="right")


def rows_at_once(columns: int) -> int:
    """Rows of so many columns that are read at once."""
    return max(min(CHUNK_ROWS, CHUNK_NUMBERS // max(columns, 1)), 1)


def most_aside(most: int, columns: int) -> int:
    """Of rows of so many columns those that are set aside in memory: `most`, fewer of wide ones."""
    return min(most, max(ASIDE_NUMBERS // columns, FEWEST_ASIDE))


def row_count(rows: Rows | RowSource) -> int:
    """How many rows there are."""
    return len(rows.values) if isinstance(rows, Dataset) else rows.row_count


def in_chunks(rows: Rows | RowSource) -> Iterator[Rows]:
    """The rows of a stream, some at once; rows in memory all at once."""
    return rows.chunks() if isinstance(rows, RowSource) else iter((rows,))


def choose_numbers(count: int, most: int, *seed: int) -> np.ndarray:
    """`most` of `count` row numbers at random, ascending, in memory that does not grow with `count`."""
    if most >= count:
        return np.arange(count)
    # Without a shuffle NumPy draws by Floyd's algorithm (Bentley and Floyd 1987), which keeps the chosen ones only.
    return np.sort(np.random.default_rng(seed).choice(count, most, replace=False, shuffle=False))


def concatenate(parts: Sequence[Rows]) -> Rows:
    """Rows of one source, one after another."""
    first = parts[0]
    if len(parts) == 1:
        return first
    if isinstance(first, Dataset):
        sets = [part for part in parts if isinstance(part, Dataset)]
        labels = [part.labels for part in sets if part.labels is not None]
        together = np.concatenate(labels) if labels else None
        return replace(first, values=np.concatenate([part.values for part in sets]), labels=together)
    tables = [part for part in parts if isinstance(part, Table)]
    by_column = zip(*(table.columns for table in tables), strict=True)
    return Table(first.source, tuple(_joined(first.source, columns) for columns in by_column))


def _joined(source: str, columns: Sequence[Column]) -> Column:
    first = columns[0]
    observed = np.concatenate([column.observed for column in columns])
    if first.categories is None:
        return replace(first, values=np.concatenate([column.values for column in columns]), observed=observed)
    if first.ordered and any(column.categories != first.categories for column in columns):
        raise DataError(
            f"column {first.name!r} of {source} has ordered categories that differ between its parts; write all parts "
            "with the same categories"
        )
    names = first.categories if first.ordered else sorted({name for c in columns for name in c.categories or ()})
    places = {name: place for place, name in enumerate(names)}
    codes = [np.array([places[name] for name in c.categories or ()] or [0], np.int64)[c.values] for c in columns]
    return replace(first, values=np.concatenate(codes), observed=observed, categories=tuple(names))
