"""Batches, independent components, masks, changes of variable, normals of many dimensions, and jax's transformations.

Laws hold on 1,000 cases each, seed 5, to 1e-10 nats.
"""

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest
from numpyro.distributions import transforms

from isthmus.information.dependence import conditional_mutual_information, mutual_information, total_correlation
from isthmus.information.divergence import (
    f_divergence,
    jensen_shannon,
    kl_divergence,
    kl_terms,
    renyi_divergence,
)
from isthmus.information.entropies import cross_entropy, entropy
from isthmus.information.generators import CHI_SQUARED, SQUARED_HELLINGER, TOTAL_VARIATION

CASES, TOLERANCE = 1_000, 1e-10


def close(actual, expected, rtol=TOLERANCE):
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=TOLERANCE)


# One distribution, in every spelling that makes a batch [2] of events [3] of it.
BASES = {
    "normal": (lambda: dist.Normal(0.3, 1.2), lambda: dist.Normal(1.0, 0.7)),
    "weibull": (lambda: dist.Weibull(1.3, 1.7), lambda: dist.Weibull(0.9, 2.7)),
    "categorical": (
        lambda: dist.Categorical(np.array([0.2, 0.3, 0.5])),
        lambda: dist.Categorical(np.array([0.5, 0.3, 0.2])),
    ),
}
SPELLINGS = {
    "expanded, then events": lambda d: d.expand([2, 3]).to_event(1),
    "events, then expanded": lambda d: d.expand([3]).to_event(1).expand([2]),
    "expanded twice": lambda d: d.expand([1, 3]).expand([2, 3]).to_event(1),
    "masked by nothing": lambda d: d.expand([3]).mask(True).to_event(1).expand([2]),
    "masked by all": lambda d: d.expand([2, 3]).mask(np.ones((2, 3), bool)).to_event(1),
}


@pytest.mark.parametrize("base", BASES)
def test_quantities_add_up_over_components_however_these_are_spelt(base):
    p, q = (make() for make in BASES[base])
    for quantity in (
        kl_divergence,
        cross_entropy,
        lambda p, q: renyi_divergence(p, q, 0.5 if base == "normal" else 1.0),
    ):
        expected = np.full(2, 3 * quantity(p, q).value)
        for spelling in SPELLINGS.values():
            for other in ("expanded, then events", "events, then expanded"):
                close(quantity(spelling(p), SPELLINGS[other](q)).value, expected)
    for spelling in SPELLINGS.values():
        close(entropy(spelling(p)).value, np.full(2, 3 * entropy(p).value))


def test_masked_components_do_not_count():
    mask = np.array([True, False, True])
    p, q = dist.Weibull(np.array([1.0, 2.0, 3.0]), 1.5), dist.Weibull(1.0, 0.7)
    expected = kl_divergence(p, q).value * mask
    close(kl_divergence(p.mask(mask), q.expand([3])).value, expected)
    close(kl_divergence(p.mask(mask).to_event(1), q.expand([3]).to_event(1)).value, expected.sum())
    assert kl_divergence(p.mask(False), q).value.tolist() == [0.0, 0.0, 0.0]


def test_batches_broadcast():
    p, q = dist.Laplace(np.zeros(3), 1.0), dist.Laplace(np.ones((4, 1)), np.full((4, 3), 2.0))
    value = kl_divergence(p, q).value
    assert value.shape == (4, 3)
    close(value, kl_divergence(dist.Laplace(0.0, 1.0), dist.Laplace(1.0, 2.0)).value)
    # Neither are axes of the batch confounded with the cells of the table behind it.
    p, q = dist.Binomial(10, np.array([0.1, 0.2, 0.3])), dist.Binomial(12, np.array([[0.2], [0.4]]))
    value = kl_divergence(p, q).value
    close(value[1, 2], kl_divergence(dist.Binomial(10, 0.3), dist.Binomial(12, 0.4)).value)


CHANGES = {
    "exp": lambda: [transforms.ExpTransform()],
    "sigmoid after an affine map": lambda: [transforms.AffineTransform(0.3, -2.0), transforms.SigmoidTransform()],
    "a composition": lambda: [
        transforms.ComposeTransform([transforms.AffineTransform(np.float32(0.1), 2.0), transforms.SoftplusTransform()])
    ],
}


@pytest.mark.parametrize("name", CHANGES)
def test_no_divergence_notices_a_change_of_variable(name):
    p, q = dist.Normal(0.3, 1.2), dist.Normal(1.0, 0.7)
    changed = [dist.TransformedDistribution(d, CHANGES[name]()) for d in (p, q)]
    for divergence in (
        kl_divergence,
        lambda p, q: renyi_divergence(p, q, 0.5),
        lambda p, q: f_divergence(p, q, SQUARED_HELLINGER),
        lambda p, q: f_divergence(p, q, CHI_SQUARED) if name == "exp" else f_divergence(q, p, CHI_SQUARED),
    ):
        assert divergence(*changed).direction == "exact"
        close(divergence(*changed).value, divergence(p, q).value)
    vectors = [d.expand([3]).to_event(1) for d in (p, q)]
    within = [dist.TransformedDistribution(d, CHANGES[name]()) for d in vectors]
    around = [d.expand([3]).to_event(1) for d in changed]
    for pair in (within, around, (within[0], around[1])):
        close(kl_divergence(*pair).value, 3 * kl_divergence(p, q).value)


MOVED = {
    "normal": (dist.Normal, (0.3, 1.2)),
    "laplace": (dist.Laplace, (0.3, 1.2)),
    "cauchy": (dist.Cauchy, (0.3, 1.2)),
    "gumbel": (dist.Gumbel, (0.3, 1.2)),
    "uniform": (dist.Uniform, (0.3, 1.2)),
}


@pytest.mark.parametrize("name", MOVED)
def test_an_affine_map_is_taken_into_location_and_scale(name):
    family, (first, second) = MOVED[name]
    moved = dist.TransformedDistribution(family(first, second), transforms.AffineTransform(0.5, 2.0))
    expected = family(0.5 + 2 * first, 0.5 + 2 * second if name == "uniform" else 2 * second)
    reference = family(-5.0, 20.0)
    close(kl_divergence(moved, reference).value, kl_divergence(expected, reference).value)
    close(kl_divergence(reference, moved).value, kl_divergence(reference, expected).value)
    close(entropy(moved).value, entropy(expected).value)


def test_affine_maps_of_positive_variables_scale_them():
    moved = dist.TransformedDistribution(dist.Gamma(2.0, 3.0), transforms.AffineTransform(0.0, 2.0))
    close(
        kl_divergence(moved, dist.Gamma(1.0, 1.0)).value,
        kl_divergence(dist.Gamma(2.0, 1.5), dist.Gamma(1.0, 1.0)).value,
    )
    shifted = dist.TransformedDistribution(dist.Gamma(2.0, 3.0), transforms.AffineTransform(1.0, 2.0))
    close(entropy(shifted).value, entropy(moved).value)


def test_the_entropy_of_an_exponential_gains_the_mean():
    inner = dist.Gumbel(0.3, 0.2)
    outer = dist.TransformedDistribution(inner, [transforms.ExpTransform(), transforms.AffineTransform(1.0, 3.0)])
    close(entropy(outer).value, entropy(inner).value + 0.3 + 0.2 * np.euler_gamma + np.log(3))


def test_a_batch_of_means_shares_one_covariance():
    p = dist.MultivariateNormal(np.zeros(2), np.eye(2))
    q = dist.MultivariateNormal(np.array([[1.0, 0.0], [0.0, 2.0], [3.0, 4.0]]), np.eye(2))
    close(kl_divergence(p, q).value, [0.5, 2.0, 12.5])
    close(renyi_divergence(p, q, 0.5).value, [0.25, 1.0, 6.25])


def covariances(seed, size):
    factors = np.random.default_rng(seed).normal(size=(CASES, size, size + 2))
    return factors @ np.swapaxes(factors, 1, 2) / size


MEANS = np.random.default_rng(5).normal(size=(2, CASES, 4))
COVARIANCES = covariances(6, 4), covariances(7, 4)


def normal(which):
    with jax.enable_x64(True):
        return dist.MultivariateNormal(MEANS[which], covariance_matrix=COVARIANCES[which])


def log_determinant(matrix):
    return np.linalg.slogdet(matrix)[1]


def test_multivariate_normals_by_the_textbook():
    p, q = normal(0), normal(1)
    shift, inverse = MEANS[0] - MEANS[1], np.linalg.inv(COVARIANCES[1])
    close(entropy(p).value, 0.5 * log_determinant(2 * np.pi * np.e * COVARIANCES[0]))
    trace = np.trace(inverse @ COVARIANCES[0], axis1=1, axis2=2)
    quadratic = np.einsum("ni,nij,nj->n", shift, inverse, shift)
    ratio = log_determinant(COVARIANCES[1]) - log_determinant(COVARIANCES[0])
    close(kl_divergence(p, q).value, 0.5 * (trace + quadratic - 4 + ratio), rtol=1e-8)
    np.testing.assert_array_equal(kl_divergence(p, p).value, 0.0)


def test_normals_are_the_same_in_every_spelling():
    with jax.enable_x64(True):
        factor, diagonal = np.array([[1.0], [0.5], [-0.3]]), np.array([0.5, 1.0, 2.0])
        low_rank = dist.LowRankMultivariateNormal(np.arange(3.0), factor, diagonal)
        dense = dist.MultivariateNormal(np.arange(3.0), factor @ factor.T + np.diag(diagonal))
        independent = dist.Normal(np.zeros(3), np.array([1.0, 2.0, 3.0])).to_event(1)
        diagonal = dist.MultivariateNormal(np.zeros(3), np.diag([1.0, 4.0, 9.0]))
        standard = dist.Normal(np.zeros(3), 1.0).to_event(1)
        scale = np.linalg.cholesky(factor @ factor.T + np.eye(3))
        mapped = dist.TransformedDistribution(standard, transforms.LowerCholeskyAffine(np.arange(3.0), scale))
        plain = dist.MultivariateNormal(np.arange(3.0), scale_tril=scale)
    close(kl_divergence(low_rank, independent).value, kl_divergence(dense, diagonal).value)
    close(kl_divergence(independent, low_rank).value, kl_divergence(diagonal, dense).value)
    close(kl_divergence(mapped, dense).value, kl_divergence(plain, dense).value)
    close(entropy(low_rank).value, entropy(dense).value)
    close(entropy(mapped).value, entropy(plain).value)


def test_the_information_of_normals_is_in_their_covariance():
    covariance = COVARIANCES[0]

    def volume(*components):
        return 0.5 * log_determinant(covariance[:, components][:, :, components])

    p = normal(0)
    close(mutual_information(p, 0, (1, 3)).value, volume(0) + volume(1, 3) - volume(0, 1, 3))
    close(
        conditional_mutual_information(p, 0, -1, (1, 2)).value,
        volume(0, 1, 2) + volume(1, 2, 3) - volume(0, 1, 2, 3) - volume(1, 2),
    )
    close(total_correlation(p).value, sum(volume(i) for i in range(4)) - volume(0, 1, 2, 3))
    correlation = 1 - 1e-12
    with jax.enable_x64(True):
        scale = np.array([[1.0, 0.0], [correlation, np.sqrt((1 - correlation) * (1 + correlation))]])
        pair = dist.MultivariateNormal(np.zeros(2), scale_tril=scale)
        np.testing.assert_allclose(mutual_information(pair).value, -0.5 * np.log(1 - correlation**2), rtol=1e-6)
        assert mutual_information(dist.Normal(np.zeros((5, 2)), 1.0).to_event(1)).value.tolist() == [0.0] * 5
    with pytest.raises(TypeError, match="entropies of the components of Dirichlet are not known"):
        mutual_information(dist.Dirichlet(np.ones(2)))


# Random members of each kind: numpyro's distribution of a batch [CASES] of parameters.
UNIFORM = np.random.default_rng(8).uniform(0.2, 3.0, size=(4, CASES))
FAMILIES = {
    "normal": (dist.Normal, dist.Normal),
    "laplace": (dist.Laplace, dist.Laplace),
    "cauchy": (dist.Cauchy, dist.Cauchy),
    "gumbel": (dist.Gumbel, dist.Gumbel),
    "weibull": (dist.Weibull, dist.Weibull),
    "kumaraswamy against beta": (dist.Kumaraswamy, dist.Beta),
    "weibull against gamma": (dist.Weibull, dist.Gamma),
    "binomials": (lambda a, _: dist.Binomial(10, a / 3.1), lambda a, _: dist.Binomial(12, a / 3.1)),
}


@pytest.mark.parametrize("name", FAMILIES)
def test_laws_hold_over_random_members(name):
    first, second = FAMILIES[name]
    with jax.enable_x64(True):
        p, q = first(*UNIFORM[:2]), second(*UNIFORM[2:])
    kl, cross, own = kl_divergence(p, q).value, cross_entropy(p, q).value, entropy(p).value
    assert kl.shape == (CASES,)
    assert np.all(kl >= 0)
    assert not np.isnan(kl).any()
    finite = np.isfinite(kl)
    assert finite.mean() > 0.5
    close(cross[finite], (own + kl)[finite])
    if first is second:
        np.testing.assert_array_equal(kl_divergence(p, p).value, 0.0)
        if name != "cauchy":
            assert np.mean(np.abs(kl - kl_divergence(q, p).value) > 1e-6) > 0.9


def test_a_channel_from_densities_to_cells_loses_information():
    # The mass of a cell of the real line is a function of the point: coarse tables are closer than the normals.
    edges = np.array([-np.inf, -1.0, 0.0, 0.5, 2.0, np.inf])
    with jax.enable_x64(True):
        p, q = dist.Normal(*UNIFORM[:2]), dist.Normal(*UNIFORM[2:])
        coarse = [np.diff(np.asarray(d.cdf(edges[:, None])), axis=0) for d in (p, q)]
    for divergence in (
        kl_divergence,
        lambda p, q, **axis: renyi_divergence(p, q, 0.5, **axis),
        lambda p, q, **axis: f_divergence(p, q, SQUARED_HELLINGER, **axis),
    ):
        assert np.all(divergence(*coarse, axis=0).value <= divergence(p, q).value + TOLERANCE)


def test_quantities_pass_through_jit_and_grad():
    def divergence(scale, rate):
        return kl_divergence(dist.Weibull(scale, 1.7), dist.Gamma(2.3, rate)).value

    with jax.enable_x64(True):
        gradient = np.array(jax.jit(jax.grad(divergence, argnums=(0, 1)))(1.3, 1.7))
        step = 1e-5
        numeric = [
            (divergence(1.3 + step, 1.7) - divergence(1.3 - step, 1.7)) / (2 * step),
            (divergence(1.3, 1.7 + step) - divergence(1.3, 1.7 - step)) / (2 * step),
        ]
    np.testing.assert_allclose(gradient, numeric, rtol=1e-7)


TRACED = {
    "table": lambda t: jensen_shannon(dist.Bernoulli(t), dist.Binomial(2, t)),
    "infinite": lambda t: kl_divergence(dist.Uniform(0.0, 1.0 + t), dist.Uniform(0.0, 1.0)),
    "overlap": lambda t: f_divergence(dist.Uniform(0.0, 1.0 + t), dist.Uniform(0.0, 1.0), TOTAL_VARIATION),
    "half off the support": lambda t: kl_divergence(dist.Uniform(t - 1.0, 1.0), dist.Beta(2.0, 2.0)),
    "the same": lambda t: kl_divergence(dist.Kumaraswamy(t, 1.0), dist.Beta(t, 1.0)),
    "categories of no probability": lambda t: kl_divergence(
        dist.Categorical(jnp.stack([t, 1 - t, 0 * t])), dist.Categorical(jnp.array([0.5, 0.25, 0.25]))
    ),
}


@pytest.mark.parametrize("name", TRACED)
def test_no_derivative_is_nan(name):
    value, slope = jax.jit(jax.value_and_grad(lambda t: TRACED[name](t).value))(0.3)
    assert not np.isnan(value)
    assert np.isfinite(slope)


def test_diagonal_normals_are_their_terms():
    p, q = dist.Normal(np.zeros((5, 3)), 2.0).to_event(1), dist.Normal(np.ones(3), 0.5).to_event(1)
    terms = kl_terms(p, q)
    assert terms.shape == (5, 3)
    np.testing.assert_allclose(kl_divergence(p, q).value, terms.sum(-1), rtol=1e-6)
