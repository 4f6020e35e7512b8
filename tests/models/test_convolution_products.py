"""Convolutions as matrix products are XLA's own convolutions to rounding, values and gradients."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from equinox.nn import Conv2d, ConvTranspose2d

from isthmus.models.convolution_products import KERNEL, PADDING, STRIDE, double, halve

LAYERS = {"halve": (Conv2d, halve), "double": (ConvTranspose2d, double)}
# Transposes with few outputs and with many go different ways.
SHAPES = [(4, 6, 3, 5), (2, 2, 1, 1), (6, 2, 8, 1), (4, 4, 8, 2), (4, 4, 7, 2)]
ROUNDING = {"rtol": 1e-5, "atol": 1e-5}
"""Sums of at most 128 products of numbers of size one, in float32."""


def by_xla(layer, image):
    """The layer's own call is lax.conv_general_dilated, channels first."""
    return jnp.moveaxis(layer(jnp.moveaxis(image, -1, 0)), 0, -1)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("name", LAYERS)
def test_products_are_convolutions(name, shape):
    kind, as_product = LAYERS[name]
    height, width, inputs, outputs = shape
    layer = kind(inputs, outputs, KERNEL, STRIDE, padding=PADDING, key=jax.random.key(0))
    image = jax.random.normal(jax.random.key(1), (height, width, inputs))

    @eqx.filter_jit
    def both(layer, image):
        expected, pull_back = eqx.filter_vjp(by_xla, layer, image)
        cotangent = jnp.cos(jnp.arange(expected.size)).reshape(expected.shape)
        found, pull_back_found = eqx.filter_vjp(as_product, layer, image)
        return (expected, pull_back(cotangent)), (found, pull_back_found(cotangent))

    expected, found = both(layer, image)
    for one, other in zip(jax.tree.leaves(expected), jax.tree.leaves(found), strict=True):
        np.testing.assert_allclose(other, one, **ROUNDING)


def test_a_transpose_is_the_adjoint_of_its_convolution():
    there = Conv2d(2, 3, KERNEL, STRIDE, padding=PADDING, use_bias=True, key=jax.random.key(0))
    back = ConvTranspose2d(3, 2, KERNEL, STRIDE, padding=PADDING, key=jax.random.key(1))
    turned = jnp.flip(jnp.swapaxes(there.weight, 0, 1), (2, 3))
    there = eqx.tree_at(lambda layer: layer.bias, there, jnp.zeros((3, 1, 1)))
    back = eqx.tree_at(lambda layer: (layer.weight, layer.bias), back, (turned, jnp.zeros((2, 1, 1))))
    x, y = jax.random.normal(jax.random.key(2), (4, 6, 2)), jax.random.normal(jax.random.key(3), (2, 3, 3))
    np.testing.assert_allclose(jnp.vdot(halve(there, x), y), jnp.vdot(x, double(back, y)), rtol=1e-5)
