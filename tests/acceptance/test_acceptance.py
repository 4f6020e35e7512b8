"""Acceptance runs of minutes, run by `make accept`: the figures of docs/benchmarks.md, held to what was promised."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
pytestmark = pytest.mark.slow


def load_benchmark(name):
    """A script of benchmarks/ as a module."""
    specification = importlib.util.spec_from_file_location(name, BENCHMARKS / f"{name}.py")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def test_binarised_mnist_reaches_90_nats():
    benchmark = load_benchmark("binarised_mnist")
    if not benchmark.DATA.is_file():
        pytest.skip(f"the fixed-binarised MNIST set is not at {benchmark.DATA}")
    result = benchmark.run()
    print(json.dumps(result, indent=2))
    bound = result["ledger"]["log_likelihood_lower"]
    assert -bound["value"] <= 90.0
    assert abs(result["ledger"]["log_likelihood_independent"]["value"] + 205.785) < 0.5


def test_the_importance_weighted_bound_streams():
    command = [sys.executable, str(BENCHMARKS / "importance_memory.py")]
    finished = subprocess.run(command, check=True, capture_output=True, text=True)
    record = json.loads(finished.stdout)
    print(json.dumps(record, indent=2))
    assert record["peak_megabytes"] < 1000
