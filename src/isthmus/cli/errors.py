"""One clear error for whatever goes wrong, and the exit status that belongs to it."""

import signal
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

FAILED, WRONG_CALL = 1, 2


class WrongCall(Exception):  # noqa: N818 - it is the call that is wrong, not the work
    """The command was called with something that cannot be: exit status 2."""


class Stopped(BaseException):
    """A signal ended the work: exit status 1. No exception that the work handles, nor one that the parser does."""


def stop(number: int, frame: object) -> None:
    """The handler of Ctrl-C and SIGTERM: what was begun is cleared away, and the error is one line."""
    raise Stopped(f"stopped by {signal.Signals(number).name}")


@contextmanager
def one_clear_error() -> Iterator[None]:
    """Print an expected exception as one message on standard error and exit; let a bug show its traceback."""
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _show_warning
            yield
    except (WrongCall, FileNotFoundError) as error:
        _exit(error, WRONG_CALL)
    except (Stopped, ValueError, OSError, RuntimeError, MemoryError) as error:
        _exit(error, FAILED)


def _exit(error: BaseException, status: int) -> None:
    print(f"error: {_one_line(error) or type(error).__name__}", file=sys.stderr)  # noqa: T201
    sys.exit(status)


def _show_warning(message, category, filename, lineno, file=None, line=None) -> None:
    print(f"warning: {_one_line(message)}", file=sys.stderr)  # noqa: T201


def _one_line(message) -> str:
    # Here, because --help has no use for what it imports.
    from isthmus.storage.visible import visible

    return visible(" ".join(str(message).split()))
