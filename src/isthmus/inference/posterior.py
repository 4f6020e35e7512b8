"""A posterior p(z | x) as either remedy finds it."""

import warnings
from dataclasses import dataclass, field
from typing import Any

import equinox as eqx
import jax
import numpy as np
from jax import Array

from isthmus.inference.approximation.families import PosteriorFamily
from isthmus.inference.weights import WeightSummary
from isthmus.information import Estimate

R_HAT_LIMIT = 1.05
"""Above this, chains that started apart still tell different stories."""


LEFT_OUT_LIMIT = 0.01
"""A larger share of steps without a finite gradient is worth a warning."""


class PosteriorWarning(UserWarning):
    """A posterior was found that should not be believed as it stands."""


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Diagnostics:
    """How far a posterior can be believed; None where a method has no such number. Arrays [row, ...].

    r_hat, effective_sample_size: of each unconstrained coordinate, [row, size], over split chains, rank-normalised
        (Vehtari, Gelman, Simpson, Carpenter and Buerkner 2021); of weighted draws the size is [row].
    divergences: transitions whose energy went astray, of all chains, [row].  acceptance: their mean rate, [row].
    elbo_trace: the objective at each step of the optimisation, [row, step], nats.
    pareto_k: of the importance weights behind the evidence, [row].
    """

    r_hat: np.ndarray | None = None
    effective_sample_size: np.ndarray | None = None
    divergences: np.ndarray | None = None
    acceptance: np.ndarray | None = None
    elbo_trace: np.ndarray | None = None
    pareto_k: np.ndarray | None = None


@dataclass(frozen=True)
class Posterior:
    """Draws of z, what is known of them, and the evidence. The row axis is there where rows were asked for.

    samples: z in the model's own terms, arrays [row, chain, draw, ...] (a pytree).
    unconstrained: the same as real vectors u, [row, chain, draw, size].
    evidence: log p(x) of each row, nats, "lower": importance-weighted, from fresh draws of q or of a normal-tailed
        density around the chains. nan at rows whose diagnostics forbid it; None where that is all of them.
    elbo: E_q[log p(x, u) - log q(u)] of each row, "lower"; None for chains, which have no q.
    approximation: q itself (with a first axis over rows), None for chains.
    """

    method: str
    samples: Any
    unconstrained: np.ndarray
    diagnostics: Diagnostics
    evidence: Estimate | None
    elbo: Estimate | None = None
    approximation: PosteriorFamily | None = field(default=None, repr=False)

    def to_arviz(self) -> Any:
        """ArviZ's InferenceData, variables [chain, draw, ...], a row's axis after them. Needs `isthmus[arviz]`."""
        try:
            import arviz
        except ImportError as error:
            raise ImportError("to_arviz needs arviz: pip install 'isthmus[arviz]'") from error
        leaves = jax.tree.leaves(self.samples)
        parts = {"z": leaves[0]} if len(leaves) == 1 else {f"z_{i}": leaf for i, leaf in enumerate(leaves)}
        named = self.samples if isinstance(self.samples, dict) else parts
        if self.unconstrained.ndim == 4:
            named = jax.tree.map(lambda array: np.moveaxis(array, 0, 2), named)
        return arviz.from_dict(posterior=named)

    def log_density(self, u: Any) -> np.ndarray:
        """log q(u) in nats at unconstrained vectors u [..., size] (with rows: [row, ..., size]).

        Raises ValueError for chains, which have draws and no density.
        """
        if self.approximation is None:
            raise ValueError(f"a posterior found by {self.method} has draws and no density; fit_posterior gives one")
        u = np.asarray(u)
        batched = self.unconstrained.ndim == 4
        with jax.enable_x64(self.unconstrained.dtype == np.float64):
            found = _log_densities(self.approximation, u) if batched else _log_density(self.approximation, u)
        return np.asarray(found, np.float64)


@eqx.filter_jit
def _log_density(q: PosteriorFamily, u: Array) -> Array:
    return jax.vmap(q.log_prob)(u.reshape(-1, u.shape[-1])).reshape(u.shape[:-1])


@eqx.filter_jit
def _log_densities(q: PosteriorFamily, u: Array) -> Array:
    return eqx.filter_vmap(_log_density)(q, u)


def sound_evidence(summary: WeightSummary, sound: np.ndarray) -> Estimate | None:
    """The importance-weighted evidence of the rows for which it is sound, nan for others; None where there are none."""
    if not sound.any():
        return None
    value = np.where(sound, summary.log_evidence, np.nan)
    return Estimate(value, "nats", "lower", np.where(sound, np.sqrt(summary.log_evidence_variance), np.nan))


def warn_of_steps(trace: np.ndarray) -> None:
    """Say how many of the optimiser's steps [row, step] were left out."""
    share = np.isnan(trace).mean(1)
    if (share > LEFT_OUT_LIMIT).any():
        _warn(
            f"{(share > LEFT_OUT_LIMIT).sum()} of {len(trace)} posteriors were fitted with up to {share.max():.0%} of "
            "the steps left out, for want of a finite gradient: the fit is biased towards where there is one. Look for "
            "overflow, or for a log joint that is -inf in parts"
        )


def warn_of_weights(summary: WeightSummary) -> None:
    """Say how many rows have weights that do not cover the posterior."""
    beyond, pareto_k, limit = ~summary.covers, summary.pareto_k, summary.pareto_limit
    if beyond.any():
        _warn(
            f"the importance weights of {beyond.sum()} of {len(pareto_k)} posteriors do not cover them (Pareto k up to "
            f"{np.max(pareto_k[beyond]):.2f}, sound below {limit:.2f}): no evidence is quoted there. Use "
            "a richer family, more steps, or sample_posterior and annealing"
        )


def warn_of_chains(r_hat: np.ndarray, divergences: np.ndarray, transitions: int) -> None:
    """Say how many rows have chains that do not mix, or go astray."""
    stuck = ~(r_hat.max(1) < R_HAT_LIMIT)
    if stuck.any():
        _warn(
            f"the chains of {stuck.sum()} of {len(r_hat)} posteriors do not mix (split R-hat up to "
            f"{np.max(r_hat):.2f}, sound below {R_HAT_LIMIT}): no evidence is quoted there. Use more draws, a longer "
            "warm-up, or other coordinates of the model"
        )
    if divergences.any():
        _warn(
            f"{divergences.sum()} of {transitions * len(r_hat)} transitions diverged, in {(divergences > 0).sum()} of "
            f"{len(r_hat)} posteriors: some regions were not reached. Raise target_acceptance, or use other coordinates"
        )


def _warn(message: str) -> None:
    warnings.warn(message, PosteriorWarning, stacklevel=4)
