"""Probabilistic PCA as a scikit-learn estimator."""

from typing import Any

import numpy as np

from isthmus.estimators.configuration import ProbabilisticPCAConfiguration
from isthmus.estimators.linear_gaussian import LinearGaussianEstimator, fit_by_steps
from isthmus.fitting import (
    LinearFit,
    PrincipalComponents,
    components_of_moments,
    moments_of,
    principal_components,
    probabilistic_components,
)
from isthmus.models import LinearGaussian, Observation
from isthmus.models.linear import with_fixed_signs


class ProbabilisticPCA(LinearGaussianEstimator):
    """PCA with a density: z ~ N(0, I), x ~ N(m + W z, sigma^2 I), by maximum likelihood.

    X: numbers, [row, column], NaN where a value is missing: what is left of a row is used, exactly.

    n_components: latent size, below the number of columns; None takes half of them, at most 32.
    solver: "closed_form" (Tipping and Bishop 1999), "em" (Rubin and Thayer 1982), or "auto": em where there are holes.
    ddof: the covariance is over rows - ddof; 0 is maximum likelihood, 1 is what scikit-learn's PCA scores by.
    dequantise: take whole-number columns, or those that are named, as unit intervals, so that log p(x) is a
        log-probability from below.
    tolerance, max_iterations: of EM, in nats per row.
    calibration_fraction, contamination, random_state: as in VAE.

    After fit: model_ (prior, likelihood, exact posterior), components_ (the axes, [n_components, column]), mean_,
    noise_variance_ (sigma^2), explained_variance_, converged_, n_iter_, n_components_, history_, offset_,
    n_features_in_, feature_names_in_.

    >>> from sklearn.datasets import load_wine
    >>> from isthmus import ProbabilisticPCA
    >>> ledger = ProbabilisticPCA(n_components=2).fit(load_wine().data).ledger(load_wine().data)
    >>> print(ledger["inference_gap"])
    = 0 nats
    """

    configuration_type = ProbabilisticPCAConfiguration
    own_noise = False

    def __init__(
        self,
        n_components=None,
        *,
        solver="auto",
        ddof=0,
        dequantise=False,
        tolerance=1e-6,
        max_iterations=1000,
        calibration_fraction=0.0,
        contamination=0.1,
        random_state=0,
    ):
        self.n_components = n_components
        self.solver = solver
        self.ddof = ddof
        self.dequantise = dequantise
        self.tolerance = tolerance
        self.max_iterations = max_iterations
        self.calibration_fraction = calibration_fraction
        self.contamination = contamination
        self.random_state = random_state

    @property
    def components_(self) -> np.ndarray:
        """The principal axes, [n_components, column]."""
        self.model_  # noqa: B018 - raises NotFittedError
        return self._fitted.baseline["axes"].T

    @property
    def noise_variance_(self) -> float:
        """sigma^2."""
        return float((self.model_.noise_variance - self._rows.added_variance)[0])

    def _principal_axes(self, values: Any, weights: np.ndarray | None, model: LinearGaussian) -> np.ndarray:
        # They are what its loadings lie along.
        return with_fixed_signs(np.linalg.qr(model.loadings)[0])

    def _maximise(self, values: Any, weights: np.ndarray | None, size: int, configuration: Any) -> LinearFit:
        stepwise = isinstance(values, Observation) or configuration.solver == "em"
        if configuration.solver == "closed_form" and isinstance(values, Observation):
            raise ValueError("the rows have holes, for which there is no closed form; pass solver='em' or 'auto'")
        if stepwise and configuration.ddof:
            raise ValueError("ddof=1 is for the closed form, and EM finds the maximum of the likelihood; pass ddof=0")
        if stepwise:
            return fit_by_steps(values, weights, size, configuration, "isotropic")
        assert not isinstance(values, Observation)
        count, columns = values.shape
        if configuration.n_components is None and columns > count:
            # Fewer axes than rows are found from the rows' own Gram matrix.
            size = max(min(size, count - 1), 1)
        if columns > count and size < count:
            components = principal_components(values, size, weights, ddof=configuration.ddof)
        else:
            components = components_of_moments(moments_of(values, weights), size, ddof=configuration.ddof)
        if configuration.n_components is None:
            # Rows that lie in a plane leave no noise to a latent of the plane's size.
            components = components.first(max(min(size, components.rank - 1), 1))
        model = probabilistic_components(components)
        return LinearFit(model, np.array([_mean_log_likelihood(components, configuration.ddof)]), True)


def _mean_log_likelihood(components: PrincipalComponents, ddof: int) -> float:
    """Mean log p(x) of the training rows, whose covariance the model has along every axis."""
    columns, k = components.axes.shape
    noise = components.discarded_mean
    log_determinant = np.log(np.maximum(components.eigenvalues, noise)).sum() + (columns - k) * np.log(noise)
    squares = columns * (components.count - ddof) / components.count
    return -0.5 * float(columns * np.log(2.0 * np.pi) + log_determinant + squares)
