"""The Fisher-Rao distance: how many standard deviations apart two members of a family are, along the family."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import Array
from numpyro.distributions import Distribution

from isthmus.information.distributions.quantities import name_of
from isthmus.information.distributions.structure import over_components, simplified, without_common_transforms
from isthmus.information.estimate import Estimate
from isthmus.information.families.family import ExponentialFamily
from isthmus.information.families.registry import family_of
from isthmus.information.geometry.curves import UNIT, shortest_curve
from isthmus.information.geometry.free_coordinates import free_metric
from isthmus.information.geometry.known_families import KNOWN_FAMILIES, squared_distance
from isthmus.information.geometry.manifolds import root
from isthmus.information.precision import in_float64


@in_float64
def fisher_rao_distance(p: Distribution, q: Distribution, *, held: str | None = None, degree: int = 24) -> Estimate:
    """The Fisher-Rao distance between two members of one family, of the shape of the pair's batch.

    It is the least length of a curve from p to q within the family, where neighbours KL nats apart are sqrt(2 KL) long;
    in the unit `standard deviations`. Differentiable, with gradient 0 where p and q are one.

    held: a numpyro parameter that p and q share and that is not to change along the way, such as "scale" for normals of
        one scale, "df" for Student's; infinite where it differs. A number of trials is always held.
    degree: of the polynomials that stand for the curve where no closed form is known: gamma, inverse gamma, beta,
        Dirichlet, von Mises, multivariate normal. The result is then an upper bound: the length of one curve. Its
        standard error is that of the curve, not of any sampling; where it is large, raise the degree.

    Raises ValueError where p and q are of different families or shapes, and where the family's geometry is not known.
    Rao 1945, Information and the accuracy attainable in the estimation of statistical parameters.
    """
    _check_shapes(p, q)

    def squares(p: Distribution, q: Distribution) -> tuple[Array, Array | None]:
        plain = without_common_transforms(p, q)
        for pair in ((p, q), plain):
            squared = squared_distance(*pair, held)
            if squared is not None:
                return squared, None
        return _numerical_squares(*plain, held, degree)

    # Independent components are legs at right angles.
    squared, squared_error = over_components(squares, simplified(p), simplified(q))
    if squared_error is None:
        return Estimate(root(squared), UNIT, "exact", 0.0)
    return Estimate(root(squared), UNIT, "upper", root(squared_error))


def _numerical_squares(p: Distribution, q: Distribution, held: str | None, degree: int) -> tuple[Array, Array]:
    """The square of a length, and of its error, [batch]."""
    p_member, q_member = family_of(p), family_of(q)
    if p_member is None or q_member is None or held is not None or type(p_member[0]) is not type(q_member[0]):
        raise _unknown(p, q, held)
    starts, ends = jnp.broadcast_arrays(p_member[1], q_member[1])
    *batch, size = starts.shape
    lengths, errors = _lengths(p_member[0], starts.reshape(-1, size), ends.reshape(-1, size), degree)
    return lengths.reshape(batch) ** 2, errors.reshape(batch) ** 2


@eqx.filter_jit
def _lengths(family: ExponentialFamily, p: Array, q: Array, degree: int) -> tuple[Array, Array]:
    """Lengths and errors, [pair], between natural coordinates, [pair, parameter]."""
    metric = free_metric(family)

    def length(p: Array, q: Array) -> tuple[Any, Any]:
        # No distance notices a change of variable, and where p is standard the coordinates are of the order of one.
        p, q, _ = family.standardise(p, q)
        ends = metric.coordinates(p), metric.coordinates(q)
        estimate = shortest_curve(metric, *ends, degree, points=2, tolerance=1.0).length
        return estimate.value, estimate.stderr

    return jax.vmap(length)(p, q)


def _unknown(p: Distribution, q: Distribution, held: str | None) -> ValueError:
    names = name_of(p), name_of(q)
    known = sorted(name for family, name in KNOWN_FAMILIES if family is type(p) and name is not None)
    if names[0] != names[1]:
        return ValueError(f"p is {names[0]} and q is {names[1]}; expected two members of one family")
    remedy = f"held in {known}" if known else "fisher_rao_length of a path between them"
    return ValueError(f"no Fisher-Rao distance of {names[0]} with held={held!r} is known; there is {remedy}")


def _check_shapes(p: Any, q: Any) -> None:
    for distribution in (p, q):
        if not isinstance(distribution, Distribution):
            raise TypeError(f"expected two numpyro distributions, got {type(distribution).__name__}")
    if p.event_shape != q.event_shape:
        raise ValueError(f"p has events of shape {p.event_shape}, q of shape {q.event_shape}; expected the same shape")
    try:
        jnp.broadcast_shapes(p.batch_shape, q.batch_shape)
    except ValueError:
        raise ValueError(f"batches of shapes {p.batch_shape} and {q.batch_shape} do not broadcast together") from None
