"""One fit over several devices, in one process and in two, is the fit of one device."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from test_training import a_line, loss, rows, settings

from isthmus.fitting import train

SCRIPT = Path(__file__).with_name("two_processes.py")
TWO_DEVICES = {"XLA_FLAGS": "--xla_force_host_platform_device_count=2"}


def start(out, *hosts, **environment):
    inherited = {name: value for name, value in os.environ.items() if name != "XLA_FLAGS"}
    return subprocess.Popen([sys.executable, str(SCRIPT), str(out), *hosts], env={**inherited, **environment})


def free_port():
    with socket.socket() as opened:
        opened.bind(("127.0.0.1", 0))
        return opened.getsockname()[1]


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    place, address = tmp_path_factory.mktemp("devices"), f"127.0.0.1:{free_port()}"
    started = [
        start(place / "one", **TWO_DEVICES),
        *(start(place / "two", f"{address},2,{rank}") for rank in (0, 1)),
    ]
    assert [process.wait(timeout=120) for process in started] == [0, 0, 0]
    return {path.stem: dict(np.load(path)) for path in place.glob("*.npz")}


def test_all_devices_took_part(found):
    assert {name: int(one["devices"]) for name, one in found.items()} == {"one": 2, "two-0": 2, "two-1": 2}


@pytest.mark.parametrize("source", ["memory", "stream"])
def test_two_processes_are_one_process_with_two_devices(found, source):
    for name in ("two-0", "two-1"):
        np.testing.assert_allclose(found[name][source], found["one"][source], rtol=1e-6)
        np.testing.assert_allclose(found[name][f"{source}_history"], found["one"][f"{source}_history"], rtol=1e-5)


def test_all_processes_stop_when_one_is_asked_to_and_go_on_together(found):
    assert "stopped by SIGTERM at step 64 of 150" in str(found["two-1"]["stopped"])
    assert "stopped by a signal to another process at step 64 of 150" in str(found["two-0"]["stopped"])
    for name in ("two-0", "two-1"):
        assert "the processes are not at the same step of the same fit" in str(found[name]["alone"])
        assert found[name]["resumed"] == found[name]["undisturbed"]


def test_two_devices_are_one_device_but_for_the_order_of_sums(found):
    alone = train(a_line(), loss(), rows(200), settings(steps=150, seed=3), lambda model: -float(model.slope))
    np.testing.assert_allclose(found["one"]["memory"], alone.model.slope, rtol=1e-5)


def test_a_batch_that_processes_cannot_share_is_refused(found):
    said = "batch_size is 15 and the processes have 2 devices; expected a multiple of them"
    assert {name: str(one["refused"]) for name, one in found.items()} == {"one": "", "two-0": said, "two-1": said}
