"""What a file may ask of memory, decided before it is given any."""

import os
from functools import cache
from pathlib import Path

from isthmus.data.dataset import DataError

MOST_COLUMNS = 2**16
"""Of a table: each column is an object of its own, in ten kilobytes whatever it holds."""
_SHARE = 0.5
_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


@cache
def memory_of_machine() -> int:
    """Bytes of memory that this process may use: the machine's, or its container's where that is less."""
    try:
        found = [os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")]
    except (AttributeError, ValueError, OSError):
        found = [2**36]  # a system that does not say
    texts = [Path(limit).read_text().strip() for limit in _LIMITS if os.access(limit, os.R_OK)]
    return min(found + [int(text) for text in texts if text.isdecimal()])


def require_room(source: object, needed: int) -> None:
    """DataError where a file's content, decompressed, is more than half of the memory there is."""
    if needed > _SHARE * memory_of_machine():
        raise DataError(
            f"{source} announces {needed / 2**30:.3g} GiB of values, and this process has "
            f"{memory_of_machine() / 2**30:.3g} GiB of memory; expected at most half of that: pass fewer rows, or a "
            "larger machine"
        )


def require_columns(source: object, count: int) -> None:
    """DataError where a table has more columns than MOST_COLUMNS."""
    if count > MOST_COLUMNS:
        raise DataError(
            f"{source} has {count} columns; expected at most {MOST_COLUMNS} of a table: pass numbers as .npy"
        )
