"""The deep autoencoder as a scikit-learn estimator."""

from typing import Any

from isthmus.estimators.configuration import AutoencoderConfiguration
from isthmus.estimators.deterministic import DeterministicEstimator
from isthmus.estimators.inspection import Inspected
from isthmus.models import Corruption


class Autoencoder(DeterministicEstimator):
    """Deep autoencoder: rows through a bottleneck and back, with a distortion in nats and, without a prior, no rate.

    X is as in VAE: an array of numbers [row, column], or a frame with columns of any kind and holes.

    n_components: latent size; None takes half the columns, at most 32.
    likelihood, columns, maximum, scale: p(x | z), by which reconstructions are scored, as in VAE; likelihood="normal"
        with a scale in common ("global", or a number) is the squared error.
    network: "mlp", or "convolutional" for images.  image_shape: (height, width) of rows that are images.
    encoder, decoder: equinox modules of your own in place of ours, called as module(x, key=None), from the columns to
        the latent and from the latent to the likelihood's outputs; `isthmus.load` is given them again.
    hidden_sizes: of the encoder, mirrored by the decoder; channels where it is convolutional; None chooses two layers.
    activation: "elu", "gelu", "relu", "silu" or "tanh".
    tied_weights: the decoder has the encoder's weights, transposed.
    dropout: share of each hidden layer that is dropped in training (Srivastava et al. 2014).
    weight_decay: decoupled, of weights and not of biases (Loshchilov and Hutter 2019).
    sparsity: None, isthmus.models.L1(weight) or TopK(kept).
    overcomplete: allow a latent at least as large as the data. A fit that only copies is warned of.
    max_epochs, batch_size, learning_rate, precision, patience, validation_fraction, calibration_fraction,
        contamination, random_state: as in VAE.

    After fit: model_ (encode and likelihood), history_, likelihood_ or schema_, n_components_, offset_,
    n_features_in_, feature_names_in_.

    Hinton and Salakhutdinov 2006, Reducing the dimensionality of data with neural networks.

    >>> from sklearn.datasets import load_wine
    >>> from isthmus import Autoencoder
    >>> Autoencoder(n_components=2, max_epochs=20).fit(load_wine().data).reconstruct(load_wine().data).shape
    (178, 13)
    """

    configuration_type = AutoencoderConfiguration

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

    def _corruption(self, configuration: Any, seen: Inspected) -> Corruption | None:
        return None
