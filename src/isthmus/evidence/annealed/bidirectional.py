"""Bidirectional Monte Carlo: log p(x) from below by annealing forwards, from above by annealing backwards."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from isthmus.evidence.annealed.sampling import (
    AnnealedImportanceSampling,
    annealed_importance_sampling,
    choose_path,
    copies_at_once,
    run_chains,
    soundness,
    warn_of_failures,
)
from isthmus.evidence.annealed.schedule import Schedule
from isthmus.inference.graphical import Problem, as_problem
from isthmus.inference.weights import log_mean_weight
from isthmus.information import Estimate
from isthmus.information.estimate import mean_over_rows

REVERSE_STREAM = 31


@dataclass(frozen=True)
class BidirectionalMonteCarlo:
    """log p(x) between bounds in expectation, nats, float64; the row axis is there where rows were asked for.

    forward: from below.  log_evidence_upper: minus the log of the mean over chains of 1 / weight, chains run backwards
        from exact posterior draws, [row]; nan where they failed.  log_evidence_upper_variance: of its Monte Carlo error
        by the delta method; nan where a row's chains share one exact draw and so do not tell.
    """

    forward: AnnealedImportanceSampling
    log_evidence_upper: np.ndarray
    log_evidence_upper_variance: np.ndarray
    acceptance: np.ndarray
    sound: np.ndarray

    @property
    def lower(self) -> Estimate:
        """log p(x) from below, the mean over rows."""
        return self.forward.estimate

    @property
    def upper(self) -> Estimate:
        """log p(x) from above, the mean over rows; stderr is None where the chains of a row share one exact draw."""
        values, variances = np.atleast_1d(self.log_evidence_upper), np.atleast_1d(self.log_evidence_upper_variance)
        return mean_over_rows(values, direction="upper", variances=variances)

    @property
    def gap(self) -> Estimate:
        """Upper less lower, the mean over rows: in expectation at least the error of either."""
        values = np.atleast_1d(self.log_evidence_upper - self.forward.log_evidence)
        variances = np.atleast_1d(self.log_evidence_upper_variance + self.forward.log_evidence_variance)
        return mean_over_rows(values, direction="upper", variances=variances)


def bidirectional_monte_carlo(
    model: Any,
    X: Any,
    exact_draws: Any,
    *,
    temperatures: int = 1000,
    chains: int = 4,
    leapfrogs: int = 5,
    start: str | None = None,
    schedule: Schedule | None = None,
    each_row: bool | None = None,
    seed: int = 0,
) -> BidirectionalMonteCarlo:
    """log p(x) of each row from both sides, where exact draws from its posterior are at hand.

    exact_draws: real vectors u, [row, size], or [row, chain, size] with one for each chain (without the row axis where
        no rows are asked for): the z that made simulated data, or draws of a posterior known in closed form.
    Everything else as for `annealed_importance_sampling`; both directions follow one frozen schedule.

    The upper bound is one only as far as the draws are exact: a chain that has merely run long gives none. Raises
    ValueError for draws in another shape. Grosse, Ghahramani and Adams 2015, Sandwiching the marginal likelihood using
    bidirectional Monte Carlo.
    """
    forward = annealed_importance_sampling(
        model,
        X,
        temperatures=temperatures,
        chains=chains,
        leapfrogs=leapfrogs,
        start=start,
        schedule=schedule,
        each_row=each_row,
        seed=seed,
    )
    problem = as_problem(model, X, each_row=each_row)
    draws, shared = _draws_by_chain(problem, exact_draws, chains)
    key = jax.random.key(seed, impl="threefry2x32")
    path, backwards = choose_path(problem, start), forward.schedule.reversed
    found = run_chains(problem, path, _with_data(problem, draws), backwards, key, REVERSE_STREAM, leapfrogs, chains)
    log_inverse, variance = log_mean_weight(found.log_weights)
    sound = soundness(found, backwards)
    warn_of_failures(sound)
    return BidirectionalMonteCarlo(
        forward=forward,
        log_evidence_upper=problem.result(np.where(sound, -log_inverse, np.nan)),
        log_evidence_upper_variance=problem.result(np.where(sound & ~shared, variance, np.nan)),
        acceptance=problem.result(found.acceptance.mean(1)),
        sound=problem.result(sound),
    )


def _draws_by_chain(problem: Problem, exact_draws: Any, chains: int) -> tuple[np.ndarray, bool]:
    """(the draws [row, chain, size], whether the chains of a row share one)."""
    draws = np.asarray(exact_draws, np.float64 if problem.joint.double_precision else np.float32)
    draws = draws if problem.each_row else draws[None]
    rows, size = problem.rows, problem.joint.size
    if draws.shape == (rows, size):
        return np.repeat(draws[:, None], chains, axis=1), chains > 1
    if draws.shape != (rows, chains, size):
        raise ValueError(
            f"exact_draws has shape {np.shape(exact_draws)}; expected one vector of {size} for each of {rows} rows, or "
            f"one for each of its {chains} chains"
        )
    return draws, False


def _with_data(problem: Problem, draws: np.ndarray) -> Iterator[tuple[Any, Any]]:
    return Problem(problem.joint, (problem.data, draws), problem.each_row).chunks(copies_at_once(draws.shape[1]))
