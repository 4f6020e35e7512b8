"""What two members of different families on one support have to do with each other."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import Array
from jax.scipy.special import digamma, exp1

from isthmus.information.families.counts import Geometric, Poisson
from isthmus.information.families.family import ExponentialFamily
from isthmus.information.families.finite import Bernoulli, Binomial, Categorical
from isthmus.information.families.normal import DiagonalNormal, MultivariateNormal
from isthmus.information.families.positive import Exponential, Gamma, InverseGamma

_EDGE = 64.0
_LARGEST_DECAY = 700.0

Coordinates = Callable[[Array], Array]
Divergence = Callable[..., Array]


def embedding(family: ExponentialFamily, larger: ExponentialFamily) -> Coordinates | None:
    """The map of a family's natural coordinates to those of a family that holds it, or is it; None where none does."""
    match family, larger:
        case _ if type(family) is type(larger):
            return (lambda natural: natural) if family == larger else None
        case Exponential(), Gamma():
            return lambda natural: jnp.stack([jnp.zeros_like(natural[0]), natural[0]])
        case Bernoulli(), Binomial(total_count=1):
            return lambda natural: natural
        case Categorical(size=2), Bernoulli() | Binomial(total_count=1):
            return lambda natural: -natural
        case DiagonalNormal(), MultivariateNormal() if family.size == larger.size:
            return larger.natural_from_diagonal
    return None


def common_family(
    p: ExponentialFamily, q: ExponentialFamily
) -> tuple[ExponentialFamily, Coordinates, Coordinates] | None:
    """A family that holds both families' members, with the embeddings of the two; None where none is known."""
    for family in (q, p):
        p_embedding, q_embedding = embedding(p, family), embedding(q, family)
        if p_embedding and q_embedding:
            return family, p_embedding, q_embedding
    return None


def cross_entropy_between(p_family: ExponentialFamily, q_family: ExponentialFamily) -> Divergence | None:
    """H(p, q) as a function of the natural coordinates of p and of q; None where no closed form is known."""
    common = common_family(p_family, q_family)
    if common:
        family, p_embedding, q_embedding = common
        return lambda p, q: family.cross_entropy(p_embedding(p), q_embedding(q))
    expectations = _expectations(p_family, q_family)
    if expectations is None:
        return None

    def cross_entropy(p: Array, q: Array) -> Array:
        statistics, log_base_measure = expectations(p)
        expected = jnp.where(statistics == 0, 0.0, q) @ statistics + log_base_measure
        return q_family.log_normaliser(q) - expected

    return cross_entropy


def kl_divergence_between(p_family: ExponentialFamily, q_family: ExponentialFamily) -> Divergence | None:
    """KL(p || q) as a function of the natural coordinates of p and of q; None where no closed form is known."""
    common = common_family(p_family, q_family)
    if common:
        family, p_embedding, q_embedding = common
        return lambda p, q: family.kl_divergence(p_embedding(p), q_embedding(q))
    cross_entropy = cross_entropy_between(p_family, q_family)
    return cross_entropy and (lambda p, q: jnp.maximum(cross_entropy(p, q) - p_family.entropy(p), 0.0))


def renyi_divergence_between(p_family: ExponentialFamily, q_family: ExponentialFamily) -> Divergence | None:
    """Renyi's divergence as a function of the natural coordinates of p and of q, and of its order; None where the two
    have no family in common."""
    common = common_family(p_family, q_family)
    if common is None:
        return None
    family, p_embedding, q_embedding = common
    return lambda p, q, alpha: family.renyi_divergence(p_embedding(p), q_embedding(q), alpha)


def _expectations(p: ExponentialFamily, q: ExponentialFamily) -> Callable[[Array], tuple[Array, Array]] | None:
    """E_p[T_q(x)] and E_p[log h_q(x)] as functions of p's natural coordinates; None where not known."""
    match p, q:
        case Exponential(), InverseGamma():
            return lambda natural: (_gamma_expectations(jnp.zeros_like(natural[0]), -natural[0]), jnp.zeros(()))
        case Gamma(), InverseGamma():
            return lambda natural: (_gamma_expectations(natural[0], -natural[1]), jnp.zeros(()))
        case InverseGamma(), Gamma():
            return lambda natural: (_inverse_gamma_expectations(natural), jnp.zeros(()))
        case InverseGamma(), Exponential():
            return lambda natural: (_inverse_gamma_expectations(natural)[1:], jnp.zeros(()))
        case Poisson(), Geometric():
            return lambda natural: (jnp.exp(natural), jnp.zeros(()))
        case Geometric(), Poisson():
            return lambda natural: (1 / jnp.expm1(-natural), -_expected_log_factorial(-natural[0]))
    return None


def _gamma_expectations(excess: Array, rate: Array) -> Array:
    """E[log x] and E[1 / x], the second inf where it is, of the gamma of concentration 1 + excess."""
    finite = excess > 0
    reciprocal = jnp.where(finite, rate / jnp.where(finite, excess, 1.0), jnp.inf)
    return jnp.stack([digamma(1 + excess) - jnp.log(rate), reciprocal])


def _inverse_gamma_expectations(natural: Array) -> Array:
    """E[log x] and E[x], the second inf where it is: those of 1 / x under the gamma."""
    return jnp.array([-1.0, 1.0]) * _gamma_expectations(-natural[0] - 2, -natural[1])


def _expected_log_factorial(decay: Array) -> Array:
    """E[log x!] under the geometric of failure probability exp(-decay): the sum over k >= 1 of log(k) exp(-decay k).

    The first terms are added up, the rest is the integral that Euler and Maclaurin correct.
    """
    decay = jnp.minimum(decay, _LARGEST_DECAY)
    k, edge = jnp.arange(1, _EDGE, dtype=decay.dtype), jnp.asarray(_EDGE, decay.dtype)

    def term(x: Array) -> Array:
        return jnp.log(x) * jnp.exp(-decay * x)

    first = jax.grad(term)
    third = jax.grad(jax.grad(first))
    fifth = jax.grad(jax.grad(third))
    integral = (term(edge) + exp1(decay * edge)) / decay
    corrections = term(edge) / 2 - first(edge) / 12 + third(edge) / 720 - fifth(edge) / 30240
    return jnp.sum(term(k)) + integral + corrections
