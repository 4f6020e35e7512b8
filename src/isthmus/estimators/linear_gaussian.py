"""Probabilistic PCA and factor analysis as scikit-learn estimators: exact posterior, exact log p(x), exact ledger."""

import warnings
from abc import abstractmethod
from typing import Any, final

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from isthmus.estimators.configuration import FactorAnalysisConfiguration, ProbabilisticPCAConfiguration
from isthmus.estimators.linear import LinearEstimator, Solution, array_of
from isthmus.estimators.real_rows import RealRows
from isthmus.evidence import Ledger, make_exact_ledger
from isthmus.fitting import (
    LinearFit,
    PrincipalComponents,
    components_of_moments,
    expectation_maximisation,
    factor_analysis,
    moments_of,
    principal_components,
    probabilistic_components,
)
from isthmus.fitting.moments import column_moments
from isthmus.inference import conditional_values, infer_exactly, sample_conditional_values
from isthmus.models import LinearGaussian, Observation, canonical_form


class LinearGaussianEstimator(LinearEstimator):
    """z ~ N(0, I), x = m + W z + noise: what both kinds of noise have in common."""

    takes_holes = True

    @abstractmethod
    def _principal_axes(
        self, values: np.ndarray, weights: np.ndarray | None, size: int, model: LinearGaussian
    ) -> np.ndarray:
        """The principal axes of the rows, [column, size], whose copy index stands beside the model's."""

    @abstractmethod
    def _maximise(self, values: Any, weights: np.ndarray | None, size: int, configuration: Any) -> LinearFit:
        """The likeliest model of encoded rows."""

    @final
    def sample(self, n: int = 1, *, random_state: int = 0) -> np.ndarray:
        """`n` new rows from p(z) p(x | z), [n, column], in the columns' own units."""
        model = self.model_
        if n < 1:
            raise ValueError(f"n is {n}; expected at least one row to sample")
        generator = np.random.default_rng(random_state)
        latent = generator.standard_normal((n, self.n_components_))
        noise = np.sqrt(model.noise_variance) * generator.standard_normal((n, len(model.mean)))
        return model.mean + latent @ model.loadings.T + noise

    @final
    def impute(self, X, n: int | None = None, *, random_state: int = 0) -> Any:
        """X with its holes filled, as X is: an array, a frame or a table; what was observed stays to the bit.

        n: None fills each hole with its mean given what the row shows; a number gives a list of so many versions, each
        hole filled by a draw. Parameters are taken as known, so that the variance between versions is a little too
        small for Rubin's rules (Rubin 1987).
        """
        rows = self._encoded(X)
        if n is None:
            return self._rows.decode(conditional_values(self.model_, rows), like=X)
        if n < 1:
            raise ValueError(f"n is {n}; expected at least one version, or None for conditional means")
        versions = np.moveaxis(sample_conditional_values(self.model_, rows, n, random_state), 1, 0)
        return [self._rows.decode(version, like=X) for version in versions]

    @property
    def explained_variance_(self) -> np.ndarray:
        """The variance that each dimension of the latent gives all columns together, [n_components]."""
        return (self.model_.loadings**2).sum(0)

    @property
    def n_iter_(self) -> int:
        """How many steps were taken; 1 for a closed form."""
        return self._steps["steps"]

    @property
    def converged_(self) -> bool:
        """Whether the last step rose by less than the tolerance."""
        return self._steps["converged"]

    @property
    def _steps(self) -> dict[str, Any]:
        self.model_  # noqa: B018 - raises NotFittedError
        return self._fitted.facts

    def _largest_size(self, rows: int, columns: int) -> int:
        return columns - 1

    @final
    def _solve(
        self, rows: RealRows, values: Any, weights: np.ndarray | None, size: int, configuration: Any
    ) -> Solution:
        found = self._maximise(values, weights, size, configuration)
        model = found.model
        # Noise of its own that fills the unit intervals: the likeliest model of x + u is that of x, and u.
        noise = model.noise_variance + rows.added_variance
        model = canonical_form(LinearGaussian(model.mean, model.loadings, noise))
        if not found.converged:
            warnings.warn(
                f"the likelihood was still rising after {len(found.log_likelihoods)} steps; raise max_iterations or "
                "tolerance",
                ConvergenceWarning,
                stacklevel=3,
            )
        size = model.loadings.shape[1]
        axes = None if isinstance(values, Observation) else self._principal_axes(values, weights, size, model)
        facts = {"steps": len(found.log_likelihoods), "converged": bool(found.converged), "axes": axes is not None}
        return Solution(model, _variance(values, weights), facts, found.log_likelihoods, size, axes)

    @final
    def _latents(self, rows: Any) -> np.ndarray:
        return infer_exactly(self.model_, rows).mean

    @final
    def _values(self, latents: np.ndarray) -> np.ndarray:
        return self.model_.mean + latents @ self.model_.loadings.T

    @final
    def _scores(self, rows: Any) -> np.ndarray:
        return infer_exactly(self.model_, rows, added_variance=self._rows.added_variance).log_evidence

    @final
    def _column_scores(self, rows: Any) -> np.ndarray:
        added = self._rows.added_variance
        found = infer_exactly(self.model_, rows, added_variance=added, by_column=True).column_log_likelihood
        assert found is not None
        return found

    @final
    def _account(self, rows: Any, draws: int) -> Ledger:
        own = self._rows
        return make_exact_ledger(
            self.model_,
            rows,
            self._moments,
            added_variance=own.added_variance,
            principal_axes=self._fitted.baseline.get("axes"),
            measure=own.measure,
        )

    @classmethod
    def _read_model(
        cls, arrays: dict[str, np.ndarray], columns: int, size: int, facts: dict[str, Any]
    ) -> LinearGaussian:
        noise = array_of(arrays, "noise_variance", (columns,))
        if not (noise > 0).all():
            raise ValueError("a noise variance is not above 0")
        return LinearGaussian(
            array_of(arrays, "mean", (columns,)), array_of(arrays, "loadings", (columns, size)), noise
        )


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
        lengths = np.linalg.norm(self.model_.loadings, axis=0)
        return (self.model_.loadings / np.where(lengths > 0, lengths, 1.0)).T

    @property
    def noise_variance_(self) -> float:
        """sigma^2."""
        return float((self.model_.noise_variance - self._rows.added_variance)[0])

    def _principal_axes(
        self, values: np.ndarray, weights: np.ndarray | None, size: int, model: LinearGaussian
    ) -> np.ndarray:
        # They are what its loadings span.
        return np.linalg.qr(model.loadings)[0]

    def _maximise(self, values: Any, weights: np.ndarray | None, size: int, configuration: Any) -> LinearFit:
        holes = isinstance(values, Observation)
        if configuration.solver == "closed_form" and holes:
            raise ValueError("the rows have holes, for which there is no closed form; pass solver='em' or 'auto'")
        if holes or configuration.solver == "em":
            return _by_steps(values, weights, size, configuration, "isotropic")
        wide = values.shape[1] > values.shape[0]
        if wide and size < len(values):
            components = principal_components(values, size, weights, ddof=configuration.ddof)
        else:
            components = components_of_moments(moments_of(values, weights), size, ddof=configuration.ddof)
        if configuration.n_components is None:
            # Rows that lie in a plane leave no noise to a latent of the plane's size.
            components = components.first(max(min(size, components.rank - 1), 1))
        model = probabilistic_components(components)
        return LinearFit(model, np.array([_mean_log_likelihood(components, configuration.ddof)]), True)


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

    def _principal_axes(
        self, values: np.ndarray, weights: np.ndarray | None, size: int, model: LinearGaussian
    ) -> np.ndarray:
        return principal_components(values, min(size, *values.shape), weights).axes

    def _maximise(self, values: Any, weights: np.ndarray | None, size: int, configuration: Any) -> LinearFit:
        if isinstance(values, Observation):
            return _by_steps(values, weights, size, configuration, "per_column")
        return factor_analysis(
            moments_of(values, weights),
            size,
            tolerance=configuration.tolerance,
            max_iterations=configuration.max_iterations,
            seed=configuration.random_state,
        )


def _by_steps(values: Any, weights: np.ndarray | None, size: int, configuration: Any, noise: Any) -> LinearFit:
    holes = isinstance(values, Observation)
    return expectation_maximisation(
        values.values if holes else values,
        values.observed if holes else np.ones(values.shape, bool),
        size,
        noise,
        weights,
        tolerance=configuration.tolerance,
        max_iterations=configuration.max_iterations,
        seed=configuration.random_state,
    )


def _mean_log_likelihood(components: PrincipalComponents, ddof: int) -> float:
    """Mean log p(x) of the training rows, whose covariance the model has along every axis."""
    columns, k = components.axes.shape
    noise = components.discarded_mean
    log_determinant = np.log(np.maximum(components.eigenvalues, noise)).sum() + (columns - k) * np.log(noise)
    squares = columns * (components.count - ddof) / components.count
    return -0.5 * float(columns * np.log(2.0 * np.pi) + log_determinant + squares)


def _variance(values: Any, weights: np.ndarray | None) -> np.ndarray:
    """Of each column over the rows that show it, [column]."""
    if not isinstance(values, Observation):
        count, _, squares = column_moments(values, weights)
        return squares / count
    shown, numbers = np.asarray(values.observed), np.asarray(values.values)
    counts = shown * (1.0 if weights is None else weights[:, None])
    share = counts / np.maximum(counts.sum(0), np.finfo(float).tiny)
    return (share * np.where(shown, numbers - (share * numbers).sum(0), 0.0) ** 2).sum(0)
