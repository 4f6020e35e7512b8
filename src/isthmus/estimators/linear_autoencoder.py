"""The linear autoencoder, which is PCA, as a scikit-learn estimator."""

from dataclasses import replace
from typing import Any, Self

import numpy as np
from sklearn.utils.validation import _check_sample_weight

from isthmus.data import Dataset
from isthmus.estimators.anomalies import MOST_THRESHOLD_ROWS
from isthmus.estimators.configuration import LinearAutoencoderConfiguration
from isthmus.estimators.linear import LinearEstimator, Solution, array_of, some_weighted
from isthmus.estimators.linear_solution import Gathered, solution_of_components, solution_of_moments
from isthmus.estimators.real_rows import RealRows, require_whole
from isthmus.estimators.splits import THRESHOLD_STREAM, some_indices
from isthmus.evidence import Ledger, make_projection_ledger
from isthmus.evidence.exact_ledger import projection_log_likelihood
from isthmus.fitting import (
    moments_of,
    principal_components,
    randomised_components,
)
from isthmus.fitting.moments import column_moments
from isthmus.models import LinearProjection
from isthmus.models.linear import centred_product

FEW_AXES, MANY_COLUMNS = 0.1, 1000
BATCH_NUMBERS = 2**22
"""So many numbers of a batch, 32 MB, are read at a time where the rows are beyond memory."""


class LinearAutoencoder(LinearEstimator):
    """z = U^T (x - m), x_hat = m + U z with U^T U = I: the linear map of least mean |x - x_hat|^2, which is PCA.

    X: numbers, [row, column]; float64 is not copied.

    n_components: latent size; None takes half the columns, at most 32.
    solver: "full" decomposes the covariance (or, of few rows, their Gram matrix); "randomised" projects at random
        (Halko, Martinsson and Tropp 2011); "incremental" reads rows batch by batch, once, for data beyond memory, and
        `partial_fit` does so by hand (arrays and data sets; frames are read whole); "gradient" descends the squared
        error; "auto" is full, but randomised for a few axes of more than 1,000 columns.
    whiten: latents of unit variance.
    dequantise: take whole-number columns, or those that are named, as unit intervals, so that distortions are
        -log-probabilities from above.
    calibration_fraction, contamination, random_state: as in VAE.

    After fit: model_ (encode and likelihood), components_ [n_components, column], mean_, explained_variance_ (over
    rows - 1), explained_variance_ratio_, singular_values_, noise_variance_ (mean variance left out), n_samples_,
    n_components_, history_, offset_, n_features_in_, feature_names_in_.

    Pearson 1901; Hotelling 1933; Bourlard and Kamp 1988; Baldi and Hornik 1989.

    >>> from sklearn.datasets import load_wine
    >>> from isthmus import LinearAutoencoder
    >>> LinearAutoencoder(n_components=2).fit(load_wine().data).explained_variance_ratio_.round(4)
    array([0.9981, 0.0017])
    """

    configuration_type = LinearAutoencoderConfiguration
    takes_holes = False

    def __init__(
        self,
        n_components=None,
        *,
        solver="auto",
        whiten=False,
        dequantise=False,
        calibration_fraction=0.0,
        contamination=0.1,
        random_state=0,
    ):
        self.n_components = n_components
        self.solver = solver
        self.whiten = whiten
        self.dequantise = dequantise
        self.calibration_fraction = calibration_fraction
        self.contamination = contamination
        self.random_state = random_state

    def fit(self, X, y=None, sample_weight=None, *, on_record=None, checkpoint=None) -> Self:
        """Fit to rows X, [row, column] of finite numbers; y is ignored.

        sample_weight: [row], how often each row counts; a weight of 2 is the row twice.  on_record: told of each step.
        checkpoint: nothing is kept there.
        Raises ValueError for rows, weights or arguments that cannot be used.
        """
        vars(self).pop("_gathered", None)
        data = X if isinstance(X, Dataset) else None
        values: Any = X if data is None else data.values
        if self.solver != "incremental" or sample_weight is not None or not _is_matrix(values):
            return super().fit(X, y, sample_weight, on_record=on_record)
        batch, gathered = max(BATCH_NUMBERS // max(values.shape[1], 1), 2), None
        # A rest of less than half a batch goes with the last one.
        starts = range(0, max(len(values) - batch // 2, 1), batch)
        for start, end in zip(starts, [*starts[1:], len(values)], strict=True):
            part = values[start:end] if data is None else data.rows(np.arange(start, end))
            gathered = self._gather(part, None, gathered)
        assert gathered is not None
        # Rows from all over, and not of the first batch alone, say what is an outlier.
        index = some_indices(len(values), MOST_THRESHOLD_ROWS, THRESHOLD_STREAM)
        some = np.asarray(values[index], np.float64), np.ones(len(index))
        self._solve_gathered(replace(gathered, some=some))
        if on_record is not None:
            for look in self.history_:
                on_record(look)
        return self

    def partial_fit(self, X, y=None, sample_weight=None) -> Self:
        """Fit to these rows and all that came before them, since the last `fit`; the rows themselves are not kept.

        offset_ is that of the first rows. Raises ValueError as `fit` does, and then counts nothing of X; a loaded
        estimator begins anew.
        """
        gathered = self._gather(X, sample_weight, vars(self).get("_gathered"))
        self._solve_gathered(gathered)
        self._gathered = gathered
        return self

    @property
    def components_(self) -> np.ndarray:
        """The principal axes, [n_components, column]."""
        return self.model_.axes.T

    @property
    def explained_variance_(self) -> np.ndarray:
        """The variance along each axis, over rows - 1, [n_components]."""
        return np.asarray(self._facts["explained_variance"])

    @property
    def explained_variance_ratio_(self) -> np.ndarray:
        """The share of the total variance along each axis, [n_components]."""
        total = self._facts["total_variance"]
        return self.explained_variance_ / total if total > 0 else np.zeros(self.n_components_)

    @property
    def singular_values_(self) -> np.ndarray:
        """Of the centred rows, [n_components]."""
        return np.sqrt(self.explained_variance_ * (self._facts["count"] - 1.0))

    @property
    def noise_variance_(self) -> float:
        """The mean variance along the directions that are left out, over rows - 1."""
        left = len(self.mean_) - self.n_components_
        return max(self._facts["total_variance"] - float(self.explained_variance_.sum()), 0.0) / left if left else 0.0

    @property
    def n_samples_(self) -> int:
        """The number of rows, or the sum of their weights."""
        return round(self._facts["count"])

    @property
    def _facts(self) -> dict[str, Any]:
        self.model_  # noqa: B018 - raises NotFittedError
        return self._fitted.facts

    def _largest_size(self, rows: int, columns: int) -> int:
        return min(rows, columns)

    def _solve(
        self, rows: RealRows, values: Any, weights: np.ndarray | None, size: int, configuration: Any
    ) -> Solution:
        solver, (count, columns) = configuration.solver, values.shape
        if solver == "auto":
            few = columns > MANY_COLUMNS and size < FEW_AXES * min(count, columns)
            solver = "randomised" if few else "full"
        if solver != "randomised" and (solver != "full" or columns <= count):
            return solution_of_moments(rows, moments_of(values, weights), size, configuration)
        if solver == "randomised":
            found = randomised_components(values, size, configuration.random_state, weights, ddof=1)
        else:
            found = principal_components(values, size, weights, ddof=1)
        squares = column_moments(values, weights)[2]
        return solution_of_components(rows, found, squares / found.count, configuration)

    def _gather(self, X: Any, sample_weight: Any, before: Gathered | None) -> Gathered:
        configuration = LinearAutoencoderConfiguration.checked(self.get_params(deep=False))
        if configuration.calibration_fraction > 0:
            raise ValueError(
                "calibration_fraction sets rows aside, and rows in batches are not kept; pass calibration_fraction=0, "
                "and rows that the fit never saw to calibrate(X)"
            )
        if before is None:
            rows, values = RealRows.inspect(self, X, configuration.dequantise, holes=False)
        else:
            rows, values = before.rows, before.rows.encode(self, X)
        assert isinstance(values, np.ndarray)
        weights = None if sample_weight is None else _check_sample_weight(sample_weight, values)
        if before is None:
            return Gathered(rows, moments_of(values, weights), some_weighted(values, weights))
        if not isinstance(configuration.dequantise, bool):
            require_whole(values, rows.names, configuration.dequantise)
        return Gathered(rows.also(values), before.moments.add(values, weights), before.some)

    def _solve_gathered(self, gathered: Gathered) -> None:
        configuration = LinearAutoencoderConfiguration.checked(self.get_params(deep=False))
        rows, moments = gathered.rows, gathered.moments
        size = self._size(configuration.n_components, int(moments.count), rows.column_count)
        self._finish(rows, solution_of_moments(rows, moments, size, configuration), gathered.some, None, configuration)

    def _latents(self, rows: Any) -> np.ndarray:
        model, facts = self.model_, self._fitted.facts
        latents = centred_product(rows, model.mean, model.axes, facts["total_variance"] ** 0.5)
        return latents / model.latent_scale if facts["whitened"] else latents

    def _values(self, latents: np.ndarray) -> np.ndarray:
        model = self.model_
        return model.mean + (latents * model.latent_scale) @ model.axes.T

    def _scores(self, rows: Any) -> np.ndarray:
        return self._column_scores(rows).sum(1)

    def _column_scores(self, rows: Any) -> np.ndarray:
        return projection_log_likelihood(self.model_, rows, self._rows.added_variance)

    def _account(self, rows: Any, draws: int, gaps: bool = False) -> Ledger:
        own = self._rows
        return make_projection_ledger(
            self.model_, rows, self._moments, added_variance=own.added_variance, measure=own.measure
        )

    @classmethod
    def _read_model(
        cls, arrays: dict[str, np.ndarray], columns: int, size: int, facts: dict[str, Any]
    ) -> LinearProjection:
        scale, noise = array_of(arrays, "model.latent_scale", (size,)), array_of(arrays, "model.noise_variance", ())
        if not (scale > 0).all() or noise < 0:
            raise ValueError("a scale of the latent is not above 0, or the noise variance is below it")
        mean, axes = array_of(arrays, "model.mean", (columns,)), array_of(arrays, "model.axes", (columns, size))
        return LinearProjection(mean, axes, scale, noise)


def _is_matrix(values: Any) -> bool:
    return isinstance(values, np.ndarray) and values.ndim == 2
