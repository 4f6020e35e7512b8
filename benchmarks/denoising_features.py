"""Features for a linear classifier on MNIST with 1,000 labels: denoising and plain autoencoders, and PCA.

    python benchmarks/denoising_features.py [--seeds N ...] [--epochs N] [--rows FILE] [--report]

Each finds 256 features of the 60,000 training images without their labels. A logistic regression learns from 1,000
labels, chosen by the seed; its penalty, and whether features are standardised one by one or share one scale, are chosen
by five-fold cross-validation among them. The figure is its error on the 10,000 test images. The denoising autoencoder
is trained with half of the pixels hidden.
"""

import argparse
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from mnist import load
from records import Records, table, versions_of, with_error
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from isthmus import Autoencoder, DenoisingAutoencoder, LinearAutoencoder
from isthmus.models import Masking

LABELS, FEATURES = 1000, 256
METHODS = ("denoising", "plain", "PCA")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--rows", type=Path, help="of results; runs/benchmarks/denoising_features.jsonl where left out")
    parser.add_argument("--report", action="store_true", help="run nothing, and print what is there")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    records = Records(arguments.rows, "denoising_features", ("isthmus", "jax", "numpy", "scikit-learn"))
    if not arguments.report:
        sets = load()
        for seed in arguments.seeds:
            for method in METHODS:
                records.measure(
                    "mnist",
                    seed,
                    f"{method}, {arguments.epochs} epochs" if method != "PCA" else method,
                    lambda seed=seed, method=method: run(sets, seed, method, arguments.epochs),
                )
    records.finish(report(records), records.rows, None)


def run(sets: tuple[np.ndarray, ...], seed: int, method: str, epochs: int) -> dict[str, Any]:
    """The test error of a classifier on one method's features."""
    training, labels, test, truth = sets
    training, test = training.astype(np.float32) / 255, test.astype(np.float32) / 255
    encoder = made(method, seed, epochs).fit(training)
    chosen = np.random.default_rng(seed).permutation(len(training))[:LABELS]
    features, new = encoder.transform(training[chosen]), encoder.transform(test)
    scale = features.std()
    classifier = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
    choices = {
        "standardscaler": [StandardScaler(), "passthrough"],
        "logisticregression__C": np.logspace(-4, 1, 11),
    }
    search = GridSearchCV(classifier, choices, cv=5).fit(features / scale, labels[chosen])
    return {"error": 100 * float(np.mean(search.predict(new / scale) != truth)), "chosen": str(search.best_params_)}


def made(method: str, seed: int, epochs: int) -> Any:
    if method == "PCA":
        return LinearAutoencoder(FEATURES)
    settings = {
        "likelihood": "normal",
        "scale": 0.5**0.5,
        "hidden_sizes": (1024,),
        "activation": "relu",
        "max_epochs": epochs,
        "random_state": seed,
    }
    if method == "plain":
        return Autoencoder(FEATURES, **settings)
    return DenoisingAutoencoder(FEATURES, corruption=Masking(0.5), **settings)


def report(records: Records) -> str:
    methods = records.names("method", METHODS)
    lines = [[m, with_error([row["error"] for row in records.where(method=m)], digits=2)] for m in methods]
    lines = sorted(lines, key=lambda line: float(line[1].split()[0]))
    return f"{versions_of(records.rows)}\n\n{table(['features', 'test error, %'], lines)}"


if __name__ == "__main__":
    main()
