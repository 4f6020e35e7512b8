"""The whole ledger of a VAE on fixed-binarised MNIST: where log p(x) lies, and where the ELBO's gap to it went.

    python benchmarks/mnist_evidence.py [--epochs N] [--images N] [--run DIRECTORY] [--out FILE]

A 784-200-200-50 tanh VAE is trained (or taken from the run where it is there) and accounted for on test images: the
ledger with its gaps, importance weighting with 5,000 draws beside annealed importance sampling with 4 chains, 1,000
temperatures and 5 leapfrog steps, their paired difference, and the width of the sandwich on images that the model drew
itself. Which of the two lower bounds is quoted is decided on other seeds. Cremer, Li and Duvenaud 2018 found on MNIST,
with a posterior of the same family: approximation gap 1.43, amortisation gap 1.34.
"""

import argparse
import json
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from binarised_mnist import load
from records import HERE

import isthmus
from isthmus.evidence import sandwich
from isthmus.information.estimate import mean_over_rows

RUN = HERE.parent / "runs/benchmarks/mnist_vae"
PUBLISHED = {"approximation_gap": 1.43, "amortisation_gap": 1.34}


def trained(run: Path, epochs: float) -> isthmus.VAE:
    """The VAE of the run, trained now where it is not there."""
    if run.is_dir():
        return isthmus.load(run)
    rows = load()["train"].astype(np.float32)
    model = isthmus.VAE(
        50,
        likelihood="bernoulli",
        hidden_sizes=(200, 200),
        activation="tanh",
        max_epochs=epochs,
        warm_up=0.0,
        patience=None,
        random_state=0,
    )
    began = time.perf_counter()
    model.fit(rows)
    print(f"trained for {epochs:g} epochs in {time.perf_counter() - began:.0f} s", flush=True)
    model.save(run)
    return model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=float, default=100)
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--run", type=Path, default=RUN, help="where the trained model is, or is to be")
    parser.add_argument("--out", type=Path, help="the figures, as JSON")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    result = account(trained(arguments.run, arguments.epochs), arguments.images)
    if arguments.out:
        arguments.out.write_text(json.dumps(result, indent=2) + "\n")


def account(model: isthmus.VAE, images: int) -> dict[str, Any]:
    """The ledger with its gaps, then the bounds at more draws."""
    test = load()["test"].astype(np.float32)
    # Spread over the set, whose first half is easier than its second.
    rows = test[:: len(test) // images][:images]
    began = time.perf_counter()
    ledger = model.ledger(rows, gaps=True)
    seconds = time.perf_counter() - began
    for key, entry in ledger.entries.items():
        if entry is not None and not isinstance(entry.value, tuple):
            print(f"{key:<28}{entry}")
    print(f"\nthe whole ledger took {seconds:.0f} s\n", flush=True)
    began = time.perf_counter()
    bounds = sandwich(model.model_, rows, k=5000)
    print(bounds, f"\n\nthe sandwich at 5,000 draws took {time.perf_counter() - began:.0f} s", sep="")
    difference = mean_over_rows(bounds.by_row["annealed"] - bounds.by_row["importance_weighted"])
    print(f"annealed less importance-weighted, row by row: {difference}; quoted, by other seeds: {bounds.quoted}")
    for name, value in PUBLISHED.items():
        print(f"{name.replace('_', ' ')}: {ledger[name]}; Cremer et al. {value}")
    assert bounds.gap_on_simulated is not None
    return {
        "images": len(rows),
        "ledger_seconds": seconds,
        "ledger": ledger.to_dict(),
        "sandwich": bounds.to_dict(),
        "annealed_less_importance_weighted": difference.to_dict(),
        "gap_on_simulated": bounds.gap_on_simulated.to_dict(),
    }


if __name__ == "__main__":
    main()
