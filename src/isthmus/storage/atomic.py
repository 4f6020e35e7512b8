"""Files that are whole or absent."""

import errno
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO


def write_atomically(path: Path | str, content: bytes) -> None:
    """Write `content` to `path` so that a reader, or a kill at any instant, finds the old file or the new one.

    The bytes go to an exclusive temporary sibling, are flushed to disk, and are renamed over the target; the directory
    is flushed last, because the rename lives there. Raises OSError, which names the file, where it cannot be written.
    """
    with open_atomically(path) as file:
        file.write(content)


def write_together(contents: Mapping[Path, bytes]) -> None:
    """Write several files, all of whose bytes are on disk before the first takes its place."""
    with ExitStack() as stack:
        for path, content in contents.items():
            file = stack.enter_context(open_atomically(path))
            file.write(content)
            file.flush()
            os.fsync(file.fileno())


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
        if isinstance(error, OSError) and error.errno is not None and error.filename is None:
            error.filename = str(path)
        raise
    _flush_directory(path.parent)


def remove_temporaries(path: Path) -> None:
    """Remove what writes of this file left when they were killed. None may be under way."""
    for temporary in path.parent.glob(f".{path.name}.*.tmp"):
        if temporary.is_file():
            temporary.unlink(missing_ok=True)


def _flush_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        # Some network file systems have no such call; the file is in its place all the same.
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(descriptor)


def _umask() -> int:
    # The process's umask can only be read by setting it; mkstemp makes private files, a model is an ordinary one.
    mask = os.umask(0)
    os.umask(mask)
    return mask
