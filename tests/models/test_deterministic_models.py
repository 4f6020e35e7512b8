"""Deterministic autoencoders of every network: their distortion, their loss, and what their parts may be."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cases import COLUMNS, LIKELIHOODS, ROWS
from isthmus.fitting import TrainingSettings, fit_reconstruction
from isthmus.fitting.reconstruction import ReconstructionLoss, adam
from isthmus.inference import log_likelihood_at_code
from isthmus.models import Architecture, assemble_autoencoder, matrix_ends, split_parameters
from isthmus.models.networks import MLP
from isthmus.models.parameters import named_arrays

CASE = LIKELIHOODS["normal, per-feature scale"]
KEY = jax.random.key(0)
NETWORKS = {
    "plain": {},
    "linear": {"hidden_sizes": ()},
    "tied": {"network": "tied"},
    "residual": {"network": "residual"},
    "dropout": {"dropout": 0.5},
    "convolutional": {"network": "convolutional", "image_shape": (2, 3), "hidden_sizes": (4,)},
}


def ends(name="normal, per-feature scale"):
    case = LIKELIHOODS[name]
    return matrix_ends(case.choice, case.columns, case.standardisation)


def architecture(**changes):
    return Architecture(**{"latent_size": 2, "hidden_sizes": (8,), "activation": "tanh", **changes})


def assemble(shape, family="normal, per-feature scale", **parts):
    return assemble_autoencoder(ends(family), shape, KEY, **parts)


@pytest.mark.parametrize("name", ["bernoulli", "discretised logistic, 16", "normal, per-feature scale"])
def test_the_distortion_is_minus_the_log_likelihood_at_the_code(name):
    model, rows = assemble(architecture(), name), LIKELIHOODS[name].standardised_rows
    total, by_column = log_likelihood_at_code(model, rows)
    expected = [model.likelihood(model.encode(row)).log_prob(row) for row in rows[:3]]
    np.testing.assert_allclose(total[:3], expected, rtol=1e-4)
    np.testing.assert_allclose(by_column.sum(1), total, rtol=1e-4)
    assert total.shape == (ROWS,)


def test_with_a_scale_of_the_root_of_a_half_the_distortion_is_the_squared_error_and_a_constant():
    case = type(CASE)("normal", {"scale": float(np.sqrt(0.5))})
    model = assemble_autoencoder(matrix_ends(case.choice, case.columns, case.standardisation), architecture(), KEY)
    total, _ = log_likelihood_at_code(model, case.standardised_rows)
    decoded = jax.vmap(lambda row: model.decode(model.encode(row)))(jnp.asarray(case.standardised_rows))
    errors = ((case.rows - case.standardisation.invert(np.asarray(decoded))) ** 2).sum(1)
    np.testing.assert_allclose(-total, errors + COLUMNS / 2 * np.log(np.pi), rtol=1e-4)


@pytest.mark.parametrize("name", NETWORKS)
def test_the_loss_is_the_mean_distortion_and_what_the_latent_costs(name):
    model, rows = assemble(architecture(**NETWORKS[name])), jnp.asarray(CASE.standardised_rows)
    distortion = -np.mean(log_likelihood_at_code(model, rows)[0])
    latents = jax.vmap(model.encode)(rows)
    for cost in (0.0, 0.7):
        loss = ReconstructionLoss(jnp.float32(1.0), jnp.float32(cost))
        found = eqx.filter_jit(loss)(model, rows, KEY, jnp.int32(0))
        expected = distortion + cost * np.abs(latents).sum(1).mean()
        # Dropout is on in training alone.
        assert np.isclose(found, expected, rtol=1e-4) == (name != "dropout")


@pytest.mark.parametrize("name", NETWORKS)
def test_weights_decay_and_nothing_else(name):
    model = eqx.filter_eval_shape(assemble, architecture(**NETWORKS[name]))
    parameters = jax.tree.map(lambda leaf: jnp.full(leaf.shape, 2.0, leaf.dtype), model)
    parameters, _ = split_parameters(parameters)
    still = jax.tree.map(jnp.zeros_like, parameters)
    optimiser = adam(0.1)
    direction, _ = optimiser.update(still, optimiser.init(parameters), parameters)
    decayed = {path for path, array in named_arrays(direction).items() if (array != 0).any()}
    weights = {path for path, array in named_arrays(parameters).items() if path.endswith("weight") and array.ndim >= 2}
    assert decayed == weights
    assert all((array == 0.2).all() for path, array in named_arrays(direction).items() if path in decayed)


def test_an_optimiser_is_made_once_for_each_decay():
    assert adam(0.1) is adam(0.1)
    assert adam(0.0) is adam(0)


def fit(model, latent_cost=0.0, weight_decay=0.0):
    settings = TrainingSettings(steps=64, batch_size=32, learning_rate=1e-2, optimiser=adam(weight_decay))
    return fit_reconstruction(model, CASE.standardised_rows, None, settings, latent_cost=latent_cost).model


@pytest.fixture(scope="module")
def trained():
    return fit(assemble(architecture()))


def test_a_costly_latent_is_a_quieter_one(trained):
    costly = fit(assemble(architecture()), latent_cost=1.0)
    rows = jnp.asarray(CASE.standardised_rows)
    plain, quiet = (np.abs(jax.vmap(model.encode)(rows)).mean() for model in (trained, costly))
    assert quiet < 0.5 * plain


def test_decay_shrinks_the_weights(trained):
    small, large = (
        sum((layer.weight**2).sum() for network in (model.encoder, model.decoder) for layer in network.layers)
        for model in (fit(assemble(architecture()), weight_decay=1.0), trained)
    )
    assert small < 0.7 * large


def test_so_many_latents_go_on():
    model = assemble(architecture(latent_size=3), kept=2)
    latents = jax.vmap(model.encode)(jnp.asarray(CASE.standardised_rows))
    assert ((latents != 0).sum(1) == 2).all()


def test_a_tied_model_has_half_the_weights():
    plain, tied = (
        named_arrays(split_parameters(assemble(architecture(network=network)))[0]) for network in ("plain", "tied")
    )
    count = [sum(array.size for path, array in arrays.items() if path.endswith("weight")) for arrays in (plain, tied)]
    assert count == [2 * 8 * (COLUMNS + 2), 8 * (COLUMNS + 2)]
    assert {path for path in tied if path.startswith("decoder")} == {"decoder.biases.0", "decoder.biases.1"}


REFUSED = {
    "tied weights for several outputs a column": (
        "discretised logistic, 16",
        {"network": "tied"},
        "tied weights give 6 outputs, and the likelihood takes 12; pass .* or tied_weights=False",
    ),
    "convolutions of no image": ("bernoulli", {"network": "convolutional"}, r"needs image_shape=\(height, width\)"),
    "an image of another size": (
        "bernoulli",
        {"network": "convolutional", "image_shape": (4, 4)},
        r"image_shape \(4, 4\) has 16 pixels, and the rows have 6 columns",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_networks_that_do_not_fit_the_columns_are_refused(case):
    name, changes, message = REFUSED[case]
    with pytest.raises(ValueError, match=message):
        assemble(architecture(**changes), name)


def test_modules_of_ones_own_stand_in_place_of_ours():
    own = eqx.nn.Linear(COLUMNS, 2, key=KEY), MLP((2, 4, COLUMNS), "relu", KEY)
    for encoder, decoder in (own, (own[0], None), (None, own[1])):
        model = assemble(architecture(), encoder=encoder, decoder=decoder)
        assert np.isfinite(log_likelihood_at_code(model, CASE.standardised_rows)[0]).all()
    np.testing.assert_array_equal(model.decoder.layers[0].weight, own[1].layers[0].weight)


class Both(eqx.Module):
    """Makes two things."""

    def __call__(self, x, *, key=None):
        return x[:2], x


WRONG = {
    "an encoder of other columns": (
        {"encoder": MLP((5, 2), "elu", KEY)},
        r"encoder cannot be called with 6 numbers and key=None .* from \(6,\) to \(2,\)",
    ),
    "an encoder to another latent": (
        {"encoder": MLP((6, 3), "elu", KEY)},
        r"encoder makes \(3,\) of \(6,\); expected \(2,\)",
    ),
    "a decoder to other columns": (
        {"decoder": MLP((2, 5), "elu", KEY)},
        r"decoder makes \(5,\) of \(2,\); expected \(6,\)",
    ),
    "an encoder that takes no key": ({"encoder": jnp.tanh}, "encoder cannot be called"),
    "a word": ({"encoder": "mlp"}, "encoder cannot be called"),
    "an encoder that makes two things": ({"encoder": Both()}, "encoder makes tuple"),
}


@pytest.mark.parametrize("case", WRONG)
def test_modules_of_another_shape_are_refused(case):
    parts, message = WRONG[case]
    with pytest.raises(ValueError, match=message):
        assemble_autoencoder(ends(), architecture(), KEY, **parts)
