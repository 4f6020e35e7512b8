"""What kind of quantity a column holds, seen in its values."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import stats

from isthmus.data.table import Column

Kind = Literal["real", "positive", "count", "binary", "categorical", "ordinal", "datetime", "identifier"]
KINDS: dict[Kind, str] = {
    "real": "a number of any sign",
    "positive": "a number above zero, spread over orders of magnitude",
    "count": "a whole number of things",
    "binary": "one of two values",
    "categorical": "one of several values without an order",
    "ordinal": "one of several values in order",
    "datetime": "a moment in time",
    "identifier": "a name of its own for each row, which says nothing of any other row",
}

MOST_GRADES = 10
"""Whole numbers in a row, no more of them than this, are grades."""
FEWEST_IDENTIFIERS = 20
"""All-different words in fewer rows than this may be chance."""
ORDERS_OF_MAGNITUDE = 0.75
"""Positive numbers whose logarithm spreads more than this vary by a factor of e^(4 x .75) = 20 within two spreads."""


TOLD_APART: frozenset[Kind] = frozenset({"binary", "categorical", "ordinal", "identifier"})
"""Kinds whose values are told apart rather than measured."""


@dataclass(frozen=True)
class ColumnKind:
    """What a column was taken for, and why, in a few words."""

    kind: Kind
    reason: str


def infer_kind(column: Column) -> ColumnKind:
    """The kind of a column with at least one observed value."""
    seen = column.values[column.observed]
    distinct = np.unique(seen)
    if column.temporal:
        return ColumnKind("datetime", "moments in time")
    if len(distinct) == 2 and not column.ordered:
        return ColumnKind("binary", f"two values, {_named(column, distinct[0])} and {_named(column, distinct[1])}")
    if column.categories is not None:
        return _kind_of_words(column, seen, distinct)
    return _kind_of_numbers(seen, distinct)


def _kind_of_words(column: Column, seen: np.ndarray, distinct: np.ndarray) -> ColumnKind:
    if column.ordered:
        return ColumnKind("ordinal", f"{len(column.categories or ())} ordered categories")
    if len(distinct) == len(seen) >= FEWEST_IDENTIFIERS:
        return ColumnKind("identifier", f"{len(seen)} words, all different")
    return ColumnKind("categorical", f"{len(distinct)} different words")


def _kind_of_numbers(seen: np.ndarray, distinct: np.ndarray) -> ColumnKind:
    if (seen == np.round(seen)).all():
        counted = 0 <= distinct[0] <= 1 and _counted(seen)
        consecutive = distinct[-1] - distinct[0] == len(distinct) - 1
        if consecutive and 3 <= len(distinct) <= MOST_GRADES and not (counted and distinct[0] == 0):
            return ColumnKind("ordinal", f"whole numbers from {distinct[0]:g} to {distinct[-1]:g}")
        if counted:
            return ColumnKind("count", f"whole numbers from {distinct[0]:g}")
        return ColumnKind("real", "whole numbers that do not count from zero")
    if distinct[0] > 0 and np.log(seen).std() > ORDERS_OF_MAGNITUDE:
        return ColumnKind("positive", f"numbers above zero, from {distinct[0]:.3g} to {distinct[-1]:.3g}")
    return ColumnKind("real", "numbers")


def _counted(seen: np.ndarray) -> bool:
    """Whether whole numbers from near zero are rather a number of things than a reading on a scale.

    They scatter at least half as much as a Poisson of their mean would, and a Poisson, or where they scatter more a
    negative binomial, of their moments foretells them better than a rounded normal does.
    """
    mean, variance = float(seen.mean()), float(seen.var())
    if variance == 0 or variance < 0.5 * mean:
        return False
    spread = np.sqrt(variance)
    rounded = np.maximum(stats.norm.cdf(seen + 0.5, mean, spread) - stats.norm.cdf(seen - 0.5, mean, spread), 1e-300)
    if variance > mean:
        counted = stats.nbinom.logpmf(seen, mean**2 / (variance - mean), mean / variance)
    else:
        counted = stats.poisson.logpmf(seen, mean)
    return bool(counted.mean() > np.log(rounded).mean())


def _named(column: Column, value: float) -> str:
    return f"{value:g}" if column.categories is None else repr(column.categories[int(value)])
