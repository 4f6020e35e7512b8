"""Squared error per test image of a 784-1000-500-250-30 autoencoder on MNIST, beside Hinton and Salakhutdinov's 3.00.

    python benchmarks/deep_autoencoder.py [--epochs N] [--hidden SHARE] [--activation NAME] [--out FILE]

Pixels are in [0, 1], and the likelihood is a normal of variance 1/2, whose -log p is the squared error and a constant.
60,000 images train and none are held out: the last weights are taken, and the 10,000 test images are looked at once.
The share of hidden pixels falls from --hidden to 0 over the training (0 for a plain autoencoder). The curve is the
training error, with hidden pixels, by epoch.
"""

import argparse
import json
import math
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np
from mnist import load

import isthmus
from isthmus.models import Annealed, Masking

PUBLISHED = {"Hinton and Salakhutdinov 2006": 3.00, "logistic PCA": 8.01, "PCA": 13.87}
CONSTANT = 784 * 0.5 * math.log(math.pi)


def run(
    epochs: int, hidden: float, activation: str, learning_rate: float, batch_size: int = 256, seed: int = 0
) -> dict:
    """Train, and measure on both sets."""
    training, _, test, _ = load()
    training, test = training.astype(np.float32) / 255, test.astype(np.float32) / 255
    curve: list[float] = []

    def show(record) -> None:
        curve.append(record.loss - CONSTANT)
        print(f"epoch {record.epoch:.0f}  training error {curve[-1]:.3f}", flush=True)

    model = isthmus.DenoisingAutoencoder(
        30,
        corruption=Masking(Annealed(hidden, 0.0)),
        likelihood="normal",
        scale=math.sqrt(0.5),
        hidden_sizes=(1000, 500, 250),
        activation=activation,
        max_epochs=epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
        validation_fraction=0.0,
        random_state=seed,
    )
    began = time.perf_counter()
    model.fit(training, on_record=show)
    seconds = time.perf_counter() - began
    ledgers = {"test": model.ledger(test), "train, 10,000 images": model.ledger(training[:10_000])}
    return {
        "epochs": epochs,
        "hidden share, at first": hidden,
        "activation": activation,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
        "minutes": seconds / 60,
        "curve": curve,
        "published": PUBLISHED,
        "versions": {name: version(name) for name in ("isthmus", "jax", "numpy")},
        "ledgers": {name: ledger.to_dict() for name, ledger in ledgers.items()},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--hidden", type=float, default=0.2)
    parser.add_argument("--activation", default="elu")
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    result = run(arguments.epochs, arguments.hidden, arguments.activation, arguments.learning_rate)
    if arguments.out:
        arguments.out.write_text(json.dumps(result, indent=2) + "\n")
    errors = {name: ledger["squared_error"]["value"] for name, ledger in result["ledgers"].items()}
    print(json.dumps({**{name: result[name] for name in ("epochs", "minutes", "published")}, "squared error": errors}))


if __name__ == "__main__":
    main()
