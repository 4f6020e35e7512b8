"""What a fit does when it is asked to stop: it ends the steps under way, keeps its state and says so."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

ASKING = (signal.SIGINT, signal.SIGTERM)


class FitInterrupted(KeyboardInterrupt):
    """A fit that was asked to stop and has kept all it needs to go on; a KeyboardInterrupt, so that nothing which
    handles errors takes it for one."""


@dataclass
class StopRequest:
    """signal: the name of the signal that asked for a stop; None while none did."""

    signal: str | None = None


@contextmanager
def stop_on_signals() -> Iterator[StopRequest]:
    """While this lasts, SIGTERM and Ctrl-C ask for a stop and interrupt nothing; a second one does what it did before.

    Outside the main thread, where Python sets no handlers, signals do what they did before.
    """
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return
    before = {number: signal.getsignal(number) for number in ASKING}

    def restore() -> None:
        for number, handler in before.items():
            # None: set by a library that is not Python's, and not known to it.
            signal.signal(number, signal.SIG_DFL if handler is None else handler)

    def ask(number: int, frame: object) -> None:
        request.signal = signal.Signals(number).name
        restore()

    for number in ASKING:
        signal.signal(number, ask)
    try:
        yield request
    finally:
        restore()
