"""isthmus: autoencoders and variational inference, with a ledger in nats of everything that passes the bottleneck.

The names below are imported when they are first used: `import isthmus` starts nothing and changes no setting.
"""

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from isthmus.estimators import (
        VAE,
        Autoencoder,
        DenoisingAutoencoder,
        FactorAnalysis,
        LinearAutoencoder,
        ProbabilisticPCA,
        load,
    )
    from isthmus.evidence import Ledger
    from isthmus.fitting import Checkpoint
    from isthmus.inference import fit
    from isthmus.information import (
        Estimate,
        cross_entropy,
        entropy,
        jensen_shannon,
        kl_divergence,
        mutual_information,
        renyi_divergence,
        surprisal,
        total_correlation,
    )
    from isthmus.models import DeterministicModel, ProbabilisticModel

__version__ = version("isthmus")

_HOMES = {
    "Autoencoder": "isthmus.estimators",
    "DenoisingAutoencoder": "isthmus.estimators",
    "FactorAnalysis": "isthmus.estimators",
    "LinearAutoencoder": "isthmus.estimators",
    "ProbabilisticPCA": "isthmus.estimators",
    "VAE": "isthmus.estimators",
    "load": "isthmus.estimators",
    "Ledger": "isthmus.evidence",
    "Checkpoint": "isthmus.fitting",
    "fit": "isthmus.inference",
    "Estimate": "isthmus.information",
    "cross_entropy": "isthmus.information",
    "entropy": "isthmus.information",
    "jensen_shannon": "isthmus.information",
    "kl_divergence": "isthmus.information",
    "mutual_information": "isthmus.information",
    "renyi_divergence": "isthmus.information",
    "surprisal": "isthmus.information",
    "total_correlation": "isthmus.information",
    "DeterministicModel": "isthmus.models",
    "ProbabilisticModel": "isthmus.models",
}
_ROOMS = {
    "cli",
    "cluster",
    "data",
    "estimators",
    "evidence",
    "fitting",
    "inference",
    "information",
    "models",
    "report",
    "storage",
}

__all__ = [
    "VAE",
    "Autoencoder",
    "Checkpoint",
    "DenoisingAutoencoder",
    "DeterministicModel",
    "Estimate",
    "FactorAnalysis",
    "Ledger",
    "LinearAutoencoder",
    "ProbabilisticModel",
    "ProbabilisticPCA",
    "__version__",
    "cross_entropy",
    "entropy",
    "fit",
    "jensen_shannon",
    "kl_divergence",
    "load",
    "mutual_information",
    "renyi_divergence",
    "surprisal",
    "total_correlation",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    if name in _ROOMS:
        return import_module(f"isthmus.{name}")
    raise AttributeError(f"module 'isthmus' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
