"""The text of a CSV file: its encoding, its delimiter, its names, and where each field lies in it."""

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import islice, pairwise
from pathlib import Path

from isthmus.data.dataset import DataError, anonymous_names
from isthmus.data.spelling import is_value

_WIDE = ((codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_RECORDS_LOOKED_AT = 20
Span = tuple[int, int]


@dataclass(frozen=True)
class CsvText:
    """The whole of a file as text; `content.encode(encoding)` gives its bytes again.

    begin, end: where the first record starts and the last one ends, byte-order mark and blank lines around them aside.
    """

    path: Path
    content: str
    encoding: str
    delimiter: str
    begin: int
    end: int

    @cached_property
    def first(self) -> list[str]:
        """The fields of the first record."""
        return [self.unquoted(field) for field in self.fields(next(self._all_records()))]

    @cached_property
    def has_header(self) -> bool:
        """Whether the first record has a word in it, or numbers the columns behind an empty field, as pandas does."""
        numbered = [str(i) for i in range(len(self.first) - 1)]
        return not all(map(is_value, self.first)) or (len(numbered) > 0 and self.first == ["", *numbered])

    @cached_property
    def names(self) -> list[str]:
        """The names of the columns, spaces around them aside; a column without one is given one."""
        if not self.has_header:
            return list(anonymous_names(len(self.first)))
        names = [name.strip() for name in self.first]
        # What pandas writes before its index.
        if names[0] in ("", "Unnamed: 0") and "index" not in names:
            names[0] = "index"
        return [name or f"unnamed_{i}" for i, name in enumerate(names)]

    @cached_property
    def body(self) -> int:
        """Where the first record below the header begins; `end` or beyond where there is none."""
        if not self.has_header:
            return self.begin
        records = self._all_records()
        next(records)
        return next(records, (self.end, self.end))[0]

    def records(self) -> Iterator[Span]:
        """Where each record below the header lies, its line end aside.

        A blank line is no record, but in a file of one column it is a hole, unless it is at the end.
        """
        return islice(self._all_records(), int(self.has_header), None)

    def fields(self, record: Span) -> list[Span]:
        """Where each field of a record lies, its quotes included."""
        stops = [record[0] - 1]
        while stops[-1] < record[1]:
            found = _field(self.delimiter).match(self.content, stops[-1] + 1, record[1])
            stops.append(found.end() if found else record[1])
        return [(before + 1, stop) for before, stop in pairwise(stops)]

    def uneven(self) -> tuple[int, int] | None:
        """The line, counted from one, of the first record with another number of fields than the first, and that."""
        for record in self.records():
            if (width := len(self.fields(record))) != len(self.first):
                return len(re.findall(r"\r\n|\r|\n", self.content[: record[0]])) + 1, width
        return None

    def unquoted(self, field: Span) -> str:
        """What a field says."""
        found = re.fullmatch(r'"((?:[^"]|"")*+)"(.*)', self.content[slice(*field)], re.DOTALL)
        return found[1].replace('""', '"') + found[2] if found else self.content[slice(*field)]

    def _all_records(self) -> Iterator[Span]:
        blank_counts = False
        for found in _record(self.delimiter).finditer(self.content, self.begin):
            begin, end = found.span(1)
            if begin >= self.end:
                return
            if begin < end or blank_counts:
                yield begin, end
            if begin == self.begin:
                blank_counts = len(self.fields((begin, end))) == 1


def read_text(path: Path) -> CsvText:
    """The text of a file in UTF-8, in UTF-16 with a byte-order mark, or else in Windows-1252 or Latin-1.

    Its delimiter is what a first line like "sep=;" says; else the tab, semicolon or comma, in this order, that cuts its
    first records into equally many fields, two or more of them; else the one most frequent in the first line. DataError
    where there is no text.
    """
    content, encoding = _decoded(path)
    if "\0" in content:
        raise DataError(f"{path} is not text: it holds zero bytes; save it as UTF-8")
    begin = len(content) - len(content.removeprefix("\ufeff").lstrip("\r\n"))
    end = len(content.rstrip("\r\n"))
    # Excel's own way to say it.
    told = re.compile(r"sep=([,;\t])(?:\r\n|\r|\n)").match(content, begin)
    if told:
        return CsvText(path, content, encoding, told[1], told.end(), end)
    if end <= begin:
        raise DataError(f"{path} cannot be read as a table: it holds blank lines only; expected rows of values")
    candidates = [CsvText(path, content, encoding, delimiter, begin, end) for delimiter in "\t;,"]
    first_line = content[begin:end].split("\n", 1)[0] if end - begin < 2**20 else content[begin : begin + 2**20]
    likeliest = max(reversed(candidates), key=lambda text: first_line.count(text.delimiter))
    return next((text for text in candidates if _cuts_evenly(text)), likeliest)


def _cuts_evenly(text: CsvText) -> bool:
    if text.delimiter not in text.content:
        return False
    widths = {len(text.fields(record)) for record in islice(text._all_records(), _RECORDS_LOOKED_AT)}
    return len(widths) == 1 and widths != {1}


def _decoded(path: Path) -> tuple[str, str]:
    content = path.read_bytes()
    wide = [encoding for mark, encoding in _WIDE if content.startswith(mark)]
    # Latin-1 last: it knows every byte, also the five that Windows-1252 leaves open.
    for encoding in wide or ("utf-8", "cp1252", "latin-1"):
        try:
            return content.decode(encoding), encoding
        except UnicodeDecodeError:
            continue
    raise DataError(f"{path} begins as UTF-16 text but is damaged or cut off; save it as UTF-8")


def _field(delimiter: str) -> re.Pattern[str]:
    # As Arrow reads it: a quote means something only where a field begins, and words may follow the closing one.
    return re.compile(_FIELD.format(delimiter))


def _record(delimiter: str) -> re.Pattern[str]:
    field = _FIELD.format(delimiter)
    return re.compile(rf"({field}(?:{delimiter}{field})*+)(?:\r\n|\r|\n|\Z)")


_FIELD = r'(?>"[^"]*+(?:""[^"]*+)*+"[^{0}\r\n]*+|[^{0}\r\n]*+)'
