"""The variational autoencoder as a scikit-learn estimator."""

from collections.abc import Callable
from typing import Any, Self

import jax
import jax.numpy as jnp
import numpy as np
from sklearn.utils.validation import check_is_fitted

from isthmus.data import Dataset, RowSource, Table
from isthmus.estimators.anomalies import outlier_threshold
from isthmus.estimators.assumptions import network_assumptions
from isthmus.estimators.baselines import make_baselines
from isthmus.estimators.configuration import VAEConfiguration
from isthmus.estimators.estimator import require_table, sampled_table
from isthmus.estimators.fitted import Fitted
from isthmus.estimators.imputation import impute_samples, impute_values
from isthmus.estimators.network import NetworkEstimator
from isthmus.estimators.prediction import ColumnPrediction, predict_columns
from isthmus.estimators.proper import proper_imputations
from isthmus.estimators.stream_inspection import inspect
from isthmus.estimators.table_rows import TableRows
from isthmus.estimators.training import draws, train_vae
from isthmus.evidence import Ledger, explain_gap, make_ledger
from isthmus.fitting import Checkpoint, FitRecord
from isthmus.inference import sample_importance_weights
from isthmus.models import Architecture, Ends, Observation, VariationalAutoencoder, assemble_vae
from isthmus.models.rows import map_rows

SCORE_DRAWS = 128


class VAE(NetworkEstimator):
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
    network: "mlp", or "convolutional" for images.  image_shape: (height, width) of rows that are images; a data set of
        images knows its own.
    hidden_sizes: of the encoder, mirrored by the decoder; channels where it is convolutional; None chooses two layers.
        All equal for tables, whose networks are residual.
    activation: "elu", "gelu", "relu", "silu" or "tanh".
    overcomplete: allow a latent at least as large as the data.
    draws: of z for each row in each step; above 1 the objective is the importance-weighted bound. None takes 1, and 5
        where values are missing (Mattei and Frellsen 2019, MIWAE).
    trim: share of each batch, that of the lowest bound, which is left out of the step: for contaminated rows.
    beta: weight of the rate in training; every reported figure has beta = 1.
    warm_up: share of training over which beta rises from 0.
    max_epochs: None trains for about 4,000 steps, at least 30 epochs, at most 20,000 steps.
    batch_size, learning_rate: of Adam; the rate falls to 0 along half a cosine.
    precision: of the factors of matrix products in training, on devices that have faster ones than "float32":
        "tensorfloat32" or "bfloat16". Sums and parameters are float32, and so is all that is scored.
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

    configuration_type = VAEConfiguration

    def __init__(
        self,
        n_components=None,
        *,
        likelihood="auto",
        columns=None,
        maximum=None,
        scale="per_feature",
        network="mlp",
        image_shape=None,
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
        precision="float32",
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
        self.network = network
        self.image_shape = image_shape
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
        self.precision = precision
        self.patience = patience
        self.validation_fraction = validation_fraction
        self.calibration_fraction = calibration_fraction
        self.contamination = contamination
        self.random_state = random_state

    def fit(
        self,
        X,
        y=None,
        *,
        on_record: Callable[[FitRecord], None] | None = None,
        checkpoint: Checkpoint | None = None,
    ) -> Self:
        """Fit to rows X; y is ignored. on_record is told of every look at held-out rows; checkpoint keeps the state.

        Raises ValueError for rows or arguments that cannot be used, TrainingDiverged where gradients stay non-finite.
        """
        configuration = VAEConfiguration.checked(self.get_params(deep=False))
        seen = inspect(self, X, configuration)
        shape = X.image_shape if isinstance(X, Dataset | RowSource) else None
        trained = train_vae(seen, configuration, shape, on_record, checkpoint)
        model = trained.fit.model
        baselines = make_baselines(seen, trained.architecture)
        threshold = outlier_threshold(lambda rows: _scores(model, rows), seen.training, configuration.contamination)
        facts = {"draws": draws(configuration, seen.training if seen.stream is None else seen.stream)}
        self._keep(
            Fitted(configuration, seen.rows, trained.architecture, model, baselines, threshold, seen.calibration, facts)
        )
        self.history_, self.n_components_path_ = trained.fit.history, trained.path
        return self

    def sample(self, n: int = 1, *, random_state: int = 0) -> Any:
        """`n` new rows from p(z) p(x | z), [n, column], in the columns' own units; objects where columns hold words."""
        check_is_fitted(self)
        return self._fitted.rows.decode(self._sampled(n, random_state))

    def sample_table(self, n: int = 1, *, random_state: int = 0) -> Table:
        """The same rows as `sample` draws, as a table of the columns that are modelled."""
        check_is_fitted(self)
        return sampled_table(self._fitted, self._sampled(n, random_state))

    def impute(self, X, n: int | None = None, *, proper: bool = False, random_state: int = 0) -> Any:
        """X with its holes filled, as X is: an array, a frame or a table; what was observed stays to the bit.

        n: None fills each hole with its conditional mean, or its likeliest level; a number gives a list of so many
        versions, each hole filled by a draw from p(x | x_observed).  proper: refit on bootstrapped rows of X for each
        version. Without it the parameters are taken as known, and the variance between versions, and so Rubin's rules,
        come out too small (Rubin 1987).
        Raises ValueError where the model has one likelihood for all columns, and so no notion of a hole.
        """
        rows = self._table("impute")
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
        rows, calibration = self._table("predict_columns"), self._calibration()
        return predict_columns(self.model_, rows.schema, calibration, rows.encode(self, X), columns, coverage)

    def _scores(self, rows: Any) -> np.ndarray:
        return _scores(self.model_, rows)

    def _column_scores(self, rows: Any) -> np.ndarray:
        found = sample_importance_weights(self.model_, rows, SCORE_DRAWS, by_column=True).column_log_likelihood
        assert found is not None
        return found

    def _account(self, rows: Any, draws: int, gaps: bool = False) -> Ledger:
        independent = self._fitted.baseline.independent
        ledger = make_ledger(self.model_, rows, independent, draws=draws, **self._ledger_units())
        return explain_gap(self.model_, rows, ledger, independent)[0] if gaps else ledger

    def _assumptions(self) -> dict[str, Any]:
        configuration: Any = self._fitted.configuration
        return network_assumptions(
            self._fitted,
            prior="standard normal",
            posterior="diagonal normal",
            draws_in_training=self._fitted.facts["draws"],
            trim=configuration.trim,
            beta=configuration.beta,
            warm_up=configuration.warm_up,
        )

    @classmethod
    def _blank(
        cls, ends: Ends, architecture: Architecture, configuration: Any, modules: dict[str, Any]
    ) -> VariationalAutoencoder:
        return assemble_vae(ends, architecture, jax.random.key(0))

    def _sampled(self, n: int, seed: int) -> np.ndarray:
        if n < 1:
            raise ValueError(f"n is {n}; expected at least one row to sample")
        keys = jax.random.split(jax.random.key(seed, impl="threefry2x32"), n)
        return map_rows(_sample, self.model_, np.asarray(jax.random.key_data(keys)))

    def _table(self, method: str) -> TableRows:
        check_is_fitted(self)
        return require_table(self._fitted, method)


def _scores(model: VariationalAutoencoder, rows: Any) -> np.ndarray:
    return sample_importance_weights(model, rows, SCORE_DRAWS).log_evidence


def _sample(model: VariationalAutoencoder, words: Any):
    prior_key, likelihood_key = jax.random.split(jax.random.wrap_key_data(words, impl="threefry2x32"))
    latent = jnp.asarray(model.prior().sample(prior_key))
    drawn = model.likelihood(latent).sample(likelihood_key)
    return drawn.values if isinstance(drawn, Observation) else drawn
