"""Standardising and back is the identity to the float32 accuracy of the spread, wherever the columns lie."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from isthmus.data import Standardisation, inspect_columns
from isthmus.data.standardisation import LARGEST

HALF_ULP_32, HALF_ULP_64, SUBNORMAL_32 = 2.0**-24, 2.0**-53, 2.0**-149
NORMAL = np.random.default_rng(1).normal(size=(40, 1))
COLUMNS = {
    "unit": NORMAL,
    "1e30": 1e30 * NORMAL,
    "1e-30": 1e-30 * NORMAL,
    "1e200": 1e200 * NORMAL,
    "1e-200": 1e-200 * NORMAL,
    "offset 1e9": 1e9 + NORMAL,
    "time stamps": 1.7e9 + np.arange(40.0)[:, None],
    "one far row": np.append(NORMAL, [[1e9]], axis=0),
    "bytes": np.arange(40, dtype=np.uint8)[:, None],
    "booleans": NORMAL > 0,
}


def standardise(values):
    columns = inspect_columns(values, ("x",))
    return Standardisation(columns.mean, columns.spread)


@pytest.mark.parametrize("name", COLUMNS)
def test_standardised_columns_have_mean_zero_and_spread_one(name):
    standardised = standardise(COLUMNS[name]).apply(COLUMNS[name])
    assert standardised.dtype == np.float32
    assert standardised.mean(dtype=np.float64) == pytest.approx(0.0, abs=2e-6)
    assert standardised.std(dtype=np.float64) == pytest.approx(1.0, abs=2e-6)


def assert_inverted(standardisation, values):
    returned = standardisation.invert(standardisation.apply(values))
    assert returned.dtype == np.float64
    distance = np.abs(values - standardisation.offset)
    cancelled = np.abs(values) + np.abs(standardisation.offset)
    accuracy = 1.01 * HALF_ULP_32 * distance + 8 * HALF_ULP_64 * cancelled + SUBNORMAL_32 * standardisation.scale
    assert (np.abs(returned - values) <= accuracy).all()


@pytest.mark.parametrize("name", COLUMNS)
def test_back_in_their_own_units_values_are_as_they_were(name):
    assert_inverted(standardise(COLUMNS[name]), COLUMNS[name].astype(np.float64))


@settings(deadline=None, max_examples=200)
@given(
    rows=hnp.arrays(np.float64, (5, 2), elements=st.floats(-1e6, 1e6)),
    offset=hnp.arrays(np.float64, 2, elements=st.floats(-1e30, 1e30)),
    exponent=hnp.arrays(np.float64, 2, elements=st.floats(-30, 30)),
)
def test_back_in_their_own_units_any_values_are_as_they_were(rows, offset, exponent):
    scale = 10.0**exponent
    values = offset + scale * rows
    # Where the scale is far below the offset's resolution, a rounded value may lie further out than `apply` keeps.
    assume(np.abs((values - offset) / scale).max() <= LARGEST)
    assert_inverted(Standardisation(offset, scale), values)


@settings(deadline=None, max_examples=100)
@given(
    values=hnp.arrays(np.float64, (3, 2), elements=st.floats(-1.7e308, 1.7e308)),
    offset=st.floats(-1.7e308, 1.7e308),
    scale=st.floats(1e-300, 1e300),
)
def test_standardised_values_and_their_squares_are_finite(values, offset, scale):
    standardised = Standardisation(np.full(2, offset), np.full(2, scale)).apply(values)
    assert (np.abs(standardised) <= np.float32(LARGEST)).all()
    assert np.isfinite(np.square(standardised)).all()


def test_neighbouring_seconds_stay_apart():
    seconds = 1.7e9 + np.arange(3600.0)[:, None]
    standardised = standardise(seconds).apply(seconds)
    np.testing.assert_allclose(np.diff(standardised[:, 0]), 1 / seconds.std(), rtol=1e-3)


def test_the_identity_changes_nothing():
    values = np.arange(6.0).reshape(2, 3)
    identity = Standardisation.identity(3)
    np.testing.assert_array_equal(identity.apply(values), values)
    np.testing.assert_array_equal(identity.invert(values), values)


def test_columns_keep_their_own_units():
    standardisation = Standardisation(np.array([1.0, -10.0]), np.array([2.0, 0.5]))
    np.testing.assert_array_equal(standardisation.apply(np.array([[3.0, -9.0]])), [[1.0, 2.0]])
    np.testing.assert_array_equal(standardisation.invert(np.array([[1.0, 2.0]])), [[3.0, -9.0]])
