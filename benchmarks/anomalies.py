"""Anomalies among 26 tables of ADBench, by log p(x) from a VAE, beside PyOD's detectors on the same splits.

    python benchmarks/anomalies.py [--sets SET ...] [--seeds N ...] [--methods METHOD ...] [--set NAME=VALUE ...]
    python benchmarks/anomalies.py --calibration
    python benchmarks/anomalies.py --report [--out FILE]

Training rows are 70 % of the normal rows, shuffled, 20,000 at most; test rows are all other normal rows (20,000 at
most, at random) and all anomalies. No row is in both. isthmus.VAE has its defaults, or what --set says, and sees the
columns as they are; PyOD's detectors have theirs and see columns standardised by the training rows, in an environment
of its own, .venv-peers, made where it is absent. Each run is written as it is done, and is not repeated.

--calibration fits with calibration_fraction=0.2 and counts false alarms at p <= .05 among at most 2,000 held-out normal
rows, beside the 99 % interval in which exact p-values would leave them.
--inner chooses settings without a look at test rows: a fifth of the training rows is held out, and their mean score is
reported. The data are read from ../shared/data/adbench.
"""

import argparse
import json
import math
import os
import subprocess
import sys
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from peer_processes import PEER_ENVIRONMENT, receive, start
from peers.anomaly_splits import split
from records import DATA, HERE, Records, arguments_for, label, need, settings, table, versions_of
from scipy.stats import betabinom, wilcoxon
from sklearn.metrics import average_precision_score, roc_auc_score

import isthmus

SETS = sorted((path.stem for path in (DATA / "adbench").glob("*.npz")), key=lambda name: int(name.split("_")[0]))
PEERS = [f"PyOD {name}" for name in ("KNN", "IForest", "PCA", "ECOD", "AutoEncoder", "VAE")]
METRICS = {"auroc": "AUROC", "average_precision": "average precision"}
CALIBRATION_FRACTION, MOST_CALIBRATION, MOST_CALIBRATED, ALARM_ONE_IN = 0.2, 1_000, 2_000, 20
"""isthmus.VAE sets at most 1,000 rows aside for calibration."""
CALIBRATED = " calibrated"


def main() -> None:
    arguments = parse()
    need(DATA / "adbench", "26 tables of ADBench, each an .npz of X and y")
    name = "anomalies-inner" if arguments.inner else "anomalies"
    records = Records(arguments.rows, name, ("isthmus", "jax", "numpy", "scikit-learn"))
    if not arguments.report:
        measure(arguments, records)
    ours = label(settings(arguments.set))
    if arguments.inner:
        text, summary = report_inner(records)
    else:
        text, summary = report(records, ours)
    records.finish(text, summary, arguments.out)


def parse() -> argparse.Namespace:
    parser = arguments_for("anomalies", __doc__ or "", SETS, 5, ["isthmus", *PEERS])
    parser.add_argument("--calibration", action="store_true", help="isthmus alone: false alarms of its p-values")
    return parser.parse_args()


def measure(arguments: argparse.Namespace, records: Records) -> None:
    """All runs that are asked for and not there yet: every set once before any set twice."""
    # That a column is constant, or a value off the support, is no news in these tables.
    warnings.simplefilter("ignore", UserWarning)
    chosen = settings(arguments.set)
    if arguments.inner or arguments.calibration:
        run, name = (inner, label(chosen)) if arguments.inner else (calibration, label(chosen) + CALIBRATED)
        sweep(arguments, records, name, lambda path, seed: run(path, seed, chosen))
        return
    if "isthmus" in arguments.methods:
        sweep(arguments, records, label(chosen), lambda path, seed: judged(path, seed, ours(path, seed, chosen)))
    peers = [method for method in arguments.methods if method in PEERS]
    if peers:
        with start(peer_python(), "pyod_anomalies.py") as process:
            versions = receive(process)
            for peer in peers:
                sweep(
                    arguments, records, peer, lambda path, seed, peer=peer: theirs(process, versions, peer, path, seed)
                )


def sweep(
    arguments: argparse.Namespace, records: Records, method: str, run: Callable[[Path, int], dict[str, Any]]
) -> None:
    for seed in arguments.seeds:
        for name in arguments.sets:
            path = DATA / "adbench" / f"{name}.npz"
            records.measure(name, seed, method, lambda path=path, seed=seed: run(path, seed))


def peer_python() -> Path:
    """The interpreter of the peers' environment, PyOD installed where it is absent."""
    python = PEER_ENVIRONMENT / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(PEER_ENVIRONMENT)], check=True)
    if subprocess.run([str(python), "-c", "import pyod, tqdm"], capture_output=True).returncode:
        requirements = sorted(str(path) for path in (HERE / "peers").glob("*.txt"))
        options = [option for path in requirements for option in ("-r", path)]
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", *options], check=True)
    return python


def frame(rows: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=[f"x{i}" for i in range(rows.shape[1])])


def fitted(rows: np.ndarray, seed: int, chosen: dict[str, Any]) -> isthmus.VAE:
    return isthmus.VAE(random_state=seed, **chosen).fit(frame(rows))


def ours(path: Path, seed: int, chosen: dict[str, Any]) -> np.ndarray:
    training, test, _ = split(path, seed)
    model = fitted(training, seed, chosen)
    return -model.score_samples(frame(test))


def theirs(process: subprocess.Popen[str], versions: dict[str, str], peer: str, path: Path, seed: int) -> dict:
    assert process.stdin is not None
    process.stdin.write(json.dumps([peer, seed, str(path)]) + "\n")
    process.stdin.flush()
    return judged(path, seed, np.array(receive(process)["scores"], float)) | {"versions": versions}


def judged(path: Path, seed: int, scores: np.ndarray) -> dict[str, Any]:
    """How well high scores find the anomalies. Infinity is the highest score; one that is no number is an error."""
    _, test, anomalous = split(path, seed)
    if scores.shape != (len(test),) or np.isnan(scores).any():
        raise ValueError(f"expected a number for each of {len(test)} test rows, not {scores}")
    finite = np.clip(scores, -np.finfo(float).max, np.finfo(float).max)
    return {
        "auroc": float(roc_auc_score(anomalous, finite)),
        "average_precision": float(average_precision_score(anomalous, finite)),
        "infinite": int(np.isinf(scores).sum()),
    }


def inner(path: Path, seed: int, chosen: dict[str, Any]) -> dict[str, Any]:
    """The mean score of a fifth of the training rows, fitted to the others."""
    training, _, _ = split(path, seed)
    held = len(training) // 5
    model = fitted(training[held:], seed, chosen)
    scores = model.score_samples(frame(training[:held]))
    return {"log_likelihood_lower": float(np.mean(scores)), "infinite": int(np.isinf(scores).sum())}


def calibration(path: Path, seed: int, chosen: dict[str, Any]) -> dict[str, Any]:
    """The rate of false alarms at p <= .05, and the 99 % interval of exact p-values.

    Ranked among n calibration rows, p <= .05 means to be among the k = (n + 1) / 20 lowest, rounded down. Its
    probability is Beta(k, n + 1 - k) over calibration rows, so the count among m rows is beta-binomial.
    """
    training, test, anomalous = split(path, seed)
    normal = test[~anomalous][:MOST_CALIBRATED]
    model = fitted(training, seed, {"calibration_fraction": CALIBRATION_FRACTION, **chosen})
    alarms = int(np.sum(np.asarray(model.anomaly_pvalue(frame(normal))) <= 1 / ALARM_ONE_IN))
    calibrated = math.ceil(min(CALIBRATION_FRACTION, MOST_CALIBRATION / len(training)) * len(training))
    k = (calibrated + 1) // ALARM_ONE_IN
    # With fewer than 19 calibration rows no p-value is as small as .05.
    low, high = betabinom(len(normal), k, calibrated + 1 - k).interval(0.99) if k else (0, 0)
    return {
        "calibration_rows": calibrated,
        "rows": len(normal),
        "false_alarms": alarms,
        "low": int(low),
        "high": int(high),
        "inside": bool(low <= alarms <= high),
    }


def report(records: Records, ours: str) -> tuple[str, dict[str, Any]]:
    """The tables of what is there, and their figures."""
    ranked = [row for row in records.rows if "auroc" in row]
    methods = [name for name in records.names("method", [ours, *PEERS]) if any(row["method"] == name for row in ranked)]
    parts, summary = [], {}
    for metric, title in METRICS.items() if ranked else ():
        means = {method: set_means(ranked, method, metric) for method in methods}
        lines = [compared(method, means, ours) for method in methods]
        header = ["method", "sets", f"mean {title}", f"{ours} better on", "median difference", "p, one-sided Wilcoxon"]
        parts.append(table(header, lines))
        parts.append(table([f"set, {title}", *methods], by_set(means)))
        summary[metric] = means
    blind = Counter(f"{row['method']} on {row['set']}" for row in ranked if row["auroc"] == 0.5 and row["infinite"])
    if blind:
        told = ", ".join(f"{name} ({runs})" for name, runs in sorted(blind.items()))
        parts.append(f"Runs whose AUROC is 0.5 because the scores are infinite: {told}.")
    calibrated = [row for row in records.rows if "false_alarms" in row]
    if calibrated:
        parts.append(report_calibration(calibrated))
        summary["calibration"] = calibrated
    counts = ", ".join(f"{m}: {sum(row['method'] == m for row in ranked)}" for m in methods)
    return "\n\n".join([versions_of(records.rows), f"Runs: {counts or 'none'}.", *parts]), summary


def set_means(rows: Sequence[dict[str, Any]], method: str, metric: str) -> dict[str, float]:
    """The mean over seeds, by set."""
    values: dict[str, list[float]] = {}
    for row in rows:
        if row["method"] == method:
            values.setdefault(row["set"], []).append(row[metric])
    return {name: float(np.mean(found)) for name, found in values.items()}


def by_set(means: dict[str, dict[str, float]]) -> list[list[str]]:
    """A line for each set that has a run."""
    present = [name for name in SETS if any(name in found for found in means.values())]
    return [[name, *(f"{one[name]:.3f}" if name in one else "" for one in means.values())] for name in present]


def compared(method: str, means: dict[str, dict[str, float]], ours: str) -> list[str]:
    """A method's line: its mean, and whether ours is higher on the sets that both have."""
    theirs, mine = means[method], means.get(ours, {})
    shared = [name for name in theirs if name in mine]
    start = [method, str(len(theirs)), f"{np.mean(list(theirs.values())):.3f}"]
    if method == ours or not shared:
        return [*start, "", "", ""]
    differences = np.array([mine[name] - theirs[name] for name in shared])
    p = wilcoxon(differences, alternative="greater")[1] if differences.any() else 1.0
    wins = f"{(differences > 0).sum()} of {len(shared)}"
    return [*start, wins, f"{np.median(differences):+.3f}", f"{p:.2g}"]


def report_calibration(rows: Sequence[dict[str, Any]]) -> str:
    """A line for each run, and how many sets had theirs within the interval."""
    header = ["set", "seed", "calibration rows", "held-out rows", "false alarms", "99 % interval", "inside"]
    lines = [
        [
            row["set"],
            str(row["seed"]),
            f"{row['calibration_rows']:,}",
            f"{row['rows']:,}",
            f"{100 * row['false_alarms'] / row['rows']:.1f} %",
            f"{100 * row['low'] / row['rows']:.1f} to {100 * row['high'] / row['rows']:.1f} %",
            "yes" if row["inside"] else "no",
        ]
        for row in rows
    ]
    counts = []
    for seed in sorted({row["seed"] for row in rows}):
        inside = [row["inside"] for row in rows if row["seed"] == seed]
        counts.append(f"seed {seed}, {sum(inside)} of {len(inside)} sets")
    return table(header, lines) + f"\n\nInside the interval: {'; '.join(counts)}."


def report_inner(records: Records) -> tuple[str, dict[str, Any]]:
    """Mean scores of rows held out of the training rows, by set and settings."""
    methods = records.names("method", [])
    means = {m: set_means(records.rows, m, "log_likelihood_lower") for m in methods}
    return table(["set, nats per held-out training row", *methods], by_set(means)), means


if __name__ == "__main__":
    main()
