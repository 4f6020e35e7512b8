"""Ray, on this machine or on a cluster."""

import logging
import os
import signal
import socket
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_BACKEND_LOG_LEVEL": "fatal"}
"""Unless set otherwise before Ray is imported, it reports its use over the network, and logs to the terminal."""

_PASSED_ON = ("XLA_FLAGS",)
"""What workers on all machines have from this process's environment: by XLA's flags results may differ in bits."""

SECONDS_TO_ANSWER = 10.0
_STOPS = signal.SIGINT, signal.SIGTERM


@contextmanager
def connected(address: str | None = None) -> Iterator[None]:
    """Be connected to Ray for the time of some work.

    address: of a cluster, such as `10.0.0.1:6379` or `auto`; None for the one that RAY_ADDRESS names or, without it,
    one of this machine's own that ends with the work. A connection that is there already is used and left open.
    Ctrl-C and SIGTERM do what they did before, once the connection is closed; workers have this process's XLA_FLAGS.
    Raises RuntimeError where Ray is not installed, ConnectionError where no cluster answers.
    """
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    try:
        import ray
    except ImportError:
        raise RuntimeError("this needs Ray, which is not installed; pip install 'isthmus[ray]'") from None
    if ray.is_initialized():
        with _interruptible():
            yield
        return
    place = address or os.environ.get("RAY_ADDRESS", "local")
    _require_answer(place)
    environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    with _interruptible():
        with warnings.catch_warnings(), signal_handlers_kept():
            # jax warns of forks; Ray's processes are replaced by another program at once.
            warnings.filterwarnings("ignore", "os.fork", RuntimeWarning)
            ray.init(
                address=place,
                log_to_driver=False,
                logging_level=logging.ERROR,
                runtime_env={"env_vars": environment},
            )
        try:
            yield
        finally:
            ray.shutdown()


@contextmanager
def signal_handlers_kept() -> Iterator[None]:
    """Put the handlers of Ctrl-C and SIGTERM back where Ray has put its own in their place."""
    if threading.current_thread() is not threading.main_thread():
        # Nobody can set handlers here, Ray included.
        yield
        return
    before = {number: signal.getsignal(number) for number in _STOPS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let Ctrl-C and SIGTERM end the work, and then do what they did before.

    While Ray waits it swallows whatever a handler raises, but for a KeyboardInterrupt.
    """
    received = []

    def interrupt(number: int, frame: object) -> None:
        received.append(number)
        raise KeyboardInterrupt

    try:
        with signal_handlers_kept():
            if threading.current_thread() is threading.main_thread():
                for number in _STOPS:
                    signal.signal(number, interrupt)
            yield
    except KeyboardInterrupt:
        signal.raise_signal(received[0] if received else signal.SIGINT)
        raise


def found_by_all(source: str) -> str:
    """The whole path where `source` is a path, since others work in other directories; else, an address or the name of
    a bundled set, the same."""
    return str(Path(source).absolute()) if Path(source).exists() else source


def _require_answer(place: str) -> None:
    """ConnectionError where nobody listens at host:port: Ray would try for minutes."""
    host, _, port = place.rpartition(":")
    if not host or "/" in host or not port.isdecimal():
        return
    try:
        socket.create_connection((host, int(port)), SECONDS_TO_ANSWER).close()
    except OSError as error:
        raise ConnectionError(
            f"no Ray cluster answers at {place} ({error}); start one with `ray start --head`, or leave the address out"
        ) from None
