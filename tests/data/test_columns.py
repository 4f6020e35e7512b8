"""What is seen of columns agrees with exact arithmetic at every magnitude, and what cannot be modelled is named."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isthmus.data import DataError, inspect_columns
from isthmus.data.columns import require_finite
from oracles import columns as oracle

NORMAL = np.random.default_rng(0).normal(size=50)
COLUMNS = {
    "unit": NORMAL,
    "1e30": 1e30 * NORMAL,
    "1e-30": 1e-30 * NORMAL,
    "1e200": 1e200 * NORMAL,
    "1e-200": 1e-200 * NORMAL,
    "1e300 and 1": np.array([1e300, 1.0, -1e300]),
    "offset 1e9": 1e9 + NORMAL,
    "time stamps": 1_700_000_000 + np.arange(50),
    "float32": NORMAL.astype(np.float32),
    "float16": NORMAL.astype(np.float16),
    "bytes": np.arange(0, 250, 5, dtype=np.uint8),
    "signed": np.array([-7, 3, 3, 100]),
    "booleans": np.array([True, False, True]),
    "steps of a half": np.array([1.0, 2.5, 2.0, 2.5]),
    "subnormal": np.array([5e-324, 0.0, 1.5e-323]),
}
INTEGER = {"1e30", "1e300 and 1", "1e200", "time stamps", "bytes", "signed", "booleans"}
FINITE = st.floats(-1e300, 1e300)


def inspect(column):
    return inspect_columns(np.asarray(column)[:, None], ("x",))


@pytest.mark.parametrize("name", COLUMNS)
def test_moments_and_gap_agree_with_exact_arithmetic(name):
    column = COLUMNS[name]
    seen = inspect(column)
    mean, spread = oracle.moments(column)
    magnitude = np.abs(column.astype(np.float64)).max()
    # float64 keeps sixteen digits of the largest value; what is left of them after the offset is the spread.
    resolution = 1e-15 * magnitude + 5e-324
    assert seen.mean[0] == pytest.approx(mean, rel=1e-12, abs=resolution)
    assert seen.spread[0] == pytest.approx(spread, rel=1e-12, abs=resolution)
    assert seen.smallest_gap[0] == oracle.smallest_gap(column)
    assert (seen.minimum[0], seen.maximum[0]) == (column.min(), column.max())


@pytest.mark.parametrize("name", COLUMNS)
def test_what_is_seen_is_float64_and_flags_are_right(name):
    seen = inspect(COLUMNS[name])
    for field in (seen.minimum, seen.maximum, seen.mean, seen.spread, seen.smallest_gap):
        assert field.dtype == np.float64
    assert seen.integer.tolist() == [name in INTEGER]
    assert not seen.constant.any()


@settings(deadline=None, max_examples=100)
@given(column=st.lists(FINITE, min_size=2, max_size=12).filter(lambda values: len(set(values)) > 1))
def test_the_smallest_gap_is_that_of_the_sorted_distinct_values(column):
    assert inspect(column).smallest_gap[0] == oracle.smallest_gap(column)


@settings(deadline=None, max_examples=100)
@given(column=st.lists(FINITE, min_size=2, max_size=12).filter(lambda values: len(set(values)) > 1))
def test_moments_stay_finite_and_within_the_values(column):
    seen = inspect(column)
    width = seen.maximum[0] - seen.minimum[0]
    slack = 1e-12 * max(abs(seen.minimum[0]), abs(seen.maximum[0])) + 5e-324
    assert seen.minimum[0] - slack <= seen.mean[0] <= seen.maximum[0] + slack
    assert 0 <= seen.spread[0] <= width / 2 + slack


@pytest.mark.parametrize("value", [0.0, -7.0, 0.1, 1e200, 5e-324])
def test_a_constant_column_has_no_spread_and_no_gap(value):
    seen = inspect_columns(np.column_stack([NORMAL, np.full(50, value)]), ("x", "constant"))
    assert seen.constant.tolist() == [False, True]
    assert (seen.spread[1], seen.smallest_gap[1], seen.mean[1]) == (0.0, 0.0, value)


def test_columns_do_not_see_each_other():
    names = [name for name in COLUMNS if len(COLUMNS[name]) == 50]
    together = inspect_columns(np.column_stack([COLUMNS[name].astype(np.float64) for name in names]), tuple(names))
    for i, name in enumerate(names):
        alone = inspect(COLUMNS[name].astype(np.float64))
        assert (together.mean[i], together.spread[i]) == pytest.approx((alone.mean[0], alone.spread[0]), rel=1e-6)
        assert together.smallest_gap[i] == alone.smallest_gap[0]


NAN, INFINITY = np.nan, np.inf
REFUSED = {
    "one NaN": ([[1, 2], [3, NAN], [5, 6]], r"column 'b' contains NaN \(first in row 1\); .*drop or fill"),
    "infinity": ([[1, 2], [3, 4], [INFINITY, 6]], r"column 'a' contains infinity \(first in row 2\)"),
    "minus infinity": ([[-INFINITY, 2], [3, 4]], r"column 'a' contains infinity \(first in row 0\)"),
    "both": ([[1, INFINITY], [3, NAN]], r"column 'b' contains infinity \(first in row 0\)"),
    "two columns": ([[1, 2], [NAN, 4], [5, NAN]], r"column 'a' contains NaN \(first in row 1\)"),
    "a column of NaN": ([[1, NAN], [3, NAN]], r"column 'b' is entirely missing \(NaN\); drop it"),
    "a column of infinity": ([[1, INFINITY], [3, INFINITY]], r"column 'b' contains infinity \(first in row 0\)"),
    "one row": ([[1.0, 2.0]], "n_samples=1 row of data; expected at least 2 rows"),
    "all constant": ([[1.0, 2.0], [1.0, 2.0]], "all 2 columns are constant; expected at least one that varies"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_rows_that_cannot_be_modelled_are_refused_by_name(name):
    values, reason = REFUSED[name]
    with pytest.raises(DataError, match=reason):
        inspect_columns(np.array(values), ("a", "b"))


@pytest.mark.parametrize("dtype", ["?", "u1", "i8", "f2", "f4", "f8"])
def test_finite_values_of_any_type_pass(dtype):
    require_finite(np.ones((1, 2), dtype), ("a", "b"))
