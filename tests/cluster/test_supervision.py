"""Fits that Ray Train supervises: a process is lost, and the fit ends as if none had been."""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from isthmus.cluster.connection import connected
from isthmus.cluster.supervision import FitOrder, supervised_fit
from isthmus.storage import RunDirectory
from ray_processes import ray_processes

PROCESSES, HEARTBEAT = 2, 20
ARGUMENTS = {"n_components": 2, "max_epochs": 40, "random_state": 0}


def order(run):
    run.mkdir()
    return FitOrder("vae", ARGUMENTS, "digits", run, minutes=0.0, heartbeat=HEARTBEAT)


def await_checkpoint(run):
    while not RunDirectory(run).checkpoint.exists():
        time.sleep(0.02)


def kill_a_process_in_the_middle(run, killed):
    await_checkpoint(run)
    killed.append(ray_processes("ray::RayTrainWorker")[-1])
    os.kill(killed[-1], signal.SIGKILL)


@pytest.mark.slow
def test_a_fit_that_loses_a_process_ends_with_the_weights_of_one_that_does_not(tmp_path, ray):
    runs, killed = [tmp_path / "undisturbed", tmp_path / "disturbed"], []
    with connected():
        undisturbed = supervised_fit(order(runs[0]), PROCESSES)
        work = order(runs[1])
        threading.Thread(target=kill_a_process_in_the_middle, args=(runs[1], killed), daemon=True).start()
        disturbed = supervised_fit(work, PROCESSES)
    assert len(killed) == 1
    assert disturbed["ledger"] == undisturbed["ledger"]
    models = [RunDirectory(run).model.read_bytes() for run in runs]
    assert models[0] == models[1]
    assert not any((run / ".ray").exists() or list(run.glob(".*.tmp")) for run in runs)


@pytest.mark.slow
def test_more_processes_than_there_are_cpus_are_refused_and_a_checkpoint_is_left(tmp_path, ray):
    work = order(tmp_path / "run")
    checkpoint = RunDirectory(work.run).checkpoint
    checkpoint.write_bytes(b"of an earlier fit")
    with connected(), pytest.raises(ValueError, match=r"the cluster has \d+ CPUs; expected one for each of 1000"):
        supervised_fit(work, 1000)
    assert checkpoint.read_bytes() == b"of an earlier fit"


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_is_one_line_that_says_how_to_go_on(tmp_path, ray, number):
    run = tmp_path / "run"
    call = ["fit", "digits", "--ray", "1", "--checkpoint-minutes", "0", "--epochs", "100000", "--out", "run"]
    command = [sys.executable, "-m", "isthmus", *call]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=tmp_path, **pipes) as fit:
        try:
            await_checkpoint(run)
            fit.send_signal(number)
            out, err = fit.communicate(timeout=60)
        finally:
            fit.kill()
    assert (fit.returncode, out) == (1, "")
    # Before it Ray says which log level it was given.
    assert err.splitlines()[-1] == f"error: stopped by {number.name}: run the same command with --resume"
    # A file that was being written is removed by the next start.
    assert {path.name for path in run.iterdir() if path.suffix != ".tmp"} == {"checkpoint.safetensors", ".lock"}
