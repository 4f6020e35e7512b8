"""What an event tells, and what it tells on average: surprisal, entropy, cross-entropy.

p and q are probability tables (NumPy, jax, or nested lists; see `information.tables`) or numpyro distributions. Results
are in nats: an `Estimate`, whose `in_unit` converts to bits, whose `measure` tells entropies of discrete and of
continuous variables apart, and whose `direction` is "exact", or "estimate" where draws were needed.
"""

from math import inf
from typing import Any

from jax import Array

from isthmus.information import tables
from isthmus.information.distributions import quantities as distributions
from isthmus.information.distributions.quantities import DRAWS, are_distributions
from isthmus.information.estimate import Estimate
from isthmus.information.tables import Axes


def surprisal(p: Any, x: Any = None) -> Estimate:
    """The information -log p of an event, in nats: the less likely, the more.

    p: probabilities, each by itself (they need not sum to one), or a numpyro distribution, and then x is the event,
        [..., *batch, *event]. inf where p is zero. Of a density the unit of x is part: it may be negative.
    Raises ValueError for a probability outside [0, 1], or for a distribution without x. Shannon 1948.
    """
    if are_distributions(p):
        return distributions.surprisal(p, x)
    if x is not None:
        raise TypeError("x= is for a numpyro distribution; pass the probability of the event, p[x]")
    cells, xp = tables.as_probabilities(p)
    return Estimate(
        xp.where(cells > 0, -tables.Masses.of(cells, xp).log, inf), "nats", "exact", 0.0, measure="counting"
    )


def entropy(p: Any, *, axis: Axes = None, key: Array | None = None, draws: int = DRAWS) -> Estimate:
    """H(p) = -E_p[log p(x)], the expected surprisal, in nats.

    p: a table that sums to one over `axis` (all axes where None; the others are a batch), or a numpyro distribution.
        The entropy of a discrete variable is never negative; of a continuous one it is the differential entropy, which
        shifts with the unit of x. The result's `measure` says which.
    key, draws: for distributions without a closed form, a random key and the number of draws.
    Raises ValueError for a table that is no probability, or where draws are needed and there is no key. Shannon 1948.
    """
    if are_distributions(p, axis=axis):
        return distributions.entropy(p, key, draws)
    return Estimate(tables.quantity(tables.entropy, p, axis=axis), "nats", "exact", 0.0, measure="counting")


def cross_entropy(p: Any, q: Any, *, axis: Axes = None, key: Array | None = None, draws: int = DRAWS) -> Estimate:
    """H(p, q) = -E_p[log q(x)] = H(p) + KL(p || q), in nats: the expected surprisal under q of what p draws.

    Tables broadcast against each other, and so do the batches of distributions; arguments as in `entropy`. inf where q
    is zero on something that p is not. Raises ValueError, besides, for shapes that do not match, and for a discrete
    distribution beside a continuous one.
    """
    if are_distributions(p, q, axis=axis):
        return distributions.cross_entropy(p, q, key, draws)
    return Estimate(tables.quantity(tables.cross_entropy, p, q, axis=axis), "nats", "exact", 0.0, measure="counting")
