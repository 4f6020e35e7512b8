"""Pairs of distributions as probability tables that carry every divergence between them."""

from types import ModuleType
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array
from numpyro.distributions import Distribution, Uniform

from isthmus.information.distributions.supports import ends, log_density, measure_of
from isthmus.information.tables import Masses, is_traced

CELLS, FEWEST = 2**16, 2**6


def is_finite(p: Distribution) -> bool:
    """Whether p has finitely many values, known and not too many to make a table of."""
    return _values(p) is not None


def table_of(p: Distribution) -> Masses | None:
    """The masses of p on its finitely many values, [cell, batch]; None where it has more than CELLS, or not known."""
    values = _values(p)
    return None if values is None else _masses(_log_masses(p, _padded(values), len(p.batch_shape)))


def tables_of(p: Distribution, q: Distribution) -> tuple[Masses, Masses] | None:
    """p and q, [cell, batch], on the finitely many values of either; None where both have infinitely many.

    What an infinite support has beyond those values is one cell more: the other has no mass there, so that how it
    is spread makes no difference.
    """
    if isinstance(p, Uniform) and isinstance(q, Uniform):
        return _overlap(p, q)
    known = [values for values in (_values(p), _values(q)) if values is not None]
    if not known:
        return None
    values = _padded(np.arange(min(v[0] for v in known), max(v[-1] for v in known) + 1))
    if len(values) > CELLS:
        return None
    ndim = max(len(p.batch_shape), len(q.batch_shape))
    first, second = (_masses(_with_rest(_log_masses(d, values, ndim), _values(d) is None)) for d in (p, q))
    return first, second


def namespace_of(*tables: Masses) -> ModuleType:
    """NumPy, which compiles nothing, for tables that are not traced."""
    return jnp if is_traced(*(table.mass for table in tables)) else np


def _values(distribution: Any) -> np.ndarray | None:
    """The integers from one end of the support to the other, over the whole batch."""
    if distribution.event_shape or measure_of(distribution) != "counting":
        return None
    interval = ends(distribution)
    if interval is None or is_traced(*interval) or not np.all(np.isfinite(interval[1])):
        return None
    lowest, highest = int(np.min(interval[0])), int(np.max(interval[1]))
    return None if highest - lowest >= CELLS else np.arange(lowest, highest + 1)


def _padded(values: np.ndarray) -> np.ndarray:
    """As many consecutive integers as the next power of two, so that few sizes of table are ever compiled."""
    return values[0] + np.arange(max(FEWEST, 1 << (len(values) - 1).bit_length()))


def _log_masses(distribution: Distribution, values: np.ndarray, ndim: int) -> Any:
    """log p of each value, [cell, batch], where the batch has so many axes."""
    log_masses = log_density(distribution, values.reshape(-1, *(1,) * ndim))
    return log_masses if is_traced(log_masses) else np.asarray(log_masses)


def _with_rest(log_masses: Any, infinite: bool) -> Any:
    """One cell more, for all other values."""
    xp = jnp if is_traced(log_masses) else np
    total = xp.exp(log_masses).sum(axis=0, keepdims=True)
    some = infinite & (total < 1.0)
    rest = xp.where(some, xp.log(xp.where(some, 1.0 - total, 1.0)), -xp.inf)
    return xp.concatenate([log_masses, rest])


def _masses(log_masses: Any) -> Masses:
    xp = jnp if is_traced(log_masses) else np
    positive = log_masses > -xp.inf
    log = xp.where(positive, log_masses, 0.0)
    return Masses(xp.where(positive, xp.exp(log), 0.0), log, positive)


def _overlap(p: Any, q: Any) -> tuple[Masses, Masses]:
    """Where both have mass, where p alone has, and where q alone has: the ratio is constant on each."""
    shared = jnp.maximum(jnp.minimum(p.high, q.high) - jnp.maximum(p.low, q.low), 0.0)
    nothing = jnp.zeros_like(shared)

    def split(d: Any) -> tuple[Array, Array]:
        width = d.high - d.low
        return shared / width, (width - shared) / width

    (p_shared, p_alone), (q_shared, q_alone) = split(p), split(q)
    cells = [p_shared, p_alone, nothing], [q_shared, nothing, q_alone]
    first, second = (Masses.of(jnp.stack(jnp.broadcast_arrays(*c)), jnp) for c in cells)
    return first, second
