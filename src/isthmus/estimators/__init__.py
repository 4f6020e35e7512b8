"""The scikit-learn dialect, and the closed registry of names.

In come arrays or frames; out come NumPy arrays (or what `set_output` asks for). No mathematics lives here.

    configuration, parts         the constructors' arguments, checked
    estimator       what every rung has in common; network: what those with a network have
    vae             VAE
    linear          what linear rungs have in common
    linear_autoencoder          LinearAutoencoder
    linear_gaussian, probabilistic_pca, factor_analysis         ProbabilisticPCA, FactorAnalysis
    deterministic, autoencoder, denoising       Autoencoder, DenoisingAutoencoder
    inspection      what a fit makes of its rows: a matrix or a table
    matrix_rows, table_rows, real_rows      how rows come to the model and back
    splits          rows set aside
    training, autoencoder_training      what a configuration stands for
    baselines       what a network's ledger compares it with
    fitted          what a fit leaves behind, and its form on disk
    assumptions     what a fitted model's figures rest on
    imputation, proper, prediction, anomalies    what a fitted model says of holes, of columns, of rows
    rows            rows of a user, checked
    runs            a fit that is written down
    ladder, rung_measures, corrupted_rows, comparison       all rungs on one data set
    registry        the estimators by name; `load`
"""

from isthmus.estimators.autoencoder import Autoencoder
from isthmus.estimators.denoising import DenoisingAutoencoder
from isthmus.estimators.factor_analysis import FactorAnalysis
from isthmus.estimators.linear_autoencoder import LinearAutoencoder
from isthmus.estimators.probabilistic_pca import ProbabilisticPCA
from isthmus.estimators.registry import COMMAND_LINE_NAMES, ESTIMATORS, load
from isthmus.estimators.vae import VAE

__all__ = [
    "COMMAND_LINE_NAMES",
    "ESTIMATORS",
    "VAE",
    "Autoencoder",
    "DenoisingAutoencoder",
    "FactorAnalysis",
    "LinearAutoencoder",
    "ProbabilisticPCA",
    "load",
]
