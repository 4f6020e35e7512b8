"""What a fitted rung of the ladder is measured by, and why what it lacks is blank."""

from dataclasses import dataclass, field
from typing import Any

import equinox as eqx
import jax
import numpy as np

from isthmus.estimators.corrupted_rows import with_values
from isthmus.estimators.estimator import LatentEstimator
from isthmus.estimators.ladder import Plan, Rung, difference_of_measures
from isthmus.estimators.real_rows import RealRows
from isthmus.estimators.runs import Rows, numbers_of, reconstructed_numbers, row_count, rows_as_text
from isthmus.evidence import Ledger, corrupted_distortion, measure_copying, projection, squared_error
from isthmus.fitting import principal_components
from isthmus.information import Estimate
from isthmus.models import split_parameters

COLUMNS = {
    "squared_error": "|x - x_hat|^2 on held-out rows",
    "distortion": "-log p(x | z) on held-out rows: what the latent does not say",
    "squared_error_corrupted": "|x - x_hat(x~)|^2, x~ the same rows corrupted",
    "distortion_corrupted": "-log p(x | z), z of the same rows corrupted",
    "r_squared": "the share of the columns' variance that comes through",
    "copy_index": "1 for a map that copies, 0 for one that cannot",
    "copy_index_of_pca": "the same for principal components of the same number",
    "rate": "KL(q(z | x) || p(z)): what the latent says",
    "log_likelihood": "log p(x) of held-out rows",
    "log_likelihood_to_best": "log p(x) less that of the best model, paired by row",
    "bits_per_dimension": "the codelength of x in bits per column",
}
"""What is measured of each model."""
SHOWN_ROWS = 12
NO_PRIOR = "it has no prior, and so no rate and no log-likelihood"
NO_SQUARES = "columns of words have no squared error"
NEEDS_WHOLE_ROWS = "it is measured on numbers without holes"


@dataclass
class Measured:
    """One model: columns, an Estimate or None for each key of COLUMNS; blanks, why; and what its pictures show.

    scores: log p(x) of each held-out row, where it is comparable.  clean, corrupted: reconstructions of the rows shown.
    """

    rung: Rung
    columns: dict[str, Estimate | None] = field(default_factory=lambda: dict.fromkeys(COLUMNS))
    blanks: dict[str, str] = field(default_factory=dict)
    parameters: int | None = None
    seconds: float | None = None
    error: str | None = None
    warnings: list[str] = field(default_factory=list)
    scores: np.ndarray | None = None
    clean: Any = None
    corrupted: Any = None

    def blank(self, reason: str, *keys: str) -> None:
        for key in keys:
            self.columns[key] = None
            self.blanks[key] = reason

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        return {
            "title": self.rung.title,
            "label": self.rung.label,
            "latent": self.rung.estimator.get_params()["n_components"],
            "columns": {key: None if entry is None else entry.to_dict() for key, entry in self.columns.items()},
            "blanks": self.blanks,
            "parameters": self.parameters,
            "seconds": self.seconds,
            "error": self.error,
            "warnings": self.warnings,
        }


@dataclass(frozen=True)
class Task:
    """What all models are measured on.

    clean, corrupted: the held-out rows.  numeric: whether no column holds words or moments.  training: training rows as
    numbers [row, column], 10,000 of them at most; None where they are not all known.  of_components: the copy index of
    principal components, by their number, once it has been asked for.
    """

    plan: Plan
    clean: Rows
    corrupted: Rows
    numeric: bool
    training: np.ndarray | None
    of_components: dict[int, Estimate | None] = field(default_factory=dict)

    @property
    def shown(self) -> np.ndarray:
        """The numbers of the held-out rows that pictures show."""
        return np.arange(min(SHOWN_ROWS, row_count(self.clean)))


def measure_model(measured: Measured, task: Task) -> None:
    """Fill in the columns, blanks and pictures of a fitted rung."""
    estimator: Any = measured.rung.estimator
    ledger = estimator.ledger(task.clean)
    _measure_squares(measured, estimator, ledger, task)
    if (reason := difference_of_measures(estimator._fitted.rows, task.plan)) is None:
        _measure_nats(measured, estimator, ledger, task)
    else:
        measured.blank(reason, "distortion", "distortion_corrupted", "log_likelihood", "bits_per_dimension")
        measured.columns["rate"] = ledger["rate"]
    if ledger["rate"] is None:
        measured.blank(NO_PRIOR, "rate", "log_likelihood", "log_likelihood_to_best", "bits_per_dimension")
    measured.clean, measured.corrupted = (
        _shown_reconstruction(estimator, data.rows(task.shown), task) for data in (task.clean, task.corrupted)
    )


def _measure_squares(measured: Measured, estimator: Any, ledger: Ledger, task: Task) -> None:
    if task.numeric:
        clean = numbers_of(task.clean, task.plan.names)
        for key, data in (("squared_error", task.clean), ("squared_error_corrupted", task.corrupted)):
            measured.columns[key] = squared_error(clean, reconstructed_numbers(estimator, data, task.plan.names))
    else:
        measured.blank(NO_SQUARES, "squared_error", "squared_error_corrupted")
    keys = ("r_squared", "copy_index", "copy_index_of_pca")
    found = {key: ledger[key] for key in keys}
    if task.training is not None:
        if found["copy_index"] is None:
            found |= _copying_of_table(estimator, task.training, task)
        found["copy_index_of_pca"] = _copying_of_components(estimator.n_components_, task.training, task)
    measured.columns |= found
    measured.blank(NEEDS_WHOLE_ROWS, *(key for key in keys if found[key] is None))


def _copying_of_table(estimator: Any, training: np.ndarray, task: Task) -> dict[str, Estimate | None]:
    """What the ledger of a table leaves out, because its columns may be of any kind: here they are numbers."""
    names = task.plan.names

    def through(values: np.ndarray) -> np.ndarray:
        return reconstructed_numbers(estimator, with_values(task.clean, names, values), names)

    own = measure_copying(through, numbers_of(task.clean, names), training.mean(0))
    return {} if own is None else {"r_squared": own.r_squared, "copy_index": own.copy_index}


def _copying_of_components(size: int, training: np.ndarray, task: Task) -> Estimate | None:
    """The copy index of as many principal components of the training rows."""
    if size not in task.of_components:
        centre, axes = training.mean(0), principal_components(training, min(size, *training.shape)).axes
        own = measure_copying(projection(axes, centre), numbers_of(task.clean, task.plan.names), centre)
        task.of_components[size] = None if own is None else own.copy_index
    return task.of_components[size]


def _measure_nats(measured: Measured, estimator: Any, ledger: Ledger, task: Task) -> None:
    rows = estimator._fitted.rows
    added = rows.added_variance if isinstance(rows, RealRows) else None
    encoded = (estimator._encoded(data) for data in (task.clean, task.corrupted))
    exact, lower = ledger["log_likelihood_exact"], ledger["log_likelihood_lower"]
    measured.columns |= {
        "distortion": ledger["distortion"],
        "distortion_corrupted": corrupted_distortion(estimator.model_, *encoded, added_variance=added),
        "rate": ledger["rate"],
        "log_likelihood": lower if exact is None else exact,
        "bits_per_dimension": ledger.bits_per_dimension(),
    }
    if measured.columns["log_likelihood"] is not None:
        measured.scores = estimator.score_samples(task.clean)
    if measured.columns["bits_per_dimension"] is None:
        measured.blank(
            "bits are the codelength of probabilities, and some columns have densities", "bits_per_dimension"
        )


def trained_numbers(estimator: LatentEstimator) -> int:
    """How many numbers the fit chose: those that gradients change, or mean, loadings and noise of a linear model."""
    model = estimator.model_
    if isinstance(estimator._fitted.rows, RealRows):
        columns, own_noise = len(estimator.column_names_), type(estimator).__name__ == "FactorAnalysis"
        return columns * (1 + estimator.n_components_) + (columns if own_noise else 1)
    return sum(leaf.size for leaf in jax.tree.leaves(eqx.filter(split_parameters(model)[0], eqx.is_array)))


def _shown_reconstruction(estimator: Any, data: Rows, task: Task) -> Any:
    if task.numeric:
        return reconstructed_numbers(estimator, data, task.plan.names)
    return rows_as_text(estimator.reconstruct(data), task.plan.names)
