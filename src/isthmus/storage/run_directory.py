"""The files of a run."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from isthmus.storage import strict_json
from isthmus.storage.atomic import remove_temporaries

_FILES = (
    "model",
    "checkpoint",
    "history",
    "ledger",
    "exhibits",
    "report",
    "dependence",
    "dependence_report",
    "comparison",
    "comparison_report",
)


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
            # A name of its own for each process that looks.
            tempfile.TemporaryFile(dir=run.path).close()
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

        What writes that were killed have left is removed first. Where the work fails, a directory made for it is
        removed again, unless a model is there, or a checkpoint to go on from, or anything that is not the run's. Raises
        BlockingIOError where another process works there.
        """
        path = Path(path)
        made = [directory for directory in (path, *path.parents) if not directory.exists()]
        run = cls.create(path)
        with run._locked():
            for file in run.files:
                remove_temporaries(file)
            try:
                yield run
            except BaseException:
                run._undo(made)
                raise

    @property
    def files(self) -> tuple[Path, ...]:
        """All that a run may hold."""
        return tuple(getattr(self, name) for name in _FILES)

    def _undo(self, made: list[Path]) -> None:
        """Remove the directories that were made, as far as nothing is in them that is worth keeping."""
        if not made or self.model.exists() or self.checkpoint.exists():
            return
        for file in (*self.files, self._lock):
            file.unlink(missing_ok=True)
        with suppress(OSError):
            for directory in made:
                directory.rmdir()

    @property
    def _lock(self) -> Path:
        return self.path / ".lock"

    @contextmanager
    def _locked(self) -> Iterator[None]:
        lock = FileLock(self._lock, timeout=0)
        try:
            lock.acquire()
        except Timeout:
            raise BlockingIOError(
                f"another process writes the run {self.path}; wait until it has ended, or pass another place (if none "
                f"does, remove {self._lock})"
            ) from None
        try:
            yield
        finally:
            lock.release()

    @classmethod
    def open(cls, path: Path | str) -> "RunDirectory":
        """The run at `path`; FileNotFoundError where there is no model file in it."""
        run = cls(Path(path))
        if not run.model.is_file():
            raise FileNotFoundError(f"{path} is not a run: it holds no {run.model.name}; `isthmus fit` makes runs")
        return run
