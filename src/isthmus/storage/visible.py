"""Text that came from a file, made safe to show: nothing in it can move a cursor, colour a line or turn its order."""

import re

# Control characters but the newline, lone surrogates, line separators, and what reverses or hides text around it.
_HIDDEN = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")


def visible(text: str) -> str:
    """The text with each character that a terminal or a page would obey written as its escape, such as \\x1b."""
    return _HIDDEN.sub(lambda found: found[0].encode("unicode_escape").decode(), text)
