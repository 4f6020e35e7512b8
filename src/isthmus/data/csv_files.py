"""CSV files as Arrow tables: encodings, delimiters, spellings of holes and numbers as people write them."""

import io
import warnings
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.csv

from isthmus.data.csv_text import CsvText, read_text
from isthmus.data.csv_words import Words, choose_styles, points_as_words, reread
from isthmus.data.dataset import DataError, require_distinct
from isthmus.data.room import require_columns
from isthmus.data.spelling import HOLES, NumberStyle

_LARGEST_BLOCK = 2**31 - 1


@dataclass(frozen=True)
class CsvFile:
    """A file's text, its columns as Arrow arrays, and the style of numbers of those that have one of their own."""

    text: CsvText
    table: pa.Table
    styles: dict[str, NumberStyle]


def read_csv(path: Path) -> pa.Table:
    """A .csv or .tsv file; its encoding, its delimiter, and whether it has a header, are seen in it.

    Arrow sees the types. Text that it does not take for numbers is numbers all the same where `spelling` says so: with
    thousands separators or decimal commas, and with other spellings of a hole. Numbers like "1,234" may be read in two
    ways. The rest of the file decides, if its other columns of fractions agree; then a comma between the fields, which
    leaves none for decimals; otherwise DataError. Dates beyond what the type holds stay words.

    Warns of an encoding that had to be guessed, and of each style of numbers. DataError, naming the file, where it is
    no table, or where two columns have the same name.
    """
    file = parse_csv(path)
    if file.text.encoding in ("cp1252", "latin-1"):
        warnings.warn(f"{path} is not UTF-8 text and was read as {file.text.encoding}; save it as UTF-8", stacklevel=4)
    for style in dict.fromkeys(file.styles.values()):
        names = ", ".join(repr(name) for name, its_style in file.styles.items() if its_style == style)
        example = style.write(1234.5, 1)
        warnings.warn(f'{path}: numbers in columns {names} were read as written like "{example}"', stacklevel=4)
    return file.table


def parse_csv(path: Path) -> CsvFile:
    """What `read_csv` reads, and how it is spelled, without a warning."""
    text = read_text(path)
    require_columns(path, len(text.names))
    require_distinct(path, text.names)
    table = text_columns(text) if text.body < text.end else pa.table({name: pa.nulls(0) for name in text.names})
    _require_closed(text, table)
    columns = {name: reread(table[name]) for name in table.column_names}
    commas = any(column.decided == {","} for column in columns.values() if isinstance(column, Words))
    if commas and text.delimiter != ",":
        # Among decimal commas, what Arrow took for thousandths may be thousands.
        raw = text_columns(text, raw=True)
        fractions = [name for name in table.column_names if pa.types.is_float64(table[name].type)]
        columns |= {name: words for name in fractions if (words := points_as_words(raw[name]))}
    styles = choose_styles(path, columns, {"."} if text.delimiter == "," else set())
    arrays = {name: c.settled(styles.get(name)) if isinstance(c, Words) else c for name, c in columns.items()}
    return CsvFile(text, pa.table(arrays), styles)


def text_columns(text: CsvText, raw: bool = False) -> pa.Table:
    """The columns below the header as Arrow sees them; `raw`, every field as the text that it is, without holes."""
    content = text.content[text.body : text.end].encode()
    strings = {name: pa.string() for name in text.names} if raw else {}
    convert = pyarrow.csv.ConvertOptions(
        column_types=strings, strings_can_be_null=not raw, null_values=[] if raw else list(HOLES)
    )
    parse = pyarrow.csv.ParseOptions(
        delimiter=text.delimiter, newlines_in_values=b'"' in content, ignore_empty_lines=len(text.names) > 1
    )
    try:
        try:
            return _arrow(content, text.names, parse, convert, 2**20)
        except pa.ArrowInvalid as error:
            if "straddling" not in str(error):
                raise
            # A record longer than a block.
            return _arrow(content, text.names, parse, convert, min(len(content) + 1, _LARGEST_BLOCK))
    except pa.ArrowInvalid as error:
        uneven = text.uneven()
        reason = f"line {uneven[0]} has {uneven[1]} fields, expected {len(text.first)}" if uneven else error
        raise DataError(f"{text.path} cannot be read as a table: {reason}; every row needs the same columns") from None


def _require_closed(text: CsvText, table: pa.Table) -> None:
    """DataError where the last field swallowed the rows below a quote that is not closed."""
    column = table.column(table.num_columns - 1)
    last = (column[-1].as_py() if table.num_rows and pa.types.is_string(column.type) else None) or ""
    if any(mark in last for mark in ("\n", "\r", text.delimiter)) and text.content[text.end - 1] != '"':
        raise DataError(
            f"{text.path} cannot be read as a table: a quote that begins a field of column {text.names[-1]!r} "
            f"in row {table.num_rows - 1} is not closed; close it, or double it and put the field in quotes"
        )


def _arrow(
    content: bytes,
    names: list[str],
    parse: pyarrow.csv.ParseOptions,
    convert: pyarrow.csv.ConvertOptions,
    block_size: int,
) -> pa.Table:
    read = pyarrow.csv.ReadOptions(column_names=names, block_size=block_size)
    return pyarrow.csv.read_csv(io.BytesIO(content), read_options=read, parse_options=parse, convert_options=convert)
