"""Conjugate priors are numpyro's, and rows change them as the textbooks say."""

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest
from scipy import stats

from isthmus.information import families
from isthmus.information.families import ConjugatePrior, NormalInverseGamma, NormalInverseWishart

COUNTS = np.array([3, 0, 1, 7, 2])


@pytest.fixture(autouse=True)
def _float64():
    with jax.enable_x64(True):
        yield


# The prior, rows, the posterior of the textbooks, E[T(x)] of the next x, and numpyro's parameter by theta.
KNOWN = {
    "Bernoulli": (
        families.Bernoulli(),
        dist.Beta(2.0, 3.5),
        np.array([1, 1, 0, 1]),
        dist.Beta(5.0, 4.5),
        5 / 9.5,
        lambda theta: jax.nn.sigmoid(theta[0]),
    ),
    "Binomial": (
        families.Binomial(9),
        dist.Beta(2.0, 3.5),
        COUNTS,
        dist.Beta(15.0, 35.5),
        9 * 15 / 50.5,
        lambda theta: jax.nn.sigmoid(theta[0]),
    ),
    "Geometric": (
        families.Geometric(),
        dist.Beta(2.0, 3.5),
        COUNTS,
        dist.Beta(7.0, 16.5),
        16.5 / 6,
        lambda theta: -jnp.expm1(theta[0]),
    ),
    "Poisson": (
        families.Poisson(),
        dist.Gamma(2.0, 0.5),
        COUNTS,
        dist.Gamma(15.0, 5.5),
        15 / 5.5,
        lambda theta: jnp.exp(theta[0]),
    ),
    "Exponential": (
        families.Exponential(),
        dist.Gamma(2.0, 0.5),
        np.array([0.5, 2.0]),
        dist.Gamma(4.0, 3.0),
        3.0 / 3,
        lambda theta: -theta[0],
    ),
    "Categorical": (
        families.Categorical(3),
        dist.Dirichlet(np.array([1.0, 2.0, 0.5])),
        np.array([0, 2, 2, 1]),
        dist.Dirichlet(np.array([2.0, 3.0, 2.5])),
        np.array([2.0, 3.0]) / 7.5,
        lambda theta: jax.nn.softmax(jnp.append(theta, 0.0)),
    ),
}


@pytest.mark.parametrize("name", KNOWN)
def test_rows_change_numpyro_s_prior_as_the_textbooks_say(name):
    family, prior, rows, posterior, predictive, _ = KNOWN[name]
    updated = ConjugatePrior.from_numpyro(family, prior).update(rows)
    for ours, expected in zip(jax.tree.leaves(updated.to_numpyro()), jax.tree.leaves(posterior), strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-12)
    np.testing.assert_allclose(updated.predictive_mean(), predictive)
    again = ConjugatePrior.from_numpyro(family, updated.to_numpyro())
    np.testing.assert_allclose(again.statistics, updated.statistics)
    np.testing.assert_allclose(again.strength, updated.strength)


@pytest.mark.parametrize("name", KNOWN)
def test_the_density_is_numpyro_s_after_the_change_of_variable(name):
    family, prior, _, _, _, parameter = KNOWN[name]
    ours = ConjugatePrior.from_numpyro(family, prior)
    thetas = -np.random.default_rng(5).uniform(0.2, 2.0, (20, len(ours.statistics)))

    def log_ratio(theta):
        value, slope = parameter(theta), jax.jacobian(parameter)(theta)
        # Of probabilities that sum to one, all but the last are coordinates.
        volume = jnp.linalg.det(slope[:-1]) if value.ndim else slope[0]
        return ours.log_density(theta) - prior.log_prob(value) - jnp.log(jnp.abs(volume))

    ratios = jax.jit(jax.vmap(log_ratio))(thetas)
    np.testing.assert_allclose(ratios, ratios[0], rtol=1e-9)


def test_a_predictive_mean_that_does_not_exist_is_nan():
    prior = ConjugatePrior.from_numpyro(families.Geometric(), dist.Beta(0.5, 1.0))
    assert np.isnan(prior.predictive_mean()).all()


def test_a_prior_of_another_kind_is_refused():
    with pytest.raises(TypeError, match="no numpyro Gamma is conjugate to Bernoulli; expected a Beta"):
        ConjugatePrior.from_numpyro(families.Bernoulli(), dist.Gamma(1.0, 1.0))
    with pytest.raises(TypeError, match="use NormalInverseGamma"):
        ConjugatePrior(families.Normal(), jnp.zeros(2), jnp.ones(())).to_numpyro()


@pytest.mark.parametrize("offset", [0.0, 1e8])
def test_a_normal_inverse_gamma_follows_the_known_formulas(offset):
    rows = offset + np.array([[1.0, 5.0], [2.0, 5.5], [4.0, 4.0]])
    prior = NormalInverseGamma(offset + np.array([0.5, 4.0]), np.array(2.0), np.array([3.0, 1.0]), np.array([1.0, 0.2]))
    posterior = prior.update(rows)
    mean = rows.mean(0)
    location = (2 * prior.location + 3 * mean) / 5
    rate = prior.rate + 0.5 * ((rows - mean) ** 2).sum(0) + 0.5 * 2 * 3 / 5 * (mean - prior.location) ** 2
    np.testing.assert_allclose(posterior.location, location, rtol=1e-15)
    np.testing.assert_allclose(posterior.rate, rate, rtol=1e-7)
    np.testing.assert_allclose(posterior.concentration, [4.5, 2.5])
    np.testing.assert_allclose(posterior.strength, 5.0)


def test_a_normal_inverse_gamma_is_bayes_theorem():
    rows = np.array([0.3, 1.2, -0.4])
    prior = NormalInverseGamma(np.array(0.5), np.array(2.0), np.array(3.0), np.array(1.5))

    def log_density(member, mean, variance):
        scale = np.sqrt(variance / member.strength)
        spread = stats.invgamma.logpdf(variance, member.concentration, scale=member.rate)
        return stats.norm.logpdf(mean, member.location, scale) + spread

    generator = np.random.default_rng(3)
    mean, variance = generator.normal(size=30), generator.uniform(0.2, 3, 30)
    likelihood = stats.norm.logpdf(rows[:, None], mean, np.sqrt(variance)).sum(0)
    evidence = log_density(prior, mean, variance) + likelihood - log_density(prior.update(rows), mean, variance)
    np.testing.assert_allclose(evidence, evidence[0])


def test_a_normal_inverse_wishart_is_bayes_theorem():
    rows = np.array([[0.3, 1.0], [1.2, -0.5], [-0.4, 0.1]])
    prior = NormalInverseWishart(np.array([0.5, 0.0]), np.array(2.0), np.array(4.0), np.array([[1.5, 0.3], [0.3, 1.0]]))

    def log_density(member, mean, covariance):
        spread = stats.invwishart.logpdf(covariance, float(member.degrees), np.asarray(member.scale))
        return stats.multivariate_normal.logpdf(mean, member.location, covariance / float(member.strength)) + spread

    posterior, generator = prior.update(rows), np.random.default_rng(3)
    evidences = []
    for _ in range(10):
        factor, mean = generator.normal(size=(2, 2)), generator.normal(size=2)
        covariance = factor @ factor.T + 0.3 * np.eye(2)
        likelihood = stats.multivariate_normal.logpdf(rows, mean, covariance).sum()
        evidences.append(log_density(prior, mean, covariance) + likelihood - log_density(posterior, mean, covariance))
    np.testing.assert_allclose(evidences, evidences[0])
