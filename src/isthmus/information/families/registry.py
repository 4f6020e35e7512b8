"""From numpyro's distributions to exponential families and their quantities, batches and wrappers included."""

from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
from jax import Array
from jax.core import Tracer
from jax.typing import ArrayLike
from numpyro.distributions import Distribution

from isthmus.information.families import between
from isthmus.information.families.circular import VonMises
from isthmus.information.families.counts import Geometric, Poisson
from isthmus.information.families.family import ExponentialFamily
from isthmus.information.families.finite import Bernoulli, Binomial, Categorical
from isthmus.information.families.normal import DiagonalNormal, MultivariateNormal, Normal
from isthmus.information.families.parameters import floating
from isthmus.information.families.positive import Exponential, Gamma, InverseGamma
from isthmus.information.families.simplex import Beta, Dirichlet


def family_of(distribution: Distribution) -> tuple[ExponentialFamily, Array] | None:
    """The exponential family of a numpyro distribution and its natural coordinates [*batch, parameter]; None where
    there is none, or where the distribution is a product of several members (an `Independent` that is not a diagonal
    normal).

    A batch of binomials must share one number of trials, known when the function is traced.
    """
    member = _member(distribution)
    return None if member is None or member.products else (member.family, _natural(member, member.base))


def family_divergence(p: Distribution, q: Distribution) -> Array | None:
    """KL(p || q) in nats, of the shape of the pair's batch; None where no family gives it in closed form.

    Categorical pairs are None as well: they are tables, which may hold zeros that natural coordinates cannot.
    """
    return _pairwise(between.kl_divergence_between, p, q)


def family_cross_entropy(p: Distribution, q: Distribution) -> Array | None:
    """H(p, q) = -E_p[log q(x)] in nats, as `family_divergence`."""
    return _pairwise(between.cross_entropy_between, p, q)


def family_entropy(p: Distribution) -> Array | None:
    """H(p) in nats, of the shape of p's batch: differential where p is continuous; None as `family_divergence`."""
    member = _member(p)
    if member is None or isinstance(member.family, Categorical):
        return None
    return _evaluate(_entropy, member)


def family_renyi(p: Distribution, q: Distribution, alpha: ArrayLike) -> Array | None:
    """Renyi's divergence of order alpha in [0, inf], a number or of the pair's batch, in nats, as
    `family_divergence`."""
    return _pairwise(between.renyi_divergence_between, p, q, floating(alpha))


Rule = Callable[..., Callable[..., Array] | None]


class _Member(NamedTuple):
    """A numpyro distribution: products over the last `products` axes of `shape` of members of a family.

    base is the distribution without its wrappers; its parameters broadcast to shape.
    """

    family: ExponentialFamily
    base: Any
    shape: tuple[int, ...]
    products: int


_FAMILIES: dict[type, Callable[[Any], ExponentialFamily]] = {
    dist.BernoulliProbs: lambda _: Bernoulli(),
    dist.BernoulliLogits: lambda _: Bernoulli(),
    dist.BinomialProbs: lambda d: Binomial(int(np.ravel(d.total_count)[0])),
    dist.BinomialLogits: lambda d: Binomial(int(np.ravel(d.total_count)[0])),
    dist.CategoricalProbs: lambda d: Categorical(jnp.shape(d.probs)[-1]),
    dist.CategoricalLogits: lambda d: Categorical(jnp.shape(d.logits)[-1]),
    dist.Poisson: lambda _: Poisson(),
    dist.GeometricProbs: lambda _: Geometric(),
    dist.GeometricLogits: lambda _: Geometric(),
    dist.Exponential: lambda _: Exponential(),
    dist.Gamma: lambda _: Gamma(),
    dist.Chi2: lambda _: Gamma(),
    dist.InverseGamma: lambda _: InverseGamma(),
    dist.Beta: lambda _: Beta(),
    dist.BetaProportion: lambda _: Beta(),
    dist.Dirichlet: lambda d: Dirichlet(d.event_shape[0]),
    dist.Normal: lambda _: Normal(),
    dist.MultivariateNormal: lambda d: MultivariateNormal(d.event_shape[0]),
    dist.VonMises: lambda _: VonMises(),
}


def _member(distribution: Distribution) -> _Member | None:
    base: Any = distribution
    while isinstance(base, dist.Independent | dist.ExpandedDistribution):
        base = base.base_dist
    if type(base) not in _FAMILIES or _trials_differ(base):
        return None
    family = _FAMILIES[type(base)](base)
    products = len(distribution.event_shape) - len(base.event_shape)
    shape = distribution.batch_shape + distribution.event_shape[:products]
    if isinstance(family, Normal) and products:
        return _Member(DiagonalNormal(shape[-1]), base, shape[:-1], products - 1)
    return _Member(family, base, shape, products)


def _natural(member: _Member, base: Any) -> Array:
    """Natural coordinates [*shape, parameter]."""
    if not isinstance(member.family, DiagonalNormal):
        natural = member.family.natural_from_numpyro(base)
        return jnp.broadcast_to(natural, (*member.shape, natural.shape[-1]))
    natural = Normal().natural_from_numpyro(base)
    natural = jnp.broadcast_to(natural, (*member.shape, member.family.size, 2))
    return jnp.swapaxes(natural, -1, -2).reshape(*member.shape, -1)


def _trials_differ(distribution: Any) -> bool:
    """Whether a binomial's numbers of trials are several, or not known until it runs."""
    trials = getattr(distribution, "total_count", 1)
    return isinstance(trials, Tracer) or len(np.unique(np.asarray(trials))) != 1


def _pairwise(rule: Rule, p: Distribution, q: Distribution, *orders: ArrayLike) -> Array | None:
    p_member, q_member = _member(p), _member(q)
    if p.event_shape != q.event_shape or p_member is None or q_member is None:
        return None
    families = p_member.family, q_member.family
    if p_member.products != q_member.products or all(isinstance(family, Categorical) for family in families):
        return None
    return None if rule(*families) is None else _evaluate(rule, p_member, q_member, orders=orders)


def _evaluate(rule: Rule, *members: _Member, orders: tuple[ArrayLike, ...] = ()) -> Array:
    described = tuple(member._replace(base=None) for member in members)
    bases = tuple(jax.tree.map(_traceable, member.base) for member in members)
    return _compiled(rule, described, bases, orders)


def _traceable(parameter: ArrayLike) -> ArrayLike:
    """A parameter that may change without compiling anew."""
    return parameter if isinstance(parameter, jax.Array) else np.asarray(parameter)


@eqx.filter_jit
def _compiled(rule: Rule, members: tuple[_Member, ...], bases: tuple[Any, ...], orders: tuple[ArrayLike, ...]) -> Array:
    """The rule's quantity for each member of the batch, summed over the products."""
    naturals = [_natural(member, base) for member, base in zip(members, bases, strict=True)]
    arguments = [natural.astype(jnp.result_type(*naturals)) for natural in naturals]
    signature = ",".join(["(p)", "(q)"][: len(members)] + ["()"] * len(orders))
    quantity = jnp.vectorize(rule(*(member.family for member in members)), signature=f"{signature}->()")
    return jnp.sum(quantity(*arguments, *orders), axis=tuple(range(-members[0].products, 0)))


def _entropy(family: ExponentialFamily) -> Callable[..., Array]:
    return family.entropy
