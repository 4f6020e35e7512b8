"""Rows that stand for all rows of a stream when its columns are looked at.

A sample at random shows means, spreads and shares. It may miss what a likelihood has to know of every row: the largest
count, a value below zero among positive ones, a fraction among whole numbers, a hole. So the rows that hold these join
it, which are a few among many.
"""

from dataclasses import dataclass, field

import numpy as np

from isthmus.data.dataset import DataError
from isthmus.data.row_streams import Rows, RowSource, choose_numbers, concatenate, row_count
from isthmus.data.table import Column, Table

MOST_SAMPLED, FEWEST_SAMPLED = 2**17, 2**11
SAMPLED_NUMBERS = 2**24
"""A sample has at most so many rows, fewer where they are wide."""
SAMPLE_STREAM = 9


def sample_rows(stream: RowSource, seed: int) -> Rows:
    """All rows of a short stream, in order; of a long one 2^17 at random and those with what no row may exceed."""
    most = min(MOST_SAMPLED, max(SAMPLED_NUMBERS // len(stream.names), FEWEST_SAMPLED))
    numbers = choose_numbers(stream.row_count, most, SAMPLE_STREAM, seed)
    extremes, found, first = [_Extremes() for _ in stream.names], [], 0
    for chunk in stream.chunks():
        last = first + row_count(chunk)
        here = numbers[np.searchsorted(numbers, first) : np.searchsorted(numbers, last)] - first
        if len(here):
            found.append(chunk.rows(here))
        if most < stream.row_count:
            for column, seen in zip(_columns(chunk, first), extremes, strict=True):
                seen.look(column, first)
        first = last
    sample = concatenate(found)
    if most >= stream.row_count:
        return sample
    missed = {row for column, seen in zip(_columns(sample), extremes, strict=True) for row in seen.missed_by(column)}
    more = np.setdiff1d(np.array(sorted(missed), np.int64), numbers)
    return concatenate([sample, stream.take(more)]) if len(more) else sample


@dataclass
class _Extremes:
    """The rows with a column's smallest and largest value, its first fraction and its first hole, and those values."""

    low: float = np.inf
    high: float = -np.inf
    rows: dict[str, int] = field(default_factory=dict)

    def look(self, column: Column, first: int) -> None:
        if "hole" not in self.rows and not column.observed.all():
            self.rows["hole"] = first + int(np.argmin(column.observed))
        if column.categories is not None or not column.observed.any():
            return
        least = int(np.argmin(np.where(column.observed, column.values, np.inf)))
        most = int(np.argmax(np.where(column.observed, column.values, -np.inf)))
        if column.values[least] < self.low:
            self.low, self.rows["low"] = float(column.values[least]), first + least
        if column.values[most] > self.high:
            self.high, self.rows["high"] = float(column.values[most]), first + most
        if "fraction" not in self.rows:
            fraction = _fractions(column)
            if fraction.any():
                self.rows["fraction"] = first + int(np.argmax(fraction))

    def missed_by(self, sample: Column) -> list[int]:
        """The rows that hold what the sample of the column does not show and a likelihood has to know."""
        wanted = ["hole"] if sample.observed.all() else []
        seen = sample.values[sample.observed]
        if sample.categories is None and len(seen):
            # Of numbers with decimals only the sign matters: the ends of their range would widen what the sample
            # shows of their spread.
            whole = not _fractions(sample).any()
            if (whole and self.low < seen.min()) or self.low <= 0 < seen.min():
                wanted.append("low")
            if whole and self.high > seen.max():
                wanted.append("high")
            wanted += ["fraction"] if whole else []
        elif sample.categories is None:
            wanted += ["low", "high", "fraction"]
        return [self.rows[name] for name in wanted if name in self.rows]


def _fractions(column: Column) -> np.ndarray:
    return column.observed & (column.values != np.round(column.values))


def _columns(rows: Rows, first: int = 0) -> tuple[Column, ...]:
    if isinstance(rows, Table):
        return rows.columns
    values = np.asarray(rows.values, np.float64)
    if np.isinf(values).any():
        row, column = np.argwhere(np.isinf(values))[0]
        raise DataError(
            f"column {rows.names[column]!r} of {rows.source} contains infinity (first in row {first + row}); expected "
            "finite numbers or holes"
        )
    observed = ~np.isnan(values)
    return tuple(Column(name, values[:, i], observed[:, i]) for i, name in enumerate(rows.names))
