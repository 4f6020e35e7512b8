"""Closed forms: quantities of numpyro distributions that need no draw, found by what kind the distributions are.

Each function gives an array of the shape of the batch, or None where no closed form is known. A pair is first stripped
of batches, masks, independent components and changes of variable that both share; what is left is looked for among
exponential families, tables of finitely many values, expectations of sufficient statistics, and numpyro's registry.
"""

from collections.abc import Callable, Iterable
from functools import partial, reduce
from math import inf
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.scipy.special import digamma
from numpyro.distributions import (
    Cauchy,
    Delta,
    Distribution,
    Gumbel,
    HalfCauchy,
    HalfNormal,
    Kumaraswamy,
    MultivariateNormal,
    Normal,
    TransformedDistribution,
)
from numpyro.distributions.kl import kl_divergence as numpyro_kl_divergence
from numpyro.distributions.transforms import AffineTransform, ExpTransform

from isthmus.information import tables
from isthmus.information.distributions.cross_entropies import cross_entropy_from_moments
from isthmus.information.distributions.enumeration import is_finite, namespace_of, table_of, tables_of
from isthmus.information.distributions.moments import EULER, row_of
from isthmus.information.distributions.normals import normal_kl_divergence
from isthmus.information.distributions.structure import (
    as_multivariate_normal,
    over_components,
    simplified,
    without_common_transforms,
)
from isthmus.information.distributions.supports import leaves_support, log_density, measure_of, transforms_of
from isthmus.information.families.registry import (
    family_cross_entropy,
    family_divergence,
    family_entropy,
    family_renyi,
)
from isthmus.information.generators import CHI_SQUARED, KULLBACK_LEIBLER, SQUARED_HELLINGER, Generator
from isthmus.information.tables import is_traced

Rule = Callable[..., Any]


def entropy(p: Distribution) -> Array | None:
    """H(p), discrete or differential."""
    return over_components(_entropy, simplified(p))


def cross_entropy(p: Distribution, q: Distribution) -> Array | None:
    """H(p, q) = H(p) + KL(p || q)."""
    return over_components(_cross_entropy, simplified(p), simplified(q))


def kl_divergence(p: Distribution, q: Distribution) -> Array | None:
    """KL(p || q)."""
    return over_components(_kl_divergence, simplified(p), simplified(q))


def renyi_divergence(p: Distribution, q: Distribution, alpha: float) -> Array | None:
    """Renyi's divergence of order alpha."""
    if alpha == 1:
        return kl_divergence(p, q)
    return over_components(partial(_renyi_divergence, alpha=alpha), simplified(p), simplified(q))


def jensen_shannon(p: Distribution, q: Distribution) -> Array | None:
    """Jensen-Shannon divergence: from a table."""
    return over_components(partial(_of_tables, tables.jensen_shannon), simplified(p), simplified(q), additive=False)


def f_divergence(p: Distribution, q: Distribution, generator: Generator) -> Array | None:
    """D_f(p || q): from a table, or from the divergence of Renyi that it is a function of."""
    rule = partial(_of_tables, partial(tables.f_divergence, generator=generator))
    table = over_components(rule, simplified(p), simplified(q), additive=False)
    if table is not None or generator not in _FUNCTIONS:
        return table
    alpha, function = _FUNCTIONS[generator]
    divergence = renyi_divergence(p, q, alpha)
    return None if divergence is None else function(divergence)


# D_f as a function of Renyi's divergence of some order.
_FUNCTIONS: dict[Generator, tuple[float, Callable[[Array], Array]]] = {
    KULLBACK_LEIBLER: (1.0, lambda divergence: divergence),
    CHI_SQUARED: (2.0, jnp.expm1),
    SQUARED_HELLINGER: (0.5, lambda divergence: -jnp.expm1(-0.5 * divergence)),
}


def _first(rules: Iterable[Rule], *distributions: Distribution) -> Array | None:
    """What the first rule says that knows."""
    for rule in rules:
        try:
            value = rule(*distributions)
        except NotImplementedError:
            continue
        if value is not None:
            return jnp.asarray(value)
    return None


def _entropy(p: Distribution) -> Array | None:
    return _first((_listed_entropy, family_entropy, _entropy_of_table, type(p).entropy, _transformed_entropy), p)


def _entropy_of_table(p: Distribution) -> Array | None:
    table = table_of(p)
    return None if table is None else tables.entropy(table, axes=(0,), xp=namespace_of(table))


# What numpyro lacks, and its own for normals, which keeps more digits than natural coordinates can.
_ENTROPIES: dict[type, Rule] = {
    MultivariateNormal: MultivariateNormal.entropy,
    Gumbel: lambda p: jnp.log(p.scale) + EULER + 1,
    HalfNormal: lambda p: jnp.log(p.scale) + 0.5 * np.log(np.pi / 2) + 0.5,
    HalfCauchy: lambda p: jnp.log(2 * np.pi * p.scale),
    Kumaraswamy: lambda p: (
        (1 - 1 / p.concentration0)
        + (1 - 1 / p.concentration1) * (digamma(p.concentration0 + 1) + EULER)
        - jnp.log(p.concentration1 * p.concentration0)
    ),
}


def _listed_entropy(p: Distribution) -> Array | None:
    return row_of(_ENTROPIES, p)(p)


def _transformed_entropy(p: Distribution) -> Array | None:
    """H(t(x)) = H(x) + E log |dt / dx|."""
    if not isinstance(p, TransformedDistribution):
        return None
    first, *others = transforms_of(p)
    inner = entropy(p.base_dist)
    steps = [_mean_log_slope(first, p.base_dist), *(_mean_log_slope(t, None) for t in others)]
    if inner is None or any(step is None for step in steps):
        return None
    return inner + sum(_over_events(step, p) for step in steps)


def _mean_log_slope(transform: Any, base: Distribution | None) -> Any:
    """E log |dt / dx| of each component, for x of distribution base where it is known; None where it is not."""
    if isinstance(transform, AffineTransform):
        return jnp.log(jnp.abs(transform.scale))
    if isinstance(transform, ExpTransform) and base is not None:
        return base.mean
    return None


def _over_events(values: Any, p: Distribution) -> Array:
    spread = jnp.broadcast_to(values, p.shape())
    return spread.sum(tuple(range(-p.event_dim, 0)))


def _cross_entropy(p: Any, q: Any) -> Array | None:
    return _within_support(_CROSS_ENTROPY_RULES, p, q)


def _kl_divergence(p: Any, q: Any) -> Array | None:
    plainer = without_common_transforms(p, q)
    if plainer[0] is not p:
        return over_components(_kl_divergence, *plainer)
    return _within_support(_KL_RULES, p, q)


def _renyi_divergence(p: Any, q: Any, alpha: float) -> Array | None:
    plainer = without_common_transforms(p, q)
    if plainer[0] is not p:
        return over_components(partial(_renyi_divergence, alpha=alpha), *plainer)
    rules = (
        _divergence_of_point,
        partial(family_renyi, alpha=alpha),
        partial(_of_tables, partial(tables.renyi_divergence, alpha=alpha)),
        partial(_renyi_of_supports, alpha=alpha),
    )
    return _within_support(rules, p, q) if alpha > 1 else _first(rules, p, q)


def _within_support(rules: Iterable[Rule], p: Distribution, q: Distribution) -> Array | None:
    """What the rules say, and inf where p has mass off the support of q."""
    # The masses of finitely many values may be zero, and then it is for a table to say what is missed.
    outside = None if is_finite(p) else leaves_support(p, q)
    if outside is not None and not is_traced(outside) and bool(outside.all()):
        return jnp.asarray(inf)
    value = _first(rules, p, q)
    return value if value is None or outside is None else jnp.where(outside, inf, value)


def _of_tables(quantity: Rule, p: Distribution, q: Distribution) -> Array | None:
    """A quantity of probability tables, where p and q are such tables or can be made into them."""
    pair = tables_of(*without_common_transforms(p, q))
    return None if pair is None else quantity(*pair, axes=(0,), xp=namespace_of(*pair))


def _cross_entropy_of_tables(p: Distribution, q: Distribution) -> Array | None:
    return _of_tables(tables.cross_entropy, p, q) if measure_of(p) == "counting" else None


def _sum_of_entropy_and_divergence(p: Distribution, q: Distribution) -> Array | None:
    own, extra = _entropy(p), _kl_divergence(p, q)
    return None if own is None or extra is None else own + extra


def _divergence_of_point(p: Any, q: Distribution) -> Array | None:
    """KL from a point mass, and Renyi's divergences with it. As in numpyro, the mass of a point may face a density."""
    return jnp.asarray(p.log_density) - log_density(q, p.v) if isinstance(p, Delta) else None  # type: ignore[arg-type]


def _cross_entropy_of_point(p: Any, q: Distribution) -> Array | None:
    return -log_density(q, p.v) if isinstance(p, Delta) else None


def _kl_from_moments(p: Distribution, q: Distribution) -> Array | None:
    cross, own = cross_entropy_from_moments(p, q), _entropy(p)
    return None if cross is None or own is None else jnp.where(_is_equal(p, q), 0.0, jnp.maximum(cross - own, 0.0))


def _is_equal(p: Distribution, q: Distribution) -> Any:
    """Whether two scalar distributions are the same, [batch], to the last bit of every parameter."""
    if jax.tree.structure(p) != jax.tree.structure(q):
        return False
    pairs = zip(jax.tree.leaves(p), jax.tree.leaves(q), strict=True)
    return reduce(jnp.logical_and, (a == b for a, b in pairs))


def _kl_of_normals(p: Distribution, q: Distribution) -> Array | None:
    return normal_kl_divergence(p, q) if isinstance(p, Normal) and isinstance(q, Normal) else None


def _kl_of_multivariate_normals(p: Distribution, q: Distribution) -> Array | None:
    """numpyro's, which keeps more digits of badly conditioned covariances than natural coordinates can."""
    first, second = as_multivariate_normal(p), as_multivariate_normal(q)
    if first is None or second is None:
        return None
    same = jnp.all(first.loc == second.loc, axis=-1)
    same = same & jnp.all(first.scale_tril == second.scale_tril, axis=(-2, -1))
    return jnp.where(same, 0.0, jnp.maximum(numpyro_kl_divergence(first, second), 0.0))


def _kl_of_cauchys(p: Any, q: Any) -> Array | None:
    """log(((s + t)^2 + (m - n)^2) / (4 s t)) (Chyzak and Nielsen 2019); folded at the centre, no divergence changes."""
    if not (type(p) is type(q) and isinstance(p, Cauchy | HalfCauchy)):
        return None
    shift = p.loc - q.loc if isinstance(p, Cauchy) else 0.0
    return jnp.log(((p.scale + q.scale) ** 2 + shift**2) / (4 * p.scale * q.scale))


def _renyi_of_supports(p: Distribution, q: Distribution, alpha: float) -> Array | None:
    """-log q(where p has mass) is 0 where p has mass wherever q has."""
    outside = leaves_support(q, p)
    if alpha > 0 or outside is None or is_traced(outside) or bool(outside.any()):
        return None
    return jnp.zeros(())


_KL_RULES: tuple[Rule, ...] = (
    _divergence_of_point,
    _kl_of_normals,
    _kl_of_multivariate_normals,
    family_divergence,
    partial(_of_tables, tables.kl_divergence),
    _kl_of_cauchys,
    _kl_from_moments,
    numpyro_kl_divergence,
)
_CROSS_ENTROPY_RULES: tuple[Rule, ...] = (
    _cross_entropy_of_point,
    family_cross_entropy,
    _cross_entropy_of_tables,
    cross_entropy_from_moments,
    _sum_of_entropy_and_divergence,
)
