"""How people spell holes and numbers in text.

Holes, in a column of anything: an empty field and what `HOLES` lists, spaces around them aside. A few more spellings,
`HOLES_AMONG_NUMBERS`, are holes only where every other value of the column is a number, a date or a truth value: among
words they may well be words ("None" is a kind of masonry).

Numbers: a point before the decimals needs no thought. Otherwise a column is numbers if each of its values reads so in
one style: thousands in groups of three behind a comma, a point, a space or an apostrophe, decimals behind a point or a
comma. A sign of a currency, or a percent sign, makes a word.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import pyarrow.csv

_CONVERT = pyarrow.csv.ConvertOptions()
HOLES = frozenset([*_CONVERT.null_values, "?", "<NA>"])
"""Among them the empty field, NA, N/A, n/a, #N/A, NaN, nan, NULL and null."""
HOLES_AMONG_NUMBERS = frozenset(["-", "--", ".", "None", "NaT"])
_TRUTH = frozenset([*_CONVERT.true_values, *_CONVERT.false_values])
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d([ T]\d\d(:\d\d){0,2}.*)?|\d\d:\d\d(:\d\d)?")


@dataclass(frozen=True)
class NumberStyle:
    """What stands between thousands ("" for nothing) and before decimals."""

    group: str
    decimal: str

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        # Grouped numbers do not begin with a zero: 0,125 is an eighth, 012 345 a telephone number.
        whole = rf"(?:[1-9]\d{{0,2}}(?:{re.escape(self.group)}\d{{3}})+|\d+)" if self.group else r"\d+"
        return re.compile(rf"[+-]?{whole}(?:{re.escape(self.decimal)}\d+)?", re.ASCII)

    def fits(self, texts: Iterable[str]) -> bool:
        """Whether every text is a number in this style."""
        return all(self.pattern.fullmatch(text) for text in texts)

    def read(self, text: str) -> float:
        """The number of a text that fits."""
        return float((text.replace(self.group, "") if self.group else text).replace(self.decimal, "."))

    def write(self, value: float, decimals: int) -> str:
        """A number in this style, with so many decimals; zero has no sign."""
        plain = f"{value:,.{decimals}f}" if self.group else f"{value:.{decimals}f}"
        plain = plain.removeprefix("-") if not any(digit in plain for digit in "123456789") else plain
        return plain.translate({ord(","): self.group, ord("."): self.decimal})


PLAIN = NumberStyle("", ".")
# The first that fits is kept among those that agree, so the simplest come first.
STYLES = (
    NumberStyle("", ","),
    *(NumberStyle(group, ".") for group in (",", " ", "'", "’", "\u00a0", "\u202f")),
    *(NumberStyle(group, ",") for group in (".", " ", "'", "’", "\u00a0", "\u202f")),
)


def styles_of(texts: list[str]) -> list[NumberStyle]:
    """The styles in which every text is a number, one for each different reading; more than one: ambiguous."""
    readings: dict[tuple[float, ...], NumberStyle] = {}
    for style in STYLES:
        if style.fits(texts):
            readings.setdefault(tuple(style.read(text) for text in texts), style)
    return list(readings.values())


def is_number(field: str) -> bool:
    """Whether a field of text reads as a number with a decimal point."""
    try:
        float(field)
    except ValueError:
        return False
    return True


def is_value(field: str) -> bool:
    """Whether a field is a number in any style, a date, a truth value or a hole: no name of a column."""
    field = field.strip()
    if field in HOLES or field in HOLES_AMONG_NUMBERS or field in _TRUTH:
        return True
    return is_number(field) or bool(_MOMENT.fullmatch(field)) or any(style.fits([field]) for style in STYLES)
