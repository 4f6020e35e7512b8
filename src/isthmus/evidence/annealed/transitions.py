"""Chains along the path: one Hamiltonian move at each temperature, for many rows and chains in one compiled loop.

The log joint is evaluated `leapfrogs` times a temperature and no more: a state carries both parts of the path's
density, so that at the next temperature its value and gradient are a combination of the two. The part that a move does
not return follows from what it does: contrast = (log p_beta - log start) / beta.
"""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import Array, lax

from isthmus.evidence.annealed.path import Path, PathOfDatum, PathState

JITTER = (0.2, 1.2)
"""A step size is multiplied by a number between these, or trajectories of one length would come back to where they
began in some direction, temperature after temperature (Neal 2011, MCMC using Hamiltonian dynamics)."""


class Annealed(eqx.Module):
    """What chains brought back, [row, chain]: log-weights in nats, and the mean acceptance of their moves."""

    log_weights: Array
    acceptance: Array


@eqx.filter_jit
def anneal(
    path: Path,
    data: Any,
    u: Array | None,
    betas: Array,
    step_sizes: Array,
    count: Array,
    keys: Array,
    leapfrogs: int,
    chains: int,
) -> Annealed:
    """The sum over t of (beta[t + 1] - beta[t]) contrast(u_t) of chains that move at each beta between the ends.

    u: starting points [row, chain, size], drawn from the start of the path where None.  betas, step_sizes: [count + 1]
    numbers and anything after them, so that one compilation serves any count.  keys: [row].
    """

    def of_row(x, u, key):
        of_datum = path.at(x)

        def of_chain(u, key):
            start_key, move_key = jax.random.split(key)
            u = of_datum.sample_start(start_key) if u is None else u
            return _anneal_chain(of_datum, u, betas, step_sizes, count, move_key, leapfrogs)

        return eqx.filter_vmap(of_chain)(u, jax.random.split(key, chains))

    return eqx.filter_vmap(of_row)(data, u, keys)


def _anneal_chain(
    path: PathOfDatum, u: Array, betas: Array, step_sizes: Array, count: Array, key: Array, leapfrogs: int
) -> Annealed:
    def step(t, carried):
        state, total, lost, accepted = carried
        state, acceptance = move(path, state, betas[t], step_sizes[t], jax.random.fold_in(key, t), leapfrogs)
        total, lost = _add(total, lost, (betas[t + 1] - betas[t]) * state.contrast)
        return state, total, lost, accepted + acceptance

    state = PathState.at(path, u)
    zero = jnp.zeros_like(state.contrast)
    first = (betas[1] - betas[0]) * state.contrast
    _, total, _, accepted = lax.fori_loop(1, count, step, (state, first, zero, zero))
    return Annealed(total, accepted / jnp.maximum(count - 1, 1))


def move(
    path: PathOfDatum, state: PathState, beta: Array, step_size: Array, key: Array, leapfrogs: int
) -> tuple[PathState, Array]:
    """(the state after a move that leaves p_beta as it is, its probability of acceptance); beta > 0."""
    # Imported where it is used: most fits do without, and it takes long.
    from blackjax.mcmc.hmc import HMCState, build_kernel

    def log_density(u):
        return path.log_start(u) + beta * path.contrast(u)

    value: Any = state.log_start + beta * state.contrast
    before = HMCState(state.u, value, state.log_start_gradient + beta * state.contrast_gradient)
    jitter_key, key = jax.random.split(key)
    step_size = step_size * jax.random.uniform(jitter_key, (), jnp.result_type(float), *JITTER)
    kernel: Any = build_kernel()
    after, info = kernel(key, before, log_density, step_size, path.scales**2, leapfrogs)
    log_start, gradient = jax.value_and_grad(path.log_start)(after.position)
    contrast = (after.logdensity - log_start) / beta
    moved = PathState(after.position, log_start, gradient, contrast, (after.logdensity_grad - gradient) / beta)
    # A state that stays keeps its own parts: divided again and again, rounding would grow.
    state = jax.tree.map(lambda new, old: jnp.where(info.is_accepted, new, old), moved, state)
    return state, info.acceptance_rate


def _add(total: Array, lost: Array, term: Array) -> tuple[Array, Array]:
    """total + term, and what rounding has lost so far (Kahan 1965); an infinite total has lost nothing."""
    term = term - lost
    summed = total + term
    return summed, jnp.where(jnp.isfinite(summed), (summed - total) - term, 0.0)
