"""A run's directory is proved writable before any work, and a directory without a model is no run."""

import errno
import os
from pathlib import Path

import pytest

from isthmus.storage import RunDirectory


def test_create_makes_the_directory_and_leaves_nothing_in_it(tmp_path):
    run = RunDirectory.create(str(tmp_path / "a" / "b"))
    assert run.path == tmp_path / "a" / "b"
    assert not os.listdir(run.path)
    assert RunDirectory.create(run.path) == run


def test_create_keeps_what_is_there(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    RunDirectory.create(tmp_path)
    assert (tmp_path / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize("below", ["", "run"], ids=["at the file", "below the file"])
def test_create_refuses_a_file_in_the_way(tmp_path, below):
    (tmp_path / "file").write_bytes(b"mine")
    with pytest.raises(NotADirectoryError, match=r"file.* is not a directory; pass another place"):
        RunDirectory.create(tmp_path / "file" / below)
    assert (tmp_path / "file").read_bytes() == b"mine"


@pytest.mark.parametrize("code", [errno.EACCES, errno.EROFS, errno.ENOSPC])
def test_create_refuses_a_directory_that_cannot_be_written(tmp_path, monkeypatch, code):
    def fail(self, *args, **kwargs):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(Path, "touch", fail)
    with pytest.raises(PermissionError, match=f"{tmp_path} cannot be written: {os.strerror(code)}; pass another"):
        RunDirectory.create(tmp_path)


def test_open_finds_the_model(tmp_path):
    run = RunDirectory.create(tmp_path)
    run.model.write_bytes(b"")
    assert RunDirectory.open(str(tmp_path)) == run


@pytest.mark.parametrize("made", ["nothing", "an empty directory", "a file", "a directory named model.safetensors"])
def test_open_refuses_what_holds_no_model(tmp_path, made):
    place = tmp_path / "run"
    if made == "a file":
        place.write_bytes(b"")
    elif made != "nothing":
        (place / "model.safetensors" if "named" in made else place).mkdir(parents=True)
    with pytest.raises(FileNotFoundError, match=r"run is not a run: it holds no model\.safetensors; `isthmus fit`"):
        RunDirectory.open(place)


def test_the_files_of_a_run_are_its_own(tmp_path):
    run = RunDirectory(tmp_path)
    paths = [getattr(run, name) for name, value in vars(RunDirectory).items() if isinstance(value, property)]
    assert len(set(paths)) == len(paths)
    assert {path.parent for path in paths} == {tmp_path}
