"""The copy index: its two ends, its closed form for a projection, its standard errors, and the words for a copy."""

import numpy as np
import pytest

from isthmus.evidence import diagnose_copying
from isthmus.evidence.copying import measure_copying, projection
from isthmus.information import Estimate

SPREADS = np.array([3.0, 2.0, 1.0, 1.0, 0.5, 0.5])
MEAN = np.array([0.0, 10.0, -3.0, 0.0, 1e3, 0.0])
COLUMNS = len(SPREADS)
REPEATS = 200


def independent_rows(count=300, seed=0):
    return MEAN + SPREADS * np.random.default_rng(seed).normal(size=(count, COLUMNS))


def dependent_rows(count=300, seed=0):
    """One factor in all columns."""
    generator = np.random.default_rng(seed)
    return MEAN + SPREADS * (generator.normal(size=(count, 1)) + 0.3 * generator.normal(size=(count, COLUMNS)))


def leading(rows, k):
    """The map of the k leading principal components of rows."""
    return projection(np.linalg.svd(rows - rows.mean(0), full_matrices=False)[2][:k].T, rows.mean(0))


@pytest.mark.parametrize("rows", [independent_rows(), dependent_rows()], ids=["independent", "dependent"])
def test_the_identity_copies_and_the_mean_does_not(rows):
    copied = measure_copying(lambda rows: rows, rows, MEAN)
    assert copied.copy_index.value == copied.r_squared.value == 1.0
    mean = measure_copying(lambda rows: np.broadcast_to(MEAN, rows.shape), rows, MEAN)
    assert mean.copy_index.value == mean.r_squared.value == 0.0
    for estimate in (copied.copy_index, copied.r_squared, mean.copy_index, mean.r_squared):
        assert estimate.stderr == estimate.stderr_rows == 0.0
    assert (mean.copy_index.unit, mean.copy_index.direction) == ("share", "estimate")
    assert (mean.r_squared.unit, mean.r_squared.direction) == ("share", "exact")


@pytest.mark.parametrize("k", [1, 3, 5])
def test_of_a_projection_of_independent_columns_the_index_is_the_share_of_the_variance(k):
    """|x - P x|^2 and |x - m|^2 do not depend on how independent columns are combined."""
    found = measure_copying(projection(np.eye(COLUMNS)[:, :k], MEAN), independent_rows(), MEAN)
    expected = (SPREADS[:k] ** 2).sum() / (SPREADS**2).sum()
    assert abs(found.copy_index.value - expected) < 4 * found.copy_index.stderr_rows
    np.testing.assert_allclose(found.copy_index.value, found.r_squared.value, rtol=1e-6)
    assert found.copy_index.stderr < 1e-12


@pytest.mark.parametrize("k", [1, 3, 5])
def test_of_any_projection_it_is_the_share_of_the_diagonal_of_the_covariance(k):
    """Permuted columns have the covariance's diagonal D: E|x~ - P x~|^2 = tr((I - P) D)."""
    rows = dependent_rows(2000)
    axes = np.linalg.svd(rows - MEAN, full_matrices=False)[2][:k].T
    squares = ((rows - MEAN) ** 2).mean(0)
    expected = np.sum(axes**2 * squares[:, None]) / squares.sum()
    found = measure_copying(projection(axes, MEAN), rows, MEAN)
    assert abs(found.copy_index.value - expected) < 4 * found.copy_index.stderr + 2 / np.sqrt(8 * len(rows))
    assert found.copy_index.value < found.r_squared.value


def test_it_is_never_above_one_or_below_zero_and_r_squared_may_be():
    far = measure_copying(lambda rows: rows + 100.0, independent_rows(), MEAN)
    assert far.copy_index.value == 0.0
    assert far.r_squared.value < -100


def test_a_unit_weighs_a_column():
    rows = independent_rows()
    only_first = projection(np.eye(COLUMNS)[:, :1], MEAN)
    one = measure_copying(only_first, rows, MEAN, 1 / SPREADS)
    assert abs(one.copy_index.value - 1 / COLUMNS) < 4 * one.copy_index.stderr_rows
    scaled = measure_copying(projection(np.eye(COLUMNS)[:, :1], MEAN / SPREADS), rows / SPREADS, MEAN / SPREADS)
    np.testing.assert_allclose(one.copy_index.value, scaled.copy_index.value)


def test_the_same_seed_gives_the_same_index():
    rows = dependent_rows()
    one, again, other = (measure_copying(leading(rows, 2), rows, MEAN, seed=seed) for seed in (0, 0, 1))
    assert one == again
    assert one.copy_index.value != other.copy_index.value


def bent(rows):
    """A map of its own for which the columns of a row do not simply add up."""
    u = (rows - MEAN) / SPREADS
    return MEAN + SPREADS * (0.3 * u + 0.5 * np.tanh(u.mean(1, keepdims=True)))


MAPS = {
    "projection, independent": (projection(np.eye(COLUMNS)[:, :2], MEAN), independent_rows),
    "projection, dependent": (projection(np.full((COLUMNS, 1), COLUMNS**-0.5), MEAN), dependent_rows),
    "bent, independent": (bent, independent_rows),
    "bent, dependent": (bent, dependent_rows),
}


@pytest.mark.parametrize("name", MAPS)
def test_standard_errors_are_those_of_repeated_sampling(name):
    through, draw = MAPS[name]
    found = [measure_copying(through, draw(600, seed), MEAN, seed=seed) for seed in range(REPEATS)]
    for entry, share in (("copy_index", 0.92), ("r_squared", 0.95)):  # of t with 9 degrees of freedom, and of a normal
        values = np.array([getattr(copying, entry).value for copying in found])
        errors = np.array([getattr(copying, entry).stderr_rows for copying in found])
        # The standard deviation of so many repeats is known to 1 part in sqrt(2 REPEATS) for normal values.
        ratio = np.sqrt((errors**2).mean()) / values.std(ddof=1)
        largest = 2.0 if name.endswith(", dependent") and entry == "copy_index" else 1.2
        assert 1 - 4 / np.sqrt(2 * REPEATS) < ratio < largest
        covered = np.mean(abs(values - values.mean()) < 1.96 * errors)
        assert covered > share - 4 * np.sqrt(share * (1 - share) / REPEATS)


def test_the_monte_carlo_error_is_that_of_other_permutations():
    rows = dependent_rows(150)
    through = projection(np.full((COLUMNS, 1), COLUMNS**-0.5), MEAN)
    found = [measure_copying(through, rows, MEAN, seed=seed).copy_index for seed in range(REPEATS)]
    spread = np.std([index.value for index in found], ddof=1)
    error = np.sqrt(np.mean([index.stderr**2 for index in found]))
    assert abs(error / spread - 1) < 4 / np.sqrt(2 * REPEATS)


def test_few_rows_have_an_index_and_one_row_no_error():
    assert np.isfinite(measure_copying(bent, independent_rows(2), MEAN).copy_index.stderr_rows)
    assert measure_copying(bent, independent_rows(1), MEAN).copy_index.stderr_rows is None
    assert measure_copying(bent, np.tile(MEAN, (5, 1)), MEAN) is None


SAID = {
    "a copy": (0.95, 6, True),
    "a copy with a narrow latent": (0.95, 5, False),
    "a wide latent that learned": (0.5, 12, False),
    "no index": (None, 12, False),
}


@pytest.mark.parametrize("case", SAID)
def test_a_copy_is_named_with_its_remedies(case):
    index, latent, told = SAID[case]
    entry = None if index is None else Estimate(index, "share", "estimate", 0.01, 0.01)
    sentences = diagnose_copying({"copy_index": entry}, latent, COLUMNS)
    assert len(sentences) == told
    for remedy in ("copy index 0.95", "n_components < 6", "DenoisingAutoencoder", "TopK", "VAE"):
        assert not told or remedy in sentences[0]
