"""The second remedy: a tractable q for the posterior of each row, by optimisation."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from isthmus.inference.approximation.divergences import DIVERGENCES, Divergence
from isthmus.inference.approximation.families import FAMILIES, FlowFamily, FullCovarianceNormal, NormalFamily
from isthmus.inference.approximation.optimisation import (
    DRAWS_AT_ONCE,
    Optimisation,
    optimise,
    sample_weights,
    starting_moments,
)
from isthmus.inference.graphical import Problem, as_problem
from isthmus.inference.posterior import Diagnostics, Posterior, sound_evidence, warn_of_steps, warn_of_weights
from isthmus.inference.weights import WeightSummary, summarise_weights
from isthmus.information import Estimate

STARTS = ("posterior", "prior", "draw")
STREAMS = range(4)
"""Of random numbers: for the start, the steps, the draws, and the steps that bend."""


def fit_posterior(
    model: Any,
    data: Any = None,
    *,
    each_row: bool | None = None,
    family: str | type[NormalFamily | FlowFamily] = "mean_field",
    objective: str | Divergence = "reverse_kl",
    start: str | None = None,
    steps: int = 5000,
    samples: int = 16,
    learning_rate: float | None = None,
    draws: int = 1000,
    seed: int = 0,
) -> Posterior:
    """A tractable q(z) for the posterior p(z | x) of each row, with its ELBO and importance-weighted evidence.

    model, data, each_row: as for `as_problem`: a three-method model and rows, a numpyro model and its arguments, or a
        `log_joint`.
    family: "mean_field", "full_covariance" or "low_rank" normals, "flow" (a normal first, then bent), or a NormalFamily
        of your own, over z in unconstrained coordinates.
    objective: "reverse_kl", "forward_kl", "renyi", "importance_weighted", or a Divergence such as Renyi(0.3).
    start: "posterior", the model's own q(z | x); "prior", as wide as the prior; "draw", narrow around the likeliest of
        64 prior draws. None for the first there is: the model's own, then the prior for objectives that cover mass.
    steps, samples, learning_rate: of Adam, whose rate falls to 0 by a cosine (the family's own where None), and the
        draws of q at each step. A flow is bent at a tenth of the rate.
    draws: of q at the end, for samples, evidence and Pareto k.

    Rows are optimised side by side and do not see each other. Returns a Posterior; warns (PosteriorWarning) where the
    weights do not cover a posterior. Raises ValueError for arguments out of range, and as `as_problem` does.
    """
    problem = as_problem(model, data, each_row=each_row)
    divergence = _divergence(objective)
    chosen = _family(family)
    rate = chosen.learning_rate if learning_rate is None else learning_rate
    where = start or problem.start or ("prior" if divergence.starts_wide else "draw")
    _check(where, problem, steps=steps, samples=samples, draws=draws, learning_rate=rate)
    with problem.precision():
        settings = Optimisation(jnp.asarray(rate, jnp.result_type(float)), divergence, steps, samples)
        parts = [
            _fit_chunk(problem, chunk, chosen, where, settings, draws, jax.random.key(seed))
            for chunk in problem.chunks(copies=max(samples, DRAWS_AT_ONCE))
        ]
        q = _joined([part[0] for part in parts], problem.rows)
        trace, u, latents = (_joined([part[i] for part in parts], problem.rows) for i in (1, 2, 4))
        summary = summarise_weights(_joined([part[3] for part in parts], problem.rows))
    warn_of_steps(np.asarray(trace))
    warn_of_weights(summary)
    return _posterior(problem, q, np.asarray(trace), np.asarray(u), latents, summary)


def _fit_chunk(
    problem: Problem, chunk: Any, family: Any, where: str, settings: Optimisation, draws: int, key: Array
) -> tuple[Any, Array, Array, Array, Any]:
    joint = problem.joint
    start_keys, step_keys, draw_keys, bend_keys = (problem.keys(chunk, key, stream) for stream in STREAMS)
    moments = starting_moments(joint, chunk, where, start_keys)
    if family is FlowFamily:
        normal, trace = optimise(joint, chunk, _around(FullCovarianceNormal, moments), settings, step_keys)
        bent = eqx.filter_vmap(FlowFamily.bending)(normal)
        q, further = optimise(joint, chunk, bent, settings.slowed(FlowFamily.slowing), bend_keys)
        trace = jnp.concatenate([trace, further], axis=1)
    else:
        q, trace = optimise(joint, chunk, _around(family, moments), settings, step_keys)
    u, log_weights = sample_weights(joint, chunk, q, draws, draw_keys)
    return q, trace, u, log_weights, problem.latents(chunk, u)


def _around(family: type[NormalFamily], moments: tuple[Array, Array]) -> NormalFamily:
    return eqx.filter_vmap(family.around)(*moments)


def _posterior(
    problem: Problem, q: Any, trace: np.ndarray, u: np.ndarray, latents: Any, summary: WeightSummary
) -> Posterior:
    # One chain: the draws of q are independent.
    u, latents = jax.tree.map(lambda array: np.asarray(array)[:, None], (u, latents))
    diagnostics = Diagnostics(
        effective_sample_size=summary.effective_sample_size, elbo_trace=trace, pareto_k=summary.pareto_k
    )
    elbo = Estimate(summary.elbo, "nats", "lower", np.sqrt(summary.elbo_variance))
    return Posterior(
        method="variational inference",
        samples=problem.result(latents),
        unconstrained=problem.result(u),
        diagnostics=problem.result(diagnostics),
        evidence=problem.result(sound_evidence(summary, summary.covers)),
        elbo=problem.result(elbo),
        approximation=problem.result(q),
    )


def _joined(parts: list[Any], rows: int) -> Any:
    """Chunks [row, ...] one after the other, without the rows that padded the last."""

    def joined(*leaves):
        return np.concatenate([np.asarray(leaf) for leaf in leaves])[:rows] if eqx.is_array(leaves[0]) else leaves[0]

    return jax.tree.map(joined, *parts)


def _family(given: Any) -> Any:
    if isinstance(given, type) and issubclass(given, NormalFamily | FlowFamily):
        return given
    if not isinstance(given, str) or given not in FAMILIES:
        raise ValueError(
            f"family is {given!r}; expected one of {', '.join(map(repr, FAMILIES))}, or a NormalFamily class"
        )
    return FAMILIES[given]


def _divergence(given: Any) -> Divergence:
    if isinstance(given, Divergence):
        return given
    if not isinstance(given, str) or given not in DIVERGENCES:
        known = ", ".join(map(repr, DIVERGENCES))
        raise ValueError(f"objective is {given!r}; expected one of {known}, or an instance such as Renyi(0.3)")
    return DIVERGENCES[given]


def _check(where: str, problem: Problem, **numbers: float) -> None:
    if where not in STARTS or (where == "posterior" and problem.start is None):
        raise ValueError(
            f"start is {where!r}; expected one of {', '.join(map(repr, STARTS))}, the first only of three-method models"
        )
    for name, value in numbers.items():
        least = 0.0 if name == "learning_rate" else 2 if name == "draws" else 1
        if not value >= least or (name == "learning_rate" and value == 0):
            raise ValueError(f"{name} is {value}; expected {'a number above 0' if least == 0 else f'at least {least}'}")
