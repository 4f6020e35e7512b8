"""The table of conjugate models, each with rows simulated from it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpyro.distributions as dist

from isthmus.inference.conjugate import (
    ColumnsLikelihood,
    IndependentRows,
    LatentDirichletAllocation,
    LinearLikelihood,
    MeanFieldRegression,
    Mixture,
    NormalLikelihood,
    VariationalModel,
)
from isthmus.information import families

ROWS, COLUMNS, SIZE = 240, 3, 3
CENTRES = np.array([[-4.0, 0.0, 3.0], [4.0, 3.0, 0.0], [0.0, -4.0, -3.0]])
SCALES = np.array([[1.0, 0.5, 1.0], [0.5, 1.0, 1.0], [1.0, 1.0, 0.5]])
WEIGHTS = np.array([1.0, -2.0, 0.5])
PROBABILITIES = np.array(
    [[0.9, 0.9, 0.9, 0.1, 0.1, 0.1], [0.1, 0.1, 0.9, 0.9, 0.9, 0.1], [0.9, 0.1, 0.1, 0.1, 0.9, 0.9]]
)
RATES = np.array([[1.0, 20.0, 5.0], [20.0, 1.0, 5.0], [5.0, 5.0, 40.0]])


@dataclass(frozen=True)
class ConjugateCase:
    """A model and rows; `members`, the components that the rows came from, where there are some."""

    model: VariationalModel
    rows: Any
    members: np.ndarray | None = None


def _normals(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    members = rng.integers(SIZE, size=ROWS)
    return CENTRES[members] + SCALES[members] * rng.normal(size=(ROWS, COLUMNS)), members


def _regression(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    X = rng.normal(size=(ROWS, COLUMNS))
    return X, X @ WEIGHTS + 0.7 * rng.normal(size=ROWS)


def _topics(rng: np.random.Generator) -> np.ndarray:
    """Documents [document, word] of three topics with five words each, and five that all share."""
    own, shared = np.eye(SIZE, 4), 0.3 * np.eye(4)[3]
    topics = 0.01 + np.kron(own + shared, np.ones(5))
    words = rng.dirichlet(np.full(SIZE, 0.3), ROWS) @ (topics / topics.sum(axis=1, keepdims=True))
    return rng.multinomial(50, words).astype(float)


RNG = np.random.default_rng(0)
X, MEMBERS = _normals(RNG)
BITS = (RNG.random((ROWS, 6)) < PROBABILITIES[MEMBERS]).astype(float)
COUNTS = RNG.poisson(RATES[MEMBERS]).astype(float)
REGRESSION = _regression(RNG)
BERNOULLI = ColumnsLikelihood(families.Bernoulli(), dist.Beta(np.full(6, 0.5), np.full(6, 0.7)))
POISSON = ColumnsLikelihood(families.Poisson(), dist.Gamma(np.full(COLUMNS, 1.5), np.full(COLUMNS, 0.1)))
NORMAL, LINEAR = NormalLikelihood.from_rows(X), LinearLikelihood(COLUMNS, strength=0.5, concentration=2.0, rate=1.5)

EXACT = {
    "normal": ConjugateCase(IndependentRows(NORMAL), X),
    "bernoulli": ConjugateCase(IndependentRows(BERNOULLI), BITS),
    "poisson": ConjugateCase(IndependentRows(POISSON), COUNTS),
    "regression": ConjugateCase(IndependentRows(LINEAR), REGRESSION),
}
MIXTURES = {
    "mixture of normals": ConjugateCase(Mixture(NORMAL, SIZE), X, MEMBERS),
    "mixture of bits": ConjugateCase(Mixture(BERNOULLI, SIZE), BITS, MEMBERS),
    "mixture of counts": ConjugateCase(Mixture(POISSON, SIZE, concentration=1.0), COUNTS, MEMBERS),
}
TOPICS = {"topics": ConjugateCase(LatentDirichletAllocation(SIZE, 20), _topics(RNG))}
CONJUGATE = EXACT | MIXTURES | TOPICS
ALL = CONJUGATE | {"mean-field regression": ConjugateCase(MeanFieldRegression(LINEAR), REGRESSION)}
