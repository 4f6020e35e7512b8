"""How far apart two distributions are: Kullback-Leibler, Jensen-Shannon, Renyi, and f-divergences by generator.

p and q are two probability tables (NumPy, jax, or nested lists; see `information.tables`) or two numpyro distributions.
`axis`, `key` and `draws` are as in `entropies.entropy`. Results are an `Estimate`, "exact" for tables and closed forms;
all are zero where p is q, and never negative. inf where p has mass that q lacks, for those that do not bear it.
All raise ValueError for tables that are no probabilities, shapes that do not match, a discrete distribution beside a
continuous one, and where draws are needed and there is no key.
"""

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array

from isthmus.information import tables
from isthmus.information.distributions import quantities as distributions
from isthmus.information.distributions.normals import kl_terms
from isthmus.information.distributions.quantities import DRAWS, are_distributions
from isthmus.information.estimate import Estimate
from isthmus.information.generators import Generator
from isthmus.information.tables import Axes

__all__ = [
    "f_divergence",
    "jensen_shannon",
    "jensen_shannon_distance",
    "kl_divergence",
    "kl_terms",
    "renyi_divergence",
]


def kl_divergence(p: Any, q: Any, *, axis: Axes = None, key: Array | None = None, draws: int = DRAWS) -> Estimate:
    """KL(p || q) = E_p[log p(x) / q(x)], in nats: what it costs to take p for q. It is not symmetric, and no distance.

    inf where q is zero on something that p is not. Kullback and Leibler 1951.
    """
    if are_distributions(p, q, axis=axis):
        return distributions.kl_divergence(p, q, key, draws)
    return _exact(tables.quantity(tables.kl_divergence, p, q, axis=axis))


def jensen_shannon(p: Any, q: Any, *, axis: Axes = None, key: Array | None = None, draws: int = DRAWS) -> Estimate:
    """JS(p, q) = (KL(p || m) + KL(q || m)) / 2 with m = (p + q) / 2, in nats: symmetric, at most log 2 (Lin 1991)."""
    if are_distributions(p, q, axis=axis):
        return distributions.jensen_shannon(p, q, key, draws)
    return _exact(tables.quantity(tables.jensen_shannon, p, q, axis=axis))


def jensen_shannon_distance(
    p: Any, q: Any, *, axis: Axes = None, key: Array | None = None, draws: int = DRAWS
) -> Estimate:
    """The square root of the Jensen-Shannon divergence in nats: a metric, with the triangle inequality that KL lacks
    (Endres and Schindelin 2003).

    From draws, its standard error is by the delta method.
    """
    squared = jensen_shannon(p, q, axis=axis, key=key, draws=draws)
    value: Any = squared.value
    xp = jnp if tables.is_traced(value) else np
    # The derivative at zero would be infinite, and nan after the chain rule.
    root = xp.where(value > 0, value, 1.0) ** 0.5
    error: Any = squared.stderr
    return Estimate(xp.where(value > 0, root, 0.0)[()], "root nats", squared.direction, error / (2 * root))


def renyi_divergence(
    p: Any, q: Any, alpha: float, *, axis: Axes = None, key: Array | None = None, draws: int = DRAWS
) -> Estimate:
    """Renyi's divergence log(E_q[(p / q)^alpha]) / (alpha - 1) of order alpha, in nats.

    alpha: a number from 0 to inf; the limits are -log q(p > 0) at 0, KL(p || q) at 1, and log sup p / q at inf. It
        grows with alpha. From draws, that at inf is a lower bound, of unknown error.
    Raises ValueError, besides, for a negative alpha. Van Erven and Harremoes 2014.
    """
    if not alpha >= 0:
        raise ValueError(f"alpha is {alpha}; expected a number from 0 to inf")
    if are_distributions(p, q, axis=axis):
        return distributions.renyi_divergence(p, q, alpha, key, draws)
    return _exact(tables.quantity(tables.renyi_divergence, p, q, alpha=alpha, axis=axis))


def f_divergence(
    p: Any, q: Any, generator: Generator, *, axis: Axes = None, key: Array | None = None, draws: int = DRAWS
) -> Estimate:
    """D_f(p || q) = E_q[f(p / q)] for a convex f with f(1) = 0 (Csiszar 1967; Ali and Silvey 1966).

    generator: TOTAL_VARIATION (sum |p - q| / 2), SQUARED_HELLINGER (1 - sum sqrt(p q)), CHI_SQUARED
        (sum (p - q)^2 / q), KULLBACK_LEIBLER, JENSEN_SHANNON, or a `Generator` of one's own. The first three have no
        unit.
    """
    if are_distributions(p, q, axis=axis):
        return distributions.f_divergence(p, q, generator, key, draws)
    return _exact(tables.quantity(tables.f_divergence, p, q, generator=generator, axis=axis), generator.unit)


def _exact(value: Any, unit: str = "nats") -> Estimate:
    return Estimate(value, unit, "exact", 0.0)
