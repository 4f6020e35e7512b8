"""Processes that take turns, each in an environment of its own, and what is said of their figures.

A process answers each command, a line, with one line of JSON, and ends when its input is closed.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
PEER_ENVIRONMENT = HERE.parent / ".venv-peers"


def peer_python() -> Path:
    """The interpreter of the peers' environment, made where it is absent and completed where it lacks something."""
    python = PEER_ENVIRONMENT / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    wanted, installed = HERE / "peers/requirements.txt", PEER_ENVIRONMENT / "requirements.txt"
    if installed.is_file() and installed.read_text() == wanted.read_text():
        return python
    print(f"making {PEER_ENVIRONMENT.name} for the peers ...", file=sys.stderr, flush=True)
    try:
        if not python.exists():
            subprocess.run([sys.executable, "-m", "venv", str(PEER_ENVIRONMENT)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", "-r", str(wanted)], check=True)
        shutil.copyfile(wanted, installed)
    except BaseException:
        # Half an environment would be taken for a whole one by the next run.
        shutil.rmtree(PEER_ENVIRONMENT, ignore_errors=True)
        raise
    return python


def available_cpus() -> int:
    """What this process may use: XLA takes as many threads by itself, and PyTorch is told to."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def start(python: Path | str, script: str, *arguments: str) -> subprocess.Popen[str]:
    """A process of one of benchmarks/peers."""
    command = [str(python), str(HERE / "peers" / script), *arguments]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def ask(side: subprocess.Popen[str], command: str) -> dict[str, Any]:
    assert side.stdin is not None
    side.stdin.write(command + "\n")
    side.stdin.flush()
    return receive(side)


def receive(side: subprocess.Popen[str]) -> dict[str, Any]:
    assert side.stdout is not None
    line = side.stdout.readline()
    if not line:
        sys.exit(f"{side.args} ended without an answer; what it said is above")
    return json.loads(line)


def spread(values: Any) -> dict[str, Any]:
    """Median, ends and all of some figures."""
    values = [float(value) for value in values]
    return {"median": statistics.median(values), "min": min(values), "max": max(values), "each": values}


def line(name: str, figures: dict[str, Any], digits: int) -> str:
    """A spread as one line for people."""
    low, middle, high = (f"{figures[key]:,.{digits}f}" for key in ("min", "median", "max"))
    return f"  {name:<34}{middle:>11}   ({low} to {high})"
