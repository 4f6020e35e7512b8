"""A fit from the command line that is stopped, locked out or short of disk: one line each, and nothing lost."""

import errno
import os
import signal

import pytest
from filelock import FileLock

from isthmus.fitting import checkpoint as checkpoint_module
from isthmus.fitting import loop

FIT = ["fit", "wine", "--latent", 3, "--epochs", 100, "--out"]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    from command_line import call

    run = tmp_path_factory.mktemp("runs") / "wine"
    with pytest.MonkeyPatch.context() as patch:
        assert call(patch, *FIT, run) == 0
    return (run / "model.safetensors").read_bytes()


@pytest.fixture
def stop_at_the_first_look(monkeypatch):
    look = loop._Run.look

    def looked(self, progress):
        monkeypatch.setattr(loop._Run, "look", look)
        os.kill(os.getpid(), signal.SIGTERM)
        return look(self, progress)

    monkeypatch.setattr(loop._Run, "look", looked)


def test_a_stopped_fit_says_how_it_goes_on_and_does(run_command, tmp_path, undisturbed, stop_at_the_first_look):
    run = tmp_path / "run"
    status, out, err = run_command(*FIT, run)
    assert (status, out) == (1, "")
    last = err.strip().splitlines()[-1]
    assert last.startswith("error: stopped by SIGTERM at step 64 of ")
    assert last.endswith(": run the same command with --resume")
    assert {path.name for path in run.iterdir()} == {".lock", "checkpoint.safetensors"}
    assert run_command(*FIT, run, "--resume")[0] == 0
    assert (run / "model.safetensors").read_bytes() == undisturbed
    assert not (run / "checkpoint.safetensors").exists()


def test_other_arguments_than_the_fit_began_with_are_refused(run_command, tmp_path, stop_at_the_first_look):
    run = tmp_path / "run"
    run_command(*FIT, run)
    kept = (run / "checkpoint.safetensors").read_bytes()
    status, _, err = run_command(*FIT, run, "--resume", "--seed", 5)
    assert status == 1
    assert "is of a fit to other rows or with other settings" in err
    assert (run / "checkpoint.safetensors").read_bytes() == kept


def test_a_checkpoint_that_finds_no_room_is_told_and_costs_nothing(run_command, tmp_path, undisturbed, monkeypatch):
    def full(path, *content):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    monkeypatch.setattr(checkpoint_module, "write_model_file", full)
    run = tmp_path / "run"
    status, _, err = run_command(*FIT, run)
    assert status == 0
    assert "warning: no checkpoint could be written ([Errno 28] No space left on device" in err
    assert (run / "model.safetensors").read_bytes() == undisturbed


def test_two_writers_of_one_run_are_refused(run_command, tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    (run / "model.safetensors").write_bytes(b"mine")
    with FileLock(run / ".lock"):
        status, _, err = run_command(*FIT, run)
    assert status == 1
    assert f"another process writes the run {run}; wait until it has ended" in err
    assert (run / "model.safetensors").read_bytes() == b"mine"


def test_what_a_killed_write_left_is_removed_at_the_next_start(run_command, tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    (run / ".model.safetensors.abc.tmp").write_bytes(b"half")
    assert run_command(*FIT, run, "--epochs", 3)[0] == 0
    assert [path.name for path in run.glob(".*")] == [".lock"]


@pytest.mark.parametrize("hosts", ["", "here", "10.0.0.1:1234", "10.0.0.1:1234,2", "10.0.0.1,2,0", ":1,2,0", "a:1,2,2"])
def test_hosts_that_cannot_be_are_a_wrong_call(run_command, hosts):
    status, _, err = run_command("fit", "wine", "--hosts", hosts)
    assert status == 2
    assert f"--hosts is {hosts!r}; expected" in err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_before_the_first_step_is_one_line_and_leaves_nothing(run_command, tmp_path, monkeypatch, number):
    def asked(*arguments, **named):
        os.kill(os.getpid(), number)

    monkeypatch.setattr("isthmus.cli.fitting.fit_run", asked)
    status, out, err = run_command(*FIT, tmp_path / "run")
    lines = [line for line in err.splitlines() if line.strip() and not line.startswith("fitting")]
    assert (status, out, lines) == (1, "", [f"error: stopped by {signal.Signals(number).name}"])
    assert not (tmp_path / "run").exists()
