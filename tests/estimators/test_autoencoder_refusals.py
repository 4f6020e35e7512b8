"""What autoencoders refuse: foreign files, arguments that do not fit, other rows than those of the fit."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest
from jax import Array

import isthmus
from autoencoder_cases import COLUMNS, IMAGES, OWN, SMALL, WINE, Halves, fitted, table
from isthmus import Autoencoder
from isthmus.data import DataError
from isthmus.models import Fixed, TopK
from isthmus.storage import ModelFileError, model_file, read_model_file, write_model_file


class Masked(eqx.Module):
    """A module with numbers of its own that are not finite, which no step changes."""

    inner: eqx.Module
    mask: Fixed

    def __init__(self, inner: eqx.Module, mask: Array):
        self.inner, self.mask = inner, Fixed(mask)

    def __call__(self, x, key=None):
        return self.inner(x, key=key) + jnp.exp(self.mask.array)[0]


def without(mapping, name):
    return {key: value for key, value in mapping.items() if key != name}


def changed(metadata, part, **fields):
    return {**metadata, part: {**metadata[part], **fields}}


FOREIGN = {
    "a missing array": lambda a, m: (without(a, "model.encoder.layers.0.weight"), m),
    "an unknown network": lambda a, m: (a, changed(m, "architecture", network="transformer")),
    "a size beyond memory": lambda a, m: (a, changed(m, "architecture", latent_size=10**12)),
    "tied weights that are not": lambda a, m: (a, changed(m, "architecture", network="tied")),
    "a sparsity of no kind": lambda a, m: (a, changed(m, "parameters", sparsity={"kind": "os.system"})),
    "an argument too many": lambda a, m: (a, changed(m, "parameters", corruption=None)),
    "an estimator of another kind": lambda a, m: (a, {**m, "estimator": "VAE"}),
}


@pytest.mark.parametrize("change", FOREIGN)
def test_a_whole_file_with_foreign_content_is_refused(change, tmp_path):
    fitted("plain").save(tmp_path)
    path = tmp_path / "model.safetensors"
    write_model_file(path, *FOREIGN[change](*read_model_file(path)))
    with pytest.raises(ModelFileError):
        isthmus.load(tmp_path)


WRONG_ARGUMENTS = {
    "a latent as large as the data": ({"n_components": 13}, WINE, "latent size 13 is not below the 13 columns"),
    "none kept": ({"sparsity": TopK(0)}, WINE, "sparsity is .*: kept of TopK is 0; expected a whole number above 0"),
    "an unknown sparsity": ({"sparsity": "l2"}, WINE, "sparsity is 'l2': 'l2' is not a sparsity; expected one of L1"),
    "a share of 1": ({"dropout": 1.0}, WINE, "dropout is 1.0: input should be less than 1"),
    "growing weights": ({"weight_decay": -1.0}, WINE, "weight_decay is -1.0"),
    "a network of no kind": ({"network": "transformer"}, WINE, "network is 'transformer'"),
    "tied weights of bytes": (
        {"tied_weights": True, "likelihood": "discretised_logistic", "maximum": 1, "n_components": 3},
        IMAGES,
        "tied weights give 15 outputs, and the likelihood takes 30; pass .* or tied_weights=False",
    ),
    "tied weights of a table": ({"tied_weights": True}, table(), "pass tied_weights=False"),
    "tied weights that are a word": ({"tied_weights": "yes"}, WINE, "tied_weights is 'yes'"),
    "tied weights of one's own": ({"tied_weights": True, **OWN}, WINE, "leave out encoder and decoder"),
    "convolutions of no image": ({"network": "convolutional"}, IMAGES, r"needs image_shape=\(height, width\)"),
    "convolutions of a table": ({"network": "convolutional"}, table(), "takes no rows of a table; pass network='mlp'"),
    "convolutions that are dropped": (
        {"network": "convolutional", "image_shape": (3, 5), "dropout": 0.5},
        IMAGES,
        "takes no tied weights or dropout",
    ),
    "convolutions of no layer": (
        {"network": "convolutional", "image_shape": (3, 5), "hidden_sizes": ()},
        IMAGES,
        "has at least one layer of channels",
    ),
    "an image of another size": (
        {"network": "convolutional", "image_shape": (4, 5)},
        IMAGES,
        r"image_shape \(4, 5\) has 20 pixels, and the rows have 15 columns",
    ),
    "an image without convolutions": (
        {"image_shape": (3, 5)},
        IMAGES,
        r"image_shape is \(3, 5\), which network='mlp' takes no notice of; pass network='convolutional' too",
    ),
    "half an image": ({"network": "convolutional", "image_shape": (3,)}, IMAGES, r"image_shape is \(3,\)"),
    "an encoder of another shape": ({**OWN, "n_components": 4}, WINE, r"encoder makes \(3,\) of \(13,\)"),
    "layers of two widths in a table": ({"hidden_sizes": (8, 4)}, table(), "has layers of one width"),
}


@pytest.mark.parametrize("case", WRONG_ARGUMENTS)
def test_wrong_arguments_are_refused_with_one_clear_error(case):
    arguments, rows, message = WRONG_ARGUMENTS[case]
    with pytest.raises(ValueError, match=message):
        Autoencoder(**{"n_components": 2, **SMALL, **arguments}).fit(rows)


def test_modules_of_ones_own_are_needed_to_load_them(tmp_path):
    fitted("own modules").save(tmp_path / "own")
    fitted("plain").save(tmp_path / "ours")
    for given in ({}, {"encoder": OWN["encoder"]}):
        with pytest.raises(ModelFileError, match=r"given encoder=, decoder= of one's own, .* pass encoder=, decoder=,"):
            isthmus.load(tmp_path / "own", **given)
    with pytest.raises(ModelFileError, match=r"encoder makes \(4,\)"):
        isthmus.load(tmp_path / "own", **{**OWN, "encoder": Halves(COLUMNS, 4, 0)})
    with pytest.raises(ModelFileError, match="the fit was given no module of one's own"):
        isthmus.load(tmp_path / "ours", **OWN)


def test_infinities_of_a_module_of_ones_own_are_loaded_again(tmp_path):
    """A mask of minus infinities in the encoder; anywhere else an infinity is damage."""
    mask = Masked(OWN["encoder"], jnp.array([-jnp.inf, 0.0]))
    model = Autoencoder(3, encoder=mask, decoder=OWN["decoder"], likelihood="normal", **SMALL).fit(WINE)
    model.save(tmp_path)
    again = isthmus.load(tmp_path, encoder=mask, decoder=OWN["decoder"])
    np.testing.assert_array_equal(again.score_samples(WINE), model.score_samples(WINE))
    arrays, metadata = read_model_file(tmp_path / "model.safetensors")
    arrays["model.inputs.centre.array"] = np.full(COLUMNS, np.inf, np.float32)
    write_model_file(tmp_path / "model.safetensors", arrays, metadata)
    with pytest.raises(ModelFileError, match="NaN or infinity"):
        isthmus.load(tmp_path, encoder=mask, decoder=OWN["decoder"])


def test_levels_that_no_file_could_hold_are_refused_before_the_fit(monkeypatch):
    monkeypatch.setattr(model_file, "MAXIMUM_HEADER_VALUES", 40)
    with pytest.raises(DataError, match=r"X has .* levels in 3 columns, and a model of them could not be saved: .*"):
        Autoencoder(2, **SMALL).fit(table())


def test_wrong_rows_after_the_fit_are_refused():
    with pytest.raises(ValueError, match="X has 4 features, but Autoencoder is expecting 13"):
        fitted("plain").transform(WINE[:, :4])
    with pytest.raises(ValueError, match="Z has 13 columns; expected the 3 latent dimensions"):
        fitted("plain").inverse_transform(WINE)
    with pytest.raises(ValueError, match="NaN"):
        fitted("plain").score_samples(np.where(WINE[0, 0] == WINE, np.nan, WINE))
    with pytest.raises(DataError, match="X has 2 features, but the model is expecting 3"):
        fitted("table").score_samples(np.ones((4, 2)))
