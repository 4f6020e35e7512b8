"""The scikit-learn dialect, and the closed registry of names.

In come arrays or frames; out come NumPy arrays (or what `set_output` asks for). No mathematics lives here.

    configuration   the constructor's arguments, checked
    vae             the estimator VAE
    inspection      what a fit makes of its rows: a matrix or a table
    matrix_rows, table_rows      how rows of either come to the model and back
    training        what a configuration stands for; the latent size
    fitted          what a fit leaves behind, and its form on disk
    assumptions     what a fitted model's figures rest on
    imputation, proper, prediction, anomalies    what a fitted model says of holes, of columns, of rows
    rows            rows of a user, checked
    runs            a fit that is written down
    registry        the estimators by name; `load`
"""

from isthmus.estimators.configuration import VAEConfiguration
from isthmus.estimators.registry import COMMAND_LINE_NAMES, ESTIMATORS, load
from isthmus.estimators.vae import VAE

__all__ = ["COMMAND_LINE_NAMES", "ESTIMATORS", "VAE", "VAEConfiguration", "load"]
