"""Factor analysis as a scikit-learn estimator."""

from typing import Any

import numpy as np

from isthmus.estimators.configuration import FactorAnalysisConfiguration
from isthmus.estimators.linear_gaussian import LinearGaussianEstimator, fit_by_steps
from isthmus.fitting import LinearFit, factor_analysis, moments_of, principal_components
from isthmus.models import LinearGaussian, Observation


class FactorAnalysis(LinearGaussianEstimator):
    """z ~ N(0, I), x ~ N(m + W z, Psi) with a noise of its own for each column, Psi diagonal, by maximum likelihood.

    X: numbers, [row, column], NaN where a value is missing: what is left of a row is used, exactly.

    n_components: number of factors, below that of columns; None takes half of them, at most 32.
    dequantise: take whole-number columns, or those that are named, as unit intervals, so that log p(x) is a
        log-probability from below.
    tolerance, max_iterations: of EM (Rubin and Thayer 1982; ECME where there are no holes, Liu and Rubin 1994), in nats
        per row.
    calibration_fraction, contamination, random_state: as in VAE.

    No noise falls below a millionth of its column's variance, or the likelihood has no maximum (Heywood 1931).

    After fit: model_ (prior, likelihood, exact posterior), components_ (the loadings W^T, [n_components, column]),
    mean_, noise_variance_ [column], explained_variance_, converged_, n_iter_, n_components_, history_, offset_,
    n_features_in_, feature_names_in_.

    >>> from sklearn.datasets import load_wine
    >>> from isthmus import FactorAnalysis
    >>> FactorAnalysis(n_components=2).fit(load_wine().data).noise_variance_.shape
    (13,)
    """

    configuration_type = FactorAnalysisConfiguration
    own_noise = True

    def __init__(
        self,
        n_components=None,
        *,
        dequantise=False,
        tolerance=1e-6,
        max_iterations=1000,
        calibration_fraction=0.0,
        contamination=0.1,
        random_state=0,
    ):
        self.n_components = n_components
        self.dequantise = dequantise
        self.tolerance = tolerance
        self.max_iterations = max_iterations
        self.calibration_fraction = calibration_fraction
        self.contamination = contamination
        self.random_state = random_state

    @property
    def components_(self) -> np.ndarray:
        """The loadings W^T, [n_components, column]."""
        return self.model_.loadings.T

    @property
    def noise_variance_(self) -> np.ndarray:
        """Of each column, [column]."""
        return self.model_.noise_variance - self._rows.added_variance

    def _principal_axes(self, values: Any, weights: np.ndarray | None, model: LinearGaussian) -> np.ndarray | None:
        if isinstance(values, Observation):
            return None
        return principal_components(values, min(model.loadings.shape[1], *values.shape), weights).axes

    def _maximise(self, values: Any, weights: np.ndarray | None, size: int, configuration: Any) -> LinearFit:
        if isinstance(values, Observation):
            return fit_by_steps(values, weights, size, configuration, "per_column")
        return factor_analysis(
            moments_of(values, weights),
            size,
            tolerance=configuration.tolerance,
            max_iterations=configuration.max_iterations,
            seed=configuration.random_state,
        )
