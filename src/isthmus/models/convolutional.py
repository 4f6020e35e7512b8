"""Convolutional networks for one image that comes and goes as a row of pixels."""

from typing import Any, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
from equinox.nn import Conv2d, ConvTranspose2d
from jax import Array

from isthmus.models.convolution_products import KERNEL, PADDING, STRIDE, double, halve
from isthmus.models.networks import ACTIVATIONS, Linear

Shape = tuple[int, int]
Layer = TypeVar("Layer", Conv2d, ConvTranspose2d)
TAPS, REACHED = KERNEL**2, (KERNEL // STRIDE) ** 2
"""Pixels under a kernel, and kernels over a pixel, at this stride."""


class ConvolutionalEncoder(eqx.Module):
    """From a row of pixels to outputs: convolutions that halve the image, then a linear layer.

    shape: height and width.  channels: of each convolution.
    """

    convolutions: tuple[Conv2d, ...]
    last: Linear
    shape: Shape = eqx.field(static=True)
    activation: str = eqx.field(static=True)

    def __init__(self, shape: Shape, channels: tuple[int, ...], outputs: int, activation: str, key: Array):
        *keys, last = jax.random.split(key, len(channels) + 1)
        pairs = zip((1, *channels[:-1]), channels, keys, strict=True)
        self.convolutions = tuple(
            _started(Conv2d(i, o, KERNEL, STRIDE, padding=PADDING, key=k), TAPS * i, k) for i, o, k in pairs
        )
        height, width = halved(shape, len(channels))
        self.last = Linear(channels[-1] * height * width, outputs, last)
        self.shape, self.activation = shape, activation

    def __call__(self, x: Array, *, key: Array | None = None) -> Array:
        activate = ACTIVATIONS[self.activation]
        image = padded(x.reshape(*self.shape, 1), len(self.convolutions))
        for convolution in self.convolutions:
            image = activate(halve(convolution, image))
        return self.last(jnp.moveaxis(image, -1, 0).ravel())


class ConvolutionalDecoder(eqx.Module):
    """From a latent to the outputs of every pixel: a linear layer, then transposed convolutions that double the image.

    shape: height and width.  channels: of each layer, from the latent on.  output_bias: [output x pixel], where the
    last layer starts; one output a pixel or several, one after the other.
    """

    first: Linear
    convolutions: tuple[ConvTranspose2d, ...]
    bias: Array
    shape: Shape = eqx.field(static=True)
    activation: str = eqx.field(static=True)

    def __init__(
        self, inputs: int, channels: tuple[int, ...], shape: Shape, activation: str, key: Array, output_bias: Array
    ):
        first, *keys = jax.random.split(key, len(channels) + 1)
        height, width = halved(shape, len(channels))
        outputs = output_bias.shape[0] // (shape[0] * shape[1])
        self.first = Linear(inputs, channels[0] * height * width, first)
        pairs = zip(channels, (*channels[1:], outputs), keys, strict=True)
        self.convolutions = tuple(
            _started(ConvTranspose2d(i, o, KERNEL, STRIDE, padding=PADDING, key=k), REACHED * i, k) for i, o, k in pairs
        )
        self.bias, self.shape, self.activation = output_bias, shape, activation

    def __call__(self, z: Array, *, key: Array | None = None) -> Array:
        activate = ACTIVATIONS[self.activation]
        channels = self.convolutions[0].in_channels
        image = activate(self.first(z)).reshape(channels, *halved(self.shape, len(self.convolutions)))
        image = jnp.moveaxis(image, 0, -1)
        for convolution in self.convolutions[:-1]:
            image = activate(double(convolution, image))
        image = double(self.convolutions[-1], image)[: self.shape[0], : self.shape[1]]
        return jnp.moveaxis(image, -1, 0).ravel() + self.bias


def _started(layer: Layer, inputs: int, key: Array) -> Layer:
    """The layer with uniform weights of variance 2 / inputs, how many numbers come into each output, and no biases (He,
    Zhang, Ren and Sun 2015, Delving deep into rectifiers).

    With half that variance a decoder of relu is deaf to its latent, which falls silent before it is heard; other
    activations do as well with either. The linear layer from the latent keeps Glorot's start: with a louder one
    training begins by silencing the posterior's noise, and its signal with it.
    """
    limit = (6.0 / inputs) ** 0.5
    weight = jax.random.uniform(key, layer.weight.shape, minval=-limit, maxval=limit)
    bias: Any = layer.bias
    return eqx.tree_at(lambda one: (one.weight, one.bias), layer, (weight, jnp.zeros_like(bias)))


def halved(shape: Shape, times: int) -> Shape:
    """Height and width after so many halvings, rounded up."""
    height, width = (-(-side // 2**times) for side in shape)
    return height, width


def padded(image: Array, times: int) -> Array:
    """The image [height, width, channel] with zeros below and to the right, so that it can be halved so many times."""
    height, width = (side * 2**times for side in halved((image.shape[0], image.shape[1]), times))
    return jnp.pad(image, [(0, height - image.shape[0]), (0, width - image.shape[1]), (0, 0)])
