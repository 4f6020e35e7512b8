"""Rows that stand for all rows of a stream when its columns are looked at.

A sample at random shows means, spreads and shares. It may miss what a likelihood has to know of every row: the largest
count, a value below zero among positive ones, a fraction among whole numbers, a hole. So rows that hold these join it:
so few that they do not bias what the sample shows of the rest.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from isthmus.data.dataset import DataError, Dataset
from isthmus.data.row_streams import Rows, RowSource, choose_numbers, concatenate, row_count
from isthmus.data.table import Column, Table

MOST_SAMPLED, FEWEST_SAMPLED = 2**17, 2**11
SAMPLED_NUMBERS = 2**24
"""A sample has at most so many rows, fewer where they are wide."""
MOST_JOINING = 64
SAMPLE_STREAM = 9


def sample_rows(stream: RowSource, seed: int) -> Rows:
    """All rows of a short stream, in order; of a long one 2^17 at random, and at most 64 with what no row may exceed.

    Of words that have no order those are known that the sample shows.
    """
    most = min(MOST_SAMPLED, max(SAMPLED_NUMBERS // len(stream.names), FEWEST_SAMPLED))
    numbers = choose_numbers(stream.row_count, most, SAMPLE_STREAM, seed)
    whole, found, first = _Ends(len(stream.names)), [], 0
    for chunk in stream.chunks():
        last = first + row_count(chunk)
        here = numbers[np.searchsorted(numbers, first) : np.searchsorted(numbers, last)] - first
        if len(here):
            found.append(_shown_words(chunk.rows(here)))
        if most < stream.row_count:
            whole.look(chunk, first, stream)
        first = last
    sample = concatenate(found)
    if most >= stream.row_count:
        return sample
    shown = _Ends(len(stream.names))
    shown.look(sample, 0, stream)
    more = np.setdiff1d(whole.missed_by(shown, each=isinstance(sample, Table)), numbers)
    return concatenate([sample, _shown_words(stream.take(more))]) if len(more) else sample


class _Ends:
    """The smallest and largest value of each column, and the rows with them, the first fraction and the first hole.

    low, high: [column].  rows: by what they hold, [column]; -1 where no row does.
    """

    def __init__(self, columns: int):
        self.low, self.high = np.full(columns, np.inf), np.full(columns, -np.inf)
        self.rows = {name: np.full(columns, -1) for name in ("low", "high", "fraction", "hole")}

    def look(self, rows: Rows, first: int, stream: RowSource) -> None:
        """Take account of rows, the first of which has this number in the stream. DataError for infinity."""
        for place, values in _numbers(rows):
            if values.dtype.kind == "f":
                _require_finite(rows, place, values, first, stream)
                self._find("hole", place, first, values, np.isnan)
                self._find("fraction", place, first, values, _is_fraction)
            least, most = (np.asarray(of.reduce(values, axis=0), np.float64) for of in (np.fmin, np.fmax))
            self._reach("low", self.low, place, first, values, least)
            self._reach("high", self.high, place, first, values, most)

    def _find(
        self, name: str, place: slice, first: int, values: np.ndarray, of: Callable[[np.ndarray], np.ndarray]
    ) -> None:
        known = self.rows[name][place]
        open_ = np.flatnonzero(known < 0)
        if len(open_):
            found = of(values[:, open_])
            known[open_] = np.where(found.any(0), first + found.argmax(0), -1)

    def _reach(
        self, name: str, ends: np.ndarray, place: slice, first: int, values: np.ndarray, reached: np.ndarray
    ) -> None:
        known = ends[place]
        further = reached < known if name == "low" else reached > known
        if further.any():
            known[further] = reached[further]
            self.rows[name][place][further] = first + (values[:, further] == reached[further]).argmax(0)

    def missed_by(self, sample: "_Ends", each: bool) -> np.ndarray:
        """At most MOST_JOINING rows with what the sample does not show and a likelihood has to know.

        each: whether the range of each column counts by itself; else that of all columns in common.
        """
        # Of numbers with decimals only the sign matters: the ends of their range would widen what the sample shows
        # of their spread.
        whole = sample.rows["fraction"] < 0
        common = np.full(len(whole), bool(whole.all()))
        beyond_zero = (self.low <= 0) & (sample.low > 0) | (self.low < 0) & (sample.low >= 0)
        holes = np.sort(self.rows["hole"][self.rows["hole"] >= 0])
        wanted = [
            self.rows["low"][common & (self.low == self.low.min()) & (self.low < sample.low.min())][:1],
            self.rows["high"][common & (self.high == self.high.max()) & (self.high > sample.high.max())][:1],
            holes[: 1 if sample.rows["hole"].max() < 0 else 0],
            self.rows["fraction"][whole],
            self.rows["low"][beyond_zero],
            self.rows["low"][each & whole & (self.low < sample.low)],
            self.rows["high"][each & whole & (self.high > sample.high)],
        ]
        rows = np.concatenate(wanted)
        return np.array(list(dict.fromkeys(rows[rows >= 0].tolist()))[:MOST_JOINING], np.int64)


def _numbers(rows: Rows) -> Iterator[tuple[slice, np.ndarray]]:
    """Places of columns and their values, [row, column], NaN in holes; of words only the holes, among zeros."""
    if isinstance(rows, Dataset):
        yield slice(None), rows.values
        return
    for place, column in enumerate(rows.columns):
        values = column.values if column.categories is None else np.zeros(len(column.values))
        yield slice(place, place + 1), np.where(column.observed, values, np.nan)[:, None]


def _require_finite(rows: Rows, place: slice, values: np.ndarray, first: int, stream: RowSource) -> None:
    infinite = np.isinf(values)
    if infinite.any():
        row, column = np.argwhere(infinite)[0]
        raise DataError(
            f"column {stream.names[place][column]!r} of {rows.source} contains infinity (first in row "
            f"{int(stream.in_source(np.array([first + row]))[0])}); expected finite numbers or holes"
        )


def _is_fraction(values: np.ndarray) -> np.ndarray:
    return (values != np.round(values)) & ~np.isnan(values)


def _shown_words(rows: Rows) -> Rows:
    """The rows without categories that none of them has: a part may know many more words than some of its rows."""
    if isinstance(rows, Dataset):
        return rows
    return Table(rows.source, tuple(_without_unused(column) for column in rows.columns))


def _without_unused(column: Column) -> Column:
    if column.categories is None or column.ordered:
        return column
    used = np.unique(column.values[column.observed])
    codes = np.where(column.observed, np.searchsorted(used, column.values), 0)
    return replace(column, values=codes, categories=tuple(column.categories[code] for code in used))
