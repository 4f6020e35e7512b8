"""Estimates by trees and sorting are those by all distances, to rounding; seed 3 throughout."""

import numpy as np
import pytest
from scipy.special import ndtri
from scipy.stats import rankdata
from sklearn.feature_selection import mutual_info_regression

from isthmus.information.samples import conditional_mutual_information, entropy, kl_divergence, mutual_information
from isthmus.information.samples.neighbours import count_within
from oracles import samples as oracle

RNG = np.random.default_rng(3)
COMMON = RNG.normal(size=(150, 1))
VARIABLES = {
    "columns": (COMMON[:, 0] + RNG.normal(size=150), COMMON[:, 0] - RNG.normal(size=150)),
    "vectors": (COMMON + RNG.normal(size=(150, 2)), COMMON + RNG.normal(size=(150, 3))),
    "far from 0": (1e6 + COMMON, 1e6 * (COMMON + RNG.normal(size=(150, 1)))),
}
LEVELS = RNG.integers(3, size=150)


def rows(values):
    return np.asarray(values, float).reshape(len(values), -1)


def scores(values):
    return ndtri((rankdata(rows(values), axis=0) - 0.5) / len(values))


def value(estimator, *variables, **options):
    return estimator(*variables, standard_error=False, **options).value


@pytest.mark.parametrize("name", VARIABLES)
@pytest.mark.parametrize("k", [1, 3, 8])
def test_the_estimators_of_kraskov_stogbauer_and_grassberger(name, k):
    x, y = VARIABLES[name]
    assert value(mutual_information, x, y, method="ksg1", k=k) == pytest.approx(oracle.ksg1(rows(x), rows(y), k))
    assert value(mutual_information, x, y, method="ksg2", k=k) == pytest.approx(oracle.ksg2(rows(x), rows(y), k))


def test_the_first_is_scikit_learns():
    x, y = VARIABLES["columns"]
    theirs = mutual_info_regression(x[:, None], y, random_state=0)[0]
    assert value(mutual_information, x, y, method="ksg1") == pytest.approx(theirs, abs=1e-6)


@pytest.mark.parametrize("k", [1, 3, 8])
def test_the_mixed_estimator_is_the_first_without_ties_and_a_table_within_them(k):
    x, y = VARIABLES["columns"]
    assert value(mutual_information, x, y, method="mixed", k=k) == pytest.approx(oracle.ksg1(rows(x), rows(y), k))
    rounded = np.round(x), np.round(2 * y)
    expected = oracle.mixed(*(oracle.standardised(rows(v)) for v in rounded), k)
    assert value(mutual_information, *rounded, method="mixed", k=k) == pytest.approx(expected)


@pytest.mark.parametrize(
    "levels", [LEVELS, LEVELS > 0, np.array(list("abc"))[LEVELS]], ids=["integers", "bools", "strings"]
)
def test_a_label_is_near_its_like_alone(levels):
    y = LEVELS + RNG.normal(size=150)
    codes = 1e3 * rows(np.unique(levels, return_inverse=True)[1])
    expected = oracle.mixed(codes, oracle.standardised(rows(y)), 3)
    assert value(mutual_information, levels, y, method="mixed") == pytest.approx(expected)


@pytest.mark.parametrize("k", [1, 4])
def test_conditional_information(k):
    x, y = VARIABLES["vectors"]
    expected = oracle.conditional(scores(x), scores(y), scores(COMMON), k)
    assert value(conditional_mutual_information, x, y, COMMON, k=k) == pytest.approx(expected)
    expected = oracle.conditional(scores(x), scores(y), 1e3 * rows(LEVELS), k)
    assert value(conditional_mutual_information, x, y, LEVELS, k=k) == pytest.approx(expected)


@pytest.mark.parametrize("name", VARIABLES)
@pytest.mark.parametrize("k", [1, 3])
def test_differential_entropy(name, k):
    for x in VARIABLES[name]:
        assert value(entropy, x, k=k) == pytest.approx(oracle.differential_entropy(rows(x), k))


@pytest.mark.parametrize("k", [1, 3])
def test_divergence(k):
    x, y = VARIABLES["vectors"][0], 2 * VARIABLES["vectors"][1][:100, :2]
    assert value(kl_divergence, x, y, k=k) == pytest.approx(oracle.kl_divergence(x, y, k))


@pytest.mark.parametrize("closed", [False, True])
@pytest.mark.parametrize("dimension", [1, 2])
def test_counts_at_the_very_radius(closed, dimension):
    points = RNG.integers(5, size=(60, dimension)).astype(float)
    radii = RNG.integers(4, size=(60, 2)).astype(float)
    distances = oracle.distances(points)[:, :, None]
    expected = distances <= radii[:, None] if closed else (distances < radii[:, None]) | (distances == 0)
    np.testing.assert_array_equal(count_within(points, radii, closed), expected.sum(axis=1))
