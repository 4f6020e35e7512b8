"""Paired differences: their value, their errors, and what may be said of their direction."""

import numpy as np
import pytest

from isthmus.evidence import mean_difference
from isthmus.information.estimate import mean_over_rows


def test_the_error_over_rows_is_that_of_the_differences():
    generator = np.random.default_rng(0)
    hard = 10.0 * generator.normal(size=500)
    first, second = hard + generator.normal(size=500), hard
    found = mean_difference(
        mean_over_rows(first, direction="exact"), mean_over_rows(second, direction="exact"), first - second
    )
    np.testing.assert_allclose(float(found), (first - second).mean())
    np.testing.assert_allclose(found.stderr_rows, (first - second).std(ddof=1) / np.sqrt(500))
    assert found.stderr == 0.0


@pytest.mark.parametrize(
    ("first", "second", "direction"),
    [
        ("exact", "exact", "exact"),
        ("lower", "exact", "lower"),
        ("exact", "lower", "upper"),
        ("lower", "upper", "lower"),
        ("lower", "lower", "estimate"),
        ("estimate", "exact", "estimate"),
    ],
)
def test_a_difference_says_what_its_parts_allow(first, second, direction):
    a, b = np.array([1.0, 2.0]), np.array([0.0, 3.0])
    found = mean_difference(mean_over_rows(a, direction=first), mean_over_rows(b, direction=second), a - b)
    assert found.direction == direction


def test_sampling_errors_of_both_count():
    a, b = np.array([1.0, 2.0]), np.array([0.0, 3.0])
    parts = [mean_over_rows(values, variances=np.full(2, variance)) for values, variance in ((a, 2.0), (b, 6.0))]
    np.testing.assert_allclose(mean_difference(*parts, a - b).stderr, 2.0)


def test_an_impossible_row_leaves_no_difference():
    a, b = np.array([1.0, -np.inf]), np.array([0.0, 3.0])
    assert mean_difference(mean_over_rows(a), mean_over_rows(b), a - b) is None
