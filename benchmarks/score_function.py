"""The score of the smoothed density that a denoising autoencoder finds, beside the exact one.

    python benchmarks/score_function.py [--out FILE]

A normal, a mixture of two and a ring, in two dimensions, 20,000 rows each. Noise of standard deviation sigma smooths
the density, and (r(x) - x) / sigma^2 is compared with the gradient of its logarithm on a grid, where it exceeds 1 % of
its peak: mean squared error over mean squared norm, each point of the grid alike, and weighted by the density.
"""

import argparse
import json
import warnings
from importlib.metadata import version
from pathlib import Path

import numpy as np
from records import table
from scipy.special import logsumexp

from isthmus import DenoisingAutoencoder
from isthmus.models import GaussianNoise

ROWS, LEVEL, GRID = 20_000, 0.3, 121
NORMAL = np.array([[1.0, 0.6], [0.6, 0.8]])
CENTRES = np.array([[-1.5, 0.0], [1.5, 0.5]])
WIDTHS = np.array([0.5, 0.7])
RADIUS, THICKNESS, POINTS = 2.0, 0.2, 400


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    # In so few columns, and with so little noise, nearly copying is what denoising is.
    warnings.simplefilter("ignore")
    print(", ".join(f"{name} {version(name)}" for name in ("isthmus", "jax", "numpy")), "\n")
    found = {name: run(name) for name in DENSITIES}
    head = ["density", "sigma of each column", "relative squared error", "weighted by the density"]
    print(table(head, [[name, f["sigma"], f"{f['error']:.4f}", f"{f['weighted']:.4f}"] for name, f in found.items()]))
    if arguments.out:
        arguments.out.write_text(json.dumps(found, indent=2) + "\n")


def run(name: str, seed: int = 0) -> dict:
    """Train, and compare on the grid."""
    means, covariances, weights = DENSITIES[name]()
    rows = drawn(means, covariances, weights, np.random.default_rng(seed))
    model = DenoisingAutoencoder(
        64,
        corruption=GaussianNoise(LEVEL),
        overcomplete=True,
        likelihood="normal",
        scale="global",
        hidden_sizes=(128, 128),
        activation="silu",
        max_epochs=150,
        patience=None,
        random_state=seed,
    ).fit(rows)
    sigma = model.noise_scale_
    axis = np.linspace(-1, 1, GRID)[:, None] * 1.3 * np.abs(rows).max(0)
    points = np.stack(np.meshgrid(axis[:, 0], axis[:, 1]), axis=-1).reshape(-1, 2)
    log_density, score = smoothed(points, means, covariances + np.diag(sigma**2), weights)
    inside = log_density > log_density.max() + np.log(0.01)
    errors = ((model.score_function(points[inside]) - score[inside]) ** 2).sum(1)
    norms, density = (score[inside] ** 2).sum(1), np.exp(log_density[inside])
    return {
        "sigma": " ".join(f"{s:.3f}" for s in sigma),
        "error": float(errors.mean() / norms.mean()),
        "weighted": float((density * errors).sum() / (density * norms).sum()),
    }


def one_normal() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return np.zeros((1, 2)), NORMAL[None], np.ones(1)


def mixture() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return CENTRES, np.eye(2) * (WIDTHS**2)[:, None, None], np.array([0.4, 0.6])


def ring() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A circle of normals so close that they are one ring."""
    angles = np.linspace(0, 2 * np.pi, POINTS, endpoint=False)
    centres = RADIUS * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return centres, np.tile(np.eye(2) * THICKNESS**2, (POINTS, 1, 1)), np.full(POINTS, 1 / POINTS)


DENSITIES = {"normal": one_normal, "two-component mixture": mixture, "ring": ring}


def drawn(means, covariances, weights, generator: np.random.Generator) -> np.ndarray:
    which = generator.choice(len(weights), ROWS, p=weights)
    factors = np.linalg.cholesky(covariances)
    return means[which] + np.einsum("nij,nj->ni", factors[which], generator.standard_normal((ROWS, 2)))


def smoothed(points: np.ndarray, means, covariances, weights) -> tuple[np.ndarray, np.ndarray]:
    """(log of a mixture of normals, its gradient) at points [point, 2]."""
    inverses = np.linalg.inv(covariances)
    shifts = means[None] - points[:, None]
    pulls = np.einsum("kij,pkj->pki", inverses, shifts)
    log_parts = (
        np.log(weights) - 0.5 * (pulls * shifts).sum(-1) - 0.5 * np.linalg.slogdet(covariances)[1] - np.log(2 * np.pi)
    )
    log_density = logsumexp(log_parts, axis=1)
    shares = np.exp(log_parts - log_density[:, None])
    return log_density, (shares[:, :, None] * pulls).sum(1)


if __name__ == "__main__":
    main()
