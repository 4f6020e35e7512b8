"""Networks for one datum: one call, dropout by the key alone, shapes that hold for any image."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from isthmus.models import split_parameters
from isthmus.models.convolutional import ConvolutionalDecoder, ConvolutionalEncoder, halved, padded
from isthmus.models.networks import MLP, Dropout, ResidualMLP, TiedMLP
from isthmus.models.parameters import Fixed
from isthmus.models.sparsity import keep_largest

KEY = jax.random.key(0)
SIZES = (5, 8, 8, 3)
X = jax.random.normal(jax.random.key(1), (5,))
NETWORKS = {"plain": MLP, "residual": ResidualMLP}


def tied(sizes=SIZES, dropout=0.0):
    """An encoder and the decoder that mirrors it, with biases that are not 0."""
    encoder = MLP(sizes, "tanh", KEY, jnp.arange(float(sizes[-1])), dropout=dropout)
    decoder = TiedMLP(encoder, jnp.linspace(-1.0, 1.0, sizes[0]))
    return encoder, jax.tree.map(lambda bias: bias + 0.1, decoder)


@pytest.mark.parametrize("name", NETWORKS)
def test_dropout_is_off_without_a_key_and_drawn_by_it(name):
    dropping, whole = (NETWORKS[name](SIZES, "tanh", KEY, dropout=share) for share in (0.5, 0.0))
    if name == "residual":  # whose blocks start at 0
        dropping, whole = (
            eqx.tree_at(lambda m: [block[2].weight for block in m.blocks], m, [jnp.ones((8, 8))] * 2)
            for m in (dropping, whole)
        )
    np.testing.assert_array_equal(dropping(X), whole(X))
    np.testing.assert_array_equal(dropping(X, key=KEY), dropping(X, key=KEY))
    assert (dropping(X, key=KEY) != dropping(X)).any()
    assert (dropping(X, key=KEY) != dropping(X, key=jax.random.key(1))).any()


def test_dropout_keeps_the_share_and_the_mean():
    x, keys = jnp.ones(1000), jax.random.split(KEY, 50)
    dropped = jax.vmap(lambda key: Dropout(Fixed(jnp.float32(0.3)))(x, key))(keys)
    np.testing.assert_allclose(np.unique(dropped), [0.0, 1 / 0.7], rtol=1e-6)
    error = np.sqrt(0.3 * 0.7 / dropped.size)
    assert abs(np.mean(dropped == 0) - 0.3) < 4 * error
    assert abs(np.mean(dropped) - 1.0) < 4 * error / 0.7


def test_the_share_that_is_dropped_is_not_trained():
    parameters, _ = split_parameters(MLP(SIZES, "tanh", KEY, dropout=0.5))
    assert len(jax.tree.leaves(parameters)) == 6


@pytest.mark.parametrize("sizes", [SIZES, (5, 3)])
def test_a_tied_decoder_is_the_network_of_transposed_weights(sizes):
    encoder, decoder = tied(sizes)
    layers = [layer.weight.T for layer in reversed(encoder.layers)]
    untied = MLP(tuple(reversed(sizes)), "tanh", KEY)
    leaves = [leaf for pair in zip(layers, decoder.biases, strict=True) for leaf in pair]
    untied = eqx.tree_at(lambda m: [leaf for layer in m.layers for leaf in (layer.weight, layer.bias)], untied, leaves)
    z = jnp.array([0.3, -2.0, 1.0])
    np.testing.assert_allclose(decoder(z, encoder), untied(z), rtol=1e-6)


def test_a_tied_decoder_has_biases_and_no_weights_of_its_own():
    encoder, decoder = tied()
    assert [leaf.shape for leaf in jax.tree.leaves(decoder)] == [(8,), (8,), (5,)]
    gradient = eqx.filter_grad(lambda e: jnp.sum(decoder(jnp.ones(3), e)))(encoder)
    assert all((layer.weight != 0).any() for layer in gradient.layers)


def test_a_tied_decoder_drops_what_its_encoder_drops():
    encoder, decoder = tied(dropout=0.5)
    z = jnp.ones(3)
    assert (decoder(z, encoder, key=KEY) != decoder(z, encoder)).any()
    np.testing.assert_array_equal(decoder(z, encoder), decoder(z, tied()[0]))


def test_a_residual_network_starts_as_a_linear_map_of_what_is_normalised():
    network = ResidualMLP(SIZES, "tanh", KEY)
    x = network.first(X)
    expected = network.last(jnp.tanh((x - x.mean()) / jnp.sqrt(x.var() + 1e-5)))
    np.testing.assert_allclose(network(X), expected, rtol=1e-4)


@pytest.mark.parametrize(("sizes", "message"), [((5, 3), "at least one hidden layer"), ((5, 8, 4, 3), "of one width")])
def test_a_residual_network_of_another_shape_is_refused(sizes, message):
    with pytest.raises(ValueError, match=message):
        ResidualMLP(sizes, "tanh", KEY)


def test_convolutions_see_and_make_every_pixel_of_images_that_do_not_halve():
    shape, outputs = (1, 9), 2
    pixels = shape[0] * shape[1]
    start = 100 * jnp.arange(float(outputs * pixels))

    @eqx.filter_jit
    def there_and_back(x, z):
        encoder = ConvolutionalEncoder(shape, (3, 4), 2, "elu", KEY)
        decoder = ConvolutionalDecoder(2, (4, 3), shape, "elu", KEY, start)
        seen = jax.grad(lambda x: jnp.sum(encoder(x)))(x)
        return encoder(x), *jax.jvp(decoder, (z,), (z,)), seen

    code, image, made, seen = there_and_back(jnp.ones(pixels), jnp.ones(2))
    assert code.shape == (2,)
    assert (np.round(image, -2) == start).all()
    assert (seen != 0).all()
    assert (made != 0).all()


def test_an_image_is_padded_below_and_to_the_right_to_what_can_be_halved():
    assert halved((7, 5), 2) == (2, 2)
    image = np.asarray(padded(jnp.ones((7, 5, 1)), 2))
    assert image.shape == (8, 8, 1)
    assert image[:7, :5].sum() == image.sum() == 35


@pytest.mark.parametrize("z", [[3.0, -4.0, 0.5, 1.0], [1.0, -1.0, 1.0, 1.0], [0.0, 0.0, 0.0, 2.0]], ids=str)
@pytest.mark.parametrize("kept", [1, 2, 4, 9])
def test_so_many_entries_of_a_latent_are_kept_the_largest(z, kept):
    found = np.asarray(keep_largest(jnp.array(z), kept))
    assert (found != 0).sum() == min(kept, np.count_nonzero(z))
    assert set(found[found != 0]) <= set(z)
    np.testing.assert_allclose(sorted(abs(found))[::-1][:kept], sorted(np.abs(z))[::-1][:kept])


def test_what_is_kept_has_its_gradient_and_nothing_else():
    z = jnp.array([3.0, -4.0, 0.5, 1.0])
    np.testing.assert_array_equal(jax.grad(lambda z: jnp.sum(keep_largest(z, 2)))(z), [1, 1, 0, 0])
