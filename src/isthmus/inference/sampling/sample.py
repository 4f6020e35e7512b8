"""The first remedy: draws from the posterior of each row."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from isthmus.inference.graphical import Problem, as_problem
from isthmus.inference.posterior import (
    R_HAT_LIMIT,
    Diagnostics,
    Posterior,
    sound_evidence,
    warn_of_chains,
    warn_of_weights,
)
from isthmus.inference.sampling.hamiltonian import ChainSettings, run_chains
from isthmus.inference.sampling.resampling import resample, weigh, weigh_around
from isthmus.inference.weights import summarise_weights

METHODS = {"nuts": "NUTS", "hmc": "HMC"}
CHAIN_STREAM, WEIGHT_STREAM, CHOICE_STREAM = 10, 11, 12
EVIDENCE_DRAWS = 2000


def sample_posterior(
    model: Any,
    data: Any = None,
    *,
    each_row: bool | None = None,
    method: str = "nuts",
    draws: int = 1000,
    warm_up: int = 1000,
    chains: int = 4,
    leapfrogs: int = 10,
    target_acceptance: float = 0.8,
    candidates: int = 20000,
    proposal: Posterior | None = None,
    seed: int = 0,
) -> Posterior:
    """Draws from the posterior p(z | x) of each row, their diagnostics and the evidence.

    model, data, each_row: as for `as_problem`: a three-method model and rows, a numpyro model and its arguments, or a
        `log_joint`.
    method: "nuts" or "hmc" (of `leapfrogs` steps a move), `chains` of `draws` after `warm_up` moves in which step size
        and scales adapt; or "importance": `draws` resampled from `candidates` of a proposal by their weights.
    proposal: what `fit_posterior` returned for the same rows; where None, the model's own posterior, else the prior.

    Chains give no evidence of themselves: it comes from fresh draws of a Student t around them, importance-weighted.
    Returns a Posterior; warns (PosteriorWarning) where chains do not mix or weights do not cover, and quotes no
    evidence there. Raises ValueError for arguments out of range, and as `as_problem` does.
    """
    problem = as_problem(model, data, each_row=each_row)
    _check(method, draws=draws, warm_up=warm_up, chains=chains, leapfrogs=leapfrogs, candidates=candidates)
    if not 0 < target_acceptance < 1:
        raise ValueError(f"target_acceptance is {target_acceptance}; expected a rate between 0 and 1")
    if method == "importance":
        return _by_importance(problem, proposal, draws, candidates, seed)
    with problem.precision():
        rate = jnp.asarray(target_acceptance, jnp.result_type(float))
        settings = ChainSettings(METHODS[method], chains, warm_up, draws, leapfrogs, rate)
        return _by_chains(problem, method, settings, seed)


def _by_chains(problem: Problem, method: str, settings: ChainSettings, seed: int) -> Posterior:
    key, parts = jax.random.key(seed), []
    for chunk in problem.chunks(copies=settings.chains):
        chains = run_chains(problem.joint, chunk, settings, problem.keys(chunk, key, CHAIN_STREAM))
        flat = chains.u.reshape(chains.u.shape[0], -1, problem.joint.size)
        log_weights = weigh_around(problem.joint, chunk, flat, EVIDENCE_DRAWS, problem.keys(chunk, key, WEIGHT_STREAM))
        part = (chains.u, chains.divergences, chains.acceptance, *_mixing(chains.u))
        parts.append(jax.device_get((*part, log_weights, problem.latents(chunk, chains.u))))
    u, divergences, acceptance, r_hat, size, log_weights, latents = jax.tree.map(
        lambda *leaves: np.concatenate(leaves)[: problem.rows], *parts
    )
    summary = summarise_weights(log_weights)
    warn_of_chains(r_hat, divergences.sum(1), settings.chains * settings.draws)
    warn_of_weights(summary)
    return Posterior(
        method=method,
        samples=problem.result(latents),
        unconstrained=problem.result(u),
        diagnostics=problem.result(
            Diagnostics(r_hat, size, divergences.sum(1), acceptance.mean(1), pareto_k=summary.pareto_k)
        ),
        evidence=problem.result(sound_evidence(summary, summary.covers & (r_hat.max(1) < R_HAT_LIMIT))),
    )


@jax.jit
def _mixing(u: Array) -> tuple[Array, Array]:
    """(split R-hat, effective sample size) of draws [row, chain, draw, size], each [row, size]."""
    from blackjax.diagnostics import ess_bulk, rhat

    # Both drop an axis of length one.
    return tuple(jax.vmap(found)(u).reshape(u.shape[0], u.shape[-1]) for found in (rhat, ess_bulk))  # type: ignore[return-value]


def _by_importance(problem: Problem, proposal: Posterior | None, draws: int, candidates: int, seed: int) -> Posterior:
    if proposal is not None and proposal.approximation is None:
        raise ValueError(
            f"proposal was found by {proposal.method} and has no density; pass what fit_posterior returned"
        )
    _check_proposal(problem, proposal)
    with problem.precision():
        key, parts, first = jax.random.key(seed), [], 0
        for chunk in problem.chunks(copies=candidates):
            keys = problem.keys(chunk, key, WEIGHT_STREAM)
            q = _rows_of(problem, proposal, first, len(keys))
            u, log_weights = weigh(problem.joint, chunk, q, candidates, keys)
            chosen = resample(u, log_weights, draws, problem.keys(chunk, key, CHOICE_STREAM))[:, None]
            parts.append(jax.device_get((chosen, log_weights, problem.latents(chunk, chosen))))
            first += len(keys)
    u, log_weights, latents = jax.tree.map(lambda *leaves: np.concatenate(leaves)[: problem.rows], *parts)
    summary = summarise_weights(log_weights)
    warn_of_weights(summary)
    return Posterior(
        method="importance",
        samples=problem.result(latents),
        unconstrained=problem.result(u),
        diagnostics=problem.result(
            Diagnostics(effective_sample_size=summary.effective_sample_size, pareto_k=summary.pareto_k)
        ),
        evidence=problem.result(sound_evidence(summary, summary.covers)),
    )


def _rows_of(problem: Problem, proposal: Posterior | None, first: int, count: int) -> Any:
    """q of `count` rows from `first` on, the last one again where a chunk is padded."""
    if proposal is None:
        return None
    if not problem.each_row:
        return jax.tree.map(lambda leaf: np.asarray(leaf)[None], proposal.approximation)
    rows = np.minimum(np.arange(first, first + count), problem.rows - 1)
    return jax.tree.map(lambda leaf: np.asarray(leaf)[rows], proposal.approximation)


def _check_proposal(problem: Problem, proposal: Posterior | None) -> None:
    if proposal is None:
        return
    found = proposal.unconstrained.shape
    rows = found[0] if len(found) == 4 else 1
    if (len(found) == 4, rows, found[-1]) != (problem.each_row, problem.rows, problem.joint.size):
        raise ValueError(
            f"proposal has draws of shape {found}, and there are {problem.rows} posteriors of {problem.joint.size} "
            "coordinates; pass what fit_posterior returned for the same model and rows"
        )


def _check(method: str, **numbers: int) -> None:
    if method not in (*METHODS, "importance"):
        raise ValueError(f"method is {method!r}; expected 'nuts', 'hmc' or 'importance'")
    for name, value in numbers.items():
        least = 4 if name == "draws" else 0 if name == "warm_up" else 1
        if value < least:
            raise ValueError(f"{name} is {value}; expected at least {least}")
