"""Ledgers of linear models: everything in closed form, nothing sampled."""

from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from isthmus.evidence.aggregate import aggregate_of_normals
from isthmus.evidence.copying import projection
from isthmus.evidence.ledger import ACTIVE_VARIANCE, LEDGER_KEYS, Ledger, squared_error_entries
from isthmus.inference.exact import ExactInference, infer_exactly, posterior_means
from isthmus.information import Estimate
from isthmus.information.estimate import Measure, mean_over_rows
from isthmus.models import LinearGaussian, LinearProjection, Observation
from isthmus.models.rows import row_count


@dataclass(frozen=True)
class ColumnMoments:
    """Of the training rows, [column] each: what independent normal columns are."""

    mean: np.ndarray
    variance: np.ndarray


def make_exact_ledger(
    model: LinearGaussian,
    rows: Any,
    baseline: ColumnMoments,
    *,
    added_variance: np.ndarray,
    principal_axes: np.ndarray | None = None,
    measure: Measure = "lebesgue",
) -> Ledger:
    """The ledger of a linear-Gaussian model over rows [row, column], or an Observation of them: its posterior is exact,
    and so log p(x) is known and the inference gap is 0.

    baseline: the columns modelled independently.  added_variance: [column], of what fills the unit intervals of whole
    numbers: where there is any, log p is that of the interval from below, by Jensen's inequality (Theis, van den Oord
    and Bethge 2016).  principal_axes: as for `make_ledger`.
    """
    found = infer_exactly(model, rows, added_variance=added_variance, by_column=True)
    filled = bool(added_variance.any())
    entries: dict[str, Estimate | None] = dict.fromkeys(LEDGER_KEYS)
    distortion = mean_over_rows(-found.log_likelihood, direction="upper" if filled else "exact")
    rate = mean_over_rows(found.rate, direction="exact")
    evidence = mean_over_rows(found.log_evidence, direction="lower" if filled else "exact")
    # The identity holds to the last digit of what is printed, not only to rounding.
    total = -(float(distortion) + float(rate))
    entries |= {
        "distortion": distortion,
        "rate": rate,
        "elbo": Estimate(total, "nats", "lower", 0.0, evidence.stderr_rows),
        "log_likelihood_lower" if filled else "log_likelihood_exact": evidence,
        "distortion_per_column": mean_over_rows(-_known(found.column_log_likelihood), direction=distortion.direction),
        "active_units": Estimate(float(np.sum(found.mean.var(0) > ACTIVE_VARIANCE)), "count", "exact", 0.0),
    }
    zero = Estimate(0.0, "nats", "exact", 0.0, 0.0)
    entries |= dict.fromkeys(("inference_gap", "approximation_gap", "amortisation_gap"), zero)
    aggregate = aggregate_of_normals(found.mean, _scale(found), found.rate)
    entries |= {} if aggregate is None else aggregate.entries()
    if found.kl_terms is not None:
        entries["rate_per_dimension"] = mean_over_rows(found.kl_terms, direction="exact")
    independent = independent_normal(baseline, rows, added_variance)
    entries["log_likelihood_independent"] = mean_over_rows(independent, direction="lower" if filled else "exact")
    if not isinstance(rows, Observation):

        def through(values: np.ndarray) -> np.ndarray:
            return model.mean + posterior_means(model, values) @ model.loadings.T

        entries |= squared_error_entries(through, rows, 1.0, baseline.mean, principal_axes)
    # One bound less another may lie on either side.
    gain = mean_over_rows(found.log_evidence - independent, direction="estimate" if filled else "exact")
    return Ledger(entries, measure, row_count(rows), _columns(rows), draws=0, gain=gain)


def make_projection_ledger(
    model: LinearProjection,
    rows: np.ndarray,
    baseline: ColumnMoments,
    *,
    added_variance: np.ndarray,
    measure: Measure = "lebesgue",
) -> Ledger:
    """The ledger of a linear autoencoder: distortion and squared error, and no rate, for it has no prior. Arguments as
    for `make_exact_ledger`."""
    entries: dict[str, Estimate | None] = dict.fromkeys(LEDGER_KEYS)
    by_column = projection_log_likelihood(model, rows, added_variance)
    above, below = ("upper", "lower") if added_variance.any() else ("exact", "exact")
    entries["distortion"] = mean_over_rows(-by_column.sum(1), direction=above)
    entries["distortion_per_column"] = mean_over_rows(-by_column, direction=above)
    independent = independent_normal(baseline, rows, added_variance)
    entries["log_likelihood_independent"] = mean_over_rows(independent, direction=below)
    entries |= squared_error_entries(projection(model.axes, model.mean), rows, 1.0, model.mean, model.axes)
    return Ledger(entries, measure, row_count(rows), _columns(rows), draws=0)


def projection_log_likelihood(
    model: LinearProjection, rows: np.ndarray, added_variance: np.ndarray, shown: np.ndarray | None = None
) -> np.ndarray:
    """log p(x | encode(x~)) of each column, in nats, [row, column]: E over what fills the intervals of whole numbers.

    shown: x~, what is encoded; the rows themselves where None.
    """
    residual = rows - projection(model.axes, model.mean)(rows if shown is None else shown)
    noise = float(model.noise_variance)
    return -0.5 * (np.log(2.0 * np.pi * noise) + (residual**2 + added_variance) / noise)


def independent_normal(baseline: ColumnMoments, rows: Any, added_variance: np.ndarray) -> np.ndarray:
    """log p(x) under independent normal columns, in nats, [row]; holes are left out, columns of variance 0 add
    nothing."""
    values, observed = (rows.values, rows.observed) if isinstance(rows, Observation) else (rows, True)
    variance = baseline.variance + added_variance
    safe = np.where(variance > 0, variance, 1.0)
    of_columns = -0.5 * (np.log(2.0 * np.pi * safe) + ((values - baseline.mean) ** 2 + added_variance) / safe)
    return np.where(observed & (variance > 0), of_columns, 0.0).sum(1)


def _scale(found: ExactInference) -> np.ndarray:
    """Of each row's posterior: [row, latent] where its dimensions are independent, else [row, latent, latent]."""
    if found.kl_terms is not None:
        return np.broadcast_to(np.sqrt(np.diagonal(found.covariance)), found.mean.shape)
    factors = np.linalg.cholesky(found.covariance)
    return np.broadcast_to(factors, (*found.mean.shape, found.mean.shape[1]))


def _known(array: np.ndarray | None) -> np.ndarray:
    assert array is not None
    return array


def _columns(rows: Any) -> int:
    return jax.tree.leaves(rows)[0].shape[1]
