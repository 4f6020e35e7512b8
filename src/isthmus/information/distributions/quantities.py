"""Quantities of numpyro distributions: a closed form where one is known, otherwise an estimate from draws.

Computed in float64 and returned as NumPy unless traced by jax; arrays of the shape of the batch.
"""

from collections.abc import Callable
from functools import partial
from math import inf
from typing import Any

import jax.numpy as jnp
from jax import Array
from numpyro.distributions import Delta, Distribution, ExpandedDistribution, Independent, MaskedDistribution

from isthmus.information.distributions import closed_forms, monte_carlo
from isthmus.information.distributions.structure import over_components, simplified
from isthmus.information.distributions.supports import log_density, measure_of
from isthmus.information.estimate import Estimate, Measure
from isthmus.information.generators import JENSEN_SHANNON, Generator
from isthmus.information.precision import in_float64

DRAWS = 10_000


def are_distributions(*arguments: Any, axis: Any = None) -> bool:
    """Whether the arguments are numpyro distributions, and not tables; TypeError where only some are."""
    found = [isinstance(argument, Distribution) for argument in arguments]
    if any(found) and not all(found):
        kinds = " and ".join(name_of(argument) for argument in arguments)
        raise TypeError(f"expected two probability tables or two numpyro distributions, got {kinds}")
    if any(found) and axis is not None:
        raise TypeError("axis= is for tables; the events of a numpyro distribution are its event dimensions")
    return all(found)


@in_float64
def surprisal(p: Distribution, x: Any) -> Estimate:
    """-log p(x)."""
    if x is None:
        raise ValueError(f"the surprisal of {name_of(p)} is that of a point: pass x")
    return Estimate(-log_density(p, jnp.asarray(x)), "nats", "exact", 0.0, measure=measure_of(p))


@in_float64
def entropy(p: Distribution, key: Array | None, draws: int) -> Estimate:
    """H(p)."""
    what, measure = f"the entropy of {name_of(p)}", measure_of(p)
    return _estimate(what, closed_forms.entropy(p), monte_carlo.entropy, (p,), key, draws, measure=measure)


@in_float64
def cross_entropy(p: Distribution, q: Distribution, key: Array | None, draws: int) -> Estimate:
    """H(p, q)."""
    what, closed = _pair("H({}, {})", p, q, points=True), closed_forms.cross_entropy(p, q)
    return _estimate(what, closed, monte_carlo.cross_entropy, (p, q), key, draws, measure=measure_of(q))


@in_float64
def kl_divergence(p: Distribution, q: Distribution, key: Array | None, draws: int) -> Estimate:
    """KL(p || q)."""
    what, closed = _pair("KL({} || {})", p, q, points=True), closed_forms.kl_divergence(p, q)
    return _estimate(what, closed, monte_carlo.kl_divergence, (p, q), key, draws)


@in_float64
def jensen_shannon(p: Distribution, q: Distribution, key: Array | None, draws: int) -> Estimate:
    """JS(p, q)."""
    what, closed = _pair("JS({}, {})", p, q), closed_forms.jensen_shannon(p, q)
    leaf = partial(monte_carlo.f_divergence, generator=JENSEN_SHANNON)
    return _estimate(what, closed, leaf, (p, q), key, draws, additive=False)


@in_float64
def renyi_divergence(p: Distribution, q: Distribution, alpha: float, key: Array | None, draws: int) -> Estimate:
    """Renyi's divergence of order alpha."""
    if alpha == 1:
        return kl_divergence(p, q, key, draws)
    what, closed = _pair(f"D_{alpha:g}({{}} || {{}})", p, q), closed_forms.renyi_divergence(p, q, alpha)
    estimate = _estimate(what, closed, partial(monte_carlo.renyi_divergence, alpha=alpha), (p, q), key, draws)
    if closed is None and alpha == inf:
        return Estimate(estimate.value, "nats", "lower")
    return estimate


@in_float64
def f_divergence(p: Distribution, q: Distribution, generator: Generator, key: Array | None, draws: int) -> Estimate:
    """D_f(p || q)."""
    what, closed = _pair("the f-divergence of {} from {}", p, q), closed_forms.f_divergence(p, q, generator)
    leaf = partial(monte_carlo.f_divergence, generator=generator)
    return _estimate(what, closed, leaf, (p, q), key, draws, additive=False, unit=generator.unit)


def name_of(argument: Any) -> str:
    """The kind of a distribution inside its wrappers, or of anything else."""
    while isinstance(argument, Independent | ExpandedDistribution | MaskedDistribution):
        argument = argument.base_dist
    return type(argument).__name__


def _estimate(
    what: str,
    closed: Array | None,
    leaf: Callable[..., Any],
    distributions: tuple[Distribution, ...],
    key: Array | None,
    draws: int,
    *,
    additive: bool = True,
    unit: str = "nats",
    measure: Measure | None = None,
) -> Estimate:
    """The closed form, exact; where there is none, what the leaf makes of the draws."""
    if closed is not None:
        return Estimate(closed, unit, "exact", 0.0, measure=measure)
    if key is None:
        raise ValueError(
            f"no closed form of {what} is known; pass key=jax.random.key(0), say, for a Monte Carlo estimate with its "
            "standard error"
        )
    if draws < 2:
        raise ValueError(f"draws is {draws}; a standard error needs 2 or more")
    leaf = partial(leaf, key=key, draws=draws)
    value, variance = over_components(leaf, *map(simplified, distributions), additive=additive, sampled=True)
    return Estimate(value, unit, "estimate", jnp.sqrt(variance), measure=measure)


def _pair(what: str, p: Distribution, q: Distribution, points: bool = False) -> str:
    """What is asked of the pair, in words; ValueError where no such pair can be compared.

    points: whether p may be a point mass and q a density, as when a guide of points faces a prior.
    """
    names, shapes = (name_of(p), name_of(q)), (p.event_shape, q.event_shape)
    if shapes[0] != shapes[1]:
        raise ValueError(
            f"{names[0]} has events of shape {shapes[0]}, {names[1]} of shape {shapes[1]}; expected the same shape"
        )
    try:
        jnp.broadcast_shapes(p.batch_shape, q.batch_shape)
    except ValueError:
        raise ValueError(f"batches of shapes {p.batch_shape} and {q.batch_shape} do not broadcast together") from None
    if measure_of(p) != measure_of(q) and not (points and name_of(p) == Delta.__name__):
        kinds = {"counting": "discrete", "lebesgue": "continuous"}
        raise ValueError(
            f"{names[0]} is {kinds[measure_of(p)]} and {names[1]} {kinds[measure_of(q)]}; neither has a density "
            "relative to the other"
        )
    return what.format(*names)
