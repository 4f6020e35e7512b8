"""A CSV file with only its holes changed: values spelled as their column spells them, every other byte as it was."""

import re
from collections import defaultdict
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute

from isthmus.data.csv_files import CsvFile, parse_csv, text_columns
from isthmus.data.dataset import DataError
from isthmus.data.formulas import as_text
from isthmus.data.moments import grain, is_moment, is_span, to_microseconds
from isthmus.data.spelling import PLAIN, NumberStyle
from isthmus.data.table import Column, Table, table_from_arrow
from isthmus.data.typed_values import columns_by_name, holes_to_fill, whole

_MOMENT = re.compile(r"\d{4}-\d\d-\d\d(?:([ T])([\d:.]+)(Z|([+-]\d\d):?(\d\d)?)?)?")
_DAY = 86_400 * 10**6
_Changes = dict[int, dict[int, tuple[str, str]]]
"""By row and place of a column: what the hole says, and what it shall say."""


def fill_csv(source: Path, filled: Table) -> bytes:
    """The bytes of a CSV file with its holes filled.

    Numbers get as many decimals as the column's observed values have at most, and its style; categories their names,
    quoted where they must be; moments the longest pattern of the column. A hole in quotes keeps them, and the spaces
    around the spelling of a missing number or moment stay.

    Raises DataError where `filled` does not have the rows of the file, or a column that it does not have.
    """
    file = parse_csv(source)
    seen = table_from_arrow(str(source), file.table)
    by_row: _Changes = defaultdict(dict)
    raw = text_columns(file.text, raw=True)
    columns = columns_by_name(source, seen, filled)
    for place, column in enumerate(seen.columns):
        if column.name in columns:
            _spell(file, raw[column.name], place, column, columns[column.name], by_row)
    return _rewritten(file, seen.row_count, by_row).encode(file.text.encoding)


def _spell(file: CsvFile, raw: pa.ChunkedArray, place: int, seen: Column, filled: Column, by_row: _Changes) -> None:
    """Note, under the row and place of each hole of a column, the field that replaces it."""
    fill = holes_to_fill(seen, filled)
    if not fill.any():
        return
    observed = [text.strip() for text in raw.filter(pa.array(seen.observed)).unique().to_pylist()]
    texts = spelled(file.table[seen.name].type, seen, filled, fill, observed, file.styles.get(seen.name, PLAIN))
    for row, text, hole in zip(np.flatnonzero(fill), texts, raw.filter(pa.array(fill)).to_pylist(), strict=True):
        bare = hole.strip()
        padded = hole.replace(bare, text) if bare and filled.categories is None else text
        by_row[int(row)][place] = hole, padded


def _rewritten(file: CsvFile, row_count: int, by_row: _Changes) -> str:
    text, pieces, kept, count = file.text, [], 0, 0
    for row, record in enumerate(text.records()):
        count = row + 1
        if row not in by_row:
            continue
        fields = text.fields(record)
        for place, (hole, new) in sorted(by_row[row].items()):
            begin, end = fields[place]
            if text.unquoted((begin, end)) != hole:
                raise DataError(f"{text.path} cannot be filled: the hole in row {row} is not where it was read")
            pieces += [text.content[kept:begin], _field(new, text.content[begin:end], text.delimiter)]
            kept = end
    if count != row_count:
        raise DataError(
            f"{text.path} has {count} lines of values and {row_count} rows; expected one line for each row: "
            "look for a quote that is not closed"
        )
    return "".join([*pieces, text.content[kept:]])


def _field(new: str, hole: str, delimiter: str) -> str:
    if hole.startswith('"') or any(mark in new for mark in (delimiter, '"', "\n", "\r")):
        return '"' + new.replace('"', '""') + '"'
    return new


def spelled(
    kind: pa.DataType, seen: Column, filled: Column, rows: np.ndarray, observed: list[str], style: NumberStyle
) -> list[str]:
    """The filled values of some rows as text, spelled as the observed texts of the column are."""
    values = filled.values[rows]
    if filled.categories is not None:
        names = [filled.categories[int(code)] for code in values]
        if pa.types.is_boolean(kind):
            return [_truth(name, observed) for name in names]
        # What stands in the file already may stand in its holes; a model may bring other words.
        return [name if name in observed else as_text(name) for name in names]
    if is_moment(kind) or is_span(kind):
        pattern = max(observed, key=len)
        moments = to_microseconds(values, grain(seen.values[seen.observed]))
        return [_moment(int(moment), pattern, time_alone=is_span(kind)) for moment in moments]
    values = np.round(values) if whole(seen) else values
    if not observed or any("e" in text.lower() for text in observed):
        return [f"{value:.15g}" for value in values]
    decimals = max(len(text.partition(style.decimal)[2]) for text in observed)
    return [style.write(float(value), decimals) for value in values]


def _truth(name: str, observed: list[str]) -> str:
    """The spelling of "true" or "false" that is seen, else one with the capitals of the other."""
    spellings = ("1", "True", "TRUE", "true") if name == "true" else ("0", "False", "FALSE", "false")
    seen = next((text for text in observed if text in spellings), None)
    other = observed[0]
    return seen or (name.upper() if other.isupper() else name.capitalize() if other[0].isupper() else name)


def _moment(microseconds: int, pattern: str, time_alone: bool) -> str:
    """Microseconds in the pattern of another moment, in its zone, or of another time of day."""
    if time_alone:
        microseconds = min(max(microseconds, 0), _DAY - 1)
        return str(np.datetime64(microseconds, "us")).partition("T")[2][: len(pattern)]
    found = _MOMENT.fullmatch(pattern)
    separator, time, zone, hours, minutes = found.groups() if found else (None,) * 5
    offset = (60 * int(hours) + int(hours[0] + (minutes or "0"))) * 60 if hours else 0
    day, _, clock = str(np.datetime64(microseconds + offset * 10**6, "us")).partition("T")
    if not separator or not time:
        return day
    # A pattern of nanoseconds has more digits than are known.
    return day + separator + clock.ljust(len(time), "0")[: len(time)] + (zone or "")
