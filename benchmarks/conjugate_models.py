"""Held-out bounds, and seconds, of topic models and mixtures of normals beside scikit-learn's on the same rows.

    python benchmarks/conjugate_models.py [--models topics mixtures] [--only WORD] [--splits N] [--repeats N] [--out F]

Both sides have the same priors: 1 / topics on proportions and words; for mixtures scikit-learn's defaults (Dirichlet
weights of 1 / components, the rows' mean and covariance). Both are judged by one function, ours, from their own
posterior: `document_bounds` a word, `log_predictive` a row, of a fifth of the rows, held out; every split is of its own
seed, which is that of the fit as well. scikit-learn runs at its defaults and until its bound stands; starts are several
where said, the best by each side's own bound on training rows.

Seconds are of the first split, fitted again `--repeats` times in turn, ours and theirs, medians; compiling, which the
first fit of a shape pays, is told apart. Counts of cells are read from ../shared/data/single_cell.
"""

import argparse
import json
import os
import sys
import time
import warnings
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
from records import DATA, table
from scipy.sparse import csr_array
from sklearn import decomposition, mixture
from sklearn.datasets import load_digits, load_wine

from isthmus.inference.conjugate import LatentDirichletAllocation, Mixture, NormalLikelihood, coordinate_ascent
from isthmus.information.families import NormalInverseWishart

PERPLEXITY_EVERY, LONG = 5, 200


class Method(NamedTuple):
    """A fit of training rows at a seed, to what `score` of a model takes."""

    name: str
    fit: Callable[[np.ndarray, int], Any]


class Problem(NamedTuple):
    """Rows, how many of what, the methods, and the score of held-out rows in nats a unit."""

    name: str
    rows: np.ndarray
    methods: list[Method]
    score: Callable[[np.ndarray, Any, np.ndarray], float]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", choices=PROBLEMS, default=list(PROBLEMS))
    parser.add_argument("--only", default="", help="a word of the names of the sets to run")
    parser.add_argument("--splits", type=int, default=5)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    threads = os.environ.get("OMP_NUM_THREADS", f"{os.cpu_count()} (all)")
    print(", ".join(f"{n} {version(n)}" for n in ("isthmus", "jax", "scikit-learn", "numpy")), f"threads {threads}\n")
    found = []
    for kind in arguments.models:
        lines = []
        for problem in (each for each in PROBLEMS[kind]() if arguments.only in each.name):
            for row in measured(problem, arguments.splits, arguments.repeats):
                found.append(row)
                lines.append(cells(row))
                print(lines[-1], file=sys.stderr, flush=True)
        head = [kind, "method", "held-out, nats", "less scikit-learn's defaults", "seconds", "first fit, s"]
        print(table(head, lines) + "\n")
    if arguments.out:
        arguments.out.write_text(json.dumps(found, indent=2) + "\n")


def measured(problem: Problem, splits: int, repeats: int) -> list[dict[str, Any]]:
    """A row for each method; scikit-learn's defaults are the first."""
    scores = {method.name: [] for method in problem.methods}
    seconds = {method.name: [] for method in problem.methods}
    first = {}
    for seed in range(splits):
        order = np.random.default_rng(seed).permutation(len(problem.rows))
        held = len(order) // 5
        test, training = problem.rows[order[:held]], problem.rows[order[held:]]
        for method in problem.methods:
            fitted, taken = timed(method, training, seed)
            first.setdefault(method.name, taken)
            scores[method.name].append(problem.score(training, fitted, test))
        for _ in range(repeats if seed == 0 else 0):
            for method in problem.methods:
                seconds[method.name].append(timed(method, training, seed)[1])
    base = np.array(scores[problem.methods[0].name])
    return [
        {
            "problem": problem.name,
            "method": name,
            "held_out": values,
            "difference": (np.array(values) - base).tolist(),
            "seconds": float(np.median(seconds[name])),
            "first": first[name],
        }
        for name, values in scores.items()
    ]


def timed(method: Method, training: np.ndarray, seed: int) -> tuple[Any, float]:
    began = time.perf_counter()
    result = method.fit(training, seed)
    return result, time.perf_counter() - began


def cells(row: dict[str, Any]) -> list[str]:
    values, differences = np.array(row["held_out"]), np.array(row["difference"])
    error = differences.std(ddof=1) / np.sqrt(len(differences)) if len(differences) > 1 else np.nan
    return [
        row["problem"],
        row["method"],
        f"{values.mean():.4f}",
        f"{differences.mean():+.4f} ± {error:.4f}" if differences.any() else "",
        f"{row['seconds']:.2f}",
        f"{row['first']:.2f}",
    ]


def topic_problems() -> list[Problem]:
    generator = np.random.default_rng(0)
    topics = generator.dirichlet(np.full(1000, 0.05), 20)
    lengths = generator.poisson(150, 2000)
    corpus = generator.multinomial(lengths, generator.dirichlet(np.full(20, 0.1), 2000) @ topics)
    sets = {
        "simulated, 2,000 documents x 1,000 words, 20 topics": (corpus, 20),
        "digits, 1,797 x 64 pixels, 10 topics": (load_digits().data, 10),
    }
    cells_path = DATA / "single_cell/pbmc_4271x2000.npz"
    if cells_path.is_file():
        parts = np.load(cells_path)
        counts = csr_array((parts["data"], parts["indices"], parts["indptr"]), shape=parts["shape"]).toarray()
        sets["PBMC, 4,271 cells x 2,000 genes, 10 topics"] = (counts, 10)
    else:
        print(f"{cells_path} is absent; the counts of cells are left out", file=sys.stderr)
    return [topic_problem(name, rows.astype(float), topics) for name, (rows, topics) in sets.items()]


def topic_problem(name: str, rows: np.ndarray, topics: int) -> Problem:
    model = LatentDirichletAllocation(topics, rows.shape[1])

    def theirs(**settings: Any) -> Callable[[np.ndarray, int], Any]:
        def fit(training: np.ndarray, seed: int) -> Any:
            peer = decomposition.LatentDirichletAllocation(topics, random_state=seed, **settings)
            return peer.fit(csr_array(training)).components_ - 1

        return fit

    def ours(starts: int | None) -> Callable[[np.ndarray, int], Any]:
        return lambda training, seed: (
            coordinate_ascent(model, training, seed=seed, starts=starts, tolerance=1e-2).parameters
        )

    def score(_: np.ndarray, parameters: Any, test: np.ndarray) -> float:
        return float(np.sum(model.document_bounds(parameters, test)) / np.sum(test))

    methods = [
        Method("scikit-learn, 10 iterations (default)", theirs()),
        Method(f"scikit-learn, to {LONG} iterations", theirs(max_iter=LONG, evaluate_every=PERPLEXITY_EVERY)),
        Method("isthmus, 1 start", ours(1)),
        Method("isthmus, best of 3 starts (default)", ours(None)),
    ]
    return Problem(name, rows, methods, score)


def mixture_problems() -> list[Problem]:
    generator = np.random.default_rng(0)
    centres, factors = generator.normal(0, 3, (8, 6)), generator.normal(0, 1, (8, 6, 6)) / 2
    members = generator.integers(8, size=5000)
    simulated = centres[members] + np.einsum("nij,nj->ni", factors[members], generator.normal(size=(5000, 6)))
    wine, digits = load_wine().data, load_digits().data
    projected = decomposition.PCA(10, random_state=0).fit_transform(digits)
    return [
        mixture_problem("wine, 178 x 13, standardised, 3 components", (wine - wine.mean(0)) / wine.std(0), 3),
        mixture_problem("digits, 1,797 x 10 principal components, 10 components", projected, 10),
        mixture_problem("simulated, 5,000 x 6, 8 components", simulated, 8),
    ]


def mixture_problem(name: str, rows: np.ndarray, size: int) -> Problem:
    def model(training: np.ndarray) -> Mixture:
        return Mixture(NormalLikelihood.from_rows(training), size)

    def theirs(starts: int, **settings: Any) -> Callable[[np.ndarray, int], Any]:
        def fit(training: np.ndarray, seed: int) -> Any:
            peer = mixture.BayesianGaussianMixture(
                n_components=size,
                weight_concentration_prior_type="dirichlet_distribution",
                n_init=starts,
                random_state=seed,
                **settings,
            )
            return peer.fit(training)

        return fit

    def ours(starts: int | None) -> Callable[[np.ndarray, int], Any]:
        return lambda training, seed: coordinate_ascent(model(training), training, seed=seed, starts=starts).parameters

    def score(training: np.ndarray, fitted: Any, test: np.ndarray) -> float:
        parameters = fitted if isinstance(fitted, dict) else translated(model(training), fitted)
        return float(np.mean(model(training).log_predictive(parameters, test)))

    methods = [
        Method("scikit-learn (default)", theirs(1)),
        Method("scikit-learn, best of 10 starts, to convergence", theirs(10, tol=1e-5, max_iter=1000)),
        Method("isthmus, 1 start", ours(1)),
        Method("isthmus, best of 10 starts (default)", ours(None)),
    ]
    return Problem(name, rows, methods, score)


def translated(model: Mixture, peer: mixture.BayesianGaussianMixture) -> dict[str, Any]:
    """scikit-learn's posterior in our natural coordinates."""
    scales = peer.covariances_ * peer.degrees_of_freedom_[:, None, None]
    with jax.enable_x64(True):
        parts = zip(peer.means_, peer.mean_precision_, peer.degrees_of_freedom_, scales, strict=True)
        components = [np.asarray(model.likelihood.from_prior(NormalInverseWishart(*each))) for each in parts]
    return {"weights": peer.weight_concentration_ - 1, "components": np.stack(components)}


PROBLEMS = {"topics": topic_problems, "mixtures": mixture_problems}


if __name__ == "__main__":
    main()
