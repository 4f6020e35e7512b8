"""scikit-learn's own checks, all of them, with no expected failures."""

from sklearn.utils.estimator_checks import parametrize_with_checks

from isthmus import VAE

SMALL = VAE(hidden_sizes=(8,), max_epochs=3)


@parametrize_with_checks([SMALL])
def test_scikit_learn(estimator, check):
    check(estimator)
