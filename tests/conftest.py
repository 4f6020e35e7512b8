"""Tables of cases and oracles are imported by name from the tests' own directory.

Compilation dominates the tests' time, so what one process has compiled is kept for the other, and for the next run, and
the compiler is asked for little optimisation; `JAX_DISABLE_MOST_OPTIMIZATIONS=0 make test` asks for all of it.
"""

import gc
import itertools
import os
import sys
from pathlib import Path

HERE = Path(__file__).parent

sys.path.insert(0, str(HERE))
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(HERE.parent / ".jax_cache"))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.3")

TESTS_BETWEEN_LOOKS, MOST_MAPPINGS = 25, 35_000
"""Each compiled function maps memory, and Linux grants a process 65,530 mappings: beyond them the compiler dies."""

_finished = itertools.count(1)


def pytest_configure(config):
    """Before jax is imported; the acceptance runs, `-m slow`, take long to run and are optimised as usual."""
    if config.option.markexpr == "not slow":
        os.environ.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")


def pytest_collection_modifyitems(items):
    """The examples first: the longest of all tests is among them, and begun last it would keep a worker waiting."""
    items.sort(key=lambda item: item.path.name != "test_examples.py")


def pytest_runtest_teardown():
    """Forget compiled functions before there are too many; what took long to compile is read from the cache again."""
    if next(_finished) % TESTS_BETWEEN_LOOKS == 0 and "jax" in sys.modules and _mappings() > MOST_MAPPINGS:
        sys.modules["jax"].clear_caches()
        gc.collect()


def _mappings():
    maps = Path("/proc/self/maps")
    return len(maps.read_bytes().splitlines()) if maps.is_file() else 0
