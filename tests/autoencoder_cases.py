"""Small autoencoders of every kind, fitted once, and the rows that they were fitted to."""

import functools
import json

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.datasets import load_wine

from isthmus import Autoencoder, DenoisingAutoencoder
from isthmus.models import L1, GaussianNoise, LogUniform, TopK

SMALL = {"hidden_sizes": (8,), "max_epochs": 2}
LINEAR = {
    "hidden_sizes": (),
    "max_epochs": 60,
    "batch_size": 32,
    "learning_rate": 1e-2,
    "overcomplete": True,
    "validation_fraction": 0.0,
}
WINE = load_wine().data
COLUMNS = WINE.shape[1]
FACTOR = np.random.default_rng(0).normal(size=(200, 1)) + 0.3 * np.random.default_rng(1).normal(size=(200, 4))
IMAGES = (np.random.default_rng(0).random((80, 15)) < np.linspace(0.1, 0.9, 15)).astype(float)


def table(rows=90, seed=0):
    """Numbers, counts and words that follow one factor, with holes."""
    generator = np.random.default_rng(seed)
    factor = generator.normal(size=rows)
    frame = pd.DataFrame(
        {
            "size": 10 + 3 * factor + generator.normal(size=rows),
            "visits": pd.array(generator.poisson(np.exp(factor)), dtype="Int64"),
            "town": np.array(["Ely", "Rye", "Wem"])[np.digitize(factor, [-0.5, 0.5])],
        }
    )
    return frame.mask(generator.random(frame.shape) < 0.2)


class Halves(eqx.Module):
    """A network of one's own, which takes no notice of the key."""

    weight: jax.Array
    bias: jax.Array

    def __init__(self, inputs, outputs, seed):
        self.weight = 0.1 * jax.random.normal(jax.random.key(seed), (inputs, outputs))
        self.bias = jnp.zeros(outputs)

    def __call__(self, x, *, key=None):
        return 0.5 * jnp.tanh(x) @ self.weight + self.bias


OWN = {"encoder": Halves(COLUMNS, 3, 0), "decoder": Halves(3, COLUMNS, 1)}
CASES = {
    "plain": (Autoencoder(3, calibration_fraction=0.2, **SMALL), WINE),
    "tied": (Autoencoder(3, tied_weights=True, weight_decay=0.01, sparsity=L1(0.1), **SMALL), WINE),
    "dropout": (Autoencoder(3, dropout=0.5, sparsity=TopK(2), **SMALL), WINE),
    "table": (Autoencoder(2, columns={"visits": "poisson"}, **SMALL), table()),
    "convolutional": (Autoencoder(3, network="convolutional", image_shape=(3, 5), **SMALL), IMAGES),
    "own modules": (Autoencoder(3, likelihood="normal", scale=float(np.sqrt(0.5)), **OWN, **SMALL), WINE),
    "normal noise": (DenoisingAutoencoder(3, corruption=GaussianNoise(0.5), **SMALL), WINE),
    "levels of noise": (DenoisingAutoencoder(3, corruption=GaussianNoise(LogUniform(0.1, 2.0)), **SMALL), WINE),
    "swaps": (DenoisingAutoencoder(2, columns={"visits": "poisson"}, **SMALL), table()),
}
"""A new kind of autoencoder costs one line and inherits every law."""


@functools.cache
def fitted(name):
    """The estimator of a case, fitted to its rows; no test changes it."""
    estimator, rows = CASES[name]
    return clone(estimator).fit(rows)


def rows_of(name):
    return CASES[name][1]


def modules_of(name):
    """What `isthmus.load` is given again."""
    return OWN if name == "own modules" else {}


def assert_same(one, two, rows):
    """Everything that two fitted estimators say of rows is the same to the bit."""
    for method in ("score_samples", "transform", "score_columns", "predict"):
        np.testing.assert_array_equal(getattr(one, method)(rows), getattr(two, method)(rows))
    assert json.dumps(one.ledger(rows).to_dict()) == json.dumps(two.ledger(rows).to_dict())
    assert one.assumptions_ == two.assumptions_
