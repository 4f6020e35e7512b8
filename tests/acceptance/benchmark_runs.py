"""How acceptance tests run the scripts of benchmarks/."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


def load_benchmark(name):
    """A script of benchmarks/ as a module."""
    sys.path.insert(0, str(BENCHMARKS))
    specification = importlib.util.spec_from_file_location(name, BENCHMARKS / f"{name}.py")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def run_benchmark(name, *arguments):
    """Run a script of benchmarks/ to its end."""
    command = [sys.executable, str(BENCHMARKS / f"{name}.py"), *map(str, arguments)]
    subprocess.run(command, check=True)


def need_shared(directory):
    """Skip, with the reason, where the data are absent."""
    place = BENCHMARKS.parents[1] / "shared/data" / directory
    if not place.is_dir():
        pytest.skip(f"the data are not at {place}")
