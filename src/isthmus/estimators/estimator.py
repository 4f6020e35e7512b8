"""What every rung of the ladder has in common: the dialect of scikit-learn over one fitted record."""

import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Self, final

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, OutlierMixin, TransformerMixin
from sklearn.utils.validation import check_array, check_is_fitted

from isthmus.data import Table, anonymous_names
from isthmus.estimators.anomalies import MOST_CALIBRATION_ROWS, comparable_counts, conformal_p_values
from isthmus.estimators.configuration import Configuration
from isthmus.estimators.fitted import Fitted
from isthmus.estimators.matrix_rows import MatrixRows
from isthmus.estimators.splits import CALIBRATE_STREAM, some_rows
from isthmus.estimators.table_rows import TableRows
from isthmus.evidence import Ledger
from isthmus.fitting import Checkpoint, FitRecord
from isthmus.models.rows import row_count
from isthmus.storage import RunDirectory, write_model_file


class LatentEstimator(ClassNamePrefixFeaturesOutMixin, TransformerMixin, OutlierMixin, BaseEstimator, ABC):
    """A model that sends rows through a latent and back.

    A rung says how it is fitted, how rows become latents, values and scores, and what its ledger is; the rest is here.
    """

    configuration_type: ClassVar[type[Configuration]]
    history_: tuple[FitRecord, ...]
    _fitted: Fitted

    @abstractmethod
    def fit(
        self,
        X,
        y=None,
        *,
        on_record: Callable[[FitRecord], None] | None = None,
        checkpoint: Checkpoint | None = None,
    ) -> Self:
        """Fit to rows X; y is ignored. on_record is told of every look; checkpoint keeps the training's state."""

    @abstractmethod
    def _transformed(self, X: Any) -> np.ndarray:
        """The latent of each row of X, [row, latent]."""

    @abstractmethod
    def _latents(self, rows: Any) -> np.ndarray:
        """The latent of each encoded row, [row, latent]."""

    @abstractmethod
    def _values(self, latents: np.ndarray) -> np.ndarray:
        """Values in the model's units, [row, column], of each latent."""

    @abstractmethod
    def _scores(self, rows: Any) -> np.ndarray:
        """The score of each encoded row, in nats, [row]."""

    @abstractmethod
    def _column_scores(self, rows: Any) -> np.ndarray:
        """What each column contributes to the score, in nats, [row, column]."""

    @abstractmethod
    def _account(self, rows: Any, draws: int, gaps: bool = False) -> Ledger:
        """The ledger on encoded rows; gaps: split the inference gap, where the posterior is not exact."""

    @abstractmethod
    def _assumptions(self) -> dict[str, Any]:
        """What the figures rest on, as plain values."""

    @classmethod
    @abstractmethod
    def _from_record(cls, arrays: dict[str, np.ndarray], metadata: dict[str, Any], modules: dict[str, Any]) -> Fitted:
        """What a model file keeps; ModelFileError where its parts do not fit together."""

    @final
    def transform(self, X) -> np.ndarray:
        """The latent of each row, [row, n_components]: of probabilistic models the posterior mean. The same from call
        to call."""
        return np.asarray(self._transformed(X), np.float64)

    @final
    def inverse_transform(self, Z) -> Any:
        """The location of p(x | z) for each latent row of Z, in the columns' own units, [row, column]: the mean, or the
        mode where values are told apart."""
        check_is_fitted(self)
        latent: Any = check_array(Z, dtype="numeric", input_name="Z").astype(np.float64)
        if latent.shape[1] != self.n_components_:
            raise ValueError(f"Z has {latent.shape[1]} columns; expected the {self.n_components_} latent dimensions")
        return self._fitted.rows.decode(self._values(latent))

    @final
    def reconstruct(self, X) -> Any:
        """Each row sent through the bottleneck and back, in the columns' own units: an array [row, column], or a frame
        where X is one."""
        return self._fitted.rows.decode(self._values(self._latents(self._encoded(X))), like=X)

    @final
    def score_samples(self, X) -> np.ndarray:
        """log p(x) of each row in nats, [row]: exact in linear models, from below in a VAE (the importance-weighted
        bound at 128 draws); in autoencoders, which have no prior, log p(x | encode(x)), minus the distortion.

        With holes it is that of what was observed: rows with different holes are not comparable with each other. The
        same row always has the same score. A value that the likelihood cannot produce makes -inf, with a warning.
        """
        scores = self._scores(self._encoded(X))
        if self.is_table_ and np.isneginf(scores).any():
            warnings.warn(
                f"{int(np.isneginf(scores).sum())} of {len(scores)} rows hold a value to which its column gives no "
                "probability, such as 0 where all training values were above it: their log-likelihood is -inf",
                UserWarning,
                stacklevel=2,
            )
        return scores

    @final
    def score_columns(self, X) -> np.ndarray:
        """What each column contributes: log p(x | z) of each, its mean over the posterior where there is one, in nats,
        [row, column]; 0 in a hole.

        The lowest name the columns that make a row unlikely. The columns are those of `column_names_`.
        """
        return self._column_scores(self._encoded(X))

    @final
    def score(self, X, y=None) -> float:
        """The mean of `score_samples`."""
        return float(np.mean(self.score_samples(X)))

    @final
    def decision_function(self, X) -> np.ndarray:
        """`score_samples` less offset_, [row]: negative for outliers."""
        return self.score_samples(X) - self.offset_

    @final
    def predict(self, X) -> np.ndarray:
        """-1 for outliers, rows less likely than the share `contamination` of the training rows, and 1 for others."""
        return np.where(self.decision_function(X) < 0, -1, 1)

    @final
    def anomaly_pvalue(self, X) -> np.ndarray:
        """p = (1 + number of calibration rows at least as anomalous) / (n + 1) of each row, [row].

        Where test and calibration rows are exchangeable, P(p <= a) <= a for every a, on average over rows (not for each
        kind of row); with holes, where in addition the mask is independent of the values: each row is compared with
        those calibration rows that have all of its columns, under its own mask.
        Raises ValueError without calibration rows.
        """
        return conformal_p_values(self._scores, self._calibration(), self._encoded(X))

    @final
    def calibrate(self, X) -> Self:
        """Take rows X, which neither training nor early stopping may have seen, for p-values and intervals; 1,000 of
        them at random where there are more. Returns the estimator itself."""
        kept = some_rows(self._encoded(X), MOST_CALIBRATION_ROWS, CALIBRATE_STREAM)
        self._fitted = replace(self._fitted, calibration=kept)
        return self

    @final
    def calibration_counts(self, X) -> np.ndarray:
        """With how many calibration rows each row of X is compared for its p-value, [row]; 0 without any."""
        encoded = self._encoded(X)
        if self._fitted.calibration is None:
            return np.zeros(row_count(encoded), np.int64)
        return comparable_counts(self._fitted.calibration, encoded)

    @final
    def ledger(self, X, *, draws: int = 1000, gaps: bool = False) -> Ledger:
        """What passes through the bottleneck on rows X, in nats; `draws` of z a row for bounds that are sampled.

        gaps: of a VAE, bound log p(x) by annealing too and say where the ELBO's gap to it went: to the family of the
        posterior, or to the encoder (on at most 1,000 of the rows; it takes minutes where the ledger takes seconds).
        """
        return self._account(self._encoded(X), draws, gaps)

    @final
    def save(self, run: str | Path) -> None:
        """Write the fitted model to the run directory `run`, made where absent; `isthmus.load(run)` reads it."""
        check_is_fitted(self)
        write_model_file(RunDirectory.create(run).model, *self._fitted.to_record())

    @final
    @classmethod
    def from_record(cls, arrays: dict[str, np.ndarray], metadata: dict[str, Any], **modules: Any) -> Self:
        """The estimator that a model file describes; modules: those of one's own that the fit was given."""
        fitted = cls._from_record(arrays, metadata, modules)
        estimator: Any = cls(**dict(fitted.configuration))
        given = fitted.rows.given
        estimator.n_features_in_ = len(given)
        if given != anonymous_names(len(given)):
            estimator.feature_names_in_ = np.array(given, dtype=object)
        estimator._keep(fitted)
        return estimator

    @property
    def model_(self) -> Any:
        """The module underneath: three methods where it is probabilistic, two where it is not."""
        check_is_fitted(self)
        return self._fitted.model

    @property
    def _n_features_out(self) -> int:
        return self.n_components_

    @property
    def column_names_(self) -> tuple[str, ...]:
        """The names of the columns that are modelled."""
        check_is_fitted(self)
        return self._fitted.rows.names

    @property
    def is_table_(self) -> bool:
        """Whether each column has a likelihood of its own."""
        check_is_fitted(self)
        return isinstance(self._fitted.rows, TableRows)

    @property
    def offset_(self) -> float:
        """The score under which the share `contamination` of the training rows fell."""
        check_is_fitted(self)
        return self._fitted.threshold

    @property
    def assumptions_(self) -> dict[str, Any]:
        """What the figures rest on: the likelihood and why it was chosen, its measure, the sizes, the training."""
        check_is_fitted(self)
        return self._assumptions()

    def _keep(self, fitted: Fitted) -> None:
        self._fitted = fitted
        self.n_components_ = fitted.architecture.latent_size
        for name in ("schema_", "likelihood_"):
            vars(self).pop(name, None)  # of a fit before this one
        if isinstance(fitted.rows, TableRows):
            self.schema_ = fitted.rows.schema
        elif isinstance(fitted.rows, MatrixRows):
            self.likelihood_ = fitted.rows.choice

    def _encoded(self, X) -> Any:
        check_is_fitted(self)
        return self._fitted.rows.encode(self, X)

    def _calibration(self) -> Any:
        check_is_fitted(self)
        if self._fitted.calibration is None:
            raise ValueError(
                "there are no calibration rows; fit with calibration_fraction=0.2, or pass rows that the fit never saw "
                "to calibrate(X)"
            )
        return self._fitted.calibration

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags

    def __getstate__(self) -> dict[str, Any]:
        # Arrays and plain values only: a pickled module would tie the pickle to the classes' insides.
        state: Any = super().__getstate__()
        if "_fitted" not in state:
            return state
        return {**state, "_fitted": (*state["_fitted"].to_record(), state["_fitted"].modules)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        if "_fitted" in state:
            arrays, metadata, modules = state["_fitted"]
            state = {**state, "_fitted": self._from_record(arrays, metadata, modules)}
        super().__setstate__(state)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_fitted")


def require_table(fitted: Fitted, method: str) -> TableRows:
    """The rows of a table; ValueError for a model that has one likelihood for all columns."""
    if not isinstance(fitted.rows, TableRows):
        kind = getattr(getattr(fitted.rows, "choice", None), "kind", "normal")
        raise ValueError(
            f"{method} needs a model in which each column has its own likelihood; this one has {kind} for all: fit "
            "with likelihood='columns'"
        )
    return fitted.rows


def sampled_table(fitted: Fitted, values: np.ndarray) -> Table:
    """Values in the model's units as a table of the columns that are modelled."""
    return require_table(fitted, "sample_table").schema.decode(values, "samples")
