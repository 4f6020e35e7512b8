"""scikit-learn's own checks, all of them, with no expected failures."""

from sklearn.utils.estimator_checks import parametrize_with_checks

from isthmus import (
    VAE,
    Autoencoder,
    DenoisingAutoencoder,
    FactorAnalysis,
    LinearAutoencoder,
    ProbabilisticPCA,
)

SMALL = {"hidden_sizes": (8,), "max_epochs": 3}
ESTIMATORS = [
    LinearAutoencoder(),
    LinearAutoencoder(solver="incremental"),
    ProbabilisticPCA(),
    ProbabilisticPCA(solver="em"),
    FactorAnalysis(),
    Autoencoder(**SMALL),
    DenoisingAutoencoder(**SMALL),
    VAE(**SMALL),
]


@parametrize_with_checks(ESTIMATORS)
def test_scikit_learn(estimator, check):
    check(estimator)
