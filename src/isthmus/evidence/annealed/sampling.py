"""Annealed importance sampling: log p(x) from below, from chains that travel from a start to the posterior."""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from isthmus.evidence.annealed.path import Path
from isthmus.evidence.annealed.pilot import tune_schedule
from isthmus.evidence.annealed.schedule import Schedule
from isthmus.evidence.annealed.transitions import Annealed, anneal
from isthmus.inference.graphical import Problem, as_problem
from isthmus.inference.posterior import PosteriorWarning
from isthmus.inference.weights import log_mean_weight
from isthmus.information import Estimate
from isthmus.information.estimate import mean_over_rows

FORWARD_STREAM = 30
LEAST_ACCEPTANCE = 0.05
"""Below this, on average over temperatures, a row's chains have not moved."""
CACHE_SHARE = 8
"""A chunk's activations are read and written many times: it is smaller by this than one that only fits in memory."""


@dataclass(frozen=True)
class AnnealedImportanceSampling:
    """What annealed chains say of log p(x), nats, float64; the row axis is there where rows were asked for.

    log_evidence: log of the mean over chains of the weights, a lower bound in expectation, [row]; nan at rows whose
        chains failed.  log_evidence_variance: of its Monte Carlo error, by the delta method over chains.
    log_weights: of each chain, [row, chain]: the mean of their exponentials is p(x) in expectation.
    acceptance: of the moves, mean over temperatures and chains, [row].  sound: whether a row's chains moved and their
        weights are numbers.  schedule: the frozen temperatures and step sizes.  start: "posterior" or "prior".
    """

    log_evidence: np.ndarray
    log_evidence_variance: np.ndarray
    log_weights: np.ndarray
    acceptance: np.ndarray
    sound: np.ndarray
    schedule: Schedule
    start: str

    @property
    def estimate(self) -> Estimate:
        """log p(x) from below, the mean over rows; nan where a row's chains failed."""
        values, variances = np.atleast_1d(self.log_evidence), np.atleast_1d(self.log_evidence_variance)
        return mean_over_rows(values, direction="lower", variances=variances)


def annealed_importance_sampling(
    model: Any,
    X: Any = None,
    *,
    temperatures: int = 1000,
    chains: int = 4,
    leapfrogs: int = 5,
    start: str | None = None,
    schedule: Schedule | None = None,
    each_row: bool | None = None,
    seed: int = 0,
) -> AnnealedImportanceSampling:
    """log p(x) of each row from below, by Hamiltonian moves through `temperatures` densities from a start to p(z | x).

    model, X, each_row: as for `isthmus.inference.as_problem`: a three-method model and rows, a numpyro model and its
        arguments, or a `log_joint` and its data.
    chains: of each row.  leapfrogs: steps of a move, each one evaluation of the log joint.
    start: "posterior", the model's q(z | x) as a normal of its moments, or "prior"; the former where there is one.
    schedule: frozen temperatures and step sizes, as an earlier result holds them; where None, a pilot run with random
        numbers of its own tunes them. As nothing adapts after that, the weights' mean is p(x) in expectation.

    A row's figure follows from its content, the schedule and the seed. Warns (PosteriorWarning) where chains fail, and
    quotes nothing there. Raises ValueError for arguments out of range and for a start that the model lacks. Neal 2001,
    Annealed importance sampling; Wu, Burda, Salakhutdinov and Grosse 2017, On the quantitative analysis of
    decoder-based generative models.
    """
    problem = as_problem(model, X, each_row=each_row)
    path = choose_path(problem, start)
    check_counts(temperatures=temperatures, chains=chains, leapfrogs=leapfrogs)
    key = jax.random.key(seed, impl="threefry2x32")
    if schedule is None:
        schedule = tune_schedule(problem, path, temperatures, leapfrogs, key)
    chunks = ((chunk, None) for chunk in problem.chunks(copies_at_once(chains)))
    found = run_chains(problem, path, chunks, schedule, key, FORWARD_STREAM, leapfrogs, chains)
    log_evidence, variance = log_mean_weight(found.log_weights)
    sound = soundness(found, schedule)
    warn_of_failures(sound)
    return AnnealedImportanceSampling(
        log_evidence=problem.result(np.where(sound, log_evidence, np.nan)),
        log_evidence_variance=problem.result(np.where(sound, variance, np.nan)),
        log_weights=problem.result(found.log_weights),
        acceptance=problem.result(found.acceptance.mean(1)),
        sound=problem.result(sound),
        schedule=schedule,
        start=path.start,
    )


def choose_path(problem: Problem, start: str | None) -> Path:
    """The path from the start that was asked for; ValueError where there is none such."""
    start = start or problem.start or "prior"
    if start not in ("posterior", "prior"):
        raise ValueError(f"start is {start!r}; expected 'posterior' or 'prior'")
    if start == "posterior" and problem.start is None:
        raise ValueError("start is 'posterior', and the model brings no q(z | x); pass start='prior'")
    return Path(problem.joint, start)


def copies_at_once(chains: int) -> int:
    """Of each row, for the size of a chunk: of a processor's cache they take a part, an accelerator wants them all."""
    return chains * CACHE_SHARE if jax.default_backend() == "cpu" else chains


def check_counts(**counts: int) -> None:
    for name, count in counts.items():
        if count < 1:
            raise ValueError(f"{name} is {count}; expected at least 1")


def run_chains(
    problem: Problem,
    path: Path,
    chunks: Iterator[tuple[Any, Array | None]],
    schedule: Schedule,
    key: Array,
    stream: int,
    leapfrogs: int,
    chains: int,
) -> Annealed:
    """The chains of all rows along a schedule, NumPy in float64, [row, chain]; chunks: of data and starting points."""
    parts = []
    with problem.precision():
        count = jnp.asarray(schedule.temperatures)
        betas, step_sizes = (_padded(numbers) for numbers in (schedule.betas, schedule.step_sizes))
        for chunk, u in chunks:
            keys = problem.keys(chunk, key, stream)
            parts.append(jax.device_get(anneal(path, chunk, u, betas, step_sizes, count, keys, leapfrogs, chains)))
    return jax.tree.map(lambda *arrays: np.concatenate(arrays)[: problem.rows].astype(np.float64), *parts)


def soundness(found: Annealed, schedule: Schedule) -> np.ndarray:
    """Whether the chains of a row moved and brought back weights that are numbers, [row]."""
    weights = np.asarray(found.log_weights)
    numbers = ~np.isnan(weights).any(1) & ~np.isposinf(weights).any(1) & ~np.isneginf(weights).all(1)
    moved = np.asarray(found.acceptance).mean(1) >= LEAST_ACCEPTANCE
    return numbers & (moved | (schedule.temperatures == 1))


def warn_of_failures(sound: np.ndarray) -> None:
    """Say how many rows have chains that failed."""
    if not sound.all():
        warnings.warn(
            f"the annealed chains of {(~sound).sum()} of {len(sound)} rows stood still or brought back no finite "
            "weight: no evidence is quoted there. Try the other one of start='posterior' and 'prior', tune a schedule "
            "on these rows alone, or rescale the latents",
            PosteriorWarning,
            stacklevel=3,
        )


def _padded(numbers: np.ndarray) -> Array:
    """To the next power of two, so that schedules of kindred length share a compilation; what is added is not read."""
    size = 1 << (len(numbers) - 1).bit_length()
    return jnp.asarray(np.pad(numbers, (0, size - len(numbers)), mode="edge"), float)
