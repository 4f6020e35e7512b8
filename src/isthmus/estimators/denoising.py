"""The denoising autoencoder as a scikit-learn estimator."""

from typing import Any

import numpy as np

from isthmus.estimators.autoencoder_training import choose_corruption
from isthmus.estimators.configuration import DenoisingConfiguration
from isthmus.estimators.deterministic import DeterministicEstimator
from isthmus.estimators.inspection import Inspected
from isthmus.estimators.matrix_rows import MatrixRows
from isthmus.models import Corruption


class DenoisingAutoencoder(DeterministicEstimator):
    """Denoising autoencoder: it is shown corrupted rows and scored by the clean ones, so that copying fails.

    `reconstruct` denoises. Noise is drawn afresh at every step.

    corruption: isthmus.models.GaussianNoise(level), Masking(level), SaltAndPepper(level) or FeatureSwap(level), the
        level a number, or Uniform, LogUniform or Annealed, by which it is drawn. None swaps values between rows in
        tables, and hides them in all else.
    All other arguments are as in Autoencoder.

    Vincent, Larochelle, Bengio and Manzagol 2008; Vincent et al. 2010, Stacked denoising autoencoders.

    >>> from sklearn.datasets import load_wine
    >>> from isthmus import DenoisingAutoencoder
    >>> from isthmus.models import GaussianNoise
    >>> model = DenoisingAutoencoder(2, corruption=GaussianNoise(0.5), max_epochs=20).fit(load_wine().data)
    >>> model.score_function(load_wine().data).shape
    (178, 13)
    """

    configuration_type = DenoisingConfiguration

    def __init__(
        self,
        n_components=None,
        *,
        corruption=None,
        likelihood="auto",
        columns=None,
        maximum=None,
        scale="per_feature",
        network="mlp",
        image_shape=None,
        encoder=None,
        decoder=None,
        hidden_sizes=None,
        activation="elu",
        tied_weights=False,
        dropout=0.0,
        weight_decay=0.0,
        sparsity=None,
        overcomplete=False,
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
        self.corruption = corruption
        self.likelihood = likelihood
        self.columns = columns
        self.maximum = maximum
        self.scale = scale
        self.network = network
        self.image_shape = image_shape
        self.encoder = encoder
        self.decoder = decoder
        self.hidden_sizes = hidden_sizes
        self.activation = activation
        self.tied_weights = tied_weights
        self.dropout = dropout
        self.weight_decay = weight_decay
        self.sparsity = sparsity
        self.overcomplete = overcomplete
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.precision = precision
        self.patience = patience
        self.validation_fraction = validation_fraction
        self.calibration_fraction = calibration_fraction
        self.contamination = contamination
        self.random_state = random_state

    def score_function(self, X) -> np.ndarray:
        """The gradient of log p~(x), in the columns' own units, [row, column]: p~ is the density of x smoothed by the
        noise of the fit, and (E[x | x~] - x~) / sigma^2 is its score (Vincent 2011; Alain and Bengio 2014).

        It is the score only as far as the network has learned E[x | x~]. Raises ValueError unless the fit had Gaussian
        noise of one level on rows of numbers.
        """
        rows, sigma = self._encoded(X), self.noise_scale_
        assert isinstance(self._fitted.rows, MatrixRows)
        residual = self._values(self._latents(rows)).astype(np.float64) - rows
        scale = self._fitted.rows.scale
        return residual * scale / np.where(sigma > 0, sigma, np.inf) ** 2

    @property
    def noise_scale_(self) -> np.ndarray:
        """The standard deviation of the Gaussian noise of each column, in its own units, [column]."""
        noise = self._fitted.facts["corruption"]
        level, spread = noise["level"], self._fitted.facts["noise_spread"]
        if noise["kind"] != "gaussian" or not isinstance(level, int | float) or level == 0 or spread is None:
            raise ValueError(
                f"the fit had {noise} on {self._fitted.rows.kind} rows; the score needs rows of numbers and "
                "corruption=GaussianNoise(level) with a number for its level"
            )
        return level * np.asarray(spread)

    def _corruption(self, configuration: Any, seen: Inspected) -> Corruption | None:
        return choose_corruption(configuration.corruption, seen)
