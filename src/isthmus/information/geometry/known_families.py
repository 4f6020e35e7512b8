"""The families whose Fisher-Rao geometry is known in closed form.

Atkinson and Mitchell 1981, Rao's distance measure; Miyamoto et al. 2024, On closed-form expressions for the Fisher-Rao
distance.
"""

import math
from typing import Any, NamedTuple

import jax.nn
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
from jax import Array
from numpyro.distributions import Distribution

from isthmus.information.geometry.manifolds import (
    MULTIVARIATE_NORMAL,
    NORMALS_OF_ONE_COVARIANCE,
    NORMALS_OF_ONE_MEAN,
    Coordinate,
    Manifold,
    half_plane,
    line,
    root,
    sphere,
)

Metric = tuple[Any, Any, Any]


class KnownFamily(NamedTuple):
    """A family and its manifold; those of its members lie on one that have the parameter `shared` in common, if it is
    named."""

    name: str
    manifold: Manifold
    shared: str | None = None
    shared_event_dims: int = 0


def squared_distance(p: Distribution, q: Distribution, held: str | None = None) -> Array | None:
    """The squared Fisher-Rao distance of two plain distributions, [batch]; None where no closed form is known.

    Infinite where a parameter that all members share differs: no curve within the family joins p and q.
    """
    p_known, q_known = KNOWN_FAMILIES.get((type(p), held)), KNOWN_FAMILIES.get((type(q), held))
    if p_known is None or q_known is None or p_known.name != q_known.name:
        return None
    if p_known.manifold.squared_distance is None:
        return None
    distance = p_known.manifold.squared_distance(p_known.manifold.coordinates(p), q_known.manifold.coordinates(q))
    return distance if p_known.shared is None else jnp.where(_share(p_known, p, q), distance, jnp.inf)


def _share(known: KnownFamily, p: Distribution, q: Distribution) -> Array:
    assert known.shared is not None
    same = jnp.asarray(getattr(p, known.shared)) == jnp.asarray(getattr(q, known.shared))
    return jnp.all(same, axis=tuple(range(-known.shared_event_dims, 0)))


def _location_scale(family: Any, metric: Metric) -> dict[tuple[Any, str | None], KnownFamily]:
    name, (a, _, b) = family.__name__, metric
    return {
        (family, None): KnownFamily(name, half_plane(lambda p: p.loc, lambda p: p.scale, lambda _: metric)),
        (family, "loc"): KnownFamily(name, line(lambda p: jnp.log(p.scale), lambda _: math.sqrt(b)), "loc"),
        (family, "scale"): KnownFamily(name, line(lambda p: p.loc / p.scale, lambda _: math.sqrt(a)), "scale"),
    }


def _counts_of_trials(name: str, amplitudes: Coordinate) -> KnownFamily:
    return KnownFamily(name, sphere(amplitudes, lambda p: p.total_count), "total_count")


def _two_cells(p: Any) -> Array:
    return root(jnp.stack([p.probs, 1 - jnp.asarray(p.probs)], axis=-1))


def _two_cells_from_logits(p: Any) -> Array:
    return jnp.exp(0.5 * jax.nn.log_sigmoid(jnp.stack([p.logits, -jnp.asarray(p.logits)], axis=-1)))


def _cells(p: Any) -> Array:
    return root(jnp.asarray(p.probs))


def _cells_from_logits(p: Any) -> Array:
    return jnp.exp(0.5 * jax.nn.log_softmax(p.logits, axis=-1))


def _student_metric(p: Any) -> Metric:
    return (p.df + 1) / (p.df + 3), 0.0, 2 * p.df / (p.df + 3)


_GUMBEL_METRIC = (1.0, np.euler_gamma - 1, np.pi**2 / 6 + (1 - np.euler_gamma) ** 2)
# Minus the logarithm of a Weibull variable is a Gumbel variable.
_weibull = half_plane(lambda p: -jnp.log(p.scale), lambda p: 1 / p.concentration, lambda _: _GUMBEL_METRIC)
_student = half_plane(lambda p: p.loc, lambda p: p.scale, _student_metric)
_gamma = line(lambda p: jnp.log(p.rate), lambda p: jnp.sqrt(p.concentration))
# The mean is concentration / rate; a geometric variable is one of concentration 1 and rate probs / (1 - probs).
_negative_binomial = line(lambda p: jnp.arcsinh(root(1 / p.rate)), lambda p: 2 * jnp.sqrt(p.concentration))
_geometric = line(lambda p: jnp.arcsinh(root((1 - p.probs) / p.probs)), lambda _: 2.0)
_geometric_from_logits = line(lambda p: jnp.arcsinh(jnp.exp(-0.5 * p.logits)), lambda _: 2.0)
_NEGATIVE_BINOMIALS = (
    dist.GammaPoisson,
    dist.NegativeBinomialProbs,
    dist.NegativeBinomialLogits,
    dist.NegativeBinomial2,
)

KNOWN_FAMILIES: dict[tuple[Any, str | None], KnownFamily] = {
    **_location_scale(dist.Normal, (1.0, 0.0, 2.0)),
    **_location_scale(dist.LogNormal, (1.0, 0.0, 2.0)),
    **_location_scale(dist.Laplace, (1.0, 0.0, 1.0)),
    **_location_scale(dist.Cauchy, (0.5, 0.0, 0.5)),
    **_location_scale(dist.Logistic, (1 / 3, 0.0, (3 + np.pi**2) / 9)),
    **_location_scale(dist.Gumbel, _GUMBEL_METRIC),
    (dist.Weibull, None): KnownFamily("Weibull", _weibull),
    (dist.StudentT, "df"): KnownFamily("StudentT", _student, "df"),
    (dist.HalfNormal, None): KnownFamily("HalfNormal", line(lambda p: jnp.log(p.scale), lambda _: math.sqrt(2))),
    (dist.HalfCauchy, None): KnownFamily("HalfCauchy", line(lambda p: jnp.log(p.scale), lambda _: math.sqrt(0.5))),
    (dist.Exponential, None): KnownFamily("Exponential", line(lambda p: jnp.log(p.rate))),
    (dist.Pareto, "scale"): KnownFamily("Pareto", line(lambda p: jnp.log(p.alpha)), "scale"),
    (dist.Gamma, "concentration"): KnownFamily("Gamma", _gamma, "concentration"),
    (dist.InverseGamma, "concentration"): KnownFamily("InverseGamma", _gamma, "concentration"),
    (dist.Poisson, None): KnownFamily("Poisson", line(lambda p: root(jnp.asarray(p.rate)), lambda _: 2.0)),
    (dist.GeometricProbs, None): KnownFamily("Geometric", _geometric),
    (dist.GeometricLogits, None): KnownFamily("Geometric", _geometric_from_logits),
    **{
        (family, "concentration"): KnownFamily("NegativeBinomial", _negative_binomial, "concentration")
        for family in _NEGATIVE_BINOMIALS
    },
    (dist.BernoulliProbs, None): KnownFamily("Bernoulli", sphere(_two_cells)),
    (dist.BernoulliLogits, None): KnownFamily("Bernoulli", sphere(_two_cells_from_logits)),
    (dist.CategoricalProbs, None): KnownFamily("Categorical", sphere(_cells)),
    (dist.CategoricalLogits, None): KnownFamily("Categorical", sphere(_cells_from_logits)),
    (dist.BinomialProbs, None): _counts_of_trials("Binomial", _two_cells),
    (dist.BinomialLogits, None): _counts_of_trials("Binomial", _two_cells_from_logits),
    (dist.MultinomialProbs, None): _counts_of_trials("Multinomial", _cells),
    (dist.MultinomialLogits, None): _counts_of_trials("Multinomial", _cells_from_logits),
    (dist.MultivariateNormal, None): KnownFamily("MultivariateNormal", MULTIVARIATE_NORMAL),
    (dist.MultivariateNormal, "loc"): KnownFamily("MultivariateNormal", NORMALS_OF_ONE_MEAN, "loc", 1),
    (dist.MultivariateNormal, "scale_tril"): KnownFamily(
        "MultivariateNormal", NORMALS_OF_ONE_COVARIANCE, "scale_tril", 2
    ),
}
"""By numpyro class and the parameter that is held, None where all are free."""
