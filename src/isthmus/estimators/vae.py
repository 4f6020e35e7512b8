"""The variational autoencoder as a scikit-learn estimator."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_array, check_is_fitted

from isthmus.data import anonymous_names, inspect_columns
from isthmus.estimators.configuration import VAEConfiguration
from isthmus.estimators.fitted import FittedVAE
from isthmus.estimators.rows import new_rows, training_rows, warn_constant, warn_off_support
from isthmus.evidence import Ledger, independent_columns, make_ledger
from isthmus.fitting import FitRecord
from isthmus.inference import fit, sample_importance_weights
from isthmus.models import (
    Architecture,
    VariationalAutoencoder,
    assemble_vae,
    choose_architecture,
    choose_likelihood,
    choose_standardisation,
)
from isthmus.models.rows import map_rows
from isthmus.storage import RunDirectory, write_model_file

STEP_BUDGET = 4000
"""Without max_epochs a fit takes about so many steps, and at least FEWEST_EPOCHS passes over the rows."""
FEWEST_EPOCHS = 30
SCORE_DRAWS = 128
INITIALISATION_STREAM = 2**32 - 1
"""Weights start from a key that no training step has."""


_AUTOMATIC = {
    "likelihood": "by the columns' values",
    "n_components": "half of the columns, at most 32: dimensions without use fall silent",
    "hidden_sizes": "two layers, twice as wide as the columns, from 64 to 256",
    "max_epochs": f"about {STEP_BUDGET:,} steps, and at least {FEWEST_EPOCHS} epochs",
}
"""What is chosen where the argument is left out, and how."""


class VAE(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Variational autoencoder: a nonlinear PCA with a density, and a ledger of what its bottleneck lets through.

    X is [row, column], numbers without holes. All figures are in nats per row.

    n_components: latent size; None takes half the columns, at most 32 (dimensions without use fall silent).
    likelihood: p(x | z): "bernoulli", "binomial", "discretised_logistic", "normal", or "auto" to choose from the data.
    maximum: largest value of integer data, where the data do not show it.
    scale: of the normal likelihood: learned "per_feature", learned "global", or a number in the columns' own units.
    hidden_sizes: of the encoder, mirrored by the decoder; None chooses two layers by the number of columns.
    activation: "elu", "gelu", "relu", "silu" or "tanh".
    overcomplete: allow a latent at least as large as the data.
    beta: weight of the rate in training; every reported figure has beta = 1.
    warm_up: share of training over which beta rises from 0.
    max_epochs: None trains for about 4,000 steps, and at least 30 epochs.
    batch_size, learning_rate: of Adam; the rate falls to 0 along half a cosine.
    patience: looks at held-out rows (one an epoch, or every 64 steps) without a new best before training stops.
    validation_fraction: share of rows held out for early stopping and for choosing the best weights.
    random_state: a seed; the same seed, data and machine give the same model. None draws one.

    After fit: model_ (the three-method model), history_ (of this fit; a loaded model has none), likelihood_ (what was
    chosen and why), n_components_, n_features_in_, feature_names_in_.

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
        maximum=None,
        scale="per_feature",
        hidden_sizes=None,
        activation="elu",
        overcomplete=False,
        beta=1.0,
        warm_up=0.1,
        max_epochs=None,
        batch_size=128,
        learning_rate=1e-3,
        patience=20,
        validation_fraction=0.1,
        random_state=0,
    ):
        self.n_components = n_components
        self.likelihood = likelihood
        self.maximum = maximum
        self.scale = scale
        self.hidden_sizes = hidden_sizes
        self.activation = activation
        self.overcomplete = overcomplete
        self.beta = beta
        self.warm_up = warm_up
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.patience = patience
        self.validation_fraction = validation_fraction
        self.random_state = random_state

    def fit(self, X, y=None, *, on_record: Callable[[FitRecord], None] | None = None):
        """Fit to rows X; y is ignored. on_record is told of every look at the held-out rows.

        Raises ValueError for rows or arguments that cannot be used, TrainingDiverged where gradients stay non-finite.
        """
        configuration = VAEConfiguration.checked(self.get_params(deep=False))
        rows, names = training_rows(self, X)
        columns = inspect_columns(rows, names)
        warn_constant(columns)
        choice = choose_likelihood(columns, configuration.likelihood, configuration.maximum, configuration.scale)
        standardisation = choose_standardisation(choice, columns)
        architecture = _architecture(configuration, len(names))
        seed = jax.random.key(configuration.random_state, impl="threefry2x32")
        key = jax.random.fold_in(seed, INITIALISATION_STREAM)
        standardised = standardisation.apply(rows)
        result = fit(
            assemble_vae(choice, columns, standardisation, architecture, key),
            standardised,
            held_out=configuration.validation_fraction,
            beta=configuration.beta,
            warm_up=configuration.warm_up,
            epochs=_epochs(configuration, len(rows)),
            batch_size=configuration.batch_size,
            learning_rate=configuration.learning_rate,
            patience=configuration.patience,
            seed=configuration.random_state,
            on_record=on_record,
        )
        baseline = independent_columns(result.model.family, standardised)
        self._keep(FittedVAE(configuration, names, choice, architecture, standardisation, result.model, baseline))
        self.history_ = result.history
        return self

    def transform(self, X) -> np.ndarray:
        """The posterior mean of each row, [row, n_components]; the same from call to call."""
        return map_rows(_encode, self.model_, self._standardised(X)).astype(np.float64)

    def inverse_transform(self, Z) -> np.ndarray:
        """The mean of p(x | z) for each latent row of Z, in the columns' own units, [row, column]."""
        check_is_fitted(self)
        latent: Any = check_array(Z, dtype="float32", input_name="Z")
        if latent.shape[1] != self.n_components_:
            raise ValueError(f"Z has {latent.shape[1]} columns; expected the {self.n_components_} latent dimensions")
        return self._fitted.standardisation.invert(map_rows(_decode, self.model_, latent))

    def reconstruct(self, X) -> np.ndarray:
        """Each row sent through the bottleneck and back, [row, column], in the columns' own units."""
        return self.inverse_transform(self.transform(X))

    def sample(self, n: int = 1, *, random_state: int = 0) -> np.ndarray:
        """`n` new rows from p(z) p(x | z), [n, column], in the columns' own units."""
        check_is_fitted(self)
        if n < 1:
            raise ValueError(f"n is {n}; expected at least one row to sample")
        keys = jax.random.split(jax.random.key(random_state, impl="threefry2x32"), n)
        words = np.asarray(jax.random.key_data(keys))
        return self._fitted.standardisation.invert(map_rows(_sample, self.model_, words))

    def score_samples(self, X) -> np.ndarray:
        """log p(x) of each row from below, in nats, [row]: the importance-weighted bound at 128 draws.

        The same row always has the same score. A value that the likelihood cannot produce makes -inf, with a warning.
        """
        sampled = sample_importance_weights(self.model_, self._standardised(X), SCORE_DRAWS)
        return sampled.log_evidence

    def score(self, X, y=None) -> float:
        """The mean of `score_samples`."""
        return float(np.mean(self.score_samples(X)))

    def ledger(self, X, *, draws: int = 1000) -> Ledger:
        """What passes through the bottleneck on rows X, in nats; `draws` of z a row for the bounds."""
        rows = self._standardised(X)
        fitted = self._fitted
        return make_ledger(
            fitted.model,
            rows,
            fitted.baseline,
            scale=fitted.standardisation.scale,
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
        estimator.n_features_in_ = len(fitted.names)
        if fitted.names != anonymous_names(len(fitted.names)):
            estimator.feature_names_in_ = np.array(fitted.names, dtype=object)
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
        """The names of the columns that were fitted."""
        check_is_fitted(self)
        return self._fitted.names

    @property
    def assumptions_(self) -> dict[str, Any]:
        """What the figures rest on: the likelihood and why it was chosen, its measure, the sizes, the training."""
        check_is_fitted(self)
        fitted = self._fitted
        return {
            "likelihood": fitted.choice.kind,
            "likelihood_reason": fitted.choice.reason,
            "maximum": fitted.choice.maximum,
            "scale": fitted.choice.scale,
            "measure": fitted.model.family.measure,
            "prior": "standard normal",
            "posterior": "diagonal normal",
            "n_components": fitted.architecture.latent_size,
            "hidden_sizes": list(fitted.architecture.hidden_sizes),
            "activation": fitted.architecture.activation,
            "beta": fitted.configuration.beta,
            "warm_up": fitted.configuration.warm_up,
            "max_epochs": fitted.configuration.max_epochs,
            "batch_size": fitted.configuration.batch_size,
            "learning_rate": fitted.configuration.learning_rate,
            "random_state": fitted.configuration.random_state,
            "automatic": {
                name: reason
                for name, reason in _AUTOMATIC.items()
                if getattr(fitted.configuration, name) in (None, "auto")
            },
        }

    def _keep(self, fitted: FittedVAE) -> None:
        self._fitted = fitted
        self.likelihood_ = fitted.choice
        self.n_components_ = fitted.architecture.latent_size

    def _standardised(self, X) -> np.ndarray:
        check_is_fitted(self)
        rows = new_rows(self, X, self._fitted.names)
        warn_off_support(rows, self._fitted.names, self._fitted.choice)
        return self._fitted.standardisation.apply(rows)

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


def _architecture(configuration: VAEConfiguration, columns: int) -> Architecture:
    return choose_architecture(
        columns,
        configuration.n_components,
        configuration.hidden_sizes,
        configuration.activation,
        configuration.overcomplete,
    )


def _epochs(configuration: VAEConfiguration, rows: int) -> float:
    if configuration.max_epochs is not None:
        return configuration.max_epochs
    return max(STEP_BUDGET * configuration.batch_size / rows, FEWEST_EPOCHS)


def _encode(model: VariationalAutoencoder, row: Any):
    return model.encode(row)


def _decode(model: VariationalAutoencoder, latent: Any):
    return model.decode(latent)


def _sample(model: VariationalAutoencoder, words: Any):
    prior_key, likelihood_key = jax.random.split(jax.random.wrap_key_data(words, impl="threefry2x32"))
    latent = jnp.asarray(model.prior().sample(prior_key))
    return model.likelihood(latent).sample(likelihood_key)
