"""What probabilistic PCA and factor analysis have in common: exact posterior, exact log p(x), exact ledger."""

import warnings
from abc import abstractmethod
from typing import Any, ClassVar, final

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from isthmus.estimators.linear import LinearEstimator, Solution, array_of
from isthmus.estimators.real_rows import RealRows
from isthmus.evidence import Ledger, make_exact_ledger
from isthmus.fitting import LinearFit, expectation_maximisation
from isthmus.fitting.moments import column_moments
from isthmus.inference import conditional_values, infer_exactly, posterior_means, sample_conditional_values
from isthmus.models import LinearGaussian, Observation, canonical_form


class LinearGaussianEstimator(LinearEstimator):
    """z ~ N(0, I), x = m + W z + noise: what both kinds of noise have in common."""

    takes_holes = True
    own_noise: ClassVar[bool]
    """Whether each column has a noise of its own."""

    @abstractmethod
    def _principal_axes(self, values: Any, weights: np.ndarray | None, model: LinearGaussian) -> np.ndarray | None:
        """The principal axes of the rows, [column, latent], whose copy index stands beside the model's; None for rows
        with holes, which have none in closed form."""

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
        if not found.converged:
            warnings.warn(
                f"the likelihood was still rising after {len(found.log_likelihoods)} steps; raise max_iterations or "
                "tolerance",
                ConvergenceWarning,
                stacklevel=3,
            )
        variance = _variance(values, weights)
        model = _completed(found.model, variance, rows, self.own_noise)
        axes = self._principal_axes(values, weights, found.model)
        facts = {
            "steps": len(found.log_likelihoods),
            "converged": bool(found.converged),
            "with_holes": model.with_holes,
        }
        # Of a column that never varies the baseline is what the model has for it: neither gains by it.
        variance = np.where(variance > 0, variance, model.noise_variance - rows.added_variance)
        return Solution(model, variance, facts, found.log_likelihoods, model.loadings.shape[1], axes)

    @final
    def _latents(self, rows: Any) -> np.ndarray:
        return posterior_means(self.model_, rows)

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
    def _account(self, rows: Any, draws: int, gaps: bool = False) -> Ledger:
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
        noise = array_of(arrays, "model.noise_variance", (columns,))
        if not (noise > 0).all():
            raise ValueError("a noise variance is not above 0")
        mean, loadings = array_of(arrays, "model.mean", (columns,)), array_of(arrays, "model.loadings", (columns, size))
        model = LinearGaussian(mean, loadings, noise, with_holes=facts["with_holes"])
        with np.errstate(all="ignore"):
            # What cannot score the likeliest row there is cannot score any. LinAlgError is a ValueError.
            score = infer_exactly(model, mean[None]).log_evidence
        if not np.isfinite(score).all():
            raise ValueError("the likeliest row has no finite density")
        return model


def fit_by_steps(values: Any, weights: np.ndarray | None, size: int, configuration: Any, noise: Any) -> LinearFit:
    """By expectation maximisation, of rows with holes or without."""
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


def _completed(found: LinearGaussian, variance: np.ndarray, rows: RealRows, own_noise: bool) -> LinearGaussian:
    """The model with a scale of 1 for columns that never vary, where each has its own, and with noise for what fills
    the unit intervals of whole numbers.

    The likeliest model of x + u is that of x, and u: exactly so in probabilistic PCA of whole columns only, and nearly
    so elsewhere.
    """
    noise = np.where((variance > 0) | (not own_noise), found.noise_variance, 1.0) + rows.added_variance
    model = LinearGaussian(found.mean, found.loadings, noise, found.with_holes)
    model = canonical_form(model) if any(rows.whole) else model
    return LinearGaussian(model.mean, np.ascontiguousarray(model.loadings), noise, found.with_holes)


def _variance(values: Any, weights: np.ndarray | None) -> np.ndarray:
    """Of each column over the rows that show it, [column]."""
    if not isinstance(values, Observation):
        count, _, squares = column_moments(values, weights)
        return squares / count
    shown, numbers = np.asarray(values.observed), np.asarray(values.values)
    counts = shown * (1.0 if weights is None else weights[:, None])
    share = counts / np.maximum(counts.sum(0), np.finfo(float).tiny)
    return (share * np.where(shown, numbers - (share * numbers).sum(0), 0.0) ** 2).sum(0)
