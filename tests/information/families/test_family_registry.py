"""numpyro's distributions find their families, in batches and wrappers, at boundaries, and across families."""

from functools import partial
from itertools import permutations
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest
from scipy import special, stats

from isthmus.information import families
from isthmus.information.families import (
    between,
    family_cross_entropy,
    family_divergence,
    family_entropy,
    family_of,
    family_renyi,
)
from oracles.families import CORRELATED, QUICKLY, integers, plane, positive_line

ORDER = 0.3
EXACT: Any = {"rtol": 1e-6, "atol": 1e-9}


@pytest.fixture(autouse=True)
def _float64():
    with jax.enable_x64(True):
        yield


def scipy_log_density(member):
    """scipy's log density or mass of a numpyro distribution without batch."""
    match member:
        case dist.Exponential():
            return stats.expon(scale=1 / member.rate).logpdf
        case dist.Gamma():
            return stats.gamma(member.concentration, scale=1 / member.rate).logpdf
        case dist.InverseGamma():
            return stats.invgamma(member.concentration, scale=member.rate).logpdf
        case dist.Poisson():
            return stats.poisson(member.rate).logpmf
        case dist.GeometricProbs():
            return stats.geom(member.probs, loc=-1).logpmf
        case dist.BernoulliProbs():
            return stats.bernoulli(member.probs).logpmf
        case dist.BinomialProbs():
            return stats.binom(member.total_count, member.probs).logpmf
        case dist.CategoricalProbs():
            return lambda x: special.xlogy(1, np.asarray(member.probs))[x]
        case dist.MultivariateNormal():
            return stats.multivariate_normal(member.loc, member.covariance_matrix).logpdf
        case dist.Independent():
            return lambda x: stats.norm(member.base_dist.loc, member.base_dist.scale).logpdf(x).sum(-1)


ACROSS = {
    "positive reals": (
        positive_line,
        [dist.Exponential(1.5), dist.Gamma(3.0, 0.7), dist.InverseGamma(2.5, 4.0)],
    ),
    "natural numbers": (integers(2000), [dist.Poisson(3.0), dist.Geometric(0.02)]),
    "zero and one": (
        integers(2),
        [dist.Bernoulli(0.3), dist.Binomial(1, 0.8), dist.Categorical(np.array([0.4, 0.6]))],
    ),
    "vectors": (
        plane,
        [
            dist.Normal(np.array([0.5, 1.0]), np.array([1.0, 2.0])).to_event(1),
            dist.MultivariateNormal(np.zeros(2), CORRELATED),
        ],
    ),
}


def every_pair(members):
    """KL(p || q), H(p, q) and Renyi's divergence of order ORDER, or None, of each two of numpyro's members."""
    found = [family_of(member) for member in members]

    @partial(jax.jit, compiler_options=QUICKLY)
    def quantities(naturals):
        return {
            (i, j): (
                between.kl_divergence_between(found[i][0], found[j][0])(naturals[i], naturals[j]),
                between.cross_entropy_between(found[i][0], found[j][0])(naturals[i], naturals[j]),
                (renyi := between.renyi_divergence_between(found[i][0], found[j][0]))
                and renyi(naturals[i], naturals[j], ORDER),
            )
            for i, j in permutations(range(len(found)), 2)
        }

    return quantities([natural for _, natural in found])


@pytest.mark.parametrize("support", ACROSS)
def test_members_of_different_families_on_one_support(support):
    nodes, members = ACROSS[support]
    x, weights = nodes()
    log_densities = [scipy_log_density(member)(x) for member in members]
    for (i, j), (divergence, cross_entropy, renyi) in every_pair(members).items():
        log_p, log_q = log_densities[i], log_densities[j]
        mass = weights * np.exp(log_p)
        expected = [np.sum((mass * values)[mass > 0]) for values in (log_p - log_q, -log_q)]
        if isinstance(members[i], dist.Exponential) and isinstance(members[j], dist.InverseGamma):
            # E[1 / x] is infinite, which no grid shows.
            expected = [np.inf, np.inf]
        np.testing.assert_allclose((divergence, cross_entropy), expected, **EXACT)
        if renyi is not None:
            affinity = special.logsumexp(ORDER * log_p + (1 - ORDER) * log_q, b=weights)
            np.testing.assert_allclose(renyi, affinity / (ORDER - 1), **EXACT)


def test_a_pair_of_different_families_is_found_by_its_distributions():
    p, q = dist.Exponential(np.array([1.0, 2.0])), dist.Gamma(1.0, 2.0)
    expected = np.array([np.log(1 / 2) + 1, 0.0])
    np.testing.assert_allclose(family_divergence(p, q), expected)
    np.testing.assert_allclose(family_cross_entropy(p, q), expected + 1 - np.log([1.0, 2.0]))
    np.testing.assert_allclose(family_renyi(p, q, 1.0), expected)
    assert family_renyi(p, dist.InverseGamma(2.0, 1.0), 0.5) is None


# Spellings of one member of each family.
FAMILY_OF = {
    families.Bernoulli(): [dist.Bernoulli(special.expit(0.2)), dist.Bernoulli(logits=0.2)],
    families.Binomial(7): [dist.Binomial(7, special.expit(0.2)), dist.Binomial(np.full(3, 7), logits=0.2)],
    families.Categorical(3): [dist.Categorical(np.full(3, 1 / 3)), dist.Categorical(logits=np.ones((2, 3)))],
    families.Poisson(): [dist.Poisson(2), dist.Poisson(np.full((2, 1), 2.0))],
    families.Geometric(): [dist.Geometric(special.expit(-1.0)), dist.Geometric(logits=-1.0)],
    families.Exponential(): [dist.Exponential(1), dist.Exponential(np.ones(3))],
    families.Gamma(): [dist.Gamma(1.5, 0.5), dist.Chi2(3.0)],
    families.InverseGamma(): [dist.InverseGamma(2.0, 1.0), dist.InverseGamma(2.0, 1.0).expand([2])],
    families.Beta(): [dist.Beta(1.0, 3.0), dist.BetaProportion(0.25, 4.0)],
    families.Dirichlet(3): [dist.Dirichlet(np.ones(3)), dist.Dirichlet(np.ones(3)).expand([2])],
    families.Normal(): [dist.Normal(0.0, 2.0), dist.Normal(0.0, np.full(4, 2.0)).expand([2, 4])],
    families.DiagonalNormal(3): [
        dist.Normal(np.zeros(3), 1.0).to_event(1),
        dist.Normal(0.0, 1.0).expand([3]).to_event(1),
        dist.Normal(np.zeros((2, 1, 3)), 1.0).expand([2, 4, 3]).to_event(1),
    ],
    families.MultivariateNormal(2): [
        dist.MultivariateNormal(np.zeros(2), 4 * np.eye(2)),
        dist.MultivariateNormal(np.zeros((3, 2)), scale_tril=2 * np.eye(2)),
        dist.MultivariateNormal(0.0, precision_matrix=0.25 * np.eye(2)),
    ],
    families.VonMises(): [dist.VonMises(0.5, 1.0), dist.VonMises(0.5 + 2 * np.pi, np.ones(2))],
}


@pytest.mark.parametrize("family", FAMILY_OF, ids=lambda family: type(family).__name__)
def test_a_distribution_finds_its_family_however_it_is_spelt(family):
    _, expected = family_of(FAMILY_OF[family][0])
    for distribution in FAMILY_OF[family]:
        found, natural = family_of(distribution)
        assert found == family
        assert natural.shape[:-1] == distribution.batch_shape
        # Some parameters were made outside float64.
        np.testing.assert_allclose(natural, np.broadcast_to(expected, natural.shape), rtol=1e-6, atol=1e-6)


NO_FAMILY = {
    "of none": dist.Laplace(0.0, 1.0),
    "several members": dist.Gamma(2.0, np.ones(3)).to_event(1),
    "several numbers of trials": dist.Binomial(np.array([3, 4]), 0.5),
}


@pytest.mark.parametrize("name", NO_FAMILY)
def test_a_distribution_without_a_family_has_none(name):
    assert family_of(NO_FAMILY[name]) is None


@pytest.mark.parametrize(
    ("p", "q"),
    [
        (dist.Normal(0.0, 1.0), dist.Laplace(0.0, 1.0)),
        (dist.Normal(0.0, 1.0), dist.Gamma(1.0, 1.0)),
        (dist.Normal(np.zeros(2), 1.0).to_event(1), dist.Normal(np.zeros(3), 1.0).to_event(1)),
        (dist.Normal(np.zeros(2), 1.0), dist.Normal(np.zeros(2), 1.0).to_event(1)),
        (dist.Binomial(3, 0.5), dist.Binomial(4, 0.5)),
        (dist.Categorical(np.array([0.0, 1.0])), dist.Categorical(np.array([0.5, 0.5]))),
        (dist.Bernoulli(0.5), dist.Poisson(1.0)),
    ],
)
def test_a_pair_without_a_common_support_or_a_closed_form_is_left_to_others(p, q):
    assert family_divergence(p, q) is family_cross_entropy(p, q) is family_renyi(p, q, 2.0) is None


def test_batches_broadcast_and_products_add_up():
    rates = np.array([0.5, 1.0, 4.0])
    q = dist.Exponential(2.0)
    alone = np.array([family_divergence(dist.Exponential(rate), q) for rate in rates])
    column = dist.Exponential(np.array([[2.0], [2.0]]))
    np.testing.assert_allclose(family_divergence(dist.Exponential(rates), column), np.stack([alone, alone]))
    product = dist.Exponential(rates).to_event(1)
    for other in (q.expand([3]).to_event(1), q.expand([2, 3]).to_event(1), q.expand([3]).to_event(1).expand([2])):
        np.testing.assert_allclose(family_divergence(product, other), np.full(other.batch_shape, alone.sum()))
    np.testing.assert_allclose(family_divergence(product.expand([2]), q.expand([3]).to_event(1)), [alone.sum()] * 2)
    np.testing.assert_allclose(family_entropy(product), np.sum(1 - np.log(rates)))
    np.testing.assert_allclose(family_renyi(product, q.expand([3]).to_event(1), 1.0), alone.sum())


BOUNDARIES = {
    # p, q, KL(p || q), H(p)
    "Bernoulli": (
        dist.Bernoulli,
        [0.0, 1.0, 0.0, 0.5, 0.5, 1.0],
        [0.5, 0.5, 1.0, 0.0, 1.0, 1.0],
        [np.log(2), np.log(2), np.inf, np.inf, np.inf, 0.0],
        [0.0, 0.0, 0.0, np.log(2), np.log(2), 0.0],
    ),
    "Binomial": (
        lambda probability: dist.Binomial(2, probability),
        [0.0, 1.0, 0.0, 0.5, 0.5, 1.0],
        [0.5, 0.5, 1.0, 0.0, 1.0, 1.0],
        [np.log(4), np.log(4), np.inf, np.inf, np.inf, 0.0],
        [0.0, 0.0, 0.0, 1.5 * np.log(2), 1.5 * np.log(2), 0.0],
    ),
    "Poisson": (dist.Poisson, [0.0, 1.0, 0.0], [2.0, 0.0, 0.0], [2.0, np.inf, 0.0], [0.0, 1.3048422422562516, 0.0]),
    "Geometric": (
        dist.Geometric,
        [1.0, 0.5, 1.0],
        [0.5, 1.0, 1.0],
        [np.log(2), np.inf, 0.0],
        [0.0, 2 * np.log(2), 0.0],
    ),
}


@pytest.mark.parametrize("name", BOUNDARIES)
def test_a_probability_of_zero_or_one_is_a_limit_and_no_gradient_is_nan(name):
    make, p, q, divergences, entropies = BOUNDARIES[name]

    def quantities(p, q):
        pair = make(p), make(q)
        return family_divergence(*pair), family_cross_entropy(*pair), family_renyi(*pair, 0.5), family_entropy(pair[0])

    def total(p, q):
        found = quantities(p, q)
        return sum(map(jnp.sum, found)), found

    evaluate = jax.jit(jax.value_and_grad(total, argnums=(0, 1), has_aux=True), compiler_options=QUICKLY)
    (_, (divergence, cross_entropy, renyi, entropy)), slopes = evaluate(np.array(p), np.array(q))
    np.testing.assert_allclose(divergence, divergences)
    np.testing.assert_allclose(entropy, entropies, atol=1e-15)
    np.testing.assert_allclose(cross_entropy, np.array(divergences) + entropies, atol=1e-15)
    one_is_certain = ~np.isinf(divergences)
    np.testing.assert_allclose(np.asarray(renyi)[one_is_certain], np.array(divergences)[one_is_certain])
    assert not np.any(np.isnan(slopes))


def test_parameters_are_differentiated_through_jit():
    def divergence(mean, scale):
        return family_divergence(dist.Normal(mean, scale), dist.Normal(1.0, 2.0))

    gradient = jax.jit(jax.grad(divergence, argnums=(0, 1)), compiler_options=QUICKLY)
    np.testing.assert_array_equal(gradient(1.0, 2.0), 0.0)
    np.testing.assert_allclose(gradient(0.0, 1.0), (-1 / 4, 1 / 4 - 1))
    curvature = jax.jit(jax.hessian(divergence, argnums=(0, 1)), compiler_options=QUICKLY)(1.0, 2.0)
    np.testing.assert_allclose(curvature, [[1 / 4, 0.0], [0.0, 1 / 2]], atol=1e-12)


def test_no_solver_is_used_that_may_wait_forever_on_large_batches():
    def divergence(means, factors):
        return jnp.sum(
            family_divergence(*(dist.MultivariateNormal(m, scale_tril=f) for m, f in zip(means, factors, strict=True)))
        )

    traced = jax.make_jaxpr(jax.grad(divergence, argnums=(0, 1)))(
        jnp.zeros((2, 5, 3)), jnp.ones((2, 5, 1, 1)) * np.eye(3)
    )
    assert "triangular_solve" not in str(traced)
