"""Data simulated from a model, and with each row the z that made it: an exact draw from the row's posterior."""

from dataclasses import dataclass
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.flatten_util import ravel_pytree

from isthmus.information.precision import in_float32
from isthmus.models import Observation, ProbabilisticModel


@dataclass(frozen=True)
class Simulation:
    """rows: x, arrays [row, ...] (a pytree).  latents: the z that made each, as real vectors [row, size]."""

    rows: Any
    latents: np.ndarray


@in_float32
def simulate(model: ProbabilisticModel, rows: int, *, observed: Any = None, seed: int = 0) -> Simulation:
    """`rows` pairs (z, x) from p(z) p(x | z).

    observed: [row, column], which columns to show, for a model whose rows are Observations; all where None.

    Given x, z is an exact draw from p(z | x), which is what reverse annealing starts from. Raises TypeError for what is
    no three-method model, ValueError for rows < 1.
    """
    if not isinstance(model, ProbabilisticModel):
        raise TypeError(
            f"model is a {type(model).__name__}; expected a three-method model, which can draw x: for any other, pass "
            "data drawn from it and the latents that made them to bidirectional_monte_carlo"
        )
    if rows < 1:
        raise ValueError(f"rows is {rows}; expected at least 1")
    keys = jax.random.split(jax.random.key(seed, impl="threefry2x32"), rows)
    made, latents = jax.tree.map(np.asarray, _simulate(model, keys))
    return Simulation(made if observed is None else _with_holes(made, np.asarray(observed, bool)), latents)


@eqx.filter_jit
def _simulate(model: ProbabilisticModel, keys: Array) -> tuple[Any, Array]:
    def pair(key: Array) -> tuple[Any, Array]:
        latent_key, row_key = jax.random.split(key)
        z = model.prior().sample(latent_key)
        return model.likelihood(z).sample(row_key), jnp.asarray(ravel_pytree(z)[0])

    return jax.vmap(pair)(keys)


def _with_holes(rows: Any, observed: np.ndarray) -> Observation:
    if not isinstance(rows, Observation):
        raise ValueError("observed was given, and the model's rows have no holes; expected a model of Observations")
    return Observation(np.where(observed, rows.values, 0.0).astype(np.float32), observed)
