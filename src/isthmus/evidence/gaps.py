"""Where the ELBO's gap to log p(x) went: to the family of q, or to the encoder that chooses its member.

    log p(x) - L[q] = (log p(x) - L[q*]) + (L[q*] - L[q])
      inference gap =  approximation gap  + amortisation gap

q* is the best member of q's family for a row, found by optimising from the encoder's. Cremer, Li and Duvenaud 2018,
Inference suboptimality in variational autoencoders.
"""

from dataclasses import dataclass, replace
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from isthmus.evidence.aggregate import is_product_of_normals
from isthmus.evidence.independent import IndependentColumns, log_likelihood_independent
from isthmus.evidence.ledger import Ledger, gain_over
from isthmus.evidence.sandwich import Sandwich, sandwich
from isthmus.inference.approximation import MeanFieldNormal, ReverseKL
from isthmus.inference.approximation.optimisation import Optimisation, optimise, sample_weights, starting_moments
from isthmus.inference.graphical import Problem, as_problem
from isthmus.information import Estimate
from isthmus.information.estimate import mean_over_rows
from isthmus.models import ProbabilisticModel

STEPS, SAMPLES, LEARNING_RATE = 400, 8, 0.01
DRAWS = 256
STEP_STREAM, DECIDING_STREAM, QUOTED_STREAM = 50, 51, 52
MOST_ROWS = 1000
"""More rows than this are not explained one by one: a seeded choice of them is."""


@dataclass(frozen=True)
class Gaps:
    """The gap of each row and on average, nats. With log p(x) known from below the inference gap is a lower bound; the
    amortisation gap is one, for the q* that was found is at most the best; the approximation gap, their difference, is
    an estimate.

    by_row: {name: [row]}, of the same three.
    """

    inference: Estimate
    approximation: Estimate
    amortisation: Estimate
    by_row: dict[str, np.ndarray]


def split_gap(
    model: ProbabilisticModel,
    rows: Any,
    elbo: np.ndarray,
    log_evidence: np.ndarray,
    variances: tuple[np.ndarray, np.ndarray],
    *,
    steps: int = STEPS,
    seed: int = 0,
) -> Gaps | None:
    """The gaps of rows, arrays [row, ...] in the model's units; None where q is no product of normals,
    or an ELBO is not finite.

    elbo, log_evidence: L[q] and log p(x) from below, [row]; variances: of the Monte Carlo error of each.  steps: of
    Adam for each row's q*. The better of q* and q on some draws is quoted on others, so that noise makes no gap.
    """
    if not is_product_of_normals(model, rows) or not np.isfinite(elbo).all():
        return None
    problem = as_problem(model, rows)
    gained, variance = _gained_by_optimising(problem, steps, seed)
    inference, error = log_evidence - elbo, variances[0] + variances[1]
    return Gaps(
        mean_over_rows(inference, direction="lower", variances=error),
        mean_over_rows(inference - gained, direction="estimate", variances=error + variance),
        mean_over_rows(gained, direction="lower", variances=variance),
        {"inference": inference, "approximation": inference - gained, "amortisation": gained},
    )


def explain_gap(
    model: ProbabilisticModel, rows: Any, ledger: Ledger, baseline: IndependentColumns | None = None, *, seed: int = 0
) -> tuple[Ledger, Sandwich]:
    """The ledger with log p(x) bounded by annealing too, and with the gap's parts; and the bounds themselves.

    Of more than 1,000 rows a seeded choice is explained: by as much as annealing raises the bound on these, the bound
    on all rows and what follows from it are raised. baseline: as for `make_ledger`.
    """
    everything = ledger.rows <= MOST_ROWS
    chosen = rows if everything else _some_rows(rows, ledger.rows, seed)
    bounds = sandwich(model, chosen, k=max(ledger.draws, 2), seed=seed, exact=False)
    assert bounds.lower is not None
    assert bounds.quoted is not None
    log_evidence = bounds.by_row[bounds.quoted]
    elbo = bounds.by_row["elbo"]
    errors = (bounds.by_row["elbo_variance"], bounds.by_row[f"{bounds.quoted}_variance"])
    gaps = split_gap(model, chosen, elbo, log_evidence, errors, seed=seed)
    told = replace(ledger, entries={**ledger.entries, "lower_bound_error": bounds.gap_on_simulated})
    if not everything:
        with np.errstate(invalid="ignore"):
            improvement = log_evidence - bounds.by_row["importance_weighted"]
        return _raised(told, mean_over_rows(improvement), gaps), bounds
    entries = told.entries | _entries(gaps) | {"log_likelihood_lower": bounds.lower}
    gain = ledger.gain
    if baseline is not None:
        gain = gain_over(log_likelihood_independent(baseline, rows), log_evidence, errors[1])
    return replace(told, entries=entries, gain=gain), bounds


def _entries(gaps: Gaps | None) -> dict[str, Estimate | None]:
    """By the ledger's keys."""
    if gaps is None:
        return {}
    return {
        "inference_gap": gaps.inference,
        "approximation_gap": gaps.approximation,
        "amortisation_gap": gaps.amortisation,
    }


def _raised(ledger: Ledger, by: Estimate, gaps: Gaps | None) -> Ledger:
    """The ledger of all rows with a higher bound on log p(x), and the gap's parts in it: they add up there too."""
    entries = dict(ledger.entries)
    for key in ("log_likelihood_lower", "inference_gap"):
        entries[key] = _sum(entries[key], by)
    if gaps is not None and entries["inference_gap"] is not None:
        rest = float(entries["inference_gap"]) - float(gaps.amortisation)
        entries["approximation_gap"] = replace(gaps.approximation, value=rest)
        entries["amortisation_gap"] = gaps.amortisation
    return replace(ledger, entries=entries, gain=_sum(ledger.gain, by))


def _sum(entry: Estimate | None, by: Estimate) -> Estimate | None:
    if entry is None or float(by) == 0.0 or not np.isfinite(float(by)):
        return entry
    over_rows = np.hypot(_number(entry.stderr_rows), _number(by.stderr_rows))
    return replace(entry, value=float(entry) + float(by), stderr_rows=float(over_rows))


def _number(error: Any) -> float:
    return 0.0 if error is None else float(error)


def _gained_by_optimising(problem: Problem, steps: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """(L[q*] - L[q] of each row, the variance of its Monte Carlo error), [row]: at the same noise for both."""
    key, parts = jax.random.key(seed, impl="threefry2x32"), []
    with problem.precision():
        settings = Optimisation(jnp.asarray(LEARNING_RATE, jnp.result_type(float)), ReverseKL(), steps, SAMPLES)
        for chunk in problem.chunks(copies=2 * SAMPLES):
            moments = starting_moments(problem.joint, chunk, "posterior", problem.keys(chunk, key, 0))
            encoded = eqx.filter_vmap(MeanFieldNormal.around)(*moments)
            best, _ = optimise(problem.joint, chunk, encoded, settings, problem.keys(chunk, key, STEP_STREAM))
            differences = [
                _difference(problem, chunk, best, encoded, problem.keys(chunk, key, stream))
                for stream in (DECIDING_STREAM, QUOTED_STREAM)
            ]
            better = differences[0].mean(1, keepdims=True) > 0
            parts.append(np.where(better, differences[1], 0.0))
    gained = np.concatenate(parts)[: problem.rows]
    return gained.mean(1), gained.var(1, ddof=1) / gained.shape[1]


def _difference(problem: Problem, chunk: Any, best: Any, encoded: Any, keys: Any) -> np.ndarray:
    first, second = (
        np.asarray(sample_weights(problem.joint, chunk, q, DRAWS, keys)[1], np.float64) for q in (best, encoded)
    )
    return first - second


def _some_rows(rows: Any, count: int, seed: int) -> Any:
    chosen = np.sort(np.random.default_rng([STEP_STREAM, seed]).choice(count, MOST_ROWS, replace=False))
    return jax.tree.map(lambda leaf: np.asarray(leaf)[chosen], rows)
