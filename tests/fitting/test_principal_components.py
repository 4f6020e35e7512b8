"""Principal components: scikit-learn's, whichever way they are found."""

import numpy as np
import pytest
from sklearn.decomposition import PCA

from isthmus.fitting.moments import moments_of
from isthmus.fitting.principal_components import (
    components_of_moments,
    principal_components,
    randomised_components,
)

GENERATOR = np.random.default_rng(0)


def rows_of(rows, columns):
    """Rows with a spectrum that falls off, and some noise."""
    spread = np.geomspace(5.0, 0.05, min(rows, columns, 40))
    factors = GENERATOR.normal(size=(rows, len(spread))) * spread
    return factors @ GENERATOR.normal(size=(len(spread), columns)) + 0.1 * GENERATOR.normal(size=(rows, columns)) + 2.0


SHAPES = {"tall": rows_of(400, 30), "wide": rows_of(40, 700), "square": rows_of(25, 25)}


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("k", [1, 5, 20])
def test_components_are_scikit_learns(name, k):
    rows = SHAPES[name]
    theirs, ours = PCA(k, svd_solver="full").fit(rows), principal_components(rows, k, ddof=1)
    np.testing.assert_allclose(ours.axes.T, theirs.components_, atol=1e-8)
    np.testing.assert_allclose(ours.eigenvalues, theirs.explained_variance_, rtol=1e-9)
    np.testing.assert_allclose(ours.eigenvalues / ours.total_variance, theirs.explained_variance_ratio_, rtol=1e-9)
    if rows.shape[0] > rows.shape[1]:
        np.testing.assert_allclose(ours.discarded_mean, theirs.noise_variance_, rtol=1e-9)


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("k", [2, 15])
def test_random_directions_find_them_as_closely_as_scikit_learns(name, k):
    rows = SHAPES[name]
    exact = PCA(k, svd_solver="full").fit(rows).components_
    theirs = PCA(k, svd_solver="randomized", random_state=0).fit(rows).components_
    ours = randomised_components(rows, k, seed=0)
    assert np.abs(ours.axes.T - exact).max() <= 10 * np.abs(theirs - exact).max() + 1e-9
    np.testing.assert_allclose(ours.axes.T @ ours.axes, np.eye(k), atol=1e-12)


def test_equal_seeds_give_equal_components():
    first, again = (randomised_components(SHAPES["wide"], 3, seed=5) for _ in range(2))
    np.testing.assert_array_equal(first.axes, again.axes)


@pytest.mark.parametrize("find", [principal_components, lambda X, k, w=None: randomised_components(X, k, 0, w)])
@pytest.mark.parametrize("name", SHAPES)
def test_whole_weights_are_repeated_rows(find, name):
    rows = SHAPES[name]
    weights = GENERATOR.integers(1, 4, size=len(rows))
    weighted, repeated = find(rows, 4, weights), find(np.repeat(rows, weights, axis=0), 4)
    np.testing.assert_allclose(weighted.axes, repeated.axes, atol=1e-6)
    np.testing.assert_allclose(weighted.eigenvalues, repeated.eigenvalues, rtol=1e-8)
    assert weighted.count == repeated.count


@pytest.mark.parametrize("find", [principal_components, randomised_components])
@pytest.mark.parametrize("name", SHAPES)
def test_an_offset_costs_no_digits(find, name):
    rows = np.round(SHAPES[name] * 1024) / 1024
    near, far = find(rows, 3), find(rows + 1e6, 3)
    np.testing.assert_allclose(far.axes, near.axes, atol=1e-8)
    np.testing.assert_allclose(far.eigenvalues, near.eigenvalues, rtol=1e-9)


def test_axes_without_variance_are_orthonormal_still():
    rows = np.outer(np.arange(6.0), np.ones(20))
    components = principal_components(rows, 4)
    np.testing.assert_allclose(components.axes.T @ components.axes, np.eye(4), atol=1e-12)
    np.testing.assert_allclose(components.eigenvalues[1:], 0.0, atol=1e-10)


def test_all_components_leave_nothing_out():
    moments = moments_of(SHAPES["tall"])
    components = components_of_moments(moments, 30)
    assert components.discarded_mean == 0.0
    rebuilt = components.axes * components.eigenvalues @ components.axes.T
    np.testing.assert_allclose(rebuilt, moments.covariance(), atol=1e-9)


@pytest.mark.parametrize("k", [0, 41])
def test_a_size_out_of_range_is_refused(k):
    for find in (principal_components, randomised_components):
        with pytest.raises(ValueError, match=f"k is {k}; expected 1 to 40"):
            find(SHAPES["wide"], k)
