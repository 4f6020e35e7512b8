"""Where a numpyro distribution has mass: what it is measured by, the ends of its support, its log-density off it."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.scipy.special import gammaln
from numpyro.distributions import (
    BetaBinomial,
    Delta,
    Distribution,
    ExpandedDistribution,
    Independent,
    MaskedDistribution,
    MixtureGeneral,
    TransformedDistribution,
    constraints,
)
from numpyro.distributions.transforms import AbsTransform, ComposeTransform, SigmoidTransform, Transform

from isthmus.information.estimate import Measure
from isthmus.information.tables import is_traced

Wrapper = Independent | ExpandedDistribution | MaskedDistribution
_THIN = (type(constraints.simplex), type(constraints.sphere), constraints.zero_sum)


def measure_of(distribution: Any) -> Measure:
    """Counting measure for a mass on points, Lebesgue measure for a density."""
    if isinstance(distribution, Wrapper | TransformedDistribution):
        return measure_of(distribution.base_dist)
    discrete = isinstance(distribution, Delta) or getattr(distribution.support, "is_discrete", False)
    return "counting" if discrete else "lebesgue"


def transforms_of(distribution: Any) -> list[Transform]:
    """The transforms from the base distribution outwards, compositions unrolled."""
    return [part for transform in distribution.transforms for part in _unrolled(transform)]


def _unrolled(transform: Transform) -> list[Transform]:
    if not isinstance(transform, ComposeTransform):
        return [transform]
    return [part for inner in transform.parts for part in _unrolled(inner)]


def is_bijection(transforms: list[Transform]) -> bool:
    """Whether none of them folds two points into one."""
    return not any(isinstance(transform, AbsTransform) for transform in transforms)


def is_elementwise(transforms: list[Transform]) -> bool:
    """Whether each acts on every number by itself."""
    return all(t.domain.event_dim == 0 and t.codomain.event_dim == 0 for t in transforms)


def ends(distribution: Any) -> tuple[Any, Any] | None:
    """The lower and upper end of the interval (or the run of integers) that each component's support fills.

    They broadcast with batch_shape + event_shape. None where the support is no such thing, or is not known.
    """
    if isinstance(distribution, Wrapper):
        return ends(distribution.base_dist)
    if isinstance(distribution, Delta | MixtureGeneral) or distribution.support is None:
        return None
    if _support_is_pushed(distribution):
        return _pushed_ends(distribution)
    return _ends_of_constraint(distribution.support)


def leaves_support(p: Distribution, q: Distribution) -> Any:
    """Where p certainly has mass off the support of q, [batch]; None where the supports cannot tell."""
    if _is_thin(p) != _is_thin(q):
        return np.asarray(True)
    p_ends, q_ends = ends(p), ends(q)
    if p_ends is None or q_ends is None:
        return None
    xp = jnp if is_traced(*p_ends, *q_ends) else np
    (p_lower, p_upper), (q_lower, q_upper) = (map(xp.asarray, pair) for pair in (p_ends, q_ends))
    outside = (p_lower < q_lower) | (p_upper > q_upper)
    return outside.any(axis=_last(min(p.event_dim, outside.ndim)))


def log_density(distribution: Any, x: Any) -> Array:
    """log p(x), or the log-mass, [..., batch]; -inf off the support, where its derivatives are zero."""
    if isinstance(distribution, MaskedDistribution):
        return jnp.where(distribution._mask, log_density(distribution.base_dist, x), 0.0)
    if isinstance(distribution, Independent):
        return log_density(distribution.base_dist, x).sum(_last(distribution.reinterpreted_batch_ndims))
    if isinstance(distribution, ExpandedDistribution):
        log_prob = log_density(distribution.base_dist, x)
        return jnp.broadcast_to(log_prob, jnp.broadcast_shapes(log_prob.shape, distribution.batch_shape))
    inside = contains(distribution, x)
    safe = jnp.where(inside.reshape(inside.shape + (1,) * distribution.event_dim), x, _feasible(distribution, x))
    log_prob = _beta_binomial if isinstance(distribution, BetaBinomial) else type(distribution).log_prob
    return jnp.where(inside, log_prob(distribution, safe), -jnp.inf)


def _beta_binomial(distribution: Any, x: Any) -> Array:
    """The log-mass by log-gammas. numpyro's goes by jax's betaln, whose seventh digit is wrong."""
    count, a, b = distribution.total_count, distribution.concentration1, distribution.concentration0
    ways = gammaln(count + 1.0) - gammaln(x + 1.0) - gammaln(count - x + 1.0)
    shares = gammaln(x + a) + gammaln(count - x + b) - gammaln(count + a + b)
    return ways + shares + gammaln(a + b) - gammaln(a) - gammaln(b)


def contains(distribution: Any, x: Any) -> Array:
    """Whether x lies on the support, [..., batch]."""
    if isinstance(distribution, Independent):
        return contains(distribution.base_dist, x).all(_last(distribution.reinterpreted_batch_ndims))
    if isinstance(distribution, ExpandedDistribution | MaskedDistribution):
        return contains(distribution.base_dist, x)
    if _support_is_pushed(distribution):
        return _pushed_contains(distribution, x)
    if distribution.support is None:
        return jnp.ones(jnp.shape(x)[: jnp.ndim(x) - distribution.event_dim], bool)
    return jnp.asarray(distribution.support(x))


def _support_is_pushed(distribution: Any) -> bool:
    """Whether the support is the image of the base's. numpyro then tells the last transform's codomain, and the image
    of the positive numbers under x + 1 is less than all of them."""
    return type(distribution) is TransformedDistribution and is_bijection(transforms_of(distribution))


def _pushed_ends(distribution: Any) -> tuple[Any, Any] | None:
    transforms, pushed = transforms_of(distribution), ends(distribution.base_dist)
    if pushed is None or not is_elementwise(transforms):
        return None
    for transform in transforms:
        # numpyro's sigmoid stops a rounding short of one.
        image = jax.nn.sigmoid if isinstance(transform, SigmoidTransform) else transform
        first, last = (jnp.asarray(image(jnp.asarray(end, float))) for end in pushed)
        pushed = jnp.minimum(first, last), jnp.maximum(first, last)
    return pushed


def _pushed_contains(distribution: Any, x: Any) -> Array:
    inside = jnp.ones((), bool)
    for transform in reversed(transforms_of(distribution)):
        there = jnp.asarray(transform.codomain(x))
        extra = distribution.event_dim - transform.codomain.event_dim
        inside, x = inside & there.all(_last(extra)), transform.inv(x)
    return inside & contains(distribution.base_dist, x)


def _ends_of_constraint(constraint: Any) -> tuple[Any, Any] | None:
    if isinstance(constraint, constraints.independent):
        return _ends_of_constraint(constraint.base_constraint)
    if constraint is constraints.boolean:
        return 0, 1
    if constraint.event_dim or constraint is constraints.complex:
        return None
    return getattr(constraint, "lower_bound", -jnp.inf), getattr(constraint, "upper_bound", jnp.inf)


def _is_thin(distribution: Any) -> bool:
    """Whether the support has no volume in the space of its events, as the simplex has none."""
    return not isinstance(distribution, Wrapper) and isinstance(distribution.support, _THIN)


def _feasible(distribution: Any, x: Any) -> Any:
    """Some point of the support, in the type of x; x itself where none is known."""
    if _support_is_pushed(distribution):
        point = _feasible(distribution.base_dist, x)
        for transform in transforms_of(distribution):
            point = transform(point)
        return point
    try:
        return distribution.support.feasible_like(jnp.zeros(distribution.shape(), jnp.result_type(x)))
    except (AttributeError, NotImplementedError):
        return x


def _last(count: int) -> tuple[int, ...]:
    return tuple(range(-count, 0))
