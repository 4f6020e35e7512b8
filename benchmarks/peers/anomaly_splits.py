"""The splits of benchmarks/anomalies.py, the same in every environment. Needs numpy alone."""

from pathlib import Path

import numpy as np

TRAINING_SHARE, MOST_TRAINING, MOST_NORMAL = 0.7, 20_000, 20_000


def split(path: Path, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Training rows, test rows, and which of the test rows are anomalies, from an .npz of X and y (1 is an anomaly).

    The normal rows are shuffled, since their order in the file is not by chance. 70 % of them, 20,000 at most, are for
    training. The test rows are those left over, 20,000 at most, and then all anomalies. No row is in both.
    """
    with np.load(path) as archive:
        rows, anomalous = archive["X"].astype(np.float64), archive["y"] == 1
    normal = np.random.default_rng(seed).permutation(np.flatnonzero(~anomalous))
    taken = min(int(TRAINING_SHARE * len(normal)), MOST_TRAINING)
    left = normal[taken:][:MOST_NORMAL]
    # Left-over rows come shuffled, so that the first of them are a sample.
    test = np.concatenate([left, np.flatnonzero(anomalous)])
    return rows[normal[:taken]], rows[test], np.arange(len(test)) >= len(left)


def standardise(training: np.ndarray, test: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both by the training rows' means and standard deviations; a constant column's is taken to be one."""
    mean, deviation = training.mean(0), training.std(0)
    deviation = np.where(deviation > 0, deviation, 1.0)
    return (training - mean) / deviation, (test - mean) / deviation
