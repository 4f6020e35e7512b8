"""Over-complete autoencoders, plain and denoising: do they copy, and do they restore hidden pixels?

    python benchmarks/overcomplete.py [--sets digits mnist] [--seeds N ...] [--rows FILE] [--report]

The latent has twice as many dimensions as the images have pixels. Both see the same pixels, in [0, 1], under the same
squared error; the denoising one is trained with 60 % of the pixels hidden, afresh at each step. On held-out images: the
copy index, the share of the variance that comes through (R^2), the copy index of PCA at the same size, and the peak
signal-to-noise ratio of images restored after 30 % of their pixels were set to the mean, the hidden pixels alone.
"""

import argparse
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from mnist import load
from records import Records, table, versions_of, with_error
from sklearn.datasets import load_digits

from isthmus import Autoencoder, DenoisingAutoencoder
from isthmus.models import Masking

TRAINED_HIDDEN, RESTORED_HIDDEN = 0.6, 0.3
MODELS = {"plain": Autoencoder, "denoising": DenoisingAutoencoder}
FIGURES = ("copy_index", "r_squared", "copy_index_of_pca", "psnr")
EPOCHS = {"digits": 400, "mnist": 8}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", nargs="+", choices=list(EPOCHS), default=list(EPOCHS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--rows", type=Path, help="of results; runs/benchmarks/overcomplete.jsonl where left out")
    parser.add_argument("--report", action="store_true", help="run nothing, and print what is there")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    records = Records(arguments.rows, "overcomplete", ("isthmus", "jax", "numpy"))
    if not arguments.report:
        for name in arguments.sets:
            for seed in arguments.seeds:
                for kind in MODELS:
                    records.measure(name, seed, kind, lambda name=name, seed=seed, kind=kind: run(name, seed, kind))
    records.finish(report(records), records.rows, None)


def images(name: str) -> tuple[np.ndarray, np.ndarray]:
    """(training images, held-out images), in [0, 1]."""
    if name == "digits":
        rows = load_digits().data / 16.0
        order = np.random.default_rng(0).permutation(len(rows))
        return rows[order[360:]], rows[order[:360]]
    training, _, test, _ = load()
    return training.astype(np.float32) / 255, test.astype(np.float32) / 255


def run(name: str, seed: int, kind: str) -> dict[str, Any]:
    training, held_out = images(name)
    extra = {"corruption": Masking(TRAINED_HIDDEN)} if kind == "denoising" else {}
    model = MODELS[kind](
        2 * training.shape[1],
        overcomplete=True,
        likelihood="normal",
        scale=0.5**0.5,
        hidden_sizes=(1024,) if name == "mnist" else (256,),
        max_epochs=EPOCHS[name],
        random_state=seed,
        **extra,
    ).fit(training)
    ledger = model.ledger(held_out[:2000])
    found = {figure: float(ledger[figure]) for figure in FIGURES[:-1]}
    errors = {f"{figure}_stderr": ledger[figure].stderr_rows for figure in FIGURES[:-1]}
    return {**found, **errors, "psnr": psnr(model, held_out, training.mean(0))}


def psnr(model: Any, images: np.ndarray, mean: np.ndarray) -> float:
    """In dB, of the hidden pixels, whose largest value is 1."""
    hidden = np.random.default_rng(0).random(images.shape) < RESTORED_HIDDEN
    restored = model.reconstruct(np.where(hidden, mean, images))
    return float(-10 * np.log10(np.mean((restored - images)[hidden] ** 2)))


def report(records: Records) -> str:
    head = ["set, autoencoder", "copy index", "R^2", "copy index of PCA", "PSNR of hidden pixels, dB"]
    lines = [
        [f"{name}, {kind}", *(with_error([row[figure] for row in rows]) for figure in FIGURES)]
        for name in EPOCHS
        for kind in MODELS
        if (rows := records.where(set=name, method=kind))
    ]
    return f"{versions_of(records.rows)}\n\n{table(head, lines)}"


if __name__ == "__main__":
    main()
