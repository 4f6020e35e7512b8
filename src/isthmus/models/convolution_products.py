"""Convolutions of kernel 4 and stride 2, and their transposes, as matrix products.

XLA's own convolutions on CPUs are slow where they are differentiated, and slower still within a compiled loop; its
matrix products are not. A kernel of 4 at stride 2 is one of 2 by 2 on squares of 2 by 2 pixels: the squares of the
padded image become channels, four shifted copies of them one row for each output pixel, and one product does the rest
(Chellapilla, Puri and Simard 2006, for the rows; the squares save half of the copying).

The parameters, their names and their meaning are those of equinox's Conv2d and ConvTranspose2d; images here have their
channels last, as products like them.
"""

import jax.numpy as jnp
from equinox.nn import Conv2d, ConvTranspose2d
from jax import Array

KERNEL, STRIDE, PADDING = 4, 2, 1
"""Each layer halves the height and the width; a kernel that the stride divides leaves no chequers (Odena, Dumoulin and
Olah 2016)."""


def halve(convolution: Conv2d, image: Array) -> Array:
    """The convolution of an image [height, width, channel] of even sides, [height / 2, width / 2, output channel]."""
    windows, kernel = _windows(_squares(_edged(image))), _kernel(convolution.weight)
    return _product(windows, kernel.reshape(len(kernel), -1)) + _bias(convolution)


def double(convolution: ConvTranspose2d, image: Array) -> Array:
    """The transposed convolution of an image [height, width, channel], [2 height, 2 width, output channel]."""
    height, width, channels = image.shape
    # Equinox's kernel is not flipped between a convolution and its transpose; here both are one pair of squares.
    kernel = _kernel(jnp.flip(convolution.weight, (2, 3)))
    outputs = len(kernel)
    if channels >= 4 * outputs:
        # Few outputs: every pixel's share of its sixteen neighbours, and then their sums.
        shares = _product(image, jnp.moveaxis(kernel, 0, 3).reshape(-1, channels))
        squares = _overlapping(shares.reshape(height, width, 2, 2, 4 * outputs))
    else:
        # Many: rows of four pixels, the neighbours of one output square, from which one product makes the square.
        turned = jnp.flip(kernel, (1, 2)).reshape(outputs, 4, 4, channels)
        squares = _product(_windows(_edged(image)), jnp.moveaxis(turned, 2, 0).reshape(-1, 4 * channels))
    return _unsquared(squares)[PADDING:-PADDING, PADDING:-PADDING] + _bias(convolution)


def _product(rows: Array, kernel: Array) -> Array:
    """rows [..., input] times the transpose of kernel [output, input].

    So laid out, the kernel's gradient is a product whose long axis, over rows of all images, comes last on the left and
    first on the right, the form that XLA's fast products take.
    """
    return jnp.einsum("...i,oi->...o", rows, kernel)


def _kernel(weight: Array) -> Array:
    """[output, input, 4, 4] as [output, 2, 2, 2 * 2, input]: the square's place, the pixel's place within it."""
    outputs, inputs = weight.shape[:2]
    split = weight.reshape(outputs, inputs, 2, 2, 2, 2)
    return split.transpose(0, 2, 4, 3, 5, 1).reshape(outputs, 2, 2, 4, inputs)


def _bias(convolution: Conv2d | ConvTranspose2d) -> Array:
    assert convolution.bias is not None
    return convolution.bias[:, 0, 0]


def _edged(image: Array) -> Array:
    """The image with a rim of zeros, one pixel wide."""
    return jnp.pad(image, [(PADDING, PADDING), (PADDING, PADDING), (0, 0)])


def _squares(image: Array) -> Array:
    """Squares of 2 by 2 pixels as channels: [height / 2, width / 2, 4 * channel]."""
    height, width, channels = image.shape
    split = image.reshape(height // 2, 2, width // 2, 2, channels)
    return split.transpose(0, 2, 1, 3, 4).reshape(height // 2, width // 2, 4 * channels)


def _unsquared(squares: Array) -> Array:
    """The image that these are the squares of."""
    height, width, wide = squares.shape
    split = squares.reshape(height, width, 2, 2, wide // 4)
    return split.transpose(0, 2, 1, 3, 4).reshape(2 * height, 2 * width, wide // 4)


def _windows(image: Array) -> Array:
    """Every 2 by 2 neighbourhood as one row: [height - 1, width - 1, 4 * channel]."""
    height, width = image.shape[0] - 1, image.shape[1] - 1
    shifted = [image[i : i + height, j : j + width] for i in (0, 1) for j in (0, 1)]
    return jnp.concatenate(shifted, axis=-1)


def _overlapping(shares: Array) -> Array:
    """Sums of what [height, width, 2, 2, channel] gives to each 2 by 2 neighbourhood: the transpose of `_windows`."""
    return sum(
        (jnp.pad(shares[:, :, i, j], [(i, 1 - i), (j, 1 - j), (0, 0)]) for i in (0, 1) for j in (0, 1)),
        start=jnp.zeros(()),
    )
