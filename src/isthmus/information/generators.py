"""Generators of f-divergences: convex f with f(1) = 0, for D_f(p || q) = sum q f(p / q)."""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf, log
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np


@dataclass(frozen=True)
class Generator:
    """A convex f on (0, inf) with f(1) = 0, as its perspective q f(p / q), which needs no ratio that may overflow.

    perspective: of positive p and q, elementwise; written with jax.numpy, or with operators alone.
    at_zero: f(0+), the price of a unit of q where p is zero.
    at_infinity: the limit of f(t) / t, the price of a unit of p where q is zero.
    unit: of the divergence; "nats" where it converts to bits.
    """

    perspective: Callable[[Any, Any], Any]
    at_zero: float
    at_infinity: float
    unit: str = "dimensionless"

    @classmethod
    def of(cls, function: Callable[[Any], Any], at_zero: float, at_infinity: float, unit: str = "dimensionless") -> Any:
        """The generator whose f is a function of t."""
        return cls(lambda p, q: q * function(p / q), at_zero, at_infinity, unit)

    def terms(self, p: Any, q: Any, xp: Any) -> Any:
        """q f(p / q), elementwise, with its limits where p or q is zero; 0 where both are."""
        both = (p > 0) & (q > 0)
        shared = self._shared(xp.where(both, p, 1.0), xp.where(both, q, 1.0), xp)
        alone = _priced(p, self.at_infinity, xp), _priced(q, self.at_zero, xp)
        return xp.where(both, shared, xp.where(p > 0, *alone))

    def _shared(self, p: Any, q: Any, xp: Any) -> Any:
        if xp is jnp:
            return self.perspective(p, q)
        with jax.enable_x64(True), np.errstate(over="ignore"):
            return np.asarray(self.perspective(p, q))


def _priced(mass: Any, price: float, xp: Any) -> Any:
    """mass * price, with 0 * inf = 0 and no nan in the derivative."""
    return xp.where(mass > 0, inf, 0.0) if price == inf else mass * price


def _namespace(array: Any) -> Any:
    return jnp if isinstance(array, jax.Array) else np


def _kullback_leibler(p: Any, q: Any) -> Any:
    xp = _namespace(p)
    return p * (xp.log(p) - xp.log(q)) - p + q


def _jensen_shannon(p: Any, q: Any) -> Any:
    log = _namespace(p).log
    log_middle = log((p + q) / 2)
    return (p * (log(p) - log_middle) + q * (log(q) - log_middle)) / 2


# Each has f'(1) = 0 besides: a multiple of t - 1 adds nothing to the sum, and without it no term is negative.
KULLBACK_LEIBLER = Generator(_kullback_leibler, at_zero=1.0, at_infinity=inf, unit="nats")
JENSEN_SHANNON = Generator(_jensen_shannon, at_zero=log(2) / 2, at_infinity=log(2) / 2, unit="nats")
TOTAL_VARIATION = Generator(lambda p, q: abs(p - q) / 2, at_zero=0.5, at_infinity=0.5)
SQUARED_HELLINGER = Generator(lambda p, q: (p**0.5 - q**0.5) ** 2 / 2, at_zero=0.5, at_infinity=0.5)
CHI_SQUARED = Generator(lambda p, q: (p - q) ** 2 / q, at_zero=1.0, at_infinity=inf)
