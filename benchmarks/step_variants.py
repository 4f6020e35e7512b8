"""What a training step of the 784-400-20 VAE is made of: loss, gradient and update, changed in one respect at a time.

    python benchmarks/step_variants.py [--batch N] [--rounds N] [--out FILE]

Milliseconds of CPU time a step, of one thread, the variants in turn; a first turn each, which compiles, is not counted.
The loss is the one that isthmus trains on; the loop around it is this script's own, without what the compiled loop of
`fitting.step` adds: losses kept for the history, a step skipped where its gradient is not finite. The rows are random
bits: nothing in a step's time depends on
them.
"""

import argparse
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jax import Array, lax
from peer_processes import line, spread

from isthmus.inference.objectives import elbo
from isthmus.models import Architecture, Ends, Fixed, MatrixInputs, assemble_vae, split_parameters, terms
from isthmus.models.likelihoods import BernoulliLikelihood

ROWS, LATENT, HIDDEN, STEPS = 4096, 20, 400, 20


def as_it_is(model: Any, rows: Array, key: Array) -> Array:
    return -elbo(terms(model, rows, key))


def one_draw(model: Any, rows: Array, key: Array) -> Array:
    return batch_loss(model, rows, jax.random.normal(key, (len(rows), LATENT)))


def no_noise(model: Any, rows: Array, key: Array) -> Array:
    return batch_loss(model, rows, jnp.ones((len(rows), LATENT)))


def batch_loss(model: Any, rows: Array, noise: Array) -> Array:
    """Minus the ELBO, written out for a batch."""
    encode, to_latent, from_latent, decode = (*model.encoder.layers, *model.decoder.layers)
    mean, log_scale = jnp.split(to_latent(jax.nn.relu(encode(rows))), 2, axis=1)
    logits = decode(jax.nn.relu(from_latent(mean + jnp.exp(log_scale) * noise)))
    distortion = jnp.sum(jax.nn.softplus(logits) - rows * logits)
    rate = 0.5 * jnp.sum(mean**2 + jnp.exp(2 * log_scale) - 1 - 2 * log_scale)
    return (distortion + rate) / len(rows)


VARIANTS: dict[str, tuple[Callable[..., Array], str, optax.GradientTransformation]] = {
    "the loss as it is, a threefry key a row": (as_it_is, "threefry2x32", optax.adam(1e-3)),
    "XLA's generator, rbg": (as_it_is, "rbg", optax.adam(1e-3)),
    "XLA's generator, unsafe_rbg": (as_it_is, "unsafe_rbg", optax.adam(1e-3)),
    "by hand, one draw a batch": (one_draw, "threefry2x32", optax.adam(1e-3)),
    "by hand, no noise": (no_noise, "threefry2x32", optax.adam(1e-3)),
    "the loss as it is, gradient descent": (as_it_is, "threefry2x32", optax.sgd(1e-3)),
}


def compiled(variant: str, batch: int) -> Callable[[], None]:
    """STEPS steps of the variant."""
    loss, generator, optimiser = VARIANTS[variant]
    data = jax.random.bernoulli(jax.random.key(0), 0.2, (ROWS, 784)).astype(jnp.float32)
    ends = Ends(MatrixInputs(Fixed(jnp.zeros(784)), Fixed(jnp.ones(784))), BernoulliLikelihood(Fixed(data.mean(0))))
    model = assemble_vae(ends, Architecture(LATENT, (HIDDEN,), "relu"), jax.random.key(1))
    parameters, rest = split_parameters(model)
    indices = jax.random.randint(jax.random.key(2), (STEPS, batch), 0, ROWS)

    @jax.jit
    def steps(parameters, state, data, indices, key):
        def step(i, carry):
            parameters, state = carry

            def of(parameters):
                return loss(eqx.combine(parameters, rest), data[indices[i]], jax.random.fold_in(key, i))

            updates, state = optimiser.update(jax.grad(of)(parameters), state, parameters)
            return optax.apply_updates(parameters, updates), state

        return lax.fori_loop(0, STEPS, step, (parameters, state))

    work = (parameters, optimiser.init(parameters), data, indices, jax.random.key(0, impl=generator))
    return lambda: jax.block_until_ready(steps(*work))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    runs = {name: compiled(name, arguments.batch) for name in VARIANTS}
    milliseconds: dict[str, list[float]] = {name: [] for name in runs}
    for turn in range(arguments.rounds + 1):
        for name, run in runs.items():
            began = time.process_time()
            run()
            if turn:
                milliseconds[name].append((time.process_time() - began) / STEPS * 1e3)
    result = {name: spread(values) for name, values in milliseconds.items()}
    print(f"batch {arguments.batch}: CPU milliseconds a step, {arguments.rounds} rounds; median (min to max)")
    print("\n".join(line(name, figures, 2) for name, figures in result.items()))
    if arguments.out:
        arguments.out.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
