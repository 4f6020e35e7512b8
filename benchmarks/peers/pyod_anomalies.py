"""PyOD's side of benchmarks/anomalies.py, which runs it in .venv-peers.

Reads a command a line, `DETECTOR SEED PATH`, with the path of a data set, and answers each with one line of JSON: the
scores of the test rows of that split, high for anomalies. Detectors have their default settings, and a random_state
where they take one. Columns are standardised by the training rows. Threads are those of OMP_NUM_THREADS.
"""

import contextlib
import inspect
import json
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
from anomaly_splits import split, standardise
from pyod.models.auto_encoder import AutoEncoder
from pyod.models.base import BaseDetector
from pyod.models.ecod import ECOD
from pyod.models.iforest import IForest
from pyod.models.knn import KNN
from pyod.models.pca import PCA
from pyod.models.vae import VAE

DETECTORS: dict[str, type[BaseDetector]] = {
    "PyOD KNN": KNN,
    "PyOD IForest": IForest,
    "PyOD PCA": PCA,
    "PyOD ECOD": ECOD,
    "PyOD AutoEncoder": AutoEncoder,
    "PyOD VAE": VAE,
}


def make(name: str, seed: int) -> BaseDetector:
    """A detector at its defaults, silent and seeded where it can be."""
    accepted = inspect.signature(DETECTORS[name]).parameters
    wanted = {"random_state": seed, "verbose": 0}
    return DETECTORS[name](**{key: value for key, value in wanted.items() if key in accepted})


def scores(name: str, seed: int, path: Path) -> np.ndarray:
    training, test, _ = split(path, seed)
    training, test = standardise(training, test)
    return make(name, seed).fit(training).decision_function(test)


def main() -> None:
    print(json.dumps({name: version(name) for name in ("pyod", "numpy", "scikit-learn", "torch")}), flush=True)
    for line in sys.stdin:
        name, seed, path = json.loads(line)
        # What a detector prints is not an answer.
        with contextlib.redirect_stdout(sys.stderr):
            found = scores(name, seed, Path(path))
        print(json.dumps({"scores": found.tolist()}), flush=True)


if __name__ == "__main__":
    main()
