"""Our side of training_speed.py: Bernoulli VAEs through isthmus.fit. Run by training_speed.py.

    python isthmus_vae.py ROWS.npz NETWORK BATCH TURNS STEPS

Reads a command a line and answers each with one line of JSON: `train` trains for one of TURNS, of STEPS steps; `floor`
takes the matrix products of the MLP's STEPS steps alone; `evaluate DRAWS`, after the last turn, gives the held-out
ELBO. There is one call of isthmus.fit: its on_record, told after each block of steps, answers and holds the fit until
the next is asked for.
"""

import json
import sys
import time
from importlib.metadata import version

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

import isthmus
from isthmus.evidence import elbo
from isthmus.fitting import FitRecord
from isthmus.models import Architecture, Ends, Fixed, MatrixInputs, VariationalAutoencoder, assemble_vae
from isthmus.models.likelihoods import BernoulliLikelihood

LATENT, HIDDEN, CHANNELS, SHAPE = 20, 400, (32, 64), (28, 28)


class Turns:
    """The fit's on_record: answers for the steps that were taken, then waits until the next is asked for."""

    def __init__(self, rows: Array, steps: int):
        shapes = [(784, HIDDEN), (HIDDEN, 2 * LATENT), (LATENT, HIDDEN), (HIDDEN, 784)]
        self.weights = [0.01 * jax.random.normal(jax.random.key(i), shape) for i, shape in enumerate(shapes)]
        self.rows, self.steps = rows, steps
        self.trained, self.began, self.command = 0, 0.0, ""

    def __call__(self, record: FitRecord) -> None:
        seconds = time.perf_counter() - self.began
        answer(seconds=seconds, rows=(record.step - self.trained) * len(self.rows), loss=record.loss)
        self.trained = record.step
        self.wait()

    def wait(self) -> None:
        """Return when a turn is to begin or, with all turns done, when something else is asked for."""
        while (line := sys.stdin.readline()).strip() == "floor":
            began = time.perf_counter()
            products_only(self.rows, self.weights, self.steps).block_until_ready()
            answer(seconds=time.perf_counter() - began, rows=self.steps * len(self.rows))
        if not line:
            sys.exit()
        self.command, self.began = line, time.perf_counter()


@jax.jit
def products_only(x: Array, weights: list[Array], steps: int) -> Array:
    """The eleven matrix products of a step, `steps` times: 4 forward, 4 for weights' gradients, 3 for inputs'."""

    def layers(weights, x):
        encode, to_latent, from_latent, decode = weights
        mean, log_scale = jnp.split(x @ encode @ to_latent, 2, axis=1)
        return (mean + log_scale) @ from_latent @ decode

    def once(_, x):
        outputs, pull_back = jax.vjp(lambda weights: layers(weights, x), weights)
        # Every gradient is made in full, and one number of each enters the next step: nothing can be left out.
        gradients = lax.optimization_barrier(pull_back(outputs))
        return x + 1e-20 * sum(gradient[0, 0] for gradient in jax.tree.leaves(gradients))

    return lax.fori_loop(0, steps, once, x)


def untrained(mean: Array, network: str) -> VariationalAutoencoder:
    """The model, its decoder started at the columns' means; the encoder's inputs are not centred, as the peer's."""
    return assemble_vae(
        Ends(MatrixInputs(Fixed(jnp.zeros(784)), Fixed(jnp.ones(784))), BernoulliLikelihood(Fixed(mean))),
        Architecture(LATENT, (HIDDEN,), "relu")
        if network == "mlp"
        else Architecture(LATENT, CHANNELS, "relu", "convolutional", SHAPE),
        jax.random.key(0),
    )


def answer(**fields) -> None:
    print(json.dumps(fields), flush=True)


def main() -> None:
    path, network, batch, turns, steps = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:])
    with np.load(path) as archive:
        training, held_out = archive["training"], archive["held_out"]
    # The fit rounds its total up to whole steps: half a step short is safe from floating point.
    epochs = (turns * steps - 0.5) * batch / len(training)
    model = untrained(jnp.asarray(training.mean(0)), network)
    told = Turns(jnp.asarray(training[:batch]), steps)
    packages = {name: version(name) for name in ("isthmus", "jax", "jaxlib", "numpy")}
    answer(python=sys.version.split()[0], **packages)
    told.wait()
    fit = isthmus.fit(
        model,
        training,
        held_out=None,
        epochs=epochs,
        batch_size=batch,
        learning_rate=1e-3,
        patience=None,
        on_record=told,
    )
    answer(elbo=elbo(fit.model, held_out, draws=int(told.command.split()[1])).value)


if __name__ == "__main__":
    main()
