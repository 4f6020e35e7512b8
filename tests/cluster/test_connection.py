"""What a connection to Ray changes, and what it leaves alone."""

import os
import signal
import threading
import time

import pytest

from isthmus.cluster.connection import connected, found_by_all

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@pytest.mark.slow
def test_workers_have_the_flags_of_this_process(ray, monkeypatch):
    flags = "--xla_gpu_deterministic_ops=true"
    monkeypatch.setenv("XLA_FLAGS", flags)
    with connected():
        # A worker on another machine inherits nothing: what it has is what Ray was told of.
        assert ray.get_runtime_context().runtime_env["env_vars"] == {"XLA_FLAGS": flags}
        assert ray.get(ray.remote(lambda: os.environ["XLA_FLAGS"]).remote()) == flags


@pytest.mark.slow
@pytest.mark.parametrize("number", SIGNALS)
def test_signals_do_what_they_did_once_the_connection_is_closed(ray, number):
    before, heard = signal.getsignal(number), []
    signal.signal(number, lambda number, frame: heard.append((number, ray.is_initialized())))

    def wait_for_a_signal():
        with connected():
            threading.Timer(1.0, os.kill, (os.getpid(), number)).start()
            ray.get(ray.remote(lambda: time.sleep(60)).remote())

    try:
        with pytest.raises(KeyboardInterrupt):
            wait_for_a_signal()
    finally:
        signal.signal(number, before)
    assert heard == [(number, False)]


def test_paths_are_whole_for_those_who_work_elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rows").mkdir()
    assert found_by_all("rows") == str(tmp_path / "rows")
    assert [found_by_all(name) for name in ("digits", "s3://rows")] == ["digits", "s3://rows"]
