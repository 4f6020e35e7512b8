"""Arrow's dates, times of day and durations as seconds, and back."""

import numpy as np
import pyarrow as pa

_TICKS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_DAY = 86_400
_YEARS = (-62_135_596_800, 253_402_214_400)
"""The first day of the year 1 and the last of 9999, in seconds: what text and Python can say."""
LARGEST_GRAIN = 10**6 * _DAY
_GRAINS = (*(10**6 * seconds for seconds in (_DAY, 3600, 60)), *(10**power for power in range(6, -1, -1)))


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
    """The coarsest of day, hour, minute, second and its decimals, in microseconds, that divides them all."""
    microseconds = np.round(seconds * 1e6).astype(np.int64)
    return next((size for size in _GRAINS if not np.any(microseconds % size)), 1)


def to_microseconds(seconds: np.ndarray, size: int) -> np.ndarray:
    """Whole microseconds, rounded to a grain and kept within the years 1 to 9999: [row] of int64."""
    return np.round(np.clip(seconds, *_YEARS) * 1e6 / size).astype(np.int64) * size


def from_microseconds(microseconds: np.ndarray, kind: pa.DataType) -> pa.Array:
    """Microseconds as values of a type of dates, times or durations, kept within the day and within the type."""
    if pa.types.is_date32(kind):
        return pa.array(microseconds // (_DAY * 10**6)).cast(pa.int32()).cast(kind)
    if pa.types.is_time(kind):
        microseconds = np.clip(microseconds, 0, _DAY * 10**6 - 1)
    ticks = _ticks_per_second(kind)
    if ticks > 10**6:
        # Nanoseconds end in the year 2262.
        values = np.clip(microseconds, -(2**63 // 1000), 2**63 // 1000) * 1000
    else:
        values = microseconds // (10**6 // ticks)
    return pa.array(values).cast(_storage(kind)).cast(kind)


def _storage(kind: pa.DataType) -> pa.DataType:
    return pa.int32() if pa.types.is_date32(kind) or pa.types.is_time32(kind) else pa.int64()


def _ticks_per_second(kind: pa.DataType) -> int:
    return _TICKS["ms"] if pa.types.is_date64(kind) else _TICKS[getattr(kind, "unit", "s")]
