"""Words of the data that a spreadsheet would take for a formula, when a CSV file that we wrote is opened in one.

A column named =HYPERLINK(...) runs in the spreadsheet of whoever opens the file. As OWASP advises (CSV injection), such
a word gets an apostrophe before it, which spreadsheets take to mean: text.
"""

import warnings

import pyarrow as pa

from isthmus.data.spelling import STYLES, is_number

_BEGINNINGS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def is_formula(word: str) -> bool:
    """Whether a spreadsheet may take a word for a formula: a number with its sign is none."""
    bare = word.lstrip(" ")
    return bare.startswith(_BEGINNINGS) and not is_number(bare) and not any(style.fits([bare]) for style in STYLES)


def as_text(word: str) -> str:
    """The word, behind an apostrophe where it is a formula."""
    return f"'{word}" if is_formula(word) else word


def without_formulas(table: pa.Table) -> pa.Table:
    """The table with every formula among names and words made text, and a warning where there was one."""
    changed = False
    for place, (field, column) in enumerate(zip(table.schema, table.columns, strict=True)):
        if pa.types.is_string(field.type):
            coded = column.combine_chunks().dictionary_encode()
            words = coded.dictionary.to_pylist()
            if any(map(is_formula, words)):
                changed = True
                column = pa.array(list(map(as_text, words)), pa.string()).take(coded.indices)
        changed |= is_formula(field.name)
        table = table.set_column(place, as_text(field.name), column)
    if changed:
        warnings.warn(
            "words that a spreadsheet would take for formulas were written behind an apostrophe; write .parquet to "
            "keep them as they are",
            UserWarning,
            stacklevel=3,
        )
    return table
