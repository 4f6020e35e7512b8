"""A convolutional VAE's layers as matrix products beside XLA's own convolutions: values and gradients of a batch.

    python benchmarks/convolution_speed.py [--batch N] [--rounds N] [--repeats N] [--out FILE]

The four layers of the VAE with channels (32, 64) on images of 28 x 28, each with its gradients, within a compiled loop
as training has it. Milliseconds of wall clock, in turn; a first turn each, which compiles, is not counted.
"""

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from equinox.nn import Conv2d, ConvTranspose2d
from jax import Array, lax
from peer_processes import available_cpus, line, spread

from isthmus.models.convolution_products import KERNEL, PADDING, STRIDE, double, halve

LAYERS = {
    "1 to 32 channels, halved": (Conv2d, 28, 1, 32),
    "32 to 64 channels, halved": (Conv2d, 14, 32, 64),
    "64 to 32 channels, doubled": (ConvTranspose2d, 7, 64, 32),
    "32 to 1 channels, doubled": (ConvTranspose2d, 14, 32, 1),
}


def by_xla(layer: Any, image: Array) -> Array:
    return jnp.moveaxis(layer(jnp.moveaxis(image, -1, 0)), 0, -1)


def as_product(layer: Any, image: Array) -> Array:
    return double(layer, image) if isinstance(layer, ConvTranspose2d) else halve(layer, image)


def compiled(name: str, apply: Callable[..., Array], batch: int, repeats: int) -> Callable[[], None]:
    """The layer on a batch, and the gradients of layer and images, so many times."""
    kind, side, inputs, outputs = LAYERS[name]
    layer = kind(inputs, outputs, KERNEL, STRIDE, padding=PADDING, key=jax.random.key(0))
    images = jax.random.normal(jax.random.key(1), (batch, side, side, inputs))

    def loss(both):
        made = jax.vmap(lambda image: apply(both[0], image))(both[1])
        return jnp.sum(made * made)

    @eqx.filter_jit
    def run(layer, images):
        def once(_, both):
            # What is added is too small to change anything, and cannot be left out.
            return jax.tree.map(lambda x, g: x + 1e-12 * g, both, eqx.filter_grad(loss)(both))

        arrays, rest = eqx.partition((layer, images), eqx.is_array)
        return lax.fori_loop(0, repeats, lambda i, a: eqx.filter(once(i, eqx.combine(a, rest)), eqx.is_array), arrays)

    return lambda: jax.block_until_ready(jax.tree.leaves(run(layer, images)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    result = {}
    print(f"batch {arguments.batch}, {available_cpus()} threads: milliseconds; median (min to max)")
    for name in LAYERS:
        runs = {
            label: compiled(name, apply, arguments.batch, arguments.repeats)
            for label, apply in (("product", as_product), ("XLA's", by_xla))
        }
        for label in runs:
            result[f"{name}, {label}"] = []
        for turn in range(arguments.rounds + 1):
            for label, run in runs.items():
                began = time.perf_counter()
                run()
                if turn:
                    result[f"{name}, {label}"].append((time.perf_counter() - began) / arguments.repeats * 1e3)
    figures = {name: spread(values) for name, values in result.items()}
    print("\n".join(line(name, values, 2) for name, values in figures.items()))
    if arguments.out:
        arguments.out.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
