"""Frames of pandas and polars are tables, whatever their types; what is none is named."""

import datetime
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

from holed_frames import PANDAS, polars_columns
from isthmus.data import DataError, table_from_frame

CATEGORIES = {
    "boolean": ("false", "true"),
    "object of truth": ("false", "true"),
    "string": ("a", "b"),
    "object of words": ("a", "b"),
    "unordered": ("a", "b"),
    "ordered": ("low", "mid", "high"),
    "categories of numbers": ("3", "2", "1"),
    "intervals": ("(0.0, 2.5]", "(2.5, 6.0]"),
}
ORDERED = {"ordered", "categories of numbers", "intervals"}
TEMPORAL = {"days", "nanoseconds", "seconds", "zone"}
LATE = [datetime.datetime(9999, 12, 31), None, datetime.datetime(1, 1, 1)]


@pytest.mark.parametrize("name", PANDAS)
def test_a_column_of_pandas_is_what_it_holds(name):
    (column,) = table_from_frame(pd.DataFrame({"a": PANDAS[name]})).columns
    np.testing.assert_array_equal(column.observed, [True, False, True])
    assert (column.categories, column.ordered) == (CATEGORIES.get(name), name in ORDERED)
    assert column.temporal == (name in TEMPORAL)
    if column.categories:
        said = [str(value) for value in PANDAS[name]]
        said = [word.lower() for word in said] if "truth" in name or name == "boolean" else said
        assert [column.categories[code] for code in column.values[[0, 2]]] == [said[0], said[2]]


def test_every_column_of_polars_is_a_column():
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame(polars_columns(polars))
    columns = {column.name: column for column in table_from_frame(frame).columns}
    assert list(columns) == frame.columns
    assert all(column.observed.tolist() == [True, False, True] for column in columns.values())
    assert {name for name, column in columns.items() if column.ordered} == {"Enum"}
    assert columns["Enum"].categories == ("low", "mid", "high")
    assert {name for name, column in columns.items() if column.temporal} == {"Date", "nanoseconds", "zone"}
    assert columns["zone"].values[0] == datetime.datetime(2020, 1, 2, 3, tzinfo=datetime.UTC).timestamp()


def test_labels_that_are_no_text_are_names():
    table = table_from_frame(pd.DataFrame(np.ones((2, 2)), columns=[7, 8]))
    assert [column.name for column in table.columns] == ["7", "8"]


def test_moments_far_away_are_moments():
    (column,) = table_from_frame(pd.DataFrame({"a": pd.Series(LATE, dtype=object)})).columns
    assert column.values[[0, 2]].tolist() == [253402214400.0, -62135596800.0]


def test_infinity_is_named():
    with pytest.raises(DataError, match=r"column 'b' of X contains infinity \(first in row 1\)"):
        table_from_frame(pd.DataFrame({"a": [1.0, 2.0], "b": [1.0, -np.inf]}))


REFUSED = {
    "numbers and words": ([1, "x"], "mixes types, number and str; give it one type"),
    "truth values and words": ([True, "x"], "mixes types, str and truth value"),
    "dates and numbers": ([datetime.date(2020, 1, 2), 5], "mixes types, date and number"),
    "integers beyond any": ([2**70, 1], "mixes types, or holds what no table can"),
    "lists": ([[1], [2]], "holds list"),
    "bytes": ([b"x", b"y"], "holds binary values; expected numbers, dates or words: drop it or convert it"),
    "complex numbers": (np.array([1j, 2]), "give it one type"),
    "fractions": ([Fraction(1, 3), Fraction(1, 2)], "give it one type"),
    "periods": (pd.period_range("2020", periods=2), "holds extension"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_column_that_is_none_is_named(name):
    values, reason = REFUSED[name]
    with pytest.raises(DataError, match=f"column 'b' of X {reason}|column 'b' of X .*{reason}"):
        table_from_frame(pd.DataFrame({"a": [1.0, 2.0], "b": values}))


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        (pd.DataFrame(np.ones((2, 2)), columns=["a", "a"]), "X has two columns named 'a'"),
        (pd.DataFrame(np.ones((2, 2)), columns=["1", 1]), "X has two columns named '1'"),
        (pd.DataFrame(), r"X has shape \(0, 0\); expected at least one row and one column"),
        (pd.DataFrame({"a": []}), r"X has shape \(0, 1\); expected at least one row"),
    ],
)
def test_a_frame_that_is_no_table_is_refused(frame, reason):
    with pytest.raises(DataError, match=reason):
        table_from_frame(frame)
