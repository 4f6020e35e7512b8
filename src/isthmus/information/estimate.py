"""A number that says what it is: its unit, what it proves, and how far it may be off."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import jax
import numpy as np

Direction = Literal["exact", "lower", "upper", "estimate"]
Measure = Literal["counting", "lebesgue", "mixed"]
Value = float | tuple[float, ...] | np.ndarray | jax.Array

_NATS_PER = {"nats": 1.0, "bits": math.log(2.0)}
SIGNS = {"exact": "=", "lower": ">=", "upper": "<=", "estimate": "~"}


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Estimate:
    """A quantity, or many of one kind, with unit, direction and errors.

    A pytree whose leaves are the numbers, so it passes through `jax.jit`; differentiate its `.value`.

    value: a number, a tuple of them (one per latent dimension), or an array (one per member of a batch).
    unit: "nats", "bits", or another name that no conversion touches ("count", "squared units").
    direction: "exact" (given the rows), "lower" or "upper" (the truth is, in expectation, at least or at most this), or
        "estimate" (it may lie on either side).
    stderr: standard error from Monte Carlo, the rows given; 0 where nothing was sampled; None where it is unknown.
    stderr_rows: standard error from having seen these rows and not others; None for a single row.
    measure: what an entropy is taken with respect to: "counting" (discrete: never negative) or "lebesgue"
        (differential: it shifts with the units of x, and may be negative), "mixed" for columns of both; None where it
        makes no difference.
    """

    value: Value
    unit: str = field(metadata={"static": True})
    direction: Direction = field(metadata={"static": True})
    stderr: Value | None = None
    stderr_rows: Value | None = None
    measure: Measure | None = field(default=None, metadata={"static": True})

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
        record = {
            "value": _to_json(self.value),
            "unit": self.unit,
            "direction": self.direction,
            "stderr": _to_json(self.stderr),
            "stderr_rows": _to_json(self.stderr_rows),
        }
        return record if self.measure is None else {**record, "measure": self.measure}

    @classmethod
    def from_dict(cls, record: dict[str, Any]) -> "Estimate":
        """The estimate that `to_dict` wrote."""
        numbers: dict[str, Any] = {name: _from_json(record[name]) for name in ("value", "stderr", "stderr_rows")}
        return cls(unit=record["unit"], direction=record["direction"], measure=record.get("measure"), **numbers)

    def __float__(self) -> float:
        return float(self.value)  # type: ignore[arg-type]

    def __str__(self) -> str:
        numbers = np.asarray(self.value)
        shown = f"{numbers:.6g}" if numbers.ndim == 0 else " ".join(f"{number:.3g}" for number in numbers.ravel())
        errors = [
            f"{name} {np.asarray(error):.2g}"
            for name, error in (("stderr", self.stderr), ("rows", self.stderr_rows))
            if error is not None and np.ndim(error) == 0 and np.asarray(error) > 0
        ]
        entropy = {"counting": " (discrete)", "lebesgue": " (differential)", "mixed": " (mixed)", None: ""}[
            self.measure
        ]
        text = f"{SIGNS[self.direction]} {shown} {self.unit}{entropy}"
        return text + (f" ({', '.join(errors)})" if errors else "")


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


def in_three_decimals(value: float) -> str:
    """A number for a table: three decimals, or six digits where these would hide it or run away; whole ones plain."""
    if value == 0 or (float(value).is_integer() and abs(value) < 1e6):
        return f"{value:.0f}"
    return f"{value:,.3f}" if 0.01 <= abs(value) < 1e7 else f"{value:.6g}"


def in_few_digits(value: float) -> str:
    """A number for a narrow column: two decimals, fewer of large ones."""
    if not math.isfinite(value) or abs(value) >= 1e7 or 0 < abs(value) < 0.005:
        return f"{value:.3g}"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.1f}" if abs(value) >= 100 else f"{value:.2f}"


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
    if isinstance(value, np.ndarray | jax.Array | np.generic):
        value = np.asarray(value, np.float64).tolist()
    if isinstance(value, tuple | list):
        return [_to_json(v) for v in value]
    return str(value) if value is not None and math.isinf(value) else value


def _from_json(value: Any) -> Value | None:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return tuple(float(v) for v in value)
    return None if value is None else float(value)
