"""Several processes that train one model: the same weights as by one, and an end of all where one is lost."""

import signal

import pytest
from benchmark_runs import load_benchmark

pytestmark = pytest.mark.slow

HEARTBEAT, GRACE = 10, 5.0


@pytest.fixture(scope="module")
def benchmark():
    return load_benchmark("many_processes")


def test_two_processes_train_as_one_with_two_devices(benchmark):
    found = benchmark.same_weights(benchmark.ONE_THREAD)
    print(found)
    assert found["two processes"]["relative_difference"] <= 1e-6
    # One thread a device: the thread pools match.
    assert found["two processes"]["identical"]


@pytest.mark.parametrize("rank", [0, 1])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_where_one_is_lost_all_others_end(benchmark, number, rank):
    found = benchmark.lose(rank, number, HEARTBEAT)
    print(found)
    assert all(found["statuses"])
    assert found["seconds"] <= HEARTBEAT + GRACE
