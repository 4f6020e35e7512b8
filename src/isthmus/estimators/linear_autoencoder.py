"""The linear autoencoder, which is PCA, as a scikit-learn estimator."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from sklearn.utils.validation import _check_sample_weight

from isthmus.data import Dataset
from isthmus.estimators.configuration import LinearAutoencoderConfiguration
from isthmus.estimators.linear import LinearEstimator, Solution, array_of, some_weighted
from isthmus.estimators.real_rows import RealRows
from isthmus.evidence import Ledger, make_projection_ledger
from isthmus.evidence.exact_ledger import projection_log_likelihood
from isthmus.fitting import (
    Moments,
    PrincipalComponents,
    components_of_moments,
    gradient_components,
    moments_of,
    principal_components,
    randomised_components,
)
from isthmus.fitting.moments import column_moments
from isthmus.models import LinearProjection
from isthmus.models.likelihoods import SCALE_RESOLUTION

FEW_AXES, MANY_COLUMNS = 0.1, 1000
BATCH_NUMBERS = 2**22
"""So many numbers of a batch, 32 MB, are read at a time where the rows are beyond memory."""


class LinearAutoencoder(LinearEstimator):
    """z = U^T (x - m), x_hat = m + U z with U^T U = I: the linear map of least mean |x - x_hat|^2, which is PCA.

    X: numbers, [row, column]; float64 is not copied.

    n_components: latent size; None takes half the columns, at most 32.
    solver: "full" decomposes the covariance (or, of few rows, their Gram matrix); "randomised" projects at random
        (Halko, Martinsson and Tropp 2011); "incremental" reads rows batch by batch, once, for data beyond memory, and
        `partial_fit` does so by hand (offset_ is then that of the first batch); "gradient" descends the squared error;
        "auto" is full, but randomised for a few axes of more than 1,000 columns.
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

    def fit(self, X, y=None, sample_weight=None, *, on_record=None) -> Self:
        """Fit to rows X, [row, column] of finite numbers; y is ignored.

        sample_weight: [row], how often each row counts; a weight of 2 is the row twice.  on_record: told of each step.
        Raises ValueError for rows, weights or arguments that cannot be used.
        """
        vars(self).pop("_gathered", None)
        if self.solver != "incremental" or sample_weight is not None:
            return super().fit(X, y, sample_weight, on_record=on_record)
        values = X.values if isinstance(X, Dataset) else X
        if not isinstance(values, np.ndarray) or values.ndim != 2:
            return super().fit(X, y, on_record=on_record)
        batch = max(BATCH_NUMBERS // max(values.shape[1], 1), 2)
        # A rest of less than half a batch goes with the last one.
        starts = range(0, max(len(values) - batch // 2, 1), batch)
        for start, end in zip(starts, [*starts[1:], len(values)], strict=True):
            self._gather(values[start:end], None)
        self._solve_gathered()
        return self

    def partial_fit(self, X, y=None, sample_weight=None) -> Self:
        """Fit to these rows and all that came before them, since the last `fit`; the rows themselves are not kept.

        Raises ValueError as `fit` does; a loaded estimator begins anew.
        """
        self._gather(X, sample_weight)
        self._solve_gathered()
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
            return _of_moments(rows, moments_of(values, weights), size, configuration)
        if solver == "randomised":
            found = randomised_components(values, size, configuration.random_state, weights, ddof=1)
        else:
            found = principal_components(values, size, weights, ddof=1)
        squares = column_moments(values, weights)[2]
        return _solution(rows, found, squares / found.count, configuration)

    def _gather(self, X: Any, sample_weight: Any) -> None:
        configuration = LinearAutoencoderConfiguration.checked(self.get_params(deep=False))
        if configuration.calibration_fraction > 0:
            raise ValueError(
                "calibration_fraction sets rows aside, and rows in batches are not kept; pass calibration_fraction=0, "
                "and rows that the fit never saw to calibrate(X)"
            )
        before: _Gathered | None = vars(self).get("_gathered")
        if before is None:
            rows, values = RealRows.inspect(self, X, configuration.dequantise, holes=False)
        else:
            values = before.rows.encode(self, X)
            assert isinstance(values, np.ndarray)
            rows = before.rows.also(values)
        assert isinstance(values, np.ndarray)
        weights = None if sample_weight is None else _check_sample_weight(sample_weight, values)
        moments = moments_of(values, weights)
        if before is None:
            self._gathered = _Gathered(rows, moments, some_weighted(values, weights))
        else:
            self._gathered = _Gathered(rows, before.moments.merge(moments), before.some)

    def _solve_gathered(self) -> None:
        configuration = LinearAutoencoderConfiguration.checked(self.get_params(deep=False))
        rows, moments, some = self._gathered.rows, self._gathered.moments, self._gathered.some
        size = self._size(configuration.n_components, int(moments.count), rows.column_count)
        self._finish(rows, _of_moments(rows, moments, size, configuration), some, None, configuration)

    def _latents(self, rows: Any) -> np.ndarray:
        model = self.model_
        latents = rows @ model.axes - model.mean @ model.axes
        return latents / model.latent_scale if self._fitted.facts["whitened"] else latents

    def _values(self, latents: np.ndarray) -> np.ndarray:
        model = self.model_
        return model.mean + (latents * model.latent_scale) @ model.axes.T

    def _scores(self, rows: Any) -> np.ndarray:
        return self._column_scores(rows).sum(1)

    def _column_scores(self, rows: Any) -> np.ndarray:
        return projection_log_likelihood(self.model_, rows, self._rows.added_variance)

    def _account(self, rows: Any, draws: int) -> Ledger:
        own = self._rows
        return make_projection_ledger(
            self.model_, rows, self._moments, added_variance=own.added_variance, measure=own.measure
        )

    @classmethod
    def _read_model(
        cls, arrays: dict[str, np.ndarray], columns: int, size: int, facts: dict[str, Any]
    ) -> LinearProjection:
        return LinearProjection(
            array_of(arrays, "mean", (columns,)),
            array_of(arrays, "axes", (columns, size)),
            array_of(arrays, "latent_scale", (size,)),
            array_of(arrays, "noise_variance", ()),
        )


@dataclass(frozen=True)
class _Gathered:
    """What is kept of rows that came in batches; some: a few of the first batch, and their weights."""

    rows: RealRows
    moments: Moments
    some: tuple[Any, np.ndarray]


def _of_moments(rows: RealRows, moments: Moments, size: int, configuration: Any) -> Solution:
    path = None
    if configuration.solver == "gradient":
        found, fit = gradient_components(moments, size, configuration.random_state, ddof=1)
        # The loss is that of columns of unit variance, less what no map changes.
        path = -found.total_variance * (1.0 + np.array([look.loss for look in fit.history]))
    else:
        found = components_of_moments(moments, size, ddof=1)
    variance = np.diagonal(moments.scatter) / moments.count
    return _solution(rows, found, variance, configuration, path)


def _solution(
    rows: RealRows,
    found: PrincipalComponents,
    variance: np.ndarray,
    configuration: Any,
    path: np.ndarray | None = None,
) -> Solution:
    if configuration.n_components is None:
        # Which way an axis without variance points is chance.
        found = found.first(max(found.rank, 1))
    columns, size = found.axes.shape
    # Of the rows themselves, and not of the population they come from: what a distortion is measured by.
    over_rows = (found.count - 1.0) / found.count
    left = max(found.total_variance - float(found.eigenvalues.sum()), 0.0) * over_rows / columns
    floor = SCALE_RESOLUTION**2 * max(found.total_variance / columns, np.finfo(float).tiny)
    noise = max(left, floor) + float(rows.added_variance.mean())
    spread = np.sqrt(np.where(found.eigenvalues > 0, found.eigenvalues, 1.0))
    scale = spread if configuration.whiten else np.ones(size)
    facts = {
        "explained_variance": found.eigenvalues.tolist(),
        "total_variance": found.total_variance,
        "count": found.count,
        "whitened": bool(configuration.whiten),
    }
    steps = -np.array([left * columns]) if path is None else path
    return Solution(LinearProjection(found.mean, found.axes, scale, np.array(noise)), variance, facts, steps, size)
