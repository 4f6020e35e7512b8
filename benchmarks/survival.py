"""What becomes of a fit that is killed, stopped, or short of disk: kills at random points, counted; stops, told.

    python benchmarks/survival.py [--parts fit save stops same] [--kills N] [--saves N] [--out FILE]

fit     `isthmus fit` is killed (SIGKILL) at a random moment of its whole course and run again with --resume: the model
        file must be, to the bit, that of a run that nothing disturbed.
save    a process that writes one model over another is killed at random: a whole model each time, no temporary file
        after the next start.
stops   SIGTERM and Ctrl-C while it trains; a disk that fills (a small tmpfs) and a directory that is read-only (both
        need the right to mount, and are left out without it): one line each, and what was there before is there still.
same    five runs of one fit, in five processes, with and without what earlier ones compiled: one hash.
"""

import argparse
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from isthmus.storage import RunDirectory, read_model_file, write_model_file

FIT = [sys.executable, "-m", "isthmus", "fit", "digits", "--epochs", "60", "--checkpoint-minutes", "0.005"]
PARTS = ("fit", "save", "stops", "same")
SEED = 7


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--kills", type=int, default=50, help="of fits")
    parser.add_argument("--saves", type=int, default=200, help="that are killed")
    parser.add_argument("--out", type=Path, help="the figures, as JSON")
    arguments = parser.parse_args()
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory)
        if "fit" in arguments.parts:
            found["fit"] = kill_fits(place, arguments.kills)
        if "save" in arguments.parts:
            found["save"] = kill_saves(place, arguments.saves)
        if "stops" in arguments.parts:
            found["stops"] = stops(place)
        if "same" in arguments.parts:
            found["same"] = same(place)
    text = json.dumps(found, indent=2)
    print(text)
    if arguments.out:
        arguments.out.write_text(text + "\n")


def kill_fits(place: Path, kills: int) -> dict[str, Any]:
    """How many killed and resumed fits end in the undisturbed model, and in which phase the kills fell."""
    chance = random.Random(SEED)
    began = time.monotonic()
    run_to_end(place / "undisturbed")
    seconds, wanted = time.monotonic() - began, digest(place / "undisturbed")
    fell: dict[str, int] = {}
    identical = 0
    for i in range(kills):
        run = place / f"killed-{i}"
        with subprocess.Popen([*FIT, "--out", str(run)], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as fit:
            time.sleep(chance.uniform(0.0, seconds))
            fit.kill()
        phase = phase_of(run)
        fell[phase] = fell.get(phase, 0) + 1
        run_to_end(run, "--resume")
        left = [
            path.name for path in run.iterdir() if path.name.endswith(".tmp") or path.name == "checkpoint.safetensors"
        ]
        identical += digest(run) == wanted and not left
        shutil.rmtree(run)
        print(f"kill {i + 1}: {phase}, {identical} of {i + 1} identical", file=sys.stderr, flush=True)
    return {"kills": kills, "identical": identical, "seconds_undisturbed": seconds, "fell": fell}


def phase_of(run: Path) -> str:
    """How far a fit had come, by what it left."""
    if (run / "report.html").exists():
        return "after the report"
    if (run / "model.safetensors").exists():
        return "after the model was written"
    return "between checkpoints" if (run / "checkpoint.safetensors").exists() else "before the first checkpoint"


def run_to_end(run: Path, *more: str) -> None:
    subprocess.run([*FIT, "--out", str(run), *more], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def digest(run: Path) -> str:
    return hashlib.sha256((run / "model.safetensors").read_bytes()).hexdigest()


def kill_saves(place: Path, saves: int) -> dict[str, Any]:
    """How many kills left a whole model, and how many temporary files the next start left."""
    chance, run = random.Random(SEED), place / "saves"
    run.mkdir()
    path = RunDirectory(run).model
    models = [{"weights": np.full((512, 512), value, np.float32)} for value in (0.0, 1.0)]
    write_model_file(path, models[0], {"model": 0})
    whole = removed = 0
    for _ in range(saves):
        writer = os.fork()
        if writer == 0:
            write_for_ever(path, models)
        time.sleep(chance.uniform(0.0, 0.05))
        os.kill(writer, signal.SIGKILL)
        os.waitpid(writer, 0)
        arrays, metadata = read_model_file(path)
        whole += bool((arrays["weights"] == metadata["model"]).all())
        removed += len(list(run.glob(".*.tmp")))
        with RunDirectory.reserve(run):
            pass
        if set(os.listdir(run)) != {path.name, ".lock"}:
            sys.exit(f"the next start left {os.listdir(run)}")
    return {"kills": saves, "whole": whole, "temporary_files_removed_at_the_next_start": removed}


def write_for_ever(path: Path, models: list[dict[str, np.ndarray]]) -> None:
    while True:
        for number, arrays in enumerate(models):
            write_model_file(path, arrays, {"model": number})


def stops(place: Path) -> dict[str, Any]:
    """What each stop prints, its exit status, and whether the run goes on to the undisturbed model."""
    if not (place / "undisturbed").exists():
        run_to_end(place / "undisturbed")
    wanted, told = digest(place / "undisturbed"), {}
    for number in (signal.SIGTERM, signal.SIGINT):
        run = place / f"stopped-{number}"
        with subprocess.Popen([*FIT, "--out", str(run)], stderr=subprocess.PIPE, text=True) as fit:
            wait_for(run / "checkpoint.safetensors", fit)
            fit.send_signal(number)
            said = fit.communicate()[1]
        run_to_end(run, "--resume")
        told[signal.Signals(number).name] = {
            **outcome(fit.returncode, said),
            "resumed_identical": digest(run) == wanted,
        }
    for name, options in (("disk full", "size=600k"), ("read-only", "size=20m")):
        with mounted(place / name.replace(" ", "-"), options) as disk:
            told[name] = "left out: no right to mount" if disk is None else full_or_closed(name, disk, place, wanted)
    return told


def full_or_closed(name: str, disk: Path, place: Path, wanted: str) -> dict[str, Any]:
    """A fit over a run that is there, on a disk without room for another, or that takes no writes."""
    run = disk / "run"
    run.mkdir()
    shutil.copy(place / "undisturbed/model.safetensors", run)
    if name == "read-only":
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    fit = subprocess.run([*FIT, "--out", str(run)], capture_output=True, text=True)
    told = {
        **outcome(fit.returncode, fit.stderr),
        "old_model_whole": digest(run) == wanted,
        "left": sorted(os.listdir(run)),
    }
    if name == "disk full":
        subprocess.run(["mount", "-o", "remount,size=20m", str(disk)], check=True)
        run_to_end(run, "--resume")
        told["resumed_identical"] = digest(run) == wanted
    return told


def outcome(status: int, said: str) -> dict[str, Any]:
    """Lines other than the progress bar's and warnings'."""
    lines = [line for line in said.splitlines() if line.strip() and not line.startswith(("fitting", "warning:"))]
    return {"status": status, "lines": lines}


def wait_for(path: Path, fit: subprocess.Popen[str]) -> None:
    while not path.exists():
        if fit.poll() is not None:
            sys.exit("the fit ended before it was stopped")
        time.sleep(0.02)


@contextmanager
def mounted(place: Path, options: str):
    """A small disk of its own; None without the right to mount one."""
    place.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)], capture_output=True)
    try:
        yield None if made.returncode else place
    finally:
        if made.returncode == 0:
            subprocess.run(["umount", str(place)], check=True)


def same(place: Path) -> dict[str, Any]:
    """The distinct hashes of five runs."""
    hashes = set()
    for i in range(5):
        run_to_end(place / f"same-{i}")
        hashes.add(digest(place / f"same-{i}"))
    return {"runs": 5, "distinct_hashes": len(hashes)}


if __name__ == "__main__":
    main()
