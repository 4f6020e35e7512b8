"""Our side of annealed_speed.py: annealing through isthmus.evidence. Run by annealed_speed.py.

    python isthmus_annealing.py WEIGHTS.npz ACTIVATION TEMPERATURES CHAINS LEAPFROGS

Reads a command a line and answers each with one line of JSON: `anneal` runs all chains of all rows through the
temperatures of a frozen schedule; `floor` takes the matrix products of that alone.
"""

import json
import sys
import time
from importlib.metadata import version

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from numpyro.distributions import Normal

import isthmus
from isthmus.evidence.annealed import Schedule, annealed_importance_sampling
from isthmus.models import MLP
from isthmus.models.likelihoods import BernoulliLikelihood
from isthmus.models.parameters import Fixed


class Decoder(isthmus.ProbabilisticModel):
    """A standard normal prior, a Bernoulli decoder, and one wide normal for a posterior of any row."""

    decoder: MLP
    family: BernoulliLikelihood
    latent: int = eqx.field(static=True)
    scale: float = eqx.field(static=True)

    def prior(self, c=None):
        return Normal(jnp.zeros(self.latent), 1.0).to_event(1)

    def likelihood(self, z, c=None, *, key=None):
        return self.family(self.decoder(z))

    def posterior(self, x, c=None, *, key=None):
        return Normal(jnp.zeros(self.latent), self.scale).to_event(1)


@jax.jit
def products_only(z: Array, weights: list[Array], evaluations: int) -> Array:
    """The decoder's matrix products of so many evaluations, forwards and for the gradient with respect to z."""

    def once(_, z):
        forwards = [z]
        for weight in weights:
            forwards.append(forwards[-1] @ weight)
        back = lax.optimization_barrier(forwards[-1])
        for weight in reversed(weights):
            back = back @ weight.T
        return z + 1e-20 * back

    return lax.fori_loop(0, evaluations, once, z)


def main() -> None:
    path, activation = sys.argv[1], sys.argv[2]
    temperatures, chains, leapfrogs = (int(number) for number in sys.argv[3:6])
    with np.load(path) as archive:
        rows, betas, step, scale = (archive[name] for name in ("rows", "betas", "step", "scale"))
        weights = [archive[f"weight{i}"] for i in range(sum(name.startswith("weight") for name in archive))]
        biases = [archive[f"bias{i}"] for i in range(len(weights))]
    sizes = (weights[0].shape[0], *(weight.shape[1] for weight in weights))
    network = MLP(sizes, activation, jax.random.key(0))
    network = eqx.tree_at(
        lambda network: [part for layer in network.layers for part in (layer.weight, layer.bias)],
        network,
        [jnp.asarray(part) for pair in zip(weights, biases, strict=True) for part in pair],
    )
    model = Decoder(network, BernoulliLikelihood(Fixed(jnp.full(rows.shape[1], 0.5))), sizes[0], float(scale))
    schedule = Schedule(betas, np.full(temperatures + 1, float(step)))
    at_once = jnp.zeros((len(rows) * chains, sizes[0]))
    versions = {name: version(name) for name in ("isthmus", "jax", "jaxlib", "blackjax")}
    print(json.dumps(versions), flush=True)
    for turn, line in enumerate(sys.stdin):
        began = time.perf_counter()
        if line.strip() == "floor":
            # One evaluation to begin with, and `leapfrogs` at each temperature between the ends.
            evaluations = 1 + (temperatures - 1) * leapfrogs
            products_only(at_once, [jnp.asarray(weight) for weight in weights], evaluations).block_until_ready()
            found = {}
        else:
            result = annealed_importance_sampling(
                model, rows, schedule=schedule, chains=chains, leapfrogs=leapfrogs, seed=turn
            )
            found = {"log_evidence": float(result.estimate), "acceptance": float(result.acceptance.mean())}
        print(json.dumps({"seconds": time.perf_counter() - began, **found}), flush=True)


if __name__ == "__main__":
    main()
