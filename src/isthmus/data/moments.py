"""Arrow's dates, times of day and durations as seconds, and back."""

import numpy as np
import pyarrow as pa

_TICKS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_DAY = 86_400
_GRAINS = (_DAY * 10**6, 3600 * 10**6, 60 * 10**6, 10**6, 1000, 1)


def is_moment(kind: pa.DataType) -> bool:
    """Whether values of this type are moments in time: dates and timestamps."""
    return pa.types.is_date(kind) or pa.types.is_timestamp(kind)


def is_span(kind: pa.DataType) -> bool:
    """Whether values of this type are spans of time: durations, and times since midnight."""
    return pa.types.is_time(kind) or pa.types.is_duration(kind)


def to_seconds(column: pa.Array) -> np.ndarray:
    """Seconds since 1970, since midnight, or of duration: [row] of float64, NaN where missing."""
    missing = np.asarray(column.is_null())
    ticks = column.cast(_storage(column.type)).fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64)
    if pa.types.is_date32(column.type):
        return np.where(missing, np.nan, ticks * float(_DAY))
    # Whole seconds first: nanoseconds since 1970 are beyond the integers that float64 tells apart.
    whole, rest = np.divmod(ticks, _ticks_per_second(column.type))
    return np.where(missing, np.nan, whole + rest / _ticks_per_second(column.type))


def grain(seconds: np.ndarray) -> int:
    """The coarsest of day, hour, minute, second, millisecond and microsecond, in microseconds, that divides them."""
    microseconds = np.round(seconds * 1e6).astype(np.int64)
    return next((size for size in _GRAINS if not np.any(microseconds % size)), 1)


def to_microseconds(seconds: np.ndarray, size: int) -> np.ndarray:
    """Whole microseconds, rounded to a grain: [row] of int64."""
    return np.round(seconds * 1e6 / size).astype(np.int64) * size


def from_microseconds(microseconds: np.ndarray, kind: pa.DataType) -> pa.Array:
    """Microseconds as values of a type of dates, times of day or durations; a time of day stays within the day."""
    if pa.types.is_date32(kind):
        return pa.array(microseconds // (_DAY * 10**6)).cast(pa.int32()).cast(kind)
    if pa.types.is_time(kind):
        microseconds = np.clip(microseconds, 0, _DAY * 10**6 - 1)
    ticks = _ticks_per_second(kind)
    values = microseconds * (ticks // 10**6) if ticks > 10**6 else microseconds // (10**6 // ticks)
    return pa.array(values).cast(_storage(kind)).cast(kind)


def _storage(kind: pa.DataType) -> pa.DataType:
    return pa.int32() if pa.types.is_date32(kind) or pa.types.is_time32(kind) else pa.int64()


def _ticks_per_second(kind: pa.DataType) -> int:
    return _TICKS["ms"] if pa.types.is_date64(kind) else _TICKS[getattr(kind, "unit", "s")]
