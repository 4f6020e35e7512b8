"""Files mutated by the ten thousand, as benchmarks/hostile_input.py makes and judges them; a tenth of its numbers."""

import pytest
from benchmark_runs import run_benchmark


@pytest.mark.slow
def test_no_hostile_file_escapes():
    run_benchmark("hostile_input", "--models", 9000, "--forged", 1000, "--tables", 2000)
