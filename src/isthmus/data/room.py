"""What a file may ask of memory, decided before it is given any."""

import os
from functools import cache
from pathlib import Path

from isthmus.data.dataset import DataError

MOST_COLUMNS = 2**16
"""Of a table: each column is an object of its own, in ten kilobytes whatever it holds."""
_SHARE = 0.5


@cache
def memory_of_machine() -> int:
    """Bytes of memory that this process may use: the machine's, or its container's where that is less."""
    try:
        found = [os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")]
    except (AttributeError, ValueError, OSError):
        found = [2**36]  # a system that does not say
    return min(found + control_group_limits())


def control_group_limits(root: Path = Path("/")) -> list[int]:
    """Bytes that the control groups of this process allow, its own and all above it; none where it is in no such group.

    A group's limit holds for those below it, which need not repeat it. root: of the file system.
    """
    limits = []
    for place, name in _control_groups(root):
        for group in (place, *place.parents):
            limit = group / name
            if os.access(limit, os.R_OK) and (text := limit.read_text().strip()).isdecimal():
                limits.append(int(text))
            if group.name == "cgroup":
                break
    return limits


def _control_groups(root: Path) -> list[tuple[Path, str]]:
    """(directory, name of the file with the limit) of the groups that this process is in, of version 2 and of 1."""
    mounted, membership = root / "sys/fs/cgroup", root / "proc/self/cgroup"
    lines = membership.read_text().splitlines() if os.access(membership, os.R_OK) else []
    found = []
    for _, controllers, path in (line.split(":", 2) for line in lines if line.count(":") >= 2):
        if not controllers:
            found.append((mounted / path.lstrip("/"), "memory.max"))
        elif "memory" in controllers.split(","):
            found.append((mounted / "memory" / path.lstrip("/"), "memory.limit_in_bytes"))
    return found


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
            f"{source} has {count} columns; expected at most {MOST_COLUMNS} of a table: pass numbers as an array, "
            "under one likelihood for all columns"
        )
