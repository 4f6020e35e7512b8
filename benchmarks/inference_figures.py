"""The two figures of docs/inference.md: the ELBO rising to log p(x), and what quadrature costs as latents are added.

    python benchmarks/inference_figures.py [--out DIRECTORY]

Quadrature: Gauss-Hermite points of the prior in each of d latents of a linear-Gaussian model, the fewest that give
log p(x) of all of 8 rows to 0.01 nats. Beside it: draws of a q with the posterior's mean and twice its covariance,
until the standard error of the importance-weighted evidence is below 0.01 nats.
"""

import argparse
import itertools
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from numpy.polynomial.hermite_e import hermegauss
from records import HERE, table
from scipy.special import logsumexp
from scipy.stats import multivariate_normal

from isthmus.evidence import exact_evidence, identity
from isthmus.inference import infer_exactly
from isthmus.models import LinearGaussian

matplotlib.use("Agg")
from matplotlib import pyplot as plt

ACCURACY, ROWS, COLUMNS, NOISE = 0.01, 8, 8, 1.0
LOADING, WIDENING = 0.5, 2.0
MOST_LATENTS, MOST_POINTS = 7, 20_000_000
ELBO_COLOUR, KL_COLOUR = "#1f6f8b", "#d1495b"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=HERE.parent / "docs/images")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    draw_ascent(arguments.out / "elbo_rises.png")
    draw_costs(arguments.out / "quadrature_cost.png")


def draw_ascent(path: Path) -> None:
    """The identity at each step of gradient ascent on a model of three states: that of the page."""
    log_joint = np.log(np.array([0.5, 0.3, 0.2]) * np.array([0.02, 0.4, 0.7]))
    logits, found = np.array([2.0, 0.0, -1.0]), []
    for _ in range(30):
        q = np.exp(logits) / np.exp(logits).sum()
        terms = identity(log_joint, q)
        found.append((float(terms.elbo), float(terms.kl)))
        logits += 1.0 * q * (log_joint - np.log(q) - terms.elbo)
    elbo, kl = np.array(found).T
    steps = np.arange(len(elbo))
    figure, axes = plt.subplots(figsize=(7, 3.6))
    axes.fill_between(steps, elbo, elbo + kl, color=KL_COLOUR, alpha=0.25, label="KL(q || p(z | x))")
    axes.plot(steps, elbo, color=ELBO_COLOUR, linewidth=2, label="ELBO")
    axes.plot(steps, elbo + kl, color="black", linewidth=1, linestyle="--", label="their sum, log p(x)")
    axes.set(xlabel="step of gradient ascent", ylabel="nats")
    axes.legend(frameon=False, loc="lower right")
    _save(figure, axes, path)


def draw_costs(path: Path) -> None:
    """Evaluations of the log joint a row, by dimension of the latent."""
    dimensions = range(1, MOST_LATENTS + 1)
    grid, draws = zip(*(costs(latents) for latents in dimensions), strict=True)
    cells = [
        [str(d), "more" if g is None else f"{g:,}", f"{n:,}"] for d, g, n in zip(dimensions, grid, draws, strict=True)
    ]
    print(table(["latents", "points of the product rule", "draws of a q twice as wide"], cells))
    figure, axes = plt.subplots(figsize=(7, 3.6))
    known = [(d, g) for d, g in zip(dimensions, grid, strict=True) if g is not None]
    axes.semilogy(*zip(*known, strict=True), "o-", color=KL_COLOUR, label="product of one-dimensional rules")
    axes.semilogy(dimensions, draws, "o-", color=ELBO_COLOUR, label="draws of a q twice as wide")
    axes.set(xlabel="latent dimensions", ylabel=f"evaluations to {ACCURACY} nats")
    axes.legend(frameon=False, loc="upper left")
    _save(figure, axes, path)


def costs(latents: int) -> tuple[int | None, int]:
    """(points of the product rule, None where they are too many; draws of a fitted q)."""
    generator = np.random.default_rng(0)
    # Of nested models: each has one column of loadings more.
    loadings = LOADING * generator.normal(size=(MOST_LATENTS, COLUMNS))[:latents].T
    model = LinearGaussian(np.zeros(COLUMNS), loadings, np.full(COLUMNS, NOISE))
    noise = np.sqrt(NOISE) * generator.normal(size=(ROWS, COLUMNS))
    rows = generator.normal(size=(ROWS, latents)) @ loadings.T + noise
    exact = exact_evidence(model, rows).log_evidence
    return _points(model, rows, exact, latents), _draws(model, rows)


def _points(model: Any, rows: np.ndarray, exact: np.ndarray, latents: int) -> int | None:
    for count in itertools.count(2):
        if count**latents > MOST_POINTS:
            return None
        if np.abs(_product_rule(model, rows, count, latents) - exact).max() < ACCURACY:
            return count**latents
    return None


def _product_rule(model: Any, rows: np.ndarray, count: int, latents: int) -> np.ndarray:
    """log p(x) of each row by Gauss-Hermite points of the standard normal prior."""
    nodes, weights = hermegauss(count)
    log_weights = np.log(weights) - 0.5 * np.log(2 * np.pi)
    grid = np.stack(np.meshgrid(*[nodes] * latents, indexing="ij"), axis=-1).reshape(-1, latents)
    logs = np.stack(np.meshgrid(*[log_weights] * latents, indexing="ij"), axis=-1).reshape(-1, latents).sum(1)
    constant = -0.5 * COLUMNS * np.log(2 * np.pi * NOISE)
    parts = []
    for some, log_weight in zip(
        *(np.array_split(part, len(grid) // 100_000 + 1) for part in (grid, logs)), strict=True
    ):
        squares = ((rows[:, None] - (some @ model.loadings.T)[None]) ** 2).sum(-1)
        parts.append(logsumexp(log_weight - 0.5 * squares / NOISE + constant, axis=1))
    return logsumexp(parts, axis=0)


def _draws(model: Any, rows: np.ndarray) -> int:
    """Draws until the standard error is small, from the variance of the weights of 100,000."""
    exact, generator = infer_exactly(model, rows), np.random.default_rng(0)
    q = multivariate_normal(np.zeros(exact.mean.shape[1]), WIDENING * exact.covariance)
    target = multivariate_normal(np.zeros(exact.mean.shape[1]), exact.covariance)
    z = q.rvs(100_000, generator).reshape(100_000, -1)
    # Up to the factor p(x), the weights of every row are those of its posterior.
    weights = np.exp(target.logpdf(z) - q.logpdf(z))
    return int(np.ceil(weights.var() / weights.mean() ** 2 / ACCURACY**2))


def _save(figure: Any, axes: Any, path: Path) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    figure.savefig(path, dpi=130)
    plt.close(figure)
    print(path)


if __name__ == "__main__":
    main()
