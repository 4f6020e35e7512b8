"""Squared error per test image of a 784-1000-500-250-30 autoencoder on MNIST, beside Hinton and Salakhutdinov's 3.00.

    python benchmarks/deep_autoencoder.py [--epochs N] [--hidden SHARE] [--weight-decay NUMBER] [--out FILE]

The likelihood is binomial over the bytes 0 to 255: logistic outputs and, up to a constant, their cross-entropy, as
theirs was. Squared errors are of pixels in [0, 1]. 60,000 images train and none are held out: the last weights are
taken, and the 10,000 test images are looked at at the end. What keeps the network from learning images by heart is
noise, the share of hidden pixels falling from --hidden to 0 over the training, and decay of the weights. The curve is
the distortion in training, with hidden pixels, by epoch.
"""

import argparse
import json
import time
from importlib.metadata import version
from pathlib import Path

from mnist import load

import isthmus
from isthmus.models import Annealed, Masking

PUBLISHED = {"Hinton and Salakhutdinov 2006": 3.00, "logistic PCA": 8.01, "PCA": 13.87}
LARGEST = 255


def run(
    epochs: int, hidden: float, weight_decay: float, learning_rate: float = 1e-3, batch_size: int = 256, seed: int = 0
) -> dict:
    """Train, and measure on both sets."""
    training, _, test, _ = load()
    curve: list[float] = []

    def show(record) -> None:
        curve.append(record.loss)
        print(f"epoch {record.epoch:.0f}  distortion in training {curve[-1]:.1f} nats", flush=True)

    model = isthmus.DenoisingAutoencoder(
        30,
        corruption=Masking(Annealed(hidden, 0.0)),
        likelihood="binomial",
        maximum=LARGEST,
        hidden_sizes=(1000, 500, 250),
        activation="gelu",
        weight_decay=weight_decay,
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
        "weight decay": weight_decay,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
        "minutes": seconds / 60,
        "published": PUBLISHED,
        "squared error": {name: float(ledger["squared_error"]) / LARGEST**2 for name, ledger in ledgers.items()},
        "versions": {name: version(name) for name in ("isthmus", "jax", "numpy")},
        "ledgers": {name: ledger.to_dict() for name, ledger in ledgers.items()},
        "curve": curve,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=70)
    parser.add_argument("--hidden", type=float, default=0.25)
    parser.add_argument("--weight-decay", type=float, default=0.3)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    result = run(arguments.epochs, arguments.hidden, arguments.weight_decay)
    if arguments.out:
        arguments.out.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps({name: value for name, value in result.items() if name not in ("ledgers", "curve")}, indent=2))


if __name__ == "__main__":
    main()
