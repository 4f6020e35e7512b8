"""Fits that Ray Train supervises: a process is lost, and the fit ends as if none had been."""

import os
import signal
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


def kill_a_process_in_the_middle(run, killed):
    checkpoint = RunDirectory(run).checkpoint
    while not checkpoint.exists():
        time.sleep(0.02)
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
    assert not any((run / ".ray").exists() for run in runs)


@pytest.mark.slow
def test_more_processes_than_there_are_cpus_are_refused(tmp_path, ray):
    with connected(), pytest.raises(ValueError, match=r"the cluster has \d+ CPUs; expected one for each of 1000"):
        supervised_fit(order(tmp_path / "run"), 1000)
