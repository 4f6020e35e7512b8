"""Columns of a CSV file that Arrow takes for words, and that may be numbers in another style."""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.csv

from isthmus.data.dataset import DataError
from isthmus.data.spelling import HOLES, HOLES_AMONG_NUMBERS, PLAIN, NumberStyle, styles_of


@dataclass(frozen=True)
class Words:
    """A column as its distinct texts and, for each row, the number of its text.

    bare: the texts without the spaces around them, None for those that would be a hole among numbers.
    readings: the styles in which all of them are numbers, one for each different reading.
    """

    indices: pa.Array
    texts: list[str]
    bare: list[str | None]
    readings: list[NumberStyle]

    @property
    def decided(self) -> set[str]:
        """What stands before decimals, where there is only one reading."""
        return {self.readings[0].decimal} if len(self.readings) == 1 else set()

    def settled(self, style: NumberStyle | None) -> pa.Array:
        """The column as numbers in a style, or as words where there is none."""
        if style is None:
            words = [None if text.strip() in HOLES else text for text in self.texts]
            return pa.array(words, pa.string()).take(self.indices)
        numbers = [None if text is None else style.read(text) for text in self.bare]
        return pa.array(numbers, pa.float64()).take(self.indices)


Columns = Mapping[str, pa.ChunkedArray | pa.Array | Words]


def reread(column: pa.ChunkedArray) -> pa.ChunkedArray | pa.Array | Words:
    """A column as it is, or as what it is once its holes are seen, or as words where it still holds text."""
    if not pa.types.is_string(column.type):
        return column
    words = _words(column)
    if None in words.bare and any(words.bare):
        distinct = _inferred(words.bare)
        if not pa.types.is_string(distinct.type):
            return distinct.take(words.indices)
    return words


def points_as_words(raw: pa.ChunkedArray) -> Words | None:
    """A column of text whose points may all stand between thousands, readable so and plainly; else None."""
    words = _words(raw)
    known = [text for text in words.bare if text is not None]
    thousands = NumberStyle(".", ",")
    if not thousands.fits(known) or any("," in text for text in known) or not any("." in text for text in known):
        return None
    return Words(words.indices, words.texts, words.bare, [PLAIN, thousands])


def choose_styles(path: Path, columns: Columns, otherwise: set[str]) -> dict[str, NumberStyle]:
    """The style of each column of words that is numbers.

    Where there is more than one reading, what stands before decimals elsewhere in the file decides, or `otherwise`
    where there are no others. DataError where they do not agree.
    """
    words = {name: column for name, column in columns.items() if isinstance(column, Words)}
    plain = any(not isinstance(column, Words) and pa.types.is_float64(column.type) for column in columns.values())
    decimals = {"."} if plain else set()
    decimals = decimals.union(*(column.decided for column in words.values())) or otherwise
    return {name: _style(path, name, column, decimals) for name, column in words.items() if column.readings}


def _words(column: pa.ChunkedArray) -> Words:
    encoded = column.combine_chunks().dictionary_encode()
    texts = encoded.dictionary.to_pylist()
    bare = [None if (text := t.strip()) in HOLES or text in HOLES_AMONG_NUMBERS else text for t in texts]
    known = [text for text in bare if text is not None]
    return Words(encoded.indices, texts, bare, styles_of(known) if known else [])


def _inferred(texts: list[str | None]) -> pa.Array:
    """Texts in the type that Arrow sees in them."""
    content = "\n".join('"' + (text or "").replace('"', '""') + '"' for text in texts).encode()
    return (
        pyarrow.csv.read_csv(
            io.BytesIO(content),
            read_options=pyarrow.csv.ReadOptions(column_names=["a"], block_size=len(content) + 1),
            parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
            convert_options=pyarrow.csv.ConvertOptions(strings_can_be_null=True),
        )
        .column(0)
        .combine_chunks()
    )


def _style(path: Path, name: str, column: Words, decimals: set[str]) -> NumberStyle:
    likely = [style for style in column.readings if style.decimal in decimals]
    if len(column.readings) == 1 or len(likely) == 1:
        return (likely or column.readings)[0]
    example = next(text for text in column.bare if text and not text.isdigit())
    ways = " or ".join(f"{style.read(example):.15g}" for style in column.readings)
    raise DataError(
        f"column {name!r} of {path} holds numbers such as {example!r}, which may be {ways}; "
        "expected numbers that can be read in one way: write them with a decimal point and without separators"
    )
