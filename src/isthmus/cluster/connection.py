"""Ray, on this machine or on a cluster."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

_QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_BACKEND_LOG_LEVEL": "fatal"}
"""Unless set otherwise before Ray is imported, it reports its use over the network, and logs to the terminal."""


@contextmanager
def connected(address: str | None = None) -> Iterator[None]:
    """Be connected to Ray for the time of some work.

    address: of a cluster, such as `10.0.0.1:6379` or `auto`; None for the one that RAY_ADDRESS names or, without it, one
    of this machine's own that ends with the work. A connection that is there already is used and left open.
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
    own = address is None and "RAY_ADDRESS" not in os.environ
    ray.init(address="local" if own else address, log_to_driver=False, logging_level="ERROR")
    try:
        yield
    finally:
        ray.shutdown()
