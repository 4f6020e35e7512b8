"""A run's directory is proved writable before any work, and a directory without a model is no run."""

import errno
import os
import tempfile

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
    def fail(**kwargs):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(tempfile, "TemporaryFile", fail)
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
    assert len(set(run.files)) == len(run.files)
    assert {path.parent for path in run.files} == {tmp_path}


def fail_after(write, place):
    """Work in a reserved place that fails once it has written something."""
    with RunDirectory.reserve(place) as run:
        write(run)
        raise KeyboardInterrupt


def test_of_work_that_fails_nothing_is_left(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        fail_after(lambda run: run.report.write_bytes(b""), tmp_path / "runs" / "a")
    assert not os.listdir(tmp_path)


@pytest.mark.parametrize("kept", ["model.safetensors", "checkpoint.safetensors", "notes.txt", "beside"])
def test_what_is_worth_keeping_is_kept_when_work_fails(tmp_path, kept):
    place = tmp_path / "runs" / "a"
    file = tmp_path / "runs" / "b" if kept == "beside" else place / kept
    with pytest.raises(KeyboardInterrupt):
        fail_after(lambda run: file.write_bytes(b"mine"), place)
    assert file.read_bytes() == b"mine"


def test_a_second_writer_is_refused_and_disturbs_nothing(tmp_path):
    with RunDirectory.reserve(tmp_path / "run") as run:
        run.exhibits.write_bytes(b"mine")
        with pytest.raises(BlockingIOError, match="another process writes the run"):
            fail_after(lambda run: None, run.path)
        assert run.exhibits.read_bytes() == b"mine"


def test_only_what_killed_writes_of_the_run_left_is_removed(tmp_path):
    (tmp_path / ".ledger.json.abc.tmp").write_bytes(b"half")
    others = [tmp_path / ".notes.txt.abc.tmp", tmp_path / ".scores.parquet.abc.tmp"]
    others[0].write_bytes(b"mine")
    others[1].mkdir()
    with RunDirectory.reserve(tmp_path):
        assert all(path.exists() for path in others)
        assert not list(tmp_path.glob(".ledger*"))
