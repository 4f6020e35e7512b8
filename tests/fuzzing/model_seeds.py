"""One small fitted model of each kind, as the content of its file: what mutations of model files start from."""

import functools
import warnings
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd

from isthmus import VAE, Autoencoder, DenoisingAutoencoder, FactorAnalysis, LinearAutoencoder, ProbabilisticPCA
from isthmus.storage import read_model_file

ROWS = 60
_KINDS = {"length": "student_t", "price": "log_normal", "grade": "ordinal"}
QUICK = {"hidden_sizes": (5,), "max_epochs": 1, "calibration_fraction": 0.1}

CHANNELS = {**QUICK, "hidden_sizes": (2, 3)}


def _matrix() -> np.ndarray:
    generator = np.random.default_rng(11)
    return generator.normal(size=(ROWS, 2)) @ generator.normal(size=(2, 4)) + 0.3 * generator.normal(size=(ROWS, 4))


def _frame() -> pd.DataFrame:
    generator, matrix = np.random.default_rng(12), _matrix()
    frame = pd.DataFrame(
        {
            "length": matrix[:, 0],
            "visits": generator.poisson(np.exp(matrix[:, 1] / 2)),
            "town": np.array(["Ely", "Rye", "Wem"])[np.digitize(matrix[:, 2], [-0.5, 0.5])],
            "paid": np.where(matrix[:, 3] > 0, "yes", "no"),
        }
    )
    return frame.mask(generator.random(frame.shape) < 0.1)


def _kinds() -> pd.DataFrame:
    """Columns of the likelihoods that the other table lacks."""
    matrix = _matrix()
    return pd.DataFrame(
        {
            "length": matrix[:, 0],
            "price": np.exp(matrix[:, 1]),
            "grade": np.digitize(matrix[:, 2], [-1.0, 0.0, 1.0]).astype(float),
        }
    )


def _pixels() -> np.ndarray:
    return (np.random.default_rng(15).random((ROWS, 16)) < 0.4).astype(float)


def _holed() -> np.ndarray:
    matrix = _matrix()
    matrix[np.random.default_rng(13).random(matrix.shape) < 0.1] = np.nan
    return matrix


_FITS = {
    "linear": lambda: LinearAutoencoder(2, calibration_fraction=0.1).fit(_matrix()),
    "ppca": lambda: ProbabilisticPCA(2, max_iterations=5).fit(_holed()),
    "fa": lambda: FactorAnalysis(1, max_iterations=5).fit(pd.DataFrame(_matrix(), columns=list("abcd"))),
    "autoencoder": lambda: Autoencoder(2, **QUICK).fit(_matrix()),
    "denoising": lambda: DenoisingAutoencoder(2, **QUICK).fit((_matrix() > 0).astype(float)),
    "vae": lambda: VAE(2, likelihood="binomial", maximum=9, **QUICK).fit(np.clip(np.round(2 * _matrix() + 4), 0, 9)),
    "table": lambda: VAE(2, **QUICK).fit(_frame()),
    "kinds": lambda: VAE(2, columns=_KINDS, **QUICK).fit(_kinds()),
    "tied": lambda: Autoencoder(2, tied_weights=True, **QUICK).fit(_matrix()),
    "convolutional": lambda: VAE(2, network="convolutional", image_shape=(4, 4), **CHANNELS).fit(_pixels()),
}
SEEDS = tuple(_FITS)


@functools.cache
def model_file(name: str) -> bytes:
    """The bytes of the model file of a seed."""
    with TemporaryDirectory() as run, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _FITS[name]().save(run)
        return (Path(run) / "model.safetensors").read_bytes()


@functools.cache
def model_record(name: str):
    """(arrays, metadata) of a seed."""
    with TemporaryDirectory() as place:
        path = Path(place) / "model.safetensors"
        path.write_bytes(model_file(name))
        return read_model_file(path)
