"""Frames of pandas and polars with a hole in every column, and tables that fill them."""

import datetime
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pandas as pd

SIZES = (1.0, None, 3.0)
DAYS = (datetime.date(2020, 1, 2), None, datetime.date(2020, 1, 4))
MOMENTS = ("2020-01-02 03:04", None, "2020-01-04 05:06")
PANDAS = {
    "float64": pd.Series([1.5, None, 2.25]),
    "whole float64": pd.Series(SIZES),
    "float32": pd.Series([1.1, None, 2.0], dtype="float32"),
    "Int64": pd.Series(SIZES, dtype="Int64"),
    "Int8": pd.Series(SIZES, dtype="Int8"),
    "Float64": pd.Series(SIZES, dtype="Float64"),
    "boolean": pd.Series([True, None, False], dtype="boolean"),
    "object of truth": pd.Series([True, None, False], dtype=object),
    "string": pd.Series(["a", None, "b"], dtype="string"),
    "object of words": pd.Series(["a", None, "b"], dtype=object),
    "object of numbers": pd.Series([1, None, 2.5], dtype=object),
    "decimals": pd.Series([Decimal("1.25"), None, Decimal("2.50")], dtype=object),
    "days": pd.Series(DAYS, dtype=object),
    "times of day": pd.Series([datetime.time(1, 2), None, datetime.time(3)], dtype=object),
    "unordered": pd.Series(pd.Categorical(["b", None, "a"], categories=["c", "b", "a"])),
    "ordered": pd.Series(pd.Categorical(["low", None, "high"], categories=["low", "mid", "high"], ordered=True)),
    "categories of numbers": pd.Series(pd.Categorical([3, None, 1], categories=[3, 2, 1], ordered=True)),
    "intervals": pd.Series(pd.cut(np.array([1.0, np.nan, 5.0]), [0.0, 2.5, 6.0])),
    "nanoseconds": pd.Series(pd.to_datetime(MOMENTS)).astype("datetime64[ns]"),
    "seconds": pd.Series(pd.to_datetime(MOMENTS)).astype("datetime64[s]"),
    "zone": pd.Series(pd.to_datetime(MOMENTS)).dt.tz_localize("Europe/Berlin"),
    "durations": pd.Series(pd.to_timedelta(["1D", None, "2h"])),
}


def polars_columns(polars):
    """A polars series for each type, from the module, which may not be there."""
    datetimes = [datetime.datetime(2020, 1, 2, 3), None, datetime.datetime(2020, 1, 4)]
    return {
        "Float64": polars.Series([1.5, None, 2.25]),
        "NaN": polars.Series([1.5, float("nan"), 2.25]),
        "Float32": polars.Series([1.1, None, 2.0], dtype=polars.Float32),
        "UInt8": polars.Series([1, None, 3], dtype=polars.UInt8),
        "Boolean": polars.Series([True, None, False]),
        "String": polars.Series(["a", None, "b"]),
        "Categorical": polars.Series(["b", None, "a"], dtype=polars.Categorical),
        "Enum": polars.Series(["low", None, "high"], dtype=polars.Enum(["low", "mid", "high"])),
        "Date": polars.Series(DAYS),
        "Time": polars.Series([datetime.time(1, 2), None, datetime.time(3)]),
        "Duration": polars.Series([datetime.timedelta(1), None, datetime.timedelta(2)]),
        "nanoseconds": polars.Series(datetimes, dtype=polars.Datetime("ns")),
        "zone": polars.Series(datetimes, dtype=polars.Datetime("ms", "Asia/Tokyo")),
        "Decimal": polars.Series([Decimal("1.25"), None, Decimal("2.50")]),
    }


def filled_like_the_last(table):
    """The table with every hole filled by the last value of its column that was observed, 0 if none was."""
    columns = []
    for column in table.columns:
        if column.categories == ():
            continue
        last = column.values[column.observed][-1] if column.observed.any() else 0
        values = np.where(column.observed, column.values, last)
        columns.append(replace(column, values=values, observed=np.ones_like(column.observed)))
    return replace(table, columns=tuple(columns))
