"""A number that says what it is: its unit, what it proves, and how far it may be off."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

Direction = Literal["exact", "lower", "upper", "estimate"]
Value = float | tuple[float, ...]

_NATS_PER = {"nats": 1.0, "bits": math.log(2.0)}
_SYMBOL = {"exact": "=", "lower": ">=", "upper": "<=", "estimate": "~"}


@dataclass(frozen=True)
class Estimate:
    """A quantity, or one quantity per latent dimension, with its unit, direction and errors.

    value: a number, or a tuple of them.
    unit: "nats", "bits", or another name that no conversion touches ("count", "squared units").
    direction: "exact" (given the rows), "lower" or "upper" (the truth is, in expectation, at least or at most this), or
        "estimate" (it may lie on either side).
    stderr: standard error from Monte Carlo, the rows given; 0 where nothing was sampled; None where it is unknown.
    stderr_rows: standard error from having seen these rows and not others; None for a single row.
    """

    value: Value
    unit: str
    direction: Direction
    stderr: Value | None = None
    stderr_rows: Value | None = None

    def in_unit(self, unit: Literal["nats", "bits"]) -> "Estimate":
        """The same estimate in nats or bits; unchanged where its own unit is neither."""
        if unit not in _NATS_PER:
            raise ValueError(f"unit {unit!r} is unknown; expected 'nats' or 'bits'")
        if self.unit not in _NATS_PER:
            return self
        factor = _NATS_PER[self.unit] / _NATS_PER[unit]
        scaled = {name: _times(getattr(self, name), factor) for name in ("value", "stderr", "stderr_rows")}
        return replace(self, unit=unit, **scaled)

    def to_dict(self) -> dict[str, Any]:
        """JSON values; infinities, which JSON lacks, become the strings "inf" and "-inf"."""
        return {
            "value": _to_json(self.value),
            "unit": self.unit,
            "direction": self.direction,
            "stderr": _to_json(self.stderr),
            "stderr_rows": _to_json(self.stderr_rows),
        }

    @classmethod
    def from_dict(cls, record: dict[str, Any]) -> "Estimate":
        """The estimate that `to_dict` wrote."""
        numbers: dict[str, Any] = {name: _from_json(record[name]) for name in ("value", "stderr", "stderr_rows")}
        return cls(unit=record["unit"], direction=record["direction"], **numbers)

    def __str__(self) -> str:
        if isinstance(self.value, tuple):
            shown = " ".join(f"{number:.3g}" for number in self.value)
        else:
            shown = f"{self.value:.6g}"
        errors = [
            f"{name} {error:.2g}"
            for name, error in (("stderr", self.stderr), ("rows", self.stderr_rows))
            if isinstance(error, float) and error > 0
        ]
        return f"{_SYMBOL[self.direction]} {shown} {self.unit}" + (f" ({', '.join(errors)})" if errors else "")


def mean_over_rows(
    values: np.ndarray,
    unit: str = "nats",
    direction: Direction = "estimate",
    variances: np.ndarray | None = None,
) -> Estimate:
    """The mean of per-row values [row] or [row, dimension], as an Estimate.

    variances: Monte Carlo variance of each row's value, same shape; None where the values are exact given the rows.
    The standard errors take rows as independent; an infinite row makes the mean infinite and its errors unknown.
    """
    values = np.asarray(values, np.float64)
    rows = len(values)
    monte_carlo = np.zeros(values.shape[1:]) if variances is None else np.sqrt(variances.sum(0)) / rows
    with np.errstate(invalid="ignore"):
        sampling = values.std(0, ddof=1) / math.sqrt(rows) if rows > 1 else None
    return Estimate(_plain(values.mean(0)), unit, direction, _finite(monte_carlo), _finite(sampling))


def _plain(value: np.ndarray | float) -> Value:
    numbers = np.asarray(value).tolist()
    return tuple(numbers) if isinstance(numbers, list) else numbers


def _finite(error: np.ndarray | float | None) -> Value | None:
    return None if error is None or not np.all(np.isfinite(error)) else _plain(error)


def _times(value: Value | None, factor: float) -> Value | None:
    if isinstance(value, tuple):
        return tuple(v * factor for v in value)
    return None if value is None else value * factor


def _to_json(value: Value | None) -> Any:
    if isinstance(value, tuple):
        return [_to_json(v) for v in value]
    return str(value) if value is not None and math.isinf(value) else value


def _from_json(value: Any) -> Value | None:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return tuple(float(v) for v in value)
    return None if value is None else float(value)
