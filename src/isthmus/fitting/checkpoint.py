"""What a fit needs to go on after a stop, in one file: a fit that goes on is, to the bit, one that never stopped."""

import time
from pathlib import Path
from typing import Any

import numpy as np

from isthmus.fitting.devices import Devices, is_first_process
from isthmus.fitting.progress import Progress
from isthmus.storage import ModelFileError, read_model_file, write_model_file

MINUTES = 5.0


class Checkpoint:
    """Where a fit keeps its state, and how often.

    path: of the file, whose directory exists.  minutes: between two writes; on SIGTERM and Ctrl-C it is written too.
    resume: go on from the file where there is one; without, it is replaced.

    A fit may train several models one after the other (the sizes that n_components="auto" tries): those that ended are
    kept beside the one under way. Raises ValueError where the file is of other rows, settings or weights than the fit
    that would go on; ModelFileError where it is damaged.
    """

    def __init__(self, path: str | Path, *, minutes: float = MINUTES, resume: bool = False):
        if not minutes >= 0:
            raise ValueError(f"minutes is {minutes}; expected a number from 0")
        self.path, self.minutes = Path(path), minutes
        self._arrays: dict[str, np.ndarray] = {}
        self._fits: list[dict[str, Any]] = []
        if resume and self.path.is_file():
            self._arrays, self._fits = _read(self.path)
        self._number = -1
        self._written = time.monotonic()

    def begin(self, start: Progress, fingerprint: str, devices: Devices) -> Progress:
        """The progress of the next model: as the file has it, else `start`."""
        self._number += 1
        if self._number >= len(self._fits):
            self._fits.append({"fingerprint": fingerprint})
            return start
        kept = self._fits[self._number]
        if kept["fingerprint"] != fingerprint:
            raise ValueError(
                f"{self.path} is of a fit to other rows or with other settings, or of another version; pass those it "
                "began with, or fit without resuming, which replaces it"
            )
        prefix = f"{self._number}."
        arrays = {name.removeprefix(prefix): a for name, a in self._arrays.items() if name.startswith(prefix)}
        try:
            return start.from_record(arrays, kept["progress"], devices)
        except (LookupError, TypeError, ValueError) as error:
            raise ModelFileError(f"{self.path} does not describe a fit: {error}") from None

    @property
    def due(self) -> bool:
        """Whether it is time to write."""
        return time.monotonic() - self._written >= 60.0 * self.minutes

    def keep(self, progress: Progress) -> None:
        """Write the progress of the model under way. The first of several processes writes for all."""
        if is_first_process():
            arrays, metadata = progress.to_record()
            prefix = f"{self._number}."
            others = {name: array for name, array in self._arrays.items() if not name.startswith(prefix)}
            self._arrays = {**others, **{prefix + name: array.copy() for name, array in arrays.items()}}
            self._fits[self._number]["progress"] = metadata
            self._written = time.monotonic()
            write_model_file(self.path, self._arrays, {"checkpoint": self._fits[: self._number + 1]})


def _read(path: Path) -> tuple[dict[str, np.ndarray], list[dict[str, Any]]]:
    arrays, metadata = read_model_file(path)
    fits = metadata.get("checkpoint")
    if not isinstance(fits, list) or not all(_is_fit(fit) for fit in fits):
        raise ModelFileError(f"{path} is no checkpoint; fit without resuming, which replaces it")
    return arrays, fits


def _is_fit(kept: Any) -> bool:
    return isinstance(kept, dict) and isinstance(kept.get("progress"), dict) and "fingerprint" in kept
