"""The estimators by name: a closed list, so that a model file can only name what is written here."""

from pathlib import Path
from typing import Any

from isthmus.estimators.autoencoder import Autoencoder
from isthmus.estimators.denoising import DenoisingAutoencoder
from isthmus.estimators.estimator import LatentEstimator
from isthmus.estimators.factor_analysis import FactorAnalysis
from isthmus.estimators.linear_autoencoder import LinearAutoencoder
from isthmus.estimators.probabilistic_pca import ProbabilisticPCA
from isthmus.estimators.vae import VAE
from isthmus.storage import ModelFileError, RunDirectory, read_model_file

COMMAND_LINE_NAMES: dict[str, type[LatentEstimator]] = {
    "linear": LinearAutoencoder,
    "ppca": ProbabilisticPCA,
    "fa": FactorAnalysis,
    "autoencoder": Autoencoder,
    "denoising": DenoisingAutoencoder,
    "vae": VAE,
}
ESTIMATORS = {estimator.__name__: estimator for estimator in COMMAND_LINE_NAMES.values()}


def load(run: str | Path, **modules: Any) -> Any:
    """The fitted estimator of a run directory, or of a model file.

    modules: encoder= and decoder=, where the fit was given modules of your own.
    Raises ModelFileError for a file that is not a whole, unaltered model file, FileNotFoundError where there is none.
    Loading runs no code from the file.
    """
    path = Path(run)
    path = path if path.is_file() else RunDirectory.open(path).model
    arrays, metadata = read_model_file(path)
    name = metadata.get("estimator") if isinstance(metadata, dict) else None
    if not isinstance(name, str) or name not in ESTIMATORS:
        raise ModelFileError(
            f"{path} names the estimator {str(name)[:40]!r}; this version knows {', '.join(ESTIMATORS)}"
        )
    return ESTIMATORS[name].from_record(arrays, metadata, **modules)
