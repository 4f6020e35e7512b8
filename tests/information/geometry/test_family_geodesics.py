"""Every exponential family's Fisher-Rao geometry: KL between neighbours, and geodesics without a closed form."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest

from isthmus.information.families.finite import Categorical
from isthmus.information.families.normal import Normal
from isthmus.information.families.registry import family_of
from isthmus.information.geometry import curve_length, fisher_rao_distance, pull_back_metric
from isthmus.information.geometry.curves import shortest_curve
from isthmus.information.geometry.metrics import FamilyMetric

MATRIX = np.array([[1.0, 0.3, -0.2], [0.3, 2.0, 0.4], [-0.2, 0.4, 0.7]])
MEMBERS = {
    "Bernoulli": dist.BernoulliProbs(0.3),
    "categorical": dist.CategoricalProbs(np.array([0.2, 0.5, 0.3])),
    "binomial": dist.BinomialProbs(0.3, 7),
    "Poisson": dist.Poisson(2.5),
    "geometric": dist.GeometricProbs(0.4),
    "exponential": dist.Exponential(1.7),
    "gamma": dist.Gamma(2.0, 3.0),
    "inverse gamma": dist.InverseGamma(2.5, 0.7),
    "beta": dist.Beta(2.0, 0.8),
    "Dirichlet": dist.Dirichlet(np.array([2.0, 0.8, 1.5])),
    "normal": dist.Normal(0.5, 2.0),
    "diagonal normal": dist.Normal(np.array([0.5, -1.0]), np.array([2.0, 0.3])).to_event(1),
    "multivariate normal": dist.MultivariateNormal(np.array([0.5, 0.0]), MATRIX[:2, :2]),
    "von Mises": dist.VonMises(0.5, 2.0),
}
CLOSED = ("Bernoulli", "categorical", "binomial", "Poisson", "geometric", "exponential", "normal", "diagonal normal")
EVERY = pytest.mark.parametrize("name", MEMBERS)


def member(name):
    """Family and natural coordinates, float64."""
    with jax.enable_x64(True):
        family, natural = family_of(MEMBERS[name])
        return family, np.asarray(natural, np.float64)


@eqx.filter_jit
def neighbourhood(family, natural, direction):
    """Neighbours of a member along a direction, from about .2 standard deviations down, and KL to and from them, by its
    definition."""

    def kl(p, q):
        return family.log_normaliser(q) - family.log_normaliser(p) - (q - p) @ family.mean_from_natural(p)

    unit = direction * 1e-4 / jnp.sqrt(2 * kl(natural, natural + 1e-4 * direction))
    neighbours = natural + unit * 0.2 * 0.5 ** jnp.arange(4)[:, None]
    there, back = jax.vmap(lambda q: (kl(natural, q), kl(q, natural)))(neighbours)
    return neighbours, there, back


@EVERY
def test_kl_between_neighbours_is_half_the_squared_length(name):
    # Along a random direction, seed 1: 2 KL / L^2 = 1 + O(L), and the symmetric divergence over L^2 is 1 + O(L^2), each
    # with its observed order. L is the distance, or the length of the straight line in natural coordinates, which is
    # longer by a term of third order only and sooner compiled than a geodesic.
    family, natural = member(name)
    direction = np.random.default_rng(1).normal(size=natural.shape)
    with jax.enable_x64(True):
        neighbours, there, back = (np.asarray(array) for array in neighbourhood(family, natural, direction))
        p, q = family.to_numpyro(natural), family.to_numpyro(neighbours)
    if name in (*CLOSED, "multivariate normal"):
        lengths = fisher_rao_distance(p, q).value
    else:
        lengths = np.array([float(curve_length(family.to_numpyro, np.stack([natural, end]))) for end in neighbours])
    one_way, both_ways = np.abs(2 * there / lengths**2 - 1), np.abs((there + back) / lengths**2 - 1)
    assert np.all(one_way < lengths)
    assert np.all(both_ways < lengths**2)
    assert np.log2(one_way[-2] / one_way[-1]) > 0.9
    assert np.log2(both_ways[-2] / both_ways[-1]) > 1.8


@eqx.filter_jit
def fisher_information(family, natural):
    return family.fisher_information(natural)


@EVERY
def test_the_pull_back_of_the_identity_on_parameters_is_the_fisher_information(name):
    family, natural = member(name)
    found = pull_back_metric(family.to_numpyro, natural)
    with jax.enable_x64(True):
        expected = fisher_information(family, natural)
    assert found.direction == "exact"
    np.testing.assert_allclose(found.value, expected, rtol=1e-8, atol=1e-10)


GEODESICS = eqx.filter_jit(
    lambda metric, starts, ends: jax.vmap(lambda start, end: shortest_curve(metric, start, end, 16, 33, 1e-4))(
        starts, ends
    )
)


def between(family, p, q):
    """Numerical geodesics, with their distances by the closed form."""
    with jax.enable_x64(True):
        starts, ends = (family_of(distribution)[1] for distribution in (p, q))
        found = jax.tree.map(np.asarray, GEODESICS(FamilyMetric(family), starts, ends))
    return found, fisher_rao_distance(p, q).value


def within_its_error(length, exact):
    """A length bounds the distance from above, and by no more than it says, up to rounding."""
    assert np.all(length.value >= exact * (1 - 1e-12))
    assert np.all(length.value <= exact + length.stderr + 1e-12 * exact)


def test_geodesics_of_normals_are_half_circles_of_the_right_length():
    # Seed 2; up to 5 standard deviations apart.
    generator = np.random.default_rng(2)
    means, scales = generator.uniform(-2, 2, size=(2, 50)), generator.uniform(0.5, 2, size=(2, 50))
    with jax.enable_x64(True):
        p, q = (dist.Normal(*parameters) for parameters in zip(means, scales, strict=True))
    found, exact = between(Normal(), p, q)
    within_its_error(found.length, exact)
    assert np.all(found.converged)
    np.testing.assert_allclose(found.length.value, exact, rtol=1e-7)
    variance = -0.5 / found.curve[..., 1]
    x = found.curve[..., 0] * variance / np.sqrt(2)
    # Centre c of the circle through both ends: (x - c)^2 + variance is the same for both.
    centre = (x[:, -1] ** 2 + variance[:, -1] - x[:, 0] ** 2 - variance[:, 0]) / (2 * (x[:, -1] - x[:, 0]))
    squares = (x - centre[:, None]) ** 2 + variance
    np.testing.assert_allclose(squares, np.broadcast_to(squares[:, :1], squares.shape), rtol=1e-4)


def test_geodesics_of_categories_are_great_circles_of_the_right_length():
    probs = np.random.default_rng(3).dirichlet(np.ones(3), size=(2, 50)) * 0.97 + 0.01
    with jax.enable_x64(True):
        p, q = (dist.CategoricalProbs(rows) for rows in probs)
    found, exact = between(Categorical(3), p, q)
    within_its_error(found.length, exact)
    np.testing.assert_allclose(found.length.value, exact, rtol=1e-8)
    assert np.all(found.converged)


def test_the_geodesic_of_normals_of_one_mean_keeps_it():
    # The normals of one mean are a totally geodesic submanifold: with the mean free, nothing is shorter. Seed 4.
    factors = np.tril(np.random.default_rng(4).uniform(0.3, 1.5, size=(2, 4, 2, 2)))
    with jax.enable_x64(True):
        p, q = (dist.MultivariateNormal(np.ones(2), scale_tril=factor) for factor in factors)
        free, held = fisher_rao_distance(p, q), fisher_rao_distance(p, q, held="loc")
    assert (free.direction, held.direction) == ("upper", "exact")
    within_its_error(free, held.value)
    np.testing.assert_allclose(free.value, held.value, rtol=1e-9)


def test_normals_of_one_covariance_are_as_far_as_on_the_half_plane_of_their_shift():
    # Reflections leave a half-plane fixed, Calvo and Oller 1991: mean along one axis, variance along it.
    with jax.enable_x64(True):
        p = dist.MultivariateNormal(np.zeros((4, 2)), np.eye(2))
        q = dist.MultivariateNormal(np.array([0.5, 1.0, 2.0, 4.0])[:, None] * np.array([0.6, 0.8]), np.eye(2))
        found = fisher_rao_distance(p, q)
        exact = fisher_rao_distance(dist.Normal(0.0, 1.0), dist.Normal(np.array([0.5, 1.0, 2.0, 4.0]), 1.0))
    within_its_error(found, exact.value)
    np.testing.assert_allclose(found.value, exact.value, rtol=1e-8)


def gammas(seed):
    parameters = np.random.default_rng(seed).uniform(0.5, 4, size=(2, 1000))
    with jax.enable_x64(True):
        return dist.Gamma(*parameters)


def test_a_distance_without_closed_form_is_a_metric_up_to_its_error():
    # Seeds 5 to 7: 1,000 triples of gamma distributions.
    p, q, r = (gammas(seed) for seed in (5, 6, 7))
    there, back, first, second, none = (
        fisher_rao_distance(*pair, degree=8) for pair in ((p, q), (q, p), (p, r), (r, q), (p, p))
    )
    assert (there.direction, there.unit) == ("upper", "standard deviations")
    assert np.all(there.value > 0)
    assert np.all(np.abs(there.value - back.value) <= there.stderr + back.stderr + 1e-12)
    assert np.all(there.value <= first.value + second.value + there.stderr)
    np.testing.assert_array_equal(none.value, 0.0)


def test_members_in_a_product_and_images_of_members_are_apart_as_the_members_are():
    p, q = gammas(5), gammas(6)
    with jax.enable_x64(True):
        products = p.to_event(1), q.to_event(1)
        images = [dist.TransformedDistribution(d, dist.transforms.ExpTransform()) for d in (p, q)]
        inverses = [dist.InverseGamma(d.concentration, d.rate) for d in (p, q)]
    legs, whole = fisher_rao_distance(p, q, degree=8), fisher_rao_distance(*products, degree=8)
    assert legs.value.shape == (1000,)
    np.testing.assert_allclose(whole.value, np.sqrt(np.sum(legs.value**2)), rtol=1e-13)
    for pair in (images, inverses):
        np.testing.assert_allclose(fisher_rao_distance(*pair, degree=8).value, legs.value, rtol=1e-12)
