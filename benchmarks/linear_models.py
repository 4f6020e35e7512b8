"""The linear rungs beside exact figures, scikit-learn and one another.

    python benchmarks/linear_models.py [--out FILE]

1. MNIST / 255, fitted on 60,000 and tested on 10,000: squared error of PCA and log p of probabilistic PCA, which closed
   forms give; the principal angle between PCA's plane and that of the linear autoencoder trained by gradient descent.
2. scikit-learn's PCA.score and FactorAnalysis.score, run to convergence, on standardised bundled sets.
3. A VAE with linear networks beside the maximum of probabilistic PCA at the same size, on the training rows: columns
   standardised, without constant ones, one scale for all, whose floor is shown. The difference is what the ELBO lacks:
   KL(q || p(z | x)) and the distance of its density from the likeliest.

MNIST is read from ../shared/data/mnist.
"""

import argparse
import json
import warnings
from importlib.metadata import version
from pathlib import Path

import numpy as np
from mnist import load
from records import table
from scipy.linalg import subspace_angles
from sklearn import datasets, decomposition

from isthmus import VAE, FactorAnalysis, LinearAutoencoder, ProbabilisticPCA

PUBLISHED = {
    2: (43.645, 12.428, 14.360),
    10: (26.714, 182.155, 186.024),
    30: (13.866, 385.653, 394.616),
    50: (9.004, 507.905, 517.603),
}
"""Of ../shared/REFERENCES.md: squared error on test, log p on train, log p on test."""
LINEAR_STEPS = 10_000
"""Of the linear VAE, each over all rows."""
BUNDLED = {"wine": 3, "breast_cancer": 5, "diabetes": 3}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    print(", ".join(f"{name} {version(name)}" for name in ("isthmus", "scikit-learn", "numpy", "scipy", "jax")), "\n")
    found = {"mnist": mnist(), "scikit-learn": beside_scikit_learn(), "linear VAE": linear_vae()}
    if arguments.out:
        arguments.out.write_text(json.dumps(found, indent=2) + "\n")


def mnist() -> list[dict]:
    training, _, test, _ = load()
    training, test = training / 255.0, test / 255.0
    rows = []
    for size, published in PUBLISHED.items():
        pca, ppca = LinearAutoencoder(size).fit(training), ProbabilisticPCA(size).fit(training)
        error = float(np.mean(((test - pca.reconstruct(test)) ** 2).sum(1)))
        rows.append({"d": size, "found": [error, ppca.score(training), ppca.score(test)], "published": published})
    lines = [
        [str(r["d"]), *(f"{a:.3f} ({b:.3f})" for a, b in zip(r["found"], r["published"], strict=True))] for r in rows
    ]
    print(table(["d, ours (reference)", "squared error, test", "log p, train", "log p, test"], lines))
    exact = LinearAutoencoder(10).fit(training)
    descended = LinearAutoencoder(10, solver="gradient").fit(training)
    angle = float(subspace_angles(exact.components_.T, descended.components_.T).max())
    print(f"\nLargest principal angle between gradient descent and PCA, MNIST, d = 10: {angle:.2g} rad\n")
    return [*rows, {"principal angle": angle}]


def standardised(name: str) -> np.ndarray:
    rows = getattr(datasets, f"load_{name}")().data
    rows = rows[:, rows.std(0) > 0]
    return (rows - rows.mean(0)) / rows.std(0)


def beside_scikit_learn() -> list[dict]:
    rows = []
    for name, size in BUNDLED.items():
        data = standardised(name)
        theirs = decomposition.PCA(size).fit(data).score(data)
        ours = ProbabilisticPCA(size, ddof=1).fit(data).score(data)
        their_factors = decomposition.FactorAnalysis(size, tol=1e-10, max_iter=20_000, svd_method="lapack").fit(data)
        our_factors = FactorAnalysis(size, tolerance=1e-13, max_iterations=20_000).fit(data)
        pairs = {"PCA": (ours, theirs), "FactorAnalysis": (our_factors.score(data), their_factors.score(data))}
        rows.append({"set": name, "d": size, **pairs})
    lines = [
        [f"{r['set']}, d = {r['d']}, {kind}", f"{r[kind][0]:.9f}", f"{r[kind][1]:.9f}", f"{relative(*r[kind]):.1g}"]
        for r in rows
        for kind in ("PCA", "FactorAnalysis")
    ]
    print(table(["set, score in nats per row", "isthmus", "scikit-learn", "relative difference"], lines), "\n")
    return rows


def relative(ours: float, theirs: float) -> float:
    return abs(ours - theirs) / abs(theirs)


def linear_vae() -> list[dict]:
    rows = []
    for name, size in BUNDLED.items():
        data = standardised(name)
        exact = ProbabilisticPCA(size).fit(data)
        model = VAE(
            size,
            likelihood="normal",
            scale="global",
            hidden_sizes=(),
            max_epochs=LINEAR_STEPS,
            batch_size=len(data),
            learning_rate=1e-2,
            warm_up=0.0,
            validation_fraction=0.0,
            overcomplete=True,
        ).fit(data)
        ledger = model.ledger(data, draws=2000)
        elbo, scale = ledger["elbo"], model.model_.family.scale
        assert elbo is not None
        floor = float(np.max(np.asarray(scale.floor.array)))
        rows.append(
            {
                "set": name,
                "d": size,
                "elbo": float(elbo),
                "stderr": elbo.stderr,
                "maximum": exact.score(data),
                "scale": float(np.asarray(scale())[0]),
                "sigma": exact.noise_variance_**0.5,
                "floor": floor,
            }
        )
    lines = [
        [
            f"{r['set']}, d = {r['d']}",
            f"{r['elbo']:.4f} ± {r['stderr']:.1g}",
            f"{r['maximum']:.4f}",
            f"{r['maximum'] - r['elbo']:.4f}",
            f"{r['scale']:.4f}",
            f"{r['sigma']:.4f}",
            f"{r['floor']:.2g}",
        ]
        for r in rows
    ]
    head = ["set", "linear VAE's ELBO", "probabilistic PCA", "difference", "its scale", "sigma", "the scale's floor"]
    print(table(head, lines))
    return rows


if __name__ == "__main__":
    main()
