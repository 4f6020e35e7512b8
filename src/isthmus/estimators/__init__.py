"""The scikit-learn dialect, and the closed registry of names.

In come arrays or frames; out come NumPy arrays (or what `set_output` asks for). No mathematics lives here.

    configuration   the constructor's arguments, checked
    vae             the estimator VAE
    fitted          what a fit leaves behind, and its form on disk
    rows            rows of a user, checked
    registry        the estimators by name; `load`
"""

from isthmus.estimators.configuration import VAEConfiguration
from isthmus.estimators.registry import COMMAND_LINE_NAMES, ESTIMATORS, load
from isthmus.estimators.vae import VAE

__all__ = ["COMMAND_LINE_NAMES", "ESTIMATORS", "VAE", "VAEConfiguration", "load"]
