"""Ray, on this machine or on a cluster."""

import logging
import os
import socket
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

_QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_BACKEND_LOG_LEVEL": "fatal"}
"""Unless set otherwise before Ray is imported, it reports its use over the network, and logs to the terminal."""

SECONDS_TO_ANSWER = 10.0


@contextmanager
def connected(address: str | None = None) -> Iterator[None]:
    """Be connected to Ray for the time of some work.

    address: of a cluster, such as `10.0.0.1:6379` or `auto`; None for the one that RAY_ADDRESS names or, without it,
    one of this machine's own that ends with the work. A connection that is there already is used and left open.
    Raises RuntimeError where Ray is not installed, ConnectionError where no cluster answers.
    """
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    try:
        import ray
    except ImportError:
        raise RuntimeError("this needs Ray, which is not installed; pip install 'isthmus[ray]'") from None
    if ray.is_initialized():
        yield
        return
    place = address or os.environ.get("RAY_ADDRESS", "local")
    _require_answer(place)
    with warnings.catch_warnings():
        # jax warns of forks; Ray's processes are replaced by another program at once.
        warnings.filterwarnings("ignore", "os.fork", RuntimeWarning)
        ray.init(address=place, log_to_driver=False, logging_level=logging.ERROR)
    try:
        yield
    finally:
        ray.shutdown()


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
