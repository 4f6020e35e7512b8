"""Hamiltonian Monte Carlo, plain and without U-turns, for the posteriors of many rows at once.

numpyro's kernels adapt and move one chain; `jax.vmap` over rows and chains makes one compiled scan of them all.
Hoffman and Gelman 2014, The no-U-turn sampler; Neal 2011, MCMC using Hamiltonian dynamics.
"""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import Array
from numpyro.infer.hmc import hmc

from isthmus.inference.graphical import LogJoint

CANDIDATES = 16
"""Starting points tried for each chain; the first at which the log joint is finite is taken."""
RADIUS = 2.0
"""Starting points are uniform within this of 0 in unconstrained coordinates, where the model brings none."""


class ChainSettings(eqx.Module):
    """How chains are run. leapfrogs: steps of each of plain HMC's trajectories; target_acceptance: an array, so that
    another needs no compilation."""

    algorithm: str = eqx.field(static=True)
    chains: int = eqx.field(static=True)
    warm_up: int = eqx.field(static=True)
    draws: int = eqx.field(static=True)
    leapfrogs: int = eqx.field(static=True)
    target_acceptance: Any


class Chains(eqx.Module):
    """What chains did: u [row, chain, draw, size]; after warm-up divergences and mean acceptance, [row, chain]."""

    u: Array
    divergences: Array
    acceptance: Array


@eqx.filter_jit
def run_chains(joint: LogJoint, data: Any, settings: ChainSettings, keys: Array) -> Chains:
    """The chains of each row of data; keys [row]."""

    def of_row(x, key):
        return jax.vmap(lambda key: _run_chain(joint, x, settings, key))(jax.random.split(key, settings.chains))

    return eqx.filter_vmap(of_row)(data, keys)


def _run_chain(joint: LogJoint, x: Any, settings: ChainSettings, key: Array) -> Chains:
    start_key, chain_key = jax.random.split(key)
    # A trajectory has a number of steps or, for NUTS, ends of itself: never a length.
    no_length: Any = None
    initialise, move = hmc(lambda u: -joint.log_density(x, u), algo=settings.algorithm)
    state = initialise(
        _start(joint, x, start_key),
        settings.warm_up,
        target_accept_prob=settings.target_acceptance,
        num_steps=settings.leapfrogs if settings.algorithm == "HMC" else None,
        trajectory_length=no_length,
        rng_key=chain_key,
    )
    state = jax.lax.fori_loop(0, settings.warm_up, lambda _, state: move(state), state)

    def step(state, _):
        state = move(state)
        return state, (state.z, state.diverging)

    state, (u, diverging) = jax.lax.scan(step, state, length=settings.draws)
    return Chains(u, jnp.sum(diverging), state.mean_accept_prob)


def _start(joint: LogJoint, x: Any, key: Array) -> Array:
    """Where a chain starts: a draw of the model's own posterior, or of a box, at which the log joint is finite."""
    moments = joint.posterior_moments(x)
    if moments is None:
        candidates = jax.random.uniform(key, (CANDIDATES, joint.size), minval=-RADIUS, maxval=RADIUS)
    else:
        mean, scale = moments
        candidates = mean + scale * jax.random.normal(key, (CANDIDATES, joint.size))
    finite = jnp.isfinite(jax.vmap(lambda u: joint.log_density(x, u))(candidates))
    return candidates[jnp.argmax(finite)]
