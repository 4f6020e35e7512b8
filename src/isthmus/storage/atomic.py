"""Files that are whole or absent."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


def write_atomically(path: Path | str, content: bytes) -> None:
    """Write `content` to `path` so that a reader, or a kill at any instant, finds the old file or the new one.

    The bytes go to an exclusive temporary sibling, are flushed to disk, and are renamed over the target; the directory
    is flushed last, because the rename lives there. Raises OSError, which names the file, where it cannot be written.
    """
    with open_atomically(path) as file:
        file.write(content)


@contextmanager
def open_atomically(path: Path | str) -> Iterator[BinaryIO]:
    """A file to write, which takes the place of `path` when the block ends, and is gone where the block raises."""
    path = Path(path)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
    except BaseException as error:
        Path(temporary).unlink(missing_ok=True)
        if isinstance(error, OSError) and error.filename is None:
            error.filename = str(path)
        raise
    _flush_directory(path.parent)


def remove_temporaries(directory: Path | str) -> None:
    """Remove what `write_atomically` left in a directory when it was killed. No write may be under way there."""
    for temporary in Path(directory).glob(".*.*.tmp"):
        temporary.unlink(missing_ok=True)


def _flush_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _umask() -> int:
    # The process's umask can only be read by setting it; mkstemp makes private files, a model is an ordinary one.
    mask = os.umask(0)
    os.umask(mask)
    return mask
