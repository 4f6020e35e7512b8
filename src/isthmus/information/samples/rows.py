"""Samples as rows: what came in is checked, told discrete from continuous, and freed of its scale."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri
from scipy.stats import rankdata


@dataclass(frozen=True)
class Sample:
    """The rows of one variable: values [row, d], float64; or, where it is discrete, level numbers [row, 1]."""

    values: np.ndarray
    discrete: bool

    def __len__(self) -> int:
        return len(self.values)

    @property
    def codes(self) -> np.ndarray:
        """A number per distinct row, [row]."""
        return distinct(self.values)


def sample(values: ArrayLike, name: str, discrete_levels: float = math.inf) -> Sample:
    """The rows [row] or [row, d] of one variable. Floats are continuous; integers, bools, strings and objects discrete.

    Integers of more levels than `discrete_levels` are taken for numbers on a scale. Raises ValueError for values that
    are not finite, TypeError for a kind that is neither.
    """
    array = np.asarray(values)
    if array.ndim not in (1, 2) or array.size == 0:
        raise ValueError(
            f"{name} has shape {array.shape}; expected rows [row] or [row, dimension], at least one of each"
        )
    array = array.reshape(len(array), -1)
    if array.dtype.kind == "f":
        finite = np.isfinite(array).all(axis=1)
        if not finite.all():
            row = int(np.argmin(finite))
            raise ValueError(
                f"{name} is not finite in row {row}: {array[row].tolist()}; drop such rows of all variables"
            )
        return Sample(array.astype(np.float64), discrete=False)
    if array.dtype.kind not in "iubOUS":
        raise TypeError(f"{name} is of type {array.dtype}; expected numbers, bools, strings or objects")
    codes = distinct(array)
    if array.dtype.kind in "iu" and codes.max() + 1 > discrete_levels:
        return Sample(array.astype(np.float64), discrete=False)
    return Sample(codes[:, None].astype(np.float64), discrete=True)


def paired(names: Sequence[str], *variables: Any) -> list[Sample]:
    """Variables that were seen together. Integers of more levels than the root of the rows are numbers on a scale.

    Raises ValueError where their numbers of rows differ.
    """
    rows = [len(np.asarray(variable)) if np.ndim(variable) else 1 for variable in variables]
    if len(set(rows)) > 1:
        counts = ", ".join(f"{name} {count}" for name, count in zip(names, rows, strict=True))
        raise ValueError(f"the variables differ in rows ({counts}); expected one row of each per observation")
    return [sample(variable, name, math.sqrt(rows[0])) for name, variable in zip(names, variables, strict=True)]


def require_rows(rows: int, k: int) -> None:
    if k < 1:
        raise ValueError(f"k is {k}; expected at least 1 neighbour")
    if rows < k + 1:
        raise ValueError(f"{rows} rows are too few for k={k} neighbours; pass at least {k + 1} rows, or a smaller k")


def distinct(array: np.ndarray) -> np.ndarray:
    """A number, from 0 on, per distinct row of an array [row, d]: [row]."""
    if array.dtype.kind == "O":
        numbers: dict[tuple, int] = {}
        return np.array([numbers.setdefault(tuple(row), len(numbers)) for row in array.tolist()])
    columns = [np.unique(column, return_inverse=True)[1] for column in array.T]
    codes = columns[0]
    for column in columns[1:]:
        codes = np.unique(codes * (column.max() + 1) + column, return_inverse=True)[1]
    return codes


def normal_scores(values: np.ndarray) -> np.ndarray:
    """Each column [row, d] mapped to the normal quantiles of its ranks; ties share theirs, and a constant is 0.

    Information is the same through any map that can be undone: what is left is the copula, whose scale is known.
    """
    return np.stack([_normal_scores(column) for column in values.T], axis=1)


def distinct_share(variable: Sample) -> float:
    """The share of different values in the varying column that has fewest: 1 where none repeats, 0 if discrete."""
    if variable.discrete:
        return 0.0
    columns = varying_columns(variable).T
    return min(1 + np.count_nonzero(np.diff(np.sort(column))) for column in columns) / len(variable)


def standardised(values: np.ndarray) -> np.ndarray:
    """Each column [row, d] less its mean, over its standard deviation; a constant is 0."""
    scale = values.std(axis=0)
    return (values - values.mean(axis=0)) / np.where(scale > 0, scale, 1.0)


def coordinates(variable: Sample, scaled: Callable[[np.ndarray], np.ndarray] = normal_scores) -> np.ndarray:
    """Where to look for neighbours, [row, d]: scaled columns, or level numbers too far apart to be near one another.

    Columns that are constant are left out, unless all are.
    """
    if variable.discrete:
        return 64.0 * variable.values
    return scaled(variable.values if is_constant(variable) else varying_columns(variable))


def is_constant(variable: Sample) -> bool:
    return bool(np.all(variable.values == variable.values[0]))


def varying_columns(variable: Sample) -> np.ndarray:
    """The columns [row, d] that are not constant."""
    return variable.values[:, np.ptp(variable.values, axis=0) > 0]


def spread_ties(values: np.ndarray, seed: int) -> np.ndarray:
    """The columns [row, d], and where one repeats a value, each of its values spread evenly over its smallest gap."""
    spread, rng = values.copy(), np.random.default_rng(seed)
    for column in spread.T:
        levels = np.unique(column)
        if 1 < len(levels) < len(column):
            column += np.diff(levels).min() * rng.uniform(-0.5, 0.5, len(column))
    return spread


def _normal_scores(column: np.ndarray) -> np.ndarray:
    rows, order = len(column), np.argsort(column)
    if np.any(np.diff(column[order]) == 0):
        return ndtri((rankdata(column) - 0.5) / rows)
    scores = np.empty(rows)
    scores[order] = ndtri((np.arange(rows) + 0.5) / rows)
    return scores
