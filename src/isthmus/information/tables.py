"""Probability tables: arrays of non-negative cells that sum to one over their event axes; other axes are a batch.

Concrete tables are checked, and computed by NumPy in float64; tables traced by jax go, unchecked, through the same
lines by jax.numpy, in the precision around them. A cell of zero adds nothing (0 log 0 = 0), and where the derivative in
it would be infinite it is put at zero, so that gradients are finite wherever the value is.
"""

from collections.abc import Callable
from math import inf, prod
from types import ModuleType
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.core import Tracer

from isthmus.information.generators import Generator

Axes = int | tuple[int, ...] | None


def is_traced(*arrays: Any) -> bool:
    """Whether any is an abstract value of jax, whose numbers are not known yet."""
    return any(isinstance(array, Tracer) for array in arrays)


def as_tables(*tables: Any, axis: Axes) -> tuple[list[Any], tuple[int, ...], ModuleType]:
    """The tables of one shape, their event axes (all where axis is None), and the array namespace that computes them.

    Raises ValueError for concrete tables that are no probabilities, and for shapes that do not broadcast.
    """
    arrays = [table if is_traced(table) else np.asarray(table) for table in tables]
    shape = _common_shape(*arrays)
    axes = event_axes(len(shape), axis)
    if prod(shape[a] for a in axes) == 0:
        raise ValueError(f"a table of shape {shape} is empty; expected at least one cell")
    xp = jnp if is_traced(*arrays) else np
    checked = [
        array if is_traced(array) else _checked(array, shape, axes, name)
        for array, name in zip(arrays, "pq", strict=False)
    ]
    return [array if array.shape == shape else xp.broadcast_to(array, shape) for array in checked], axes, xp


def event_axes(ndim: int, axis: Axes) -> tuple[int, ...]:
    """The axes, counted from the front, over which a table of so many sums to one."""
    if axis is None:
        return tuple(range(ndim))
    return tuple(np.lib.array_utils.normalize_axis_tuple(axis, ndim))


def _common_shape(*arrays: Any) -> tuple[int, ...]:
    shapes = [array.shape for array in arrays]
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        raise ValueError(f"tables of shapes {' and '.join(map(str, shapes))} do not broadcast together") from None


def _checked(array: np.ndarray, shape: tuple[int, ...], axes: tuple[int, ...], name: str) -> np.ndarray:
    """The table in float64, whose sums are one."""
    tolerance = _tolerance(array)
    table = np.broadcast_to(np.asarray(array, np.float64), shape)
    _check_cells(table, name)
    sums = table.sum(axis=axes)
    if not np.all(np.abs(sums - 1.0) <= tolerance):
        worst = np.ravel(sums)[np.argmax(np.abs(sums - 1.0))]
        raise ValueError(
            f"{name}, of shape {shape}, sums to {worst:.9g} over axes {axes}; expected 1: divide by the sum, or name "
            "the axes of the events by axis="
        )
    return table


def _tolerance(array: np.ndarray) -> float:
    """How far a sum may be off one: half of the digits that the array came in."""
    return float(jnp.finfo(array.dtype if jnp.issubdtype(array.dtype, jnp.floating) else np.float64).eps) ** 0.5


def _check_cells(table: np.ndarray, name: str = "p") -> None:
    """Raises ValueError, naming the cell, where one is negative or nan."""
    if table.size and not table.min() >= 0:
        cell = np.unravel_index(np.argmin(table), table.shape)
        raise ValueError(f"{name}{list(map(int, cell))} is {table[cell]:.9g}; expected a probability, 0 or more")


def as_probabilities(p: Any) -> tuple[Any, ModuleType]:
    """Probabilities of events that need not be all there are, and the array namespace that computes them."""
    if is_traced(p):
        return jnp.asarray(p), jnp
    array = np.asarray(p)
    cells = array.astype(np.float64)
    _check_cells(cells)
    if cells.size and cells.max() > 1 + _tolerance(array):
        raise ValueError(f"p has a cell of {cells.max():.9g}; expected a probability, at most 1")
    return cells, np


def quantity(function: Callable[..., Any], *tables: Any, axis: Axes, **arguments: Any) -> Any:
    """A quantity below of one table or two, after they are checked."""
    arrays, axes, xp = as_tables(*tables, axis=axis)
    return function(*(Masses.of(array, xp) for array in arrays), axes=axes, xp=xp, **arguments)


class Masses(NamedTuple):
    """Cells of a table, and their logarithms, which reach further down than they do; 0 where the cell is zero."""

    mass: Any
    log: Any
    positive: Any

    @classmethod
    def of(cls, table: Any, xp: ModuleType) -> "Masses":
        """The derivative of the logarithm is zero where the cell is."""
        positive = table > 0
        return cls(table, xp.log(table if _all(positive, xp) else xp.where(positive, table, 1.0)), positive)


def entropy(p: Masses, axes: tuple[int, ...], xp: ModuleType) -> Any:
    """-sum p log p."""
    return nonnegative(-(p.mass * p.log).sum(axis=axes), xp)


def cross_entropy(p: Masses, q: Masses, axes: tuple[int, ...], xp: ModuleType) -> Any:
    """-sum p log q."""
    return nonnegative(_unless_missed(p, q, -p.mass * q.log, xp).sum(axis=axes), xp)


def kl_divergence(p: Masses, q: Masses, axes: tuple[int, ...], xp: ModuleType) -> Any:
    """sum p log(p / q)."""
    return nonnegative(_unless_missed(p, q, p.mass * (p.log - q.log), xp).sum(axis=axes), xp)


def jensen_shannon(p: Masses, q: Masses, axes: tuple[int, ...], xp: ModuleType) -> Any:
    """(KL(p || m) + KL(q || m)) / 2 with m = (p + q) / 2."""
    middle = Masses.of(0.5 * (p.mass + q.mass), xp)._replace(positive=p.positive | q.positive)
    return 0.5 * (kl_divergence(p, middle, axes, xp) + kl_divergence(q, middle, axes, xp))


def f_divergence(p: Masses, q: Masses, generator: Generator, axes: tuple[int, ...], xp: ModuleType) -> Any:
    """sum q f(p / q)."""
    return generator.terms(p.mass, q.mass, xp).sum(axis=axes)


def renyi_divergence(p: Masses, q: Masses, alpha: float, axes: tuple[int, ...], xp: ModuleType) -> Any:
    """log(sum p^alpha q^(1 - alpha)) / (alpha - 1), and its limits at 0, 1 and inf."""
    if alpha == 1:
        return kl_divergence(p, q, axes, xp)
    shared = p.positive & q.positive
    if alpha == 0:
        missed = xp.where(shared, 0.0, q.mass).sum(axis=axes)
        few = missed < 0.5
        value = -xp.where(few, xp.log1p(-xp.where(few, missed, 0.0)), _log_sum_exp(q.log, shared, axes, xp))
    elif alpha == inf:
        value = xp.max(xp.where(shared, p.log - q.log, -inf), axis=axes)
    else:
        value = _renyi_within(p, q, alpha, shared, axes, xp)
    infinite = ~shared.any(axis=axes)
    if alpha > 1:
        infinite = infinite | (p.positive & ~q.positive).any(axis=axes)
    return nonnegative(xp.where(infinite, inf, value), xp)


def _renyi_within(p: Masses, q: Masses, alpha: float, shared: Any, axes: tuple[int, ...], xp: ModuleType) -> Any:
    """Renyi's divergence of the cells that both share, for an ordinary alpha.

    Near alpha = 1, where the sum of p (p / q)^(alpha - 1) is near one, it is taken as 1 + sum p ((p / q)^(alpha - 1) -
    1): the digits that the division by alpha - 1 asks for.
    """
    order = alpha - 1
    power = xp.where(shared, order * (p.log - q.log), 0.0)
    largest = xp.where(shared, power, -inf).max(axis=axes, keepdims=True)
    shift = xp.where(largest > -inf, largest, 0.0)
    below = xp.where(shared, power - shift, 0.0)
    excess = (p.mass * xp.where(shared, xp.expm1(below), -1.0)).sum(axis=axes)
    near_one = excess > -0.5
    precise = shift.squeeze(axis=axes) + xp.log1p(xp.where(near_one, excess, 0.0))
    return xp.where(near_one, precise, _log_sum_exp(p.log + power, shared, axes, xp)) / order


def _log_sum_exp(logs: Any, cells: Any, axes: tuple[int, ...], xp: ModuleType) -> Any:
    """log of the sum of exp(logs) over the cells; 0 where there are none."""
    largest = xp.where(cells, logs, -inf).max(axis=axes, keepdims=True)
    shift = xp.where(largest > -inf, largest, 0.0)
    total = xp.where(cells, xp.exp(xp.where(cells, logs - shift, 0.0)), 0.0).sum(axis=axes)
    return shift.squeeze(axis=axes) + xp.log(xp.where(total > 0, total, 1.0))


def _unless_missed(p: Masses, q: Masses, terms: Any, xp: ModuleType) -> Any:
    """The terms, and inf where q is zero and p is not."""
    return terms if _all(q.positive, xp) else xp.where(q.positive, terms, xp.where(p.positive, inf, 0.0))


def _all(cells: Any, xp: ModuleType) -> bool:
    """Whether all are known to be true: a pass over memory that saves several."""
    return xp is np and bool(cells.all())


def nonnegative(value: Any, xp: ModuleType) -> Any:
    """What rounding left below zero lifted to it; its derivative is let through."""
    if xp is np:
        return np.maximum(value, 0.0) + 0.0
    return value + lax.stop_gradient(jnp.maximum(-value, 0.0))
