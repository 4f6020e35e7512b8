"""A table to Arrow, and to a frame of the user's own library."""

from typing import Any

import narwhals as nw
import numpy as np
import pyarrow as pa

from isthmus.data.table import Column, Table

_LARGEST_SECONDS = 9e9
"""Moments are kept within some 285 years of 1970: all that nanoseconds in 64 bits can hold."""


def table_to_arrow(table: Table) -> pa.Table:
    """Numbers as float64, moments as timestamps, categories as words; null in the holes."""
    return pa.table({column.name: _array(column) for column in table.columns})


def table_to_frame(table: Table, like: Any) -> Any:
    """A frame of the library of `like`, with its index where it has one and as many rows."""
    frame = nw.from_arrow(table_to_arrow(table), backend=nw.get_native_namespace(like)).to_native()
    if hasattr(like, "index") and len(like) == len(frame):
        frame.index = like.index
    return frame


def _array(column: Column) -> pa.Array:
    missing = ~column.observed
    if column.categories is not None:
        words = np.array([*column.categories, ""], dtype=object)
        return pa.array(words[column.values.astype(np.int64)], pa.string(), mask=missing)
    if column.temporal:
        seconds = np.clip(column.values, -_LARGEST_SECONDS, _LARGEST_SECONDS)
        return pa.array(np.round(seconds * 1e6).astype(np.int64), pa.timestamp("us"), mask=missing)
    return pa.array(column.values, pa.float64(), mask=missing)
