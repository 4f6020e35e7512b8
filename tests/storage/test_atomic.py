"""Whatever stops a write, the directory holds the old file, whole, and nothing else."""

import os
import signal
import stat
import subprocess
import sys

import pytest

from isthmus.storage import write_atomically

STEPS = ["fdopen", "fsync", "chmod", "replace"]
KILLED_WHILE_RENAMING = """
import os, signal, sys
from isthmus.storage import write_atomically
os.replace = lambda *paths: os.kill(os.getpid(), signal.SIGKILL)
write_atomically(sys.argv[1], b"new")
"""


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"old")
    return path


@pytest.mark.parametrize("content", [b"", b"new", b"\0" * 2**20], ids=["empty", "short", "long"])
@pytest.mark.parametrize("as_type", [str, lambda path: path], ids=["str", "Path"])
def test_the_new_content_replaces_the_old(path, content, as_type):
    write_atomically(as_type(path), content)
    assert path.read_bytes() == content
    assert os.listdir(path.parent) == [path.name]


@pytest.mark.parametrize("error", [OSError("no space left"), KeyboardInterrupt()], ids=["full disk", "interrupt"])
@pytest.mark.parametrize("step", STEPS)
def test_a_failing_step_leaves_the_old_file_and_no_temporary_one(path, monkeypatch, step, error):
    def fail(*args, **kwargs):
        raise error

    monkeypatch.setattr(os, step, fail)
    with pytest.raises(type(error)):
        write_atomically(path, b"new")
    monkeypatch.undo()
    assert path.read_bytes() == b"old"
    assert os.listdir(path.parent) == [path.name]


def test_a_kill_before_the_rename_leaves_the_old_file_and_the_next_write_succeeds(path):
    killed = subprocess.run([sys.executable, "-c", KILLED_WHILE_RENAMING, str(path)], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert path.read_bytes() == b"old"
    write_atomically(path, b"newer")
    assert path.read_bytes() == b"newer"


def test_the_file_is_as_readable_as_any_other(path):
    mask = os.umask(0o027)
    try:
        write_atomically(path, b"new")
    finally:
        os.umask(mask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_a_missing_directory_is_an_error_and_is_not_made(tmp_path):
    with pytest.raises(FileNotFoundError):
        write_atomically(tmp_path / "absent" / "file", b"")
    assert not os.listdir(tmp_path)
