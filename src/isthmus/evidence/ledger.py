"""The ledger: what passes through the bottleneck of one model, in nats per datum."""

from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

import jax
import numpy as np

from isthmus.evidence.aggregate import measure_aggregate
from isthmus.evidence.copying import Reconstruct, measure_copying, projection
from isthmus.evidence.independent import IndependentColumns, log_likelihood_independent
from isthmus.inference import (
    ImportanceSampling,
    log_likelihood_at_code,
    reconstruct,
    sample_importance_weights,
)
from isthmus.information import Estimate
from isthmus.information.estimate import Measure, mean_over_rows
from isthmus.models import DeterministicModel, ProbabilisticModel
from isthmus.models.rows import map_rows, row_count

LEDGER_KEYS = {
    "distortion": "-log p(x | z), mean over q: what the latent does not say about x",
    "rate": "KL(q(z | x) || p(z)): what the latent says",
    "elbo": "-(distortion + rate): log p(x) from below",
    "log_likelihood_lower": "log p(x) from below, by importance weighting or by annealing",
    "log_likelihood_upper": "log p(x) from above",
    "lower_bound_error": "of log_likelihood_lower, as the bounds' width on data of the model's own making tells",
    "log_likelihood_exact": "log p(x), where it has a closed form",
    "log_likelihood_independent": "log p(x) with independent columns: the baseline",
    "inference_gap": "KL(q(z | x) || p(z | x)): log p(x) less the elbo; at least the bound on log p(x) less it",
    "approximation_gap": "the part of the gap due to the family of q",
    "amortisation_gap": "the part of the gap due to the encoder",
    "mutual_information": "between x and z under q, from below: at most the log of the number of rows",
    "mutual_information_upper": "the same from above: at most the rate",
    "marginal_kl": "KL(q(z) || p(z)), from above: rate less mutual information",
    "marginal_kl_lower": "the same from below",
    "total_correlation": "of z under q: what its dimensions share",
    "dimension_wise_kl": "of the marginals of z from the prior's; with the total correlation it makes marginal_kl",
    "distortion_per_column": "the distortion of each column, 0 where it has a hole",
    "rate_per_dimension": "the rate of each latent dimension",
    "active_units": "latent dimensions whose mean varies with x by more than 0.01",
    "squared_error": "|x - x_hat|^2, x_hat decoded from the posterior mean",
    "copy_index": "1 for a map that copies, 0 for one that cannot",
    "copy_index_of_pca": "the same for principal components of the same number",
    "r_squared": "the share of the columns' variance that comes through",
}
ACTIVE_VARIANCE = 0.01
"""A unit is active when the variance over x of E_q[z] exceeds this (Burda, Grosse and Salakhutdinov 2016)."""


@dataclass(frozen=True)
class Ledger:
    """The account of one model over one set of rows.

    entries: one Estimate for each key of LEDGER_KEYS, None where the quantity does not exist or is not computed.
    measure: "counting" where log p is a log-probability, "lebesgue" where it is a log-density in the columns' units,
        "mixed" where columns differ, None where the model does not say.  rows, columns: of the data.  draws: posterior
        draws a row.
    gain: log_likelihood_lower less log_likelihood_independent, by row: how far the model rises above independent
        columns; None without such a baseline.
    """

    entries: dict[str, Estimate | None]
    measure: Measure | None
    rows: int
    columns: int
    draws: int
    gain: Estimate | None = None

    def __getitem__(self, key: str) -> Estimate | None:
        return self.entries[key]

    def in_unit(self, unit: Literal["nats", "bits"]) -> "Ledger":
        """The same account in nats or bits."""
        entries = {key: None if entry is None else entry.in_unit(unit) for key, entry in self.entries.items()}
        gain = None if self.gain is None else self.gain.in_unit(unit)
        return replace(self, entries=entries, gain=gain)

    def bits_per_dimension(self) -> Estimate | None:
        """An upper bound on the codelength of x in bits per column; None unless log p is a log-probability."""
        bound = self.entries["log_likelihood_lower"]
        if bound is None or self.measure != "counting":
            return None
        bits = bound.in_unit("bits")
        value, stderr, rows = (
            None if number is None else sign * float(number) / self.columns  # type: ignore[arg-type]
            for number, sign in ((bits.value, -1), (bits.stderr, 1), (bits.stderr_rows, 1))
        )
        assert value is not None
        return Estimate(value, "bits per dimension", "upper", stderr, rows)

    def to_dict(self) -> dict[str, Any]:
        """JSON values, one entry a key."""
        return {key: None if entry is None else entry.to_dict() for key, entry in self.entries.items()}

    def __str__(self) -> str:
        shown = [f"{key:<28}{entry}" for key, entry in self.entries.items() if entry is not None]
        return "\n".join([f"per datum, over {self.rows} rows", *shown])


def make_ledger(
    model: ProbabilisticModel,
    rows: Any,
    baseline: IndependentColumns | None = None,
    *,
    scale: np.ndarray | float | None = 1.0,
    centre: np.ndarray | None = None,
    principal_axes: np.ndarray | None = None,
    measure: Measure | None = None,
    draws: int = 1000,
    seed: int = 0,
) -> Ledger:
    """The ledger of a probabilistic model over rows, arrays [row, ...] in the model's units; the same arguments give
    equal figures.

    baseline: the columns modelled independently.  scale: the columns' own units, for the squared error of numbers
    [row, column]; None where a squared error means nothing.  centre: the training rows' mean, of these rows where None.
    principal_axes: [column, k] of the training rows in the columns' own units, whose copy index stands beside the
    model's.  draws: of z a row, for the bounds.
    """
    sampled = sample_importance_weights(model, rows, draws, seed, by_column=True)
    entries: dict[str, Estimate | None] = dict.fromkeys(LEDGER_KEYS)
    entries.update(_split_of_elbo(sampled))
    entries["log_likelihood_lower"] = mean_over_rows(
        sampled.log_evidence, direction="lower", variances=sampled.log_evidence_variance
    )
    if np.isfinite(sampled.elbo).all():
        # A lower bound of the gap, for the weighted bound is one of log p(x).
        variances = sampled.elbo_variance + sampled.log_evidence_variance
        gap = sampled.log_evidence - sampled.elbo
        entries["inference_gap"] = mean_over_rows(gap, direction="lower", variances=variances)
    aggregate = measure_aggregate(model, rows, sampled, seed)
    if aggregate is not None:
        entries |= aggregate.entries()
    gain = None
    if baseline is not None:
        independent = log_likelihood_independent(baseline, rows)
        entries["log_likelihood_independent"] = mean_over_rows(independent, direction="exact")
        gain = gain_over(independent, sampled.log_evidence, sampled.log_evidence_variance)
    means = map_rows(_encode, model, rows)
    active = float(np.sum(np.var(means, axis=0) > ACTIVE_VARIANCE))
    entries["active_units"] = Estimate(active, "count", "exact", 0.0)
    if scale is not None:
        entries.update(squared_error_entries(partial(reconstruct, model), rows, scale, centre, principal_axes))
    return Ledger(entries, measure, row_count(rows), jax.tree.leaves(rows)[0].shape[1], draws, gain)


def make_reconstruction_ledger(
    model: DeterministicModel,
    rows: Any,
    baseline: IndependentColumns | None = None,
    *,
    scale: np.ndarray | float | None = 1.0,
    centre: np.ndarray | None = None,
    principal_axes: np.ndarray | None = None,
    measure: Measure | None = None,
) -> Ledger:
    """The ledger of a deterministic model: its distortion is -log p(x | encode(x)), exact given the rows; it has no
    prior, so the rate, and all that rests on it, is blank. Arguments as for `make_ledger`."""
    entries: dict[str, Estimate | None] = dict.fromkeys(LEDGER_KEYS)
    log_likelihood, of_columns = log_likelihood_at_code(model, rows)
    entries["distortion"] = mean_over_rows(-log_likelihood, direction="exact")
    if of_columns is not None:
        entries["distortion_per_column"] = mean_over_rows(-of_columns, direction="exact")
    if baseline is not None:
        independent = log_likelihood_independent(baseline, rows)
        entries["log_likelihood_independent"] = mean_over_rows(independent, direction="exact")
    if scale is not None:
        entries.update(squared_error_entries(partial(reconstruct, model), rows, scale, centre, principal_axes))
    return Ledger(entries, measure, row_count(rows), jax.tree.leaves(rows)[0].shape[1], draws=0)


def squared_error_entries(
    through: Reconstruct,
    rows: Any,
    scale: np.ndarray | float,
    centre: np.ndarray | None,
    principal_axes: np.ndarray | None,
) -> dict[str, Estimate | None]:
    """What is said of a map in squared units: its error, the share of the variance that comes through, how it copies.

    rows: [row, column]; scale: the columns' own units.
    """
    rows = np.asarray(rows, np.float64)
    middle: np.ndarray = rows.mean(0) if centre is None else np.asarray(centre, np.float64)
    squares = (((rows - through(rows)) * scale) ** 2).sum(1)
    found: dict[str, Estimate | None] = {
        "squared_error": mean_over_rows(squares, unit="squared units", direction="exact")
    }
    copying = measure_copying(through, rows, middle, scale)
    if copying is not None:
        found |= {"copy_index": copying.copy_index, "r_squared": copying.r_squared}
    if copying is not None and principal_axes is not None:
        own = projection(np.asarray(principal_axes, np.float64), middle * scale)
        of_pca = measure_copying(lambda values: own(values * scale) / scale, rows, middle, scale)
        found["copy_index_of_pca"] = None if of_pca is None else of_pca.copy_index
    return found


def gain_over(independent: np.ndarray, log_evidence: np.ndarray, variances: np.ndarray) -> Estimate | None:
    """log p(x) from below less that of independent columns, each [row], the mean over rows; None where a row is
    impossible under these: the difference means nothing there."""
    if not np.isfinite(independent).all():
        return None
    return mean_over_rows(log_evidence - independent, direction="lower", variances=variances)


def _split_of_elbo(sampled: ImportanceSampling) -> dict[str, Estimate]:
    distortion = mean_over_rows(-sampled.log_likelihood, variances=sampled.log_likelihood_variance)
    if sampled.kl_terms is None:
        rate = mean_over_rows(sampled.rate, variances=sampled.rate_variance)
        per_dimension = {}
    else:
        rate = mean_over_rows(sampled.rate, direction="exact")
        per_dimension = {"rate_per_dimension": mean_over_rows(sampled.kl_terms, direction="exact")}
    if sampled.column_log_likelihood is not None:
        per_dimension["distortion_per_column"] = mean_over_rows(
            -sampled.column_log_likelihood, variances=sampled.column_log_likelihood_variance
        )
    bound = mean_over_rows(sampled.elbo, direction="lower", variances=sampled.elbo_variance)
    # The identity holds to the last digit of what is printed, not only to rounding.
    total = -(distortion.value + rate.value)  # type: ignore[operator]
    elbo = Estimate(total, "nats", "lower", bound.stderr, bound.stderr_rows)
    return {"distortion": distortion, "rate": rate, "elbo": elbo, **per_dimension}


def _encode(model: ProbabilisticModel, row: Any):
    return model.encode(row)
