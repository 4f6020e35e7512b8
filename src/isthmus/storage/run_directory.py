"""The files of a run."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class RunDirectory:
    """The paths of one run: the fitted model and what was recorded about it.

    `exhibits` holds the few rows that the report's pictures show (originals, reconstructions, samples, latent means),
    so that the report can be drawn again without the data. `dependence` is what `isthmus measure` found in a table.
    """

    path: Path

    @property
    def model(self) -> Path:
        return self.path / "model.safetensors"

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

    @classmethod
    @contextmanager
    def reserve(cls, path: Path | str) -> Iterator["RunDirectory"]:
        """`create`, for the time of some work: where the work fails, the directories made for it are removed again."""
        path = Path(path)
        absent = [directory for directory in (path, *path.parents) if not directory.exists()]
        try:
            yield cls.create(path)
        except BaseException:
            for directory in absent:
                with suppress(OSError):
                    directory.rmdir()
            raise

    @classmethod
    def open(cls, path: Path | str) -> "RunDirectory":
        """The run at `path`; FileNotFoundError where there is no model file in it."""
        run = cls(Path(path))
        if not run.model.is_file():
            raise FileNotFoundError(f"{path} is not a run: it holds no {run.model.name}; `isthmus fit` makes runs")
        return run
