"""One model by several processes: the same weights as by one, and an end of all where one is lost.

    python benchmarks/many_processes.py [--heartbeat SECONDS] [--out FILE]

Same weights: a VAE of the bundled digits by one process with one device, by one with two devices, and by two processes
with a device each, on one thread a device and on as many as each takes by itself. Loss: of three processes the first,
and then the second, is killed (SIGKILL) or stopped (SIGSTOP) in the middle of a fit; told is after how long the others
have ended, and with which status. jax ends them: --heartbeat is what it is given.
"""

import argparse
import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file

DATA, EPOCHS, BATCH = "digits", 20, 96
ENDLESS = 100_000
ONE_THREAD = "--xla_cpu_multi_thread_eigen=false"
TWO_DEVICES = "--xla_force_host_platform_device_count=2"
PATIENCE = 300.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--heartbeat", type=int, default=10)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    result = {
        "versions": {name: version(name) for name in ("isthmus", "jax", "jaxlib")},
        "same_weights": {
            name: same_weights(flags) for name, flags in (("one thread", ONE_THREAD), ("all threads", ""))
        },
        "losses": [
            lose(rank, number, arguments.heartbeat) for number in (signal.SIGKILL, signal.SIGSTOP) for rank in (0, 1)
        ],
    }
    print(summary(result), flush=True)
    if arguments.out:
        arguments.out.write_text(json.dumps(result, indent=2) + "\n")


def same_weights(flags: str) -> dict[str, Any]:
    """The largest relative difference from one process with two devices, over all arrays, and whether files are equal.

    flags: XLA's, for all of them.
    """
    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory)
        runs = {name: place / name for name in ("one device", "two devices", "two processes")}
        finish([start(runs["one device"], EPOCHS, flags)])
        finish([start(runs["two devices"], EPOCHS, f"{flags} {TWO_DEVICES}")])
        finish(start_all(2, runs["two processes"], EPOCHS, flags))
        files = {name: run / "model.safetensors" for name, run in runs.items()}
        weights = {name: load_file(file) for name, file in files.items()}
        hashes = {name: hashlib.sha256(file.read_bytes()).hexdigest() for name, file in files.items()}
    expected = weights["two devices"]
    return {
        name: {
            "relative_difference": relative_difference(found, expected),
            "identical": hashes[name] == hashes["two devices"],
        }
        for name, found in weights.items()
    }


def relative_difference(found: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> float:
    """The largest over arrays of |found - expected| / |expected|, in Euclidean norm."""
    assert found.keys() == expected.keys()
    ratios = [0.0]
    for name, array in expected.items():
        distance, size = np.linalg.norm(found[name].astype(float) - array), np.linalg.norm(array.astype(float))
        ratios.append(0.0 if distance == 0 else float(distance / size))
    return max(ratios)


def lose(rank: int, number: signal.Signals, heartbeat: int, count: int = 3) -> dict[str, Any]:
    """Send the signal to one of `count` processes in the middle of a fit, and await the end of the others."""
    with tempfile.TemporaryDirectory() as directory:
        run = Path(directory) / "run"
        processes = start_all(count, run, ENDLESS, ONE_THREAD, "--heartbeat", heartbeat, "--checkpoint-minutes", 0)
        try:
            await_checkpoint(run, processes)
            began = time.monotonic()
            processes[rank].send_signal(number)
            others = [process for i, process in enumerate(processes) if i != rank]
            statuses = [process.wait(began + PATIENCE - time.monotonic()) for process in others]
            seconds = time.monotonic() - began
        finally:
            for process in processes:
                process.kill()
                process.wait()
    return {"signal": number.name, "rank": rank, "heartbeat": heartbeat, "seconds": seconds, "statuses": statuses}


def await_checkpoint(run: Path, processes: list[subprocess.Popen[bytes]]) -> None:
    """Return when the fit has taken steps and written its state."""
    limit = time.monotonic() + PATIENCE
    while not (run / "checkpoint.safetensors").is_file():
        if any(process.poll() is not None for process in processes) or time.monotonic() > limit:
            sys.exit("the processes did not come to train together; run `isthmus fit digits --hosts ...` to see why")
        time.sleep(0.1)


def start_all(count: int, run: Path, epochs: int, flags: str, *more: Any) -> list[subprocess.Popen[bytes]]:
    address = f"127.0.0.1:{free_port()}"
    return [start(run, epochs, flags, "--hosts", f"{address},{count},{rank}", *more) for rank in range(count)]


def start(run: Path, epochs: int, flags: str, *more: Any) -> subprocess.Popen[bytes]:
    """`isthmus fit` in a process of its own."""
    config = run.parent / "fit.toml"
    config.write_text(f"batch_size = {BATCH}\npatience = {ENDLESS}\n")
    command = [sys.executable, "-m", "isthmus", "fit", DATA, "--latent", "2", "--config", config, "--out", run]
    environment = {**os.environ, "XLA_FLAGS": flags.strip()}
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.Popen([*map(str, [*command, "--epochs", epochs, *more])], env=environment, **quiet)


def finish(processes: list[subprocess.Popen[bytes]]) -> None:
    statuses = [process.wait(PATIENCE) for process in processes]
    if any(statuses):
        sys.exit(f"`isthmus fit {DATA}` ended with status {statuses}; run it by itself to see why")


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def summary(result: dict[str, Any]) -> str:
    """The result for people."""
    lines = [", ".join(f"{name} {number}" for name, number in result["versions"].items())]
    for threads, found in result["same_weights"].items():
        for name, measured in found.items():
            same = "identical" if measured["identical"] else f"{measured['relative_difference']:.1e} apart"
            lines.append(f"{threads:<12}{name:<15}{same} (from one process with two devices)")
    for loss in result["losses"]:
        who = f"{loss['signal']} of process {loss['rank']} of 3"
        how = f"after {loss['seconds']:.1f} s, statuses {loss['statuses']} (heartbeat {loss['heartbeat']} s)"
        lines.append(f"{who:<28}others ended {how}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
