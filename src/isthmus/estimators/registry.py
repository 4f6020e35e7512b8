"""The estimators by name: a closed list, so that a model file can only name what is written here."""

from pathlib import Path

from isthmus.estimators.vae import VAE
from isthmus.storage import ModelFileError, RunDirectory, read_model_file

ESTIMATORS = {"VAE": VAE}
COMMAND_LINE_NAMES = {"vae": VAE}


def load(run: str | Path) -> VAE:
    """The fitted estimator of a run directory, or of a model file.

    Raises ModelFileError for a file that is not a whole, unaltered model file, FileNotFoundError where there is none.
    Loading runs no code from the file.
    """
    path = Path(run)
    path = path if path.is_file() else RunDirectory.open(path).model
    arrays, metadata = read_model_file(path)
    name = metadata.get("estimator") if isinstance(metadata, dict) else None
    if name not in ESTIMATORS:
        raise ModelFileError(f"{path} names the estimator {name!r}; this version knows {', '.join(ESTIMATORS)}")
    return ESTIMATORS[name].from_record(arrays, metadata)
