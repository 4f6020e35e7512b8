"""A convolutional VAE: every law of the VAE, images known from the data set, one clear error for what is no image."""

import numpy as np
import pytest

import isthmus
from autoencoder_cases import IMAGES, table
from isthmus import VAE
from isthmus.data import Dataset

SMALL = {"hidden_sizes": (4, 4), "max_epochs": 3}
SHAPE = (3, 5)


@pytest.fixture(scope="module")
def fitted():
    return VAE(3, network="convolutional", image_shape=SHAPE, **SMALL).fit(IMAGES)


def test_shapes_and_scores_that_do_not_depend_on_neighbours(fitted):
    latent = fitted.transform(IMAGES)
    assert latent.shape == (len(IMAGES), 3)
    assert fitted.sample(7).shape == (7, 15)
    np.testing.assert_array_equal(fitted.reconstruct(IMAGES), fitted.inverse_transform(latent))
    np.testing.assert_array_equal(fitted.score_samples(IMAGES[5:7]), fitted.score_samples(IMAGES)[5:7])


def test_its_ledger_keeps_the_identity(fitted):
    ledger = fitted.ledger(IMAGES, draws=20)
    np.testing.assert_allclose(ledger["elbo"].value, -ledger["distortion"].value - ledger["rate"].value, rtol=1e-9)
    assert ledger["log_likelihood_lower"].value >= ledger["elbo"].value
    assert fitted.assumptions_["network"] == "convolutional"


def test_saved_and_loaded_it_is_the_same_to_the_bit(fitted, tmp_path):
    fitted.save(tmp_path / "run")
    loaded = isthmus.load(tmp_path / "run")
    np.testing.assert_array_equal(loaded.score_samples(IMAGES), fitted.score_samples(IMAGES))
    np.testing.assert_array_equal(loaded.sample(5), fitted.sample(5))
    assert loaded.get_params() == fitted.get_params()
    loaded.save(tmp_path / "again")
    assert (tmp_path / "again/model.safetensors").read_bytes() == (tmp_path / "run/model.safetensors").read_bytes()


def test_a_data_set_of_images_brings_its_shape(fitted):
    data = Dataset("images", IMAGES, tuple(f"x{i}" for i in range(15)), image_shape=SHAPE)
    model = VAE(3, network="convolutional", **SMALL).fit(data)
    np.testing.assert_array_equal(model.score_samples(data), fitted.score_samples(IMAGES))


def test_its_latent_size_can_be_chosen():
    model = VAE("auto", network="convolutional", image_shape=SHAPE, **SMALL).fit(IMAGES)
    assert [tried.n_components for tried in model.n_components_path_][:2] == [1, 2]
    assert model.transform(IMAGES).shape[1] == model.n_components_


WRONG_ARGUMENTS = {
    "no image": ({"network": "convolutional"}, IMAGES, r"needs image_shape=\(height, width\)"),
    "an image without convolutions": ({"image_shape": SHAPE}, IMAGES, "which network='mlp' takes no notice of"),
    "a table": ({"network": "convolutional", "image_shape": (1, 3)}, table(), "takes no rows of a table"),
    "no layer": (
        {"network": "convolutional", "image_shape": SHAPE, "hidden_sizes": ()},
        IMAGES,
        "has at least one layer of channels",
    ),
}


@pytest.mark.parametrize("case", WRONG_ARGUMENTS)
def test_wrong_arguments_are_refused_with_one_clear_error(case):
    arguments, rows, message = WRONG_ARGUMENTS[case]
    with pytest.raises(ValueError, match=message):
        VAE(**{"n_components": 2, **SMALL, **arguments}).fit(rows)
