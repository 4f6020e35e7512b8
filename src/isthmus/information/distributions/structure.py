"""What a quantity owes to how a distribution is put together: batches, independent components, masks, and changes of
variable, which no divergence notices."""

from collections.abc import Callable, Iterable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpyro.distributions import (
    Cauchy,
    CirculantNormal,
    Distribution,
    ExpandedDistribution,
    Exponential,
    Gamma,
    Gumbel,
    HalfCauchy,
    HalfNormal,
    Independent,
    Laplace,
    Logistic,
    LowRankMultivariateNormal,
    MaskedDistribution,
    MultivariateNormal,
    Normal,
    SoftLaplace,
    StudentT,
    TransformedDistribution,
    Uniform,
    Weibull,
)
from numpyro.distributions.transforms import AffineTransform, IdentityTransform, LowerCholeskyAffine, Transform

from isthmus.information.distributions.supports import is_bijection, is_elementwise, transforms_of
from isthmus.information.tables import is_traced


def over_components(leaf: Callable[..., Any], *distributions: Any, additive: bool = True, sampled: bool = False) -> Any:
    """leaf of the plain distributions inside numpyro's wrappers, spread over the batch, masked, and summed over
    independent components.

    leaf gives an array [batch], a tuple of them, or None where it does not know, and None is passed on.
    additive: whether the quantity is the sum of those of independent components; leaf takes these whole otherwise.
    sampled: whether leaf draws: it takes expanded distributions whole, so that the draws differ over the batch.
    """

    def within(parts: Iterable[Distribution], finish: Callable[[Any], Any] = lambda value: value) -> Any:
        return jax.tree.map(finish, over_components(leaf, *parts, additive=additive, sampled=sampled))

    if not sampled and any(isinstance(d, ExpandedDistribution) for d in distributions):
        value = within(_base(d, ExpandedDistribution) for d in distributions)
    elif any(isinstance(d, MaskedDistribution) for d in distributions):
        masks = jnp.broadcast_arrays(*(d._mask for d in distributions if isinstance(d, MaskedDistribution)))
        bases = (_base(d, MaskedDistribution) for d in distributions)
        value = within(bases, lambda v: jnp.where(jnp.all(jnp.stack(masks), axis=0), v, 0.0))
    elif additive and all(isinstance(d, Independent) for d in distributions):
        shared = min(d.reinterpreted_batch_ndims for d in distributions)
        value = within((_released(d, shared) for d in distributions), lambda v: v.sum(tuple(range(-shared, 0))))
    else:
        value = leaf(*distributions)
    batch = jnp.broadcast_shapes(*(d.batch_shape for d in distributions))
    return jax.tree.map(lambda v: jnp.broadcast_to(v, batch), value)


def _base(distribution: Any, wrapper: type) -> Distribution:
    return distribution.base_dist if isinstance(distribution, wrapper) else distribution


def _released(distribution: Any, count: int) -> Distribution:
    """With so many of its event dimensions given back to the batch."""
    rest = distribution.reinterpreted_batch_ndims - count
    return distribution.base_dist.to_event(rest)


def simplified(distribution: Any) -> Distribution:
    """The same distribution, independent components outermost, and affine maps taken into location and scale."""
    if isinstance(distribution, Independent):
        return simplified(distribution.base_dist).to_event(distribution.reinterpreted_batch_ndims)
    if isinstance(distribution, ExpandedDistribution):
        return _spread(simplified(distribution.base_dist), distribution)
    if isinstance(distribution, MaskedDistribution):
        return MaskedDistribution(simplified(distribution.base_dist), distribution._mask)
    if isinstance(distribution, LowRankMultivariateNormal | CirculantNormal):
        return _normal(distribution.mean, covariance_matrix=distribution.covariance_matrix)
    if isinstance(distribution, MultivariateNormal):
        return _with_batch(distribution, distribution.batch_shape)
    if type(distribution) is TransformedDistribution:
        return _spread(_simplified_transform(distribution.base_dist, transforms_of(distribution)), distribution)
    return distribution


def _simplified_transform(base: Any, transforms: list[Transform]) -> Distribution:
    base = simplified(base)
    if isinstance(base, Independent) and is_elementwise(transforms):
        count = base.reinterpreted_batch_ndims
        return simplified(TransformedDistribution(base.base_dist, transforms)).to_event(count)
    if isinstance(base, TransformedDistribution):
        base, transforms = base.base_dist, transforms_of(base) + transforms
    while transforms and (absorbed := _absorbed(base, transforms[0])) is not None:
        base, transforms = absorbed, transforms[1:]
    return TransformedDistribution(base, transforms) if transforms else base


def without_common_transforms(p: Distribution, q: Distribution) -> tuple[Distribution, Distribution]:
    """A pair with the same divergences: the changes of variable that both end with, undone in both."""
    if not (isinstance(p, TransformedDistribution) and isinstance(q, TransformedDistribution)):
        return p, q
    p_rest, q_rest, count = transforms_of(p), transforms_of(q), 0
    while p_rest and q_rest and is_bijection(p_rest[-1:]) and is_same(p_rest[-1], q_rest[-1]):
        p_rest, q_rest, count = p_rest[:-1], q_rest[:-1], count + 1
    if not count:
        return p, q
    return _rebuilt(p.base_dist, p_rest), _rebuilt(q.base_dist, q_rest)


def _rebuilt(base: Any, transforms: list[Transform]) -> Distribution:
    return simplified(TransformedDistribution(base, transforms)) if transforms else simplified(base)


def is_same(first: Any, second: Any) -> bool:
    """Whether two trees are known to be equal; what is traced is equal to itself alone."""
    leaves, others = jax.tree.leaves(first), jax.tree.leaves(second)
    if jax.tree.structure(first) != jax.tree.structure(second):
        return False
    return all(a is b or (not is_traced(a, b) and np.array_equal(a, b)) for a, b in zip(leaves, others, strict=True))


def as_multivariate_normal(distribution: Any) -> MultivariateNormal | None:
    """The same distribution spelt with a dense covariance; None for what is not normal."""
    if isinstance(distribution, ExpandedDistribution):
        base = as_multivariate_normal(distribution.base_dist)
        return None if base is None else _with_batch(base, distribution.batch_shape)
    if isinstance(distribution, Independent) and distribution.reinterpreted_batch_ndims == 1:
        base: Any = _base(distribution.base_dist, ExpandedDistribution)
        if isinstance(base, Normal):
            loc, scale = (jnp.broadcast_to(value, distribution.shape()) for value in (base.loc, base.scale))  # type: ignore
            return _normal(loc, scale_tril=scale[..., None] * jnp.eye(scale.shape[-1]))
    return distribution if isinstance(distribution, MultivariateNormal) else None


def _normal(loc: Any, **matrix: Any) -> MultivariateNormal:
    return MultivariateNormal(loc, **matrix, validate_args=False)


def _with_batch(normal: Any, batch: tuple[int, ...]) -> MultivariateNormal:
    size = normal.event_shape
    loc, scale = jnp.broadcast_to(normal.loc, batch + size), jnp.broadcast_to(normal.scale_tril, batch + size + size)
    return _normal(loc, scale_tril=scale)


def _absorbed(base: Any, transform: Any) -> Distribution | None:
    """The base moved by the transform, where that is another of its own kind."""
    if isinstance(transform, IdentityTransform):
        return base
    normal: Any = as_multivariate_normal(base) if isinstance(transform, LowerCholeskyAffine) else None
    if normal is not None:
        return _normal(transform(normal.loc), scale_tril=jnp.matmul(transform.scale_tril, normal.scale_tril))
    if not isinstance(transform, AffineTransform):
        return None
    if isinstance(base, Independent):
        moved = _absorbed(_spread(base.base_dist, base, base.reinterpreted_batch_ndims), transform)
        return None if moved is None else moved.to_event(base.reinterpreted_batch_ndims)
    if isinstance(base, ExpandedDistribution):
        moved = _absorbed(base.base_dist, transform)
        return None if moved is None else _spread(moved, base)
    moved = _MOVED.get(type(base))
    if moved is None or not (type(base) in _EITHER_WAY or _is_positive(transform.scale)):
        return None
    if type(base) in _SCALED and not _is_zero(transform.loc):
        return None
    return moved(base, transform.loc, transform.scale)


def _spread(distribution: Any, like: Any, events: int = 0) -> Distribution:
    """Expanded to the batch of another, with so many of the other's event dimensions counted in."""
    batch = like.batch_shape + like.event_shape[:events]
    return distribution if distribution.batch_shape == batch else distribution.expand(batch)


def _is_positive(scale: Any) -> bool:
    return not is_traced(scale) and bool(np.all(np.asarray(scale) > 0))


def _is_zero(loc: Any) -> bool:
    return not is_traced(loc) and not np.any(np.asarray(loc))


def _location_scale(base: Any, loc: Any, scale: Any) -> Distribution:
    return type(base)(loc + scale * base.loc, jnp.abs(scale) * base.scale)


def _student(base: Any, loc: Any, scale: Any) -> Distribution:
    return StudentT(base.df, loc + scale * base.loc, jnp.abs(scale) * base.scale)


def _uniform(base: Any, loc: Any, scale: Any) -> Distribution:
    first, last = loc + scale * base.low, loc + scale * base.high
    return Uniform(jnp.minimum(first, last), jnp.maximum(first, last))


def _multivariate_normal(base: Any, loc: Any, scale: Any) -> Distribution:
    scale = jnp.broadcast_to(scale, base.shape())
    covariance = scale[..., :, None] * base.covariance_matrix * scale[..., None, :]
    return _normal(loc + scale * base.loc, covariance_matrix=covariance)


_EITHER_WAY: dict[type, Callable[..., Distribution]] = {
    **dict.fromkeys((Normal, Laplace, Cauchy, Logistic, SoftLaplace), _location_scale),
    StudentT: _student,
    Uniform: _uniform,
    MultivariateNormal: _multivariate_normal,
}
_SCALED: dict[type, Callable[..., Distribution]] = {
    Exponential: lambda base, _, scale: Exponential(base.rate / scale),
    Gamma: lambda base, _, scale: Gamma(base.concentration, base.rate / scale),
    Weibull: lambda base, _, scale: Weibull(scale * base.scale, base.concentration),
    HalfNormal: lambda base, _, scale: HalfNormal(scale * base.scale),
    HalfCauchy: lambda base, _, scale: HalfCauchy(scale * base.scale),
}
_MOVED = {**_EITHER_WAY, **_SCALED, Gumbel: _location_scale}
