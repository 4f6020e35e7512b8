"""Mixed tables: words, dates, truth values and holes keep what they say, whichever file they come from."""

import datetime
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

from isthmus.data import DataError, read_table
from isthmus.data.table import table_from_array

DAY = datetime.date(2020, 1, 2)
SECONDS = 1577923200.0
KINDS = {
    "reals": (pa.array([1.5, None, -2.0]), [1.5, None, -2.0], None),
    "NaN is a hole": (pa.array([1.5, float("nan"), -2.0]), [1.5, None, -2.0], None),
    "integers": (pa.array([3, None, 5], pa.int64()), [3.0, None, 5.0], None),
    "decimals": (pa.array([Decimal("1.25"), None, Decimal("3.00")]), [1.25, None, 3.0], None),
    "words": (pa.array(["red", None, "blue"]), [1, None, 0], ("blue", "red")),
    "large words": (pa.array(["red", "blue", None], pa.large_string()), [1, 0, None], ("blue", "red")),
    "truth values": (pa.array([True, None, False]), [1, None, 0], ("false", "true")),
    "a dictionary": (pa.array(["b", "a", None]).dictionary_encode(), [1, 0, None], ("a", "b")),
    "days": (pa.array([DAY, None, DAY]), [SECONDS, None, SECONDS], None),
    "moments of nanoseconds": (
        pa.array([None, 1577923200500 * 10**6], pa.timestamp("ns")),
        [None, SECONDS + 0.5],
        None,
    ),
    "moments in a zone": (pa.array([None, 1577923200], pa.timestamp("s", "Asia/Tokyo")), [None, SECONDS], None),
    "days beyond nanoseconds": (pa.array([2**31 - 1, None], pa.date32()), [86400.0 * (2**31 - 1), None], None),
    "moments beyond nanoseconds": (pa.array([2**40, None], pa.timestamp("s")), [2.0**40, None], None),
    "times of day": (pa.array([datetime.time(1, 2, 3, 500000), None]), [3723.5, None], None),
    "durations": (pa.array([1500, None], pa.duration("ms")), [1.5, None], None),
    "moments": (pa.array([None, 1577923200500], pa.timestamp("ms")), [None, SECONDS + 0.5], None),
    "nothing": (pa.array([None, None]), [None, None], None),
    "only words missing": (pa.array([None, None], pa.string()), [None, None], ()),
}


def read_back(tmp_path, column):
    pyarrow.parquet.write_table(pa.table({"a": column}), tmp_path / "t.parquet")
    return read_table(str(tmp_path / "t.parquet")).columns[0]


@pytest.mark.parametrize("name", KINDS)
def test_a_column_keeps_its_values_and_its_holes(tmp_path, name):
    given, expected, categories = KINDS[name]
    column = read_back(tmp_path, given)
    np.testing.assert_array_equal(column.observed, [value is not None for value in expected])
    np.testing.assert_array_equal(column.values[column.observed], [value for value in expected if value is not None])
    assert column.categories == categories
    assert np.isfinite(column.values).all()


def test_a_csv_with_words_dates_and_holes(tmp_path):
    (tmp_path / "t.csv").write_text("size,colour,day,ok\n1.5,red,2020-01-02,true\n,,,\nNA,blue,2020-01-02,false\n")
    size, colour, day, ok = read_table(str(tmp_path / "t.csv")).columns
    assert [list(column.observed) for column in (size, colour, day, ok)] == [
        [True, False, False],
        [True, False, True],
        [True, False, True],
        [True, False, True],
    ]
    assert colour.categories == ("blue", "red")
    assert day.values[0] == SECONDS
    assert ok.categories == ("false", "true")


def test_a_numeric_set_is_a_table_too():
    table = read_table("iris")
    assert (table.row_count, len(table.columns)) == (150, 4)
    assert all(column.observed.all() and column.categories is None for column in table.columns)


def test_rows_are_chosen_in_every_column():
    table = read_table("iris")
    some = table.rows(np.array([3, 1]))
    assert some.row_count == 2
    np.testing.assert_array_equal(some.columns[2].values, table.columns[2].values[[3, 1]])


@pytest.mark.parametrize(("values", "constant"), [([0.0, 1.0], False), ([7.0, None, 7.0], True), ([None, None], True)])
def test_a_column_without_two_different_values_is_constant(tmp_path, values, constant):
    assert read_back(tmp_path, pa.array(values, pa.float64())).constant == constant


@pytest.mark.parametrize(
    ("column", "reason"),
    [
        (pa.array([1.0, float("inf")]), "column 'a' of .*t.parquet contains infinity .*row 1"),
        (pa.array([[1], [2]]), "column 'a' of .*t.parquet holds list"),
    ],
)
def test_what_a_table_cannot_hold_is_named(tmp_path, column, reason):
    with pytest.raises(DataError, match=reason):
        read_back(tmp_path, column)


def test_an_array_is_a_table():
    table = table_from_array(np.array([[1.0, np.nan], [2.0, 3.0]]), ("a", "b"))
    assert [column.name for column in table.columns] == ["a", "b"]
    np.testing.assert_array_equal(table.columns[1].observed, [False, True])


@pytest.mark.parametrize(
    ("values", "names", "reason"),
    [
        ([[1.0, 2.0]], ("a",), "X has 2 columns and 1 names"),
        ([1.0, 2.0], ("a",), r"X has shape \(2,\)"),
        ([["x"]], ("a",), "X holds values of type <U1; expected real numbers"),
        ([[np.inf]], ("a",), "column 'a' of X contains infinity"),
    ],
)
def test_an_array_that_is_no_table_is_refused(values, names, reason):
    with pytest.raises(DataError, match=reason):
        table_from_array(np.array(values), names)
