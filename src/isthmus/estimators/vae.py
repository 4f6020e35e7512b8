"""The variational autoencoder as a scikit-learn estimator."""

import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, OutlierMixin, TransformerMixin
from sklearn.utils.validation import check_array, check_is_fitted

from isthmus.data import Table, anonymous_names
from isthmus.estimators.anomalies import (
    CALIBRATE_STREAM,
    MOST_CALIBRATION_ROWS,
    comparable_counts,
    conformal_p_values,
    outlier_threshold,
    score_columns,
    score_rows,
    some_rows,
)
from isthmus.estimators.assumptions import assumptions
from isthmus.estimators.configuration import VAEConfiguration
from isthmus.estimators.fitted import FittedVAE
from isthmus.estimators.imputation import impute_samples, impute_values
from isthmus.estimators.inspection import inspect_rows
from isthmus.estimators.prediction import ColumnPrediction, predict_columns
from isthmus.estimators.proper import proper_imputations
from isthmus.estimators.table_rows import TableRows
from isthmus.estimators.training import draws, train
from isthmus.evidence import Ledger, make_ledger
from isthmus.fitting import FitRecord
from isthmus.models import Observation, VariationalAutoencoder
from isthmus.models.rows import map_rows, row_count
from isthmus.storage import RunDirectory, write_model_file


class VAE(ClassNamePrefixFeaturesOutMixin, TransformerMixin, OutlierMixin, BaseEstimator):
    """Variational autoencoder: a nonlinear PCA with a density, and a ledger of what its bottleneck lets through.

    X is an array of numbers [row, column], NaN where a value is missing, or a frame of pandas or polars with columns of
    any kind. All figures are in nats per row.

    n_components: latent size; None takes half the columns, at most 32 (dimensions without use fall silent); "auto"
        chooses by the held-out bound among 1, 2, 4, ...
    likelihood: p(x | z): "columns" gives each column its own, by inspection; "bernoulli", "binomial",
        "discretised_logistic" and "normal" are for all columns in common; "auto" chooses from the data: "columns" for
        frames and for holes, one in common for other arrays and for pixels.
    columns: {name: kind or likelihood} where inspection is to be overruled; see docs/tables.md for the names.
    maximum: largest value of integer data, where the data do not show it.
    scale: of the normal likelihood: learned "per_feature", learned "global", or a number in the columns' own units.
    hidden_sizes: of the encoder, mirrored by the decoder; None chooses two layers by the number of columns. All equal
        for tables, whose networks are residual.
    activation: "elu", "gelu", "relu", "silu" or "tanh".
    overcomplete: allow a latent at least as large as the data.
    draws: of z for each row in each step; above 1 the objective is the importance-weighted bound. None takes 1, and 5
        where values are missing (Mattei and Frellsen 2019, MIWAE).
    trim: share of each batch, that of the lowest bound, which is left out of the step: for contaminated rows.
    beta: weight of the rate in training; every reported figure has beta = 1.
    warm_up: share of training over which beta rises from 0.
    max_epochs: None trains for about 4,000 steps, at least 30 epochs, at most 20,000 steps.
    batch_size, learning_rate: of Adam; the rate falls to 0 along half a cosine.
    patience: looks at held-out rows (one an epoch, or every 64 steps) without a new best before training stops.
    validation_fraction: share of rows held out for early stopping and for choosing the best weights (at most 5,000).
    calibration_fraction: share of rows kept from training and early stopping for p-values and intervals (at most 1000).
    contamination: share of the training rows that `predict` calls outliers.
    random_state: a seed; the same seed, data and machine give the same model. None draws one.

    After fit: model_ (the three-method model), history_ (of this fit; a loaded model has none), likelihood_ (what was
    chosen and why; for tables schema_), n_components_, n_components_path_ (the sizes that "auto" tried), offset_ (of
    `decision_function`), n_features_in_, feature_names_in_.

    Kingma and Welling 2014, Auto-encoding variational Bayes; Rezende, Mohamed and Wierstra 2014.

    >>> from sklearn.datasets import load_wine
    >>> from isthmus import VAE
    >>> model = VAE(n_components=2, max_epochs=20).fit(load_wine().data)
    >>> model.transform(load_wine().data).shape
    (178, 2)
    """

    def __init__(
        self,
        n_components=None,
        *,
        likelihood="auto",
        columns=None,
        maximum=None,
        scale="per_feature",
        hidden_sizes=None,
        activation="elu",
        overcomplete=False,
        draws=None,
        trim=0.0,
        beta=1.0,
        warm_up=0.1,
        max_epochs=None,
        batch_size=128,
        learning_rate=1e-3,
        patience=20,
        validation_fraction=0.1,
        calibration_fraction=0.0,
        contamination=0.1,
        random_state=0,
    ):
        self.n_components = n_components
        self.likelihood = likelihood
        self.columns = columns
        self.maximum = maximum
        self.scale = scale
        self.hidden_sizes = hidden_sizes
        self.activation = activation
        self.overcomplete = overcomplete
        self.draws = draws
        self.trim = trim
        self.beta = beta
        self.warm_up = warm_up
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.patience = patience
        self.validation_fraction = validation_fraction
        self.calibration_fraction = calibration_fraction
        self.contamination = contamination
        self.random_state = random_state

    def fit(self, X, y=None, *, on_record: Callable[[FitRecord], None] | None = None):
        """Fit to rows X; y is ignored. on_record is told of every look at the held-out rows.

        Raises ValueError for rows or arguments that cannot be used, TrainingDiverged where gradients stay non-finite.
        """
        configuration = VAEConfiguration.checked(self.get_params(deep=False))
        seen = inspect_rows(self, X, configuration)
        trained = train(seen, configuration, on_record)
        model = trained.fit.model
        baseline = seen.rows.baseline(trained.untrained, seen.training)
        threshold = outlier_threshold(model, seen.training, configuration.contamination)
        architecture = trained.architecture
        used = draws(configuration, seen.training)
        self._keep(
            FittedVAE(configuration, seen.rows, architecture, model, baseline, threshold, seen.calibration, used)
        )
        self.history_, self.n_components_path_ = trained.fit.history, trained.path
        return self

    def transform(self, X) -> np.ndarray:
        """The posterior mean of each row, [row, n_components]; the same from call to call."""
        return map_rows(_encode, self.model_, self._encoded(X)).astype(np.float64)

    def inverse_transform(self, Z) -> Any:
        """The location of p(x | z) for each latent row of Z, in the columns' own units, [row, column]: the mean, or the
        mode where values are told apart."""
        check_is_fitted(self)
        latent: Any = check_array(Z, dtype="float32", input_name="Z")
        if latent.shape[1] != self.n_components_:
            raise ValueError(f"Z has {latent.shape[1]} columns; expected the {self.n_components_} latent dimensions")
        return self._fitted.rows.decode(map_rows(_decode, self.model_, latent))

    def reconstruct(self, X) -> Any:
        """Each row sent through the bottleneck and back, in the columns' own units: an array [row, column], or a frame
        where X is one."""
        means = map_rows(_encode, self.model_, self._encoded(X))
        return self._fitted.rows.decode(map_rows(_decode, self.model_, means), like=X)

    def sample(self, n: int = 1, *, random_state: int = 0) -> Any:
        """`n` new rows from p(z) p(x | z), [n, column], in the columns' own units; objects where columns hold words."""
        check_is_fitted(self)
        return self._fitted.rows.decode(self._sampled(n, random_state))

    def sample_table(self, n: int = 1, *, random_state: int = 0) -> Table:
        """The same rows as `sample` draws, as a table of the columns that are modelled."""
        return self._table_rows("sample_table").schema.decode(self._sampled(n, random_state), "samples")

    def impute(self, X, n: int | None = None, *, proper: bool = False, random_state: int = 0) -> Any:
        """X with its holes filled, as X is: an array, a frame or a table; what was observed stays to the bit.

        n: None fills each hole with its conditional mean, or its likeliest level; a number gives a list of so many
        versions, each hole filled by a draw from p(x | x_observed).  proper: refit on bootstrapped rows of X for each
        version. Without it the parameters are taken as known, and the variance between versions, and so Rubin's rules,
        come out too small (Rubin 1987).
        Raises ValueError where the model has one likelihood for all columns, and so no notion of a hole.
        """
        rows = self._table_rows("impute")
        encoded = rows.encode(self, X)
        if n is None:
            return rows.fill(X, impute_values(self.model_, encoded))
        if n < 1:
            raise ValueError(f"n is {n}; expected at least one version, or None for conditional means")
        if proper:
            return proper_imputations(self._fitted, rows, X, n, random_state)
        return [rows.fill(X, values) for values in impute_samples(self.model_, encoded, n, random_state)]

    def predict_columns(self, X, columns: list[str], *, coverage: float = 0.9) -> dict[str, ColumnPrediction]:
        """Some columns of each row from all others that are observed; their own values are not looked at.

        coverage: of the intervals and sets, calibrated on the rows that calibration_fraction or `calibrate` set aside.
        Raises ValueError where there are no such rows, and for a column that is not modelled.
        """
        rows, calibration = self._table_rows("predict_columns"), self._calibration()
        return predict_columns(self.model_, rows.schema, calibration, rows.encode(self, X), columns, coverage)

    def score_samples(self, X) -> np.ndarray:
        """log p(x) of each row from below, in nats, [row]: the importance-weighted bound at 128 draws.

        With holes it is log p of what was observed: rows with different holes are not comparable with each other.
        The same row always has the same score. A value that the likelihood cannot produce makes -inf, with a warning.
        """
        scores = score_rows(self.model_, self._encoded(X))
        if self.is_table_ and np.isneginf(scores).any():
            warnings.warn(
                f"{int(np.isneginf(scores).sum())} of {len(scores)} rows hold a value to which its column gives no "
                "probability, such as 0 where all training values were above it: their log-likelihood is -inf",
                UserWarning,
                stacklevel=2,
            )
        return scores

    def score_columns(self, X) -> np.ndarray:
        """What each column contributes: E_q[log p(x | z)] of each, in nats, [row, column]; 0 in a hole.

        A row's contributions and minus its rate sum to its ELBO, so the lowest name the columns that make it unlikely.
        The columns are those of `column_names_`.
        """
        return score_columns(self.model_, self._encoded(X))

    def decision_function(self, X) -> np.ndarray:
        """`score_samples` less offset_, [row]: negative for outliers."""
        return self.score_samples(X) - self.offset_

    def predict(self, X) -> np.ndarray:
        """-1 for outliers, rows less likely than the share `contamination` of the training rows, and 1 for others."""
        return np.where(self.decision_function(X) < 0, -1, 1)

    def anomaly_pvalue(self, X) -> np.ndarray:
        """p = (1 + number of calibration rows at least as anomalous) / (n + 1) of each row, [row].

        Where test and calibration rows are exchangeable, P(p <= a) <= a for every a, on average over rows (not for each
        kind of row); with holes, where in addition the mask is independent of the values: each row is compared with
        those calibration rows that have all of its columns, under its own mask.
        Raises ValueError without calibration rows.
        """
        return conformal_p_values(self.model_, self._calibration(), self._encoded(X))

    def calibrate(self, X) -> "VAE":
        """Take rows X, which neither training nor early stopping may have seen, for p-values and intervals; 1,000 of
        them at random where there are more. Returns the estimator itself."""
        kept = some_rows(self._encoded(X), MOST_CALIBRATION_ROWS, CALIBRATE_STREAM)
        self._fitted = replace(self._fitted, calibration=kept)
        return self

    def calibration_counts(self, X) -> np.ndarray:
        """With how many calibration rows each row of X is compared for its p-value, [row]; 0 without any."""
        encoded = self._encoded(X)
        if self._fitted.calibration is None:
            return np.zeros(row_count(encoded), np.int64)
        return comparable_counts(self._fitted.calibration, encoded)

    def score(self, X, y=None) -> float:
        """The mean of `score_samples`."""
        return float(np.mean(self.score_samples(X)))

    def ledger(self, X, *, draws: int = 1000) -> Ledger:
        """What passes through the bottleneck on rows X, in nats; `draws` of z a row for the bounds."""
        rows, fitted = self._encoded(X), self._fitted
        return make_ledger(
            fitted.model,
            rows,
            fitted.baseline,
            scale=fitted.rows.scale,
            measure=fitted.model.family.measure,
            draws=draws,
        )

    def save(self, run: str | Path) -> None:
        """Write the fitted model to the run directory `run`, made where absent; `isthmus.load(run)` reads it."""
        check_is_fitted(self)
        write_model_file(RunDirectory.create(run).model, *self._fitted.to_record())

    @classmethod
    def from_record(cls, arrays: dict[str, np.ndarray], metadata: dict[str, Any]) -> "VAE":
        """The estimator that a model file describes."""
        fitted = FittedVAE.from_record(arrays, metadata)
        estimator: Any = cls(**fitted.configuration.model_dump())
        given = fitted.rows.given
        estimator.n_features_in_ = len(given)
        if given != anonymous_names(len(given)):
            estimator.feature_names_in_ = np.array(given, dtype=object)
        estimator._keep(fitted)
        return estimator

    @property
    def model_(self) -> VariationalAutoencoder:
        """The three-method model underneath."""
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
        return assumptions(self._fitted)

    def _keep(self, fitted: FittedVAE) -> None:
        self._fitted = fitted
        self.n_components_ = fitted.architecture.latent_size
        for name in ("schema_", "likelihood_"):
            vars(self).pop(name, None)  # of a fit before this one
        if isinstance(fitted.rows, TableRows):
            self.schema_ = fitted.rows.schema
        else:
            self.likelihood_ = fitted.rows.choice

    def _encoded(self, X) -> Any:
        check_is_fitted(self)
        return self._fitted.rows.encode(self, X)

    def _sampled(self, n: int, seed: int) -> np.ndarray:
        if n < 1:
            raise ValueError(f"n is {n}; expected at least one row to sample")
        keys = jax.random.split(jax.random.key(seed, impl="threefry2x32"), n)
        return map_rows(_sample, self.model_, np.asarray(jax.random.key_data(keys)))

    def _table_rows(self, method: str) -> TableRows:
        check_is_fitted(self)
        if not isinstance(self._fitted.rows, TableRows):
            raise ValueError(
                f"{method} needs a model in which each column has its own likelihood; this one has "
                f"{self._fitted.rows.choice.kind} for all: fit with likelihood='columns'"
            )
        return self._fitted.rows

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
        return {**state, "_fitted": state["_fitted"].to_record()} if "_fitted" in state else state

    def __setstate__(self, state: dict[str, Any]) -> None:
        if "_fitted" in state:
            state = {**state, "_fitted": FittedVAE.from_record(*state["_fitted"])}
        super().__setstate__(state)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_fitted")


def _encode(model: VariationalAutoencoder, row: Any):
    return model.encode(row)


def _decode(model: VariationalAutoencoder, latent: Any):
    return model.decode(latent)


def _sample(model: VariationalAutoencoder, words: Any):
    prior_key, likelihood_key = jax.random.split(jax.random.wrap_key_data(words, impl="threefry2x32"))
    latent = jnp.asarray(model.prior().sample(prior_key))
    drawn = model.likelihood(latent).sample(likelihood_key)
    return drawn.values if isinstance(drawn, Observation) else drawn
