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


def _rng() -> np.random.Generator:
    return np.random.default_rng(0)


def _normals() -> tuple[np.ndarray, np.ndarray]:
    members = _rng().integers(SIZE, size=ROWS)
    return CENTRES[members] + SCALES[members] * _rng().normal(size=(ROWS, COLUMNS)), members


def _regression() -> tuple[np.ndarray, np.ndarray]:
    X = _rng().normal(size=(ROWS, COLUMNS))
    return X, X @ WEIGHTS + 0.7 * np.random.default_rng(1).normal(size=ROWS)


def _topics() -> np.ndarray:
    """Documents [document, word] of three topics with five words each, and five that all share."""
    topics = np.full((SIZE, 20), 0.01) + np.kron(np.eye(SIZE, 4), np.ones(5)) + np.kron(np.eye(4)[3], np.ones(5)) * 0.3
    proportions = _rng().dirichlet(np.full(SIZE, 0.3), ROWS)
    words = proportions @ (topics / topics.sum(axis=1, keepdims=True))
    return np.stack([_rng().multinomial(50, word) for word in words]).astype(float)


X, MEMBERS = _normals()
BITS = (np.random.default_rng(1).random((ROWS, 6)) < PROBABILITIES[MEMBERS]).astype(float)
COUNTS = _rng().poisson(RATES[MEMBERS]).astype(float)
BERNOULLI = ColumnsLikelihood(families.Bernoulli(), dist.Beta(np.full(6, 0.5), np.full(6, 0.7)))
POISSON = ColumnsLikelihood(families.Poisson(), dist.Gamma(np.full(COLUMNS, 1.5), np.full(COLUMNS, 0.1)))
NORMAL, LINEAR = NormalLikelihood.from_rows(X), LinearLikelihood(COLUMNS, strength=0.5, concentration=2.0, rate=1.5)

EXACT = {
    "normal": ConjugateCase(IndependentRows(NORMAL), X),
    "bernoulli": ConjugateCase(IndependentRows(BERNOULLI), BITS),
    "poisson": ConjugateCase(IndependentRows(POISSON), COUNTS),
    "regression": ConjugateCase(IndependentRows(LINEAR), _regression()),
}
MIXTURES = {
    "mixture of normals": ConjugateCase(Mixture(NORMAL, SIZE), X, MEMBERS),
    "mixture of bits": ConjugateCase(Mixture(BERNOULLI, SIZE), BITS, MEMBERS),
    "mixture of counts": ConjugateCase(Mixture(POISSON, SIZE, concentration=1.0), COUNTS, MEMBERS),
}
TOPICS = {"topics": ConjugateCase(LatentDirichletAllocation(SIZE, 20), _topics())}
CONJUGATE = EXACT | MIXTURES | TOPICS
ALL = CONJUGATE | {"mean-field regression": ConjugateCase(MeanFieldRegression(LINEAR), _regression())}
