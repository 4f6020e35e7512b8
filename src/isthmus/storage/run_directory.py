"""The files of a run."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from isthmus.storage import strict_json
from isthmus.storage.atomic import remove_temporaries


@dataclass(frozen=True)
class RunDirectory:
    """The paths of one run: the fitted model and what was recorded about it.

    `exhibits` holds the few rows that the report's pictures show (originals, reconstructions, samples, latent means),
    so that the report can be drawn again without the data. `dependence` is what `isthmus measure` found in a table,
    `comparison` what `isthmus compare` found of the models.
    """

    path: Path

    @property
    def model(self) -> Path:
        return self.path / "model.safetensors"

    @property
    def checkpoint(self) -> Path:
        return self.path / "checkpoint.safetensors"

    @property
    def history(self) -> Path:
        return self.path / "history.jsonl"

    @property
    def ledger(self) -> Path:
        return self.path / "ledger.json"

    @property
    def exhibits(self) -> Path:
        return self.path / "exhibits.safetensors"

    @property
    def report(self) -> Path:
        return self.path / "report.html"

    @property
    def dependence(self) -> Path:
        return self.path / "dependence.json"

    @property
    def dependence_report(self) -> Path:
        return self.path / "dependence.html"

    @property
    def comparison(self) -> Path:
        return self.path / "compare.json"

    @property
    def comparison_report(self) -> Path:
        return self.path / "compare.html"

    @classmethod
    def create(cls, path: Path | str) -> "RunDirectory":
        """Make the directory where it is absent, and prove that it can be written before any work is done."""
        run = cls(Path(path))
        try:
            run.path.mkdir(parents=True, exist_ok=True)
            probe = run.path / ".writable"
            probe.touch()
            probe.unlink()
        except (FileExistsError, NotADirectoryError):
            raise NotADirectoryError(f"{path} is not a directory; pass another place for the run") from None
        except OSError as error:
            raise PermissionError(
                f"the run directory {path} cannot be written: {error.strerror}; pass another"
            ) from None
        return run

    def read_record(self) -> dict[str, Any]:
        """The record in ledger.json; ValueError, naming the file, where it is not one."""
        try:
            record = strict_json.decode(self.ledger.read_bytes())
        except ValueError as error:
            raise ValueError(f"{self.ledger} is damaged: {error}; fit again, or restore a copy") from None
        if not isinstance(record, dict) or not {"run", "model", "assumptions", "ledger"} <= record.keys():
            raise ValueError(f"{self.ledger} is no record of a run; fit again, or restore a copy")
        return record

    @classmethod
    @contextmanager
    def reserve(cls, path: Path | str) -> Iterator["RunDirectory"]:
        """`create`, for the time of some work, of which no other process can do any in the same place meanwhile.

        What writes that were killed have left is removed first. Where the work fails, directories made for it are
        removed with all in them, unless a checkpoint is there to go on from. Raises BlockingIOError where another
        process works there.
        """
        path = Path(path)
        absent = [directory for directory in (path, *path.parents) if not directory.exists()]
        run = cls.create(path)
        try:
            with run._locked():
                remove_temporaries(run.path)
                yield run
        except BaseException:
            if not run.checkpoint.exists():
                for directory in absent:
                    shutil.rmtree(directory, ignore_errors=True)
            raise

    @contextmanager
    def _locked(self) -> Iterator[None]:
        lock = FileLock(self.path / ".lock", timeout=0)
        try:
            lock.acquire()
        except Timeout:
            raise BlockingIOError(
                f"another process writes the run {self.path}; wait until it has ended, or pass another place"
            ) from None
        try:
            yield
        finally:
            # Before the release: whoever waits for the file finds it gone, and makes another.
            (self.path / ".lock").unlink(missing_ok=True)
            lock.release()

    @classmethod
    def open(cls, path: Path | str) -> "RunDirectory":
        """The run at `path`; FileNotFoundError where there is no model file in it."""
        run = cls(Path(path))
        if not run.model.is_file():
            raise FileNotFoundError(f"{path} is not a run: it holds no {run.model.name}; `isthmus fit` makes runs")
        return run
