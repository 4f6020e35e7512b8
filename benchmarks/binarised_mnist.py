"""Test -log p(x) of the 784-200-200-50 tanh VAE on fixed-binarised MNIST, beside the published schedule's 88.71 nats.

    python benchmarks/binarised_mnist.py [--epochs N] [--draws K] [--out FILE]

The model is that of Burda, Grosse and Salakhutdinov 2016 (one stochastic layer, k = 1); their schedule takes 3280
epochs. Training and evaluation are timed apart. The data are read from ../shared/data/binarized_mnist.
"""

import argparse
import json
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

import isthmus
from isthmus.evidence import independent_columns, make_ledger
from isthmus.models import Architecture, Ends, Fixed, MatrixInputs, assemble_vae
from isthmus.models.likelihoods import BernoulliLikelihood

DATA = Path(__file__).resolve().parents[2] / "shared/data/binarized_mnist/binarized_mnist.npz"


def load() -> dict[str, np.ndarray]:
    """The three sets, [row, 784] of zeros and ones."""
    with np.load(DATA) as archive:
        return {name: np.unpackbits(archive[name], axis=1)[:, :784] for name in ("train", "valid", "test")}


def run(
    epochs: float = 400, batch_size: int = 128, learning_rate: float = 1e-3, draws: int = 5000, seed: int = 0
) -> dict:
    """Train, evaluate, and report as one JSON object."""
    sets = load()
    mean = sets["train"].mean(0)
    centre = Fixed(jnp.asarray(mean, jnp.float32))
    model = assemble_vae(
        Ends(MatrixInputs(centre, Fixed(jnp.ones(784))), BernoulliLikelihood(centre)),
        Architecture(50, (200, 200), "tanh"),
        jax.random.key(seed),
    )

    def show(record):
        if round(record.epoch) % 10 == 0:
            print(f"epoch {record.epoch:.0f}  train {record.loss:.2f}  held-out ELBO {record.held_out:.2f}", flush=True)

    began = time.perf_counter()
    fit = isthmus.fit(
        model,
        sets["train"],
        held_out=sets["valid"],
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
        patience=None,
        seed=seed,
        on_record=show,
    )
    trained = time.perf_counter()
    baseline = independent_columns(fit.model.family, sets["train"])
    ledger = make_ledger(fit.model, sets["test"].astype(np.float32), baseline, draws=draws)
    return {
        "epochs": epochs,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
        "training_seconds": trained - began,
        "evaluation_seconds": time.perf_counter() - trained,
        "best_step": fit.best_step,
        "draws": draws,
        "published_nll": 88.71,
        "ledger": ledger.to_dict(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=float, default=400)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--draws", type=int, default=5000)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    result = run(arguments.epochs, arguments.batch_size, arguments.learning_rate, arguments.draws)
    if arguments.out:
        arguments.out.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
