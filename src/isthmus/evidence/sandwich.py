"""log p(x) held between bounds: from below by what q says and by annealing, from above where exact draws exist."""

from dataclasses import dataclass, field, fields
from typing import Any

import jax
import numpy as np

from isthmus.evidence.annealed import (
    AnnealedImportanceSampling,
    BidirectionalMonteCarlo,
    annealed_importance_sampling,
    bidirectional_monte_carlo,
    simulate,
)
from isthmus.evidence.exact_evidence import ExactEvidence, exact_evidence, has_finite_latents
from isthmus.evidence.quadrature import MOST_LATENTS
from isthmus.inference import ImportanceSampling, as_problem, infer_exactly, sample_importance_weights
from isthmus.information import Estimate
from isthmus.information.estimate import mean_over_rows
from isthmus.models import LinearGaussian, Observation, ProbabilisticModel
from isthmus.models.rows import row_count

DECIDING_ROWS = 64
DECIDING_SEED, SIMULATION_SEED, DRAW_SEED = 1_000_003, 2_000_003, 3_000_017
"""Added to the seed, so that what decides, what is simulated and what is quoted share no random number."""


@dataclass(frozen=True)
class Sandwich:
    """Bounds on log p(x), each the mean over rows, in nats; None where a quantity does not exist or is not computed.

    In expectation elbo <= importance_weighted <= log p and annealed <= log p <= upper.
    importance_weighted, annealed: have no order between them.  quoted: the name of the higher, as other random numbers
        decided; lower: its value here.
    upper: by reverse annealing from exact posterior draws.  exact: log p itself, found by `method`.
    gap_on_simulated: reverse annealing less the quoted bound on data simulated from the model, an estimate of the
        error of `lower` here as far as these rows resemble those.
    by_row: the values behind each, {name: [row]}, and the variances of those that are sampled.
    """

    elbo: Estimate | None
    importance_weighted: Estimate | None
    annealed: Estimate | None
    quoted: str | None
    lower: Estimate | None
    upper: Estimate | None
    exact: Estimate | None
    method: str | None
    gap_on_simulated: Estimate | None
    by_row: dict[str, np.ndarray] = field(repr=False)

    def to_dict(self) -> dict[str, Any]:
        """JSON values, without those by row."""
        shown = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "by_row"}
        return {name: entry.to_dict() if isinstance(entry, Estimate) else entry for name, entry in shown.items()}

    def __str__(self) -> str:
        marks = {"lower": f" ({self.quoted})", "exact": f" ({self.method})"}
        entries = {f.name: getattr(self, f.name) for f in fields(self)}
        estimates = {name: entry for name, entry in entries.items() if isinstance(entry, Estimate)}
        return "\n".join(
            ["log p(x), per datum", *(f"{name:<22}{entry}{marks.get(name, '')}" for name, entry in estimates.items())]
        )


@dataclass(frozen=True)
class Settings:
    """Of the bounds: draws of q, and what `annealed_importance_sampling` takes."""

    draws: int
    annealing: dict[str, Any]


def sandwich(
    model: Any,
    X: Any = None,
    *,
    k: int = 1000,
    temperatures: int = 1000,
    chains: int = 4,
    leapfrogs: int = 5,
    start: str | None = None,
    each_row: bool | None = None,
    simulated_rows: int = 100,
    exact: bool = True,
    seed: int = 0,
) -> Sandwich:
    """log p(x) between bounds.

    model, X, each_row: as for `annealed_importance_sampling`, and models of finite latents as for `exact_evidence`.
    k: draws of q for the importance-weighted bound.  temperatures, chains, leapfrogs, start: of the annealing.
    simulated_rows: on which the gap is estimated, for three-method models; 0 leaves it out.  exact: compute log p
        itself where it can be had; by quadrature it may take minutes.

    For a `LinearGaussian` the upper bound starts at exact posterior draws of these very rows; of real data no such
    draws exist, and what stands beside the lower bound is the gap on simulated data, marked an estimate. Grosse,
    Ghahramani and Adams 2015; Wu, Burda, Salakhutdinov and Grosse 2017.
    """
    settings = Settings(k, {"temperatures": temperatures, "chains": chains, "leapfrogs": leapfrogs, "start": start})
    weighted = sample_importance_weights(model, X, k, seed) if isinstance(model, ProbabilisticModel) else None
    finite = has_finite_latents(model, X, each_row=bool(each_row))
    sought = exact and (finite or _is_exact(model, X, each_row))
    known = exact_evidence(model, X, each_row=bool(each_row)) if sought else None
    both = None if finite else _anneal(model, X, settings, each_row, seed)
    forward = both.forward if isinstance(both, BidirectionalMonteCarlo) else both
    quoted = _decide(model, X, settings, forward, weighted is not None, seed)
    estimates = {
        "elbo": None if weighted is None else _lower(weighted.elbo, weighted.elbo_variance),
        "importance_weighted": None
        if weighted is None
        else _lower(weighted.log_evidence, weighted.log_evidence_variance),
        "annealed": None if forward is None else forward.estimate,
    }
    gap = None
    if simulated_rows and quoted is not None and forward is not None and isinstance(model, ProbabilisticModel):
        gap = _gap_on_simulated(model, X, settings, forward, quoted, simulated_rows, seed)
    return Sandwich(
        **estimates,
        quoted=quoted,
        lower=None if quoted is None else estimates[quoted],
        upper=both.upper if isinstance(both, BidirectionalMonteCarlo) else None,
        exact=None if known is None else known.estimate,
        method=None if known is None else known.method,
        gap_on_simulated=gap,
        by_row=_by_row(weighted, both, known),
    )


def _lower(values: np.ndarray, variances: np.ndarray) -> Estimate:
    return mean_over_rows(values, direction="lower", variances=variances)


def _is_exact(model: Any, X: Any, each_row: bool | None) -> bool:
    """Whether log p(x) can be had of continuous latents: in closed form, or by quadrature over few of them."""
    return isinstance(model, LinearGaussian) or as_problem(model, X, each_row=each_row).joint.size <= MOST_LATENTS


def _anneal(
    model: Any, X: Any, settings: Settings, each_row: bool | None, seed: int
) -> AnnealedImportanceSampling | BidirectionalMonteCarlo:
    """Both ways where the posterior can be drawn from, else forwards."""
    if isinstance(model, LinearGaussian):
        draws = _exact_draws(model, X, settings.annealing["chains"], seed)
        return bidirectional_monte_carlo(model, X, draws, seed=seed, **settings.annealing)
    return annealed_importance_sampling(model, X, each_row=each_row, seed=seed, **settings.annealing)


def _exact_draws(model: LinearGaussian, X: Any, chains: int, seed: int) -> np.ndarray:
    """Draws from each row's posterior, [row, chain, latent]."""
    rows = jax.tree.map(lambda leaf: np.asarray(leaf, None if np.asarray(leaf).dtype == bool else np.float64), X)
    exact = infer_exactly(model, rows)
    noise = np.random.default_rng(seed + DRAW_SEED).standard_normal((len(exact.mean), chains, exact.mean.shape[1]))
    return exact.mean[:, None] + noise @ np.swapaxes(np.linalg.cholesky(exact.covariance), -1, -2)


def _decide(
    model: Any, X: Any, settings: Settings, forward: AnnealedImportanceSampling | None, weighted: bool, seed: int
) -> str | None:
    """Which lower bound is quoted: the higher one of other random numbers, on up to 64 of the rows."""
    if forward is None or not weighted:
        return "importance_weighted" if weighted else None if forward is None else "annealed"
    if not np.all(forward.sound):
        return "importance_weighted"
    rows = _some_rows(X)
    importance = sample_importance_weights(model, rows, settings.draws, seed + DECIDING_SEED).log_evidence.mean()
    annealed = annealed_importance_sampling(
        model, rows, schedule=forward.schedule, seed=seed + DECIDING_SEED, **settings.annealing
    )
    return "annealed" if float(annealed.estimate) > importance else "importance_weighted"


def _some_rows(X: Any) -> Any:
    places = np.linspace(0, row_count(X) - 1, min(DECIDING_ROWS, row_count(X))).round().astype(int)
    return jax.tree.map(lambda leaf: np.asarray(leaf)[places], X)


def _gap_on_simulated(
    model: ProbabilisticModel,
    X: Any,
    settings: Settings,
    forward: AnnealedImportanceSampling,
    quoted: str,
    rows: int,
    seed: int,
) -> Estimate:
    """Reverse annealing less the quoted bound on rows simulated from the model, with the holes that X has."""
    observed = None
    if isinstance(X, Observation):
        observed = np.resize(np.asarray(X.observed, bool), (rows, X.observed.shape[1]))
    made = simulate(model, rows, observed=observed, seed=seed + SIMULATION_SEED)
    both = bidirectional_monte_carlo(
        model, made.rows, made.latents, schedule=forward.schedule, seed=seed, **settings.annealing
    )
    if quoted == "annealed":
        below = both.forward.log_evidence
    else:
        below = sample_importance_weights(model, made.rows, settings.draws, seed).log_evidence
    gap = mean_over_rows(both.log_evidence_upper - below)
    # Each row was drawn with its z and its noise: what varies over rows holds the Monte Carlo error too.
    return Estimate(gap.value, gap.unit, "estimate", None, gap.stderr_rows)


def _by_row(
    weighted: ImportanceSampling | None,
    both: AnnealedImportanceSampling | BidirectionalMonteCarlo | None,
    known: ExactEvidence | None,
) -> dict[str, np.ndarray]:
    found: dict[str, np.ndarray] = {}
    if weighted is not None:
        found |= {"elbo": weighted.elbo, "importance_weighted": weighted.log_evidence}
        found |= {"elbo_variance": weighted.elbo_variance}
        found |= {"importance_weighted_variance": weighted.log_evidence_variance}
    forward = both.forward if isinstance(both, BidirectionalMonteCarlo) else both
    if forward is not None:
        found |= {"annealed": np.atleast_1d(forward.log_evidence)}
        found |= {"annealed_variance": np.atleast_1d(forward.log_evidence_variance)}
    if isinstance(both, BidirectionalMonteCarlo):
        found |= {"upper": both.log_evidence_upper}
    if known is not None:
        found |= {"exact": known.log_evidence}
    return found
