"""Ways in which the bytes of a file may come to be other than they were, by chance or by intent."""

from collections.abc import Callable

import numpy as np

Generator = np.random.Generator
EDGES = (0, 1, 0x7F, 0x80, 0xFF, 0x22, 0x2C, 0x0A, 0x7B, 0x5B, 0x28)
"""The ends of a byte's range, and what delimits text."""
NUMBERS = (0, 1, 2**15, 2**16 - 1, 2**31 - 1, 2**32 - 1, 2**60, 2**63 - 1, 2**64 - 1)
"""Sizes at which readers overflow."""
WORDS = (
    b"1e999",
    b"NaN",
    b"-1",
    b"9" * 400,
    b"null",
    b"[" * 2000,
    b"\\ud800",
    b"\xff\xfe",
    b"\0",
    b'"',
    b"\r",
    b"\n\n",
)


def flip_bits(content: bytes, generator: Generator) -> bytes:
    """One to four bits, anywhere."""
    changed = bytearray(content)
    for position in generator.integers(8 * len(content), size=generator.integers(1, 5)):
        changed[position // 8] ^= 1 << position % 8
    return bytes(changed)


def set_bytes(content: bytes, generator: Generator) -> bytes:
    """A run of up to eight bytes set to one value from the ends of the range."""
    begin, end = _span(content, generator, 8)
    return content[:begin] + bytes([generator.choice(EDGES)]) * (end - begin) + content[end:]


def insert_bytes(content: bytes, generator: Generator) -> bytes:
    """Up to 16 random bytes more."""
    place = int(generator.integers(len(content) + 1))
    return content[:place] + generator.bytes(int(generator.integers(1, 17))) + content[place:]


def delete_bytes(content: bytes, generator: Generator) -> bytes:
    """Up to 64 bytes less."""
    begin, end = _span(content, generator, 64)
    return content[:begin] + content[end:]


def truncate(content: bytes, generator: Generator) -> bytes:
    """The end is lost."""
    return content[: int(generator.integers(len(content)))]


def splice(content: bytes, generator: Generator) -> bytes:
    """A piece of the file in place of another."""
    begin, end = _span(content, generator, 256)
    source, stop = _span(content, generator, 256)
    return content[:begin] + content[source:stop] + content[end:]


def repeat(content: bytes, generator: Generator) -> bytes:
    """A piece of the file many times over."""
    begin, end = _span(content, generator, 32)
    return content[:end] + content[begin:end] * int(generator.integers(1, 500)) + content[end:]


def write_number(content: bytes, generator: Generator) -> bytes:
    """A number of two, four or eight bytes at which readers overflow, in either byte order."""
    width, order = int(generator.choice([2, 4, 8])), str(generator.choice(["little", "big"]))
    number = NUMBERS[generator.integers(len(NUMBERS))] % 2 ** (8 * width)
    place = int(generator.integers(max(len(content) - width, 1)))
    return content[:place] + number.to_bytes(width, order) + content[place + width :]  # type: ignore[arg-type]


def write_word(content: bytes, generator: Generator) -> bytes:
    """A word that parsers stumble over, put in or written over what stood there."""
    begin, end = _span(content, generator, 8)
    return (
        content[:begin] + WORDS[generator.integers(len(WORDS))] + content[end if generator.random() < 0.5 else begin :]
    )


def change_digit(content: bytes, generator: Generator) -> bytes:
    """A decimal digit of the text becomes another."""
    places = np.flatnonzero((np.frombuffer(content, np.uint8) - ord("0")) < 10)
    if not len(places):
        return flip_bits(content, generator)
    place = int(generator.choice(places))
    return content[:place] + b"0123456789"[generator.integers(10) :][:1] + content[place + 1 :]


BYTE_MUTATIONS: dict[str, Callable[[bytes, Generator], bytes]] = {
    function.__name__: function
    for function in (
        flip_bits,
        set_bytes,
        insert_bytes,
        delete_bytes,
        truncate,
        splice,
        repeat,
        write_number,
        write_word,
        change_digit,
    )
}


def mutated(content: bytes, generator: Generator) -> tuple[str, bytes]:
    """(what was done, the bytes): one mutation, or in one case of five several in a row."""
    names = list(BYTE_MUTATIONS)
    count = 1 if generator.random() < 0.8 else int(generator.integers(2, 6))
    chosen = [names[i] for i in generator.integers(len(names), size=count)]
    for name in chosen:
        content = BYTE_MUTATIONS[name](content, generator) if content else content
    return "+".join(chosen), content


def _span(content: bytes, generator: Generator, longest: int) -> tuple[int, int]:
    begin = int(generator.integers(len(content)))
    return begin, min(begin + int(generator.integers(1, longest + 1)), len(content))
