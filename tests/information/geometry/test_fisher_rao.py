"""Closed forms of the Fisher-Rao distance, against integrals and the geodesics' equation, and the laws of a metric."""

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest
from closed_form_cases import CASES
from scipy import linalg

from isthmus.information.geometry import fisher_rao_distance
from oracles.geometry import fisher_information, kl_divergence, line_length, path_length, shoot

ROWS = 1000
ONE = [name for name, case in CASES.items() if len(case.box) == 1]
TWO = [name for name in CASES if name not in ONE]
EVERY = pytest.mark.parametrize("name", CASES)


def distance(case, p, q):
    estimate = fisher_rao_distance(case(p), case(q), held=case.held)
    assert (estimate.direction, estimate.unit, estimate.stderr) == ("exact", "standard deviations", 0.0)
    return estimate.value


@EVERY
def test_the_textbook_metric_is_the_expectation_of_the_squared_score(name):
    case = CASES[name]
    for parameters in case.draw(2, seed=1):
        oracle = fisher_information(case.scipy, parameters)
        tolerance = 1e-5 if case.smooth else 5e-3
        np.testing.assert_allclose(case.fisher_information(parameters), oracle, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", ONE)
def test_along_one_parameter_the_distance_is_the_integral_of_the_line_element(name):
    case = CASES[name]
    starts, ends = case.draw(5, seed=2), case.draw(5, seed=3)
    expected = [line_length(case.metric, *ends) for ends in zip(starts[:, 0], ends[:, 0], strict=True)]
    np.testing.assert_allclose(distance(case, starts, ends), expected, rtol=1e-8)


@pytest.mark.parametrize("name", TWO)
def test_a_geodesic_arrives_as_far_away_as_its_speed_says(name):
    case, speed = CASES[name], 0.3
    starts, ends = case.draw(3, seed=4), []
    for start, velocity in zip(starts, np.random.default_rng(5).normal(size=starts.shape), strict=True):
        length = np.sqrt(velocity @ case.fisher_information(start) @ velocity)
        ends.append(shoot(lambda x: case.fisher_information(x), start, speed * velocity / length))
    np.testing.assert_allclose(distance(case, starts, np.array(ends)), speed, rtol=1e-8)


@EVERY
def test_it_is_a_metric(name):
    # Seeds 6, 7 and 8: 1,000 triples of members, and as many within 1e-6 of a first.
    case = CASES[name]
    p, q, r = (case.draw(ROWS, seed) for seed in (6, 7, 8))
    close = p * (1 + 1e-6 * np.random.default_rng(9).normal(size=p.shape))
    for other in (q, close):
        there, back = distance(case, p, other), distance(case, other, p)
        assert there.shape == (ROWS,)
        assert np.all(there > 0)
        np.testing.assert_allclose(there, back, rtol=1e-13)
        assert np.all(there <= distance(case, p, r) + distance(case, r, other) + 1e-13)
    np.testing.assert_array_equal(distance(case, p, p), 0.0)


@EVERY
def test_kl_between_neighbours_is_half_the_squared_distance(name):
    # 2 KL / d^2 = 1 + O(d), and O(d^2) for the symmetric divergence of a density with two derivatives.
    case = CASES[name]
    start, step = case.draw(1, seed=10)[0], 0.05 * np.diff(case.box)[:, 0]
    parameters = start + step * 0.5 ** np.arange(4)[:, None]
    if np.any(parameters > np.array(case.box)[:, 1]):
        parameters = 2 * start - parameters
    p, neighbours = case.scipy(*start), [case.scipy(*row) for row in parameters]
    squared = distance(case, start, parameters) ** 2
    there = np.array([kl_divergence(p, q) for q in neighbours])
    back = np.array([kl_divergence(q, p) for q in neighbours])
    assert np.all(np.abs(2 * there / squared - 1) < np.sqrt(squared) + 1e-9)
    excess = np.abs((there + back) / squared - 1)
    if case.smooth:
        assert np.all(excess < 0.3 * squared + 1e-9)
        assert np.all((excess[-1] < 1e-9) | (np.log2(excess[:-1] / excess[1:])[-1] > 1.7))


@EVERY
def test_the_gradient_is_zero_where_the_two_are_one_and_that_of_a_metric_elsewhere(name):
    # Of unit length in the metric, as the gradient of every distance from a point.
    case = CASES[name]
    start, end = (case.draw(1, seed)[0] for seed in (11, 12))

    def between(p, q):
        return fisher_rao_distance(case.numpyro(*p), case.numpyro(*q), held=case.held).value

    with jax.enable_x64(True):
        gradient = jax.jit(jax.grad(between, argnums=1))
        np.testing.assert_array_equal(gradient(start, start), 0.0)
        slope = np.asarray(gradient(start, end))
    length = slope @ np.linalg.solve(case.fisher_information(end), slope)
    assert length == pytest.approx(1.0, rel=1e-6)


SPELLINGS = {
    "Bernoulli": (dist.BernoulliProbs(jnp.array([0.3])), dist.BernoulliLogits(jnp.log(jnp.array([0.3 / 0.7])))),
    "binomial": (dist.BinomialProbs(jnp.array([0.3]), 4), dist.BinomialLogits(jnp.log(jnp.array([0.3 / 0.7])), 4)),
    "categorical": (
        dist.CategoricalProbs(jnp.array([0.2, 0.8])),
        dist.CategoricalLogits(jnp.log(jnp.array([1.0, 4.0]))),
    ),
    "multinomial": (
        dist.MultinomialProbs(jnp.array([0.2, 0.8]), 3),
        dist.MultinomialLogits(jnp.log(jnp.array([1.0, 4.0])), 3),
    ),
    "geometric": (dist.GeometricProbs(jnp.array([0.3])), dist.GeometricLogits(jnp.log(jnp.array([0.3 / 0.7])))),
    "affine": (
        dist.Normal(jnp.array([3.0]), 2.0),
        dist.TransformedDistribution(dist.Normal(jnp.array([1.0]), 1.0), dist.transforms.AffineTransform(1.0, 2.0)),
    ),
}


@pytest.mark.parametrize("name", SPELLINGS)
def test_a_distribution_is_where_it_is_however_it_is_spelt(name):
    np.testing.assert_allclose(fisher_rao_distance(*SPELLINGS[name]).value, 0.0, atol=2e-7)


def test_negative_binomials_are_known_by_their_mean():
    mean, other = np.array([1.0, 4.0]), np.array([2.0, 2.0])
    expected = fisher_rao_distance(
        dist.NegativeBinomial2(mean, 3.0), dist.NegativeBinomial2(other, 3.0), held="concentration"
    )
    by_probs = [dist.NegativeBinomialProbs(3.0, m / (3 + m)) for m in (mean, other)]
    by_logits = [dist.NegativeBinomialLogits(3.0, np.log(m / 3)) for m in (mean, other)]
    for pair in (by_probs, by_logits):
        np.testing.assert_allclose(fisher_rao_distance(*pair, held="concentration").value, expected.value, rtol=1e-6)


def test_independent_components_are_legs_at_right_angles():
    case = CASES["normal"]
    p, q = case.draw(12, seed=13).reshape(4, 3, 2), case.draw(3, seed=14)
    legs = distance(case, p, q)
    whole = fisher_rao_distance(case(p).to_event(1), case(q).to_event(1))
    assert whole.value.shape == (4,)
    np.testing.assert_allclose(whole.value, np.sqrt(np.sum(legs**2, axis=-1)), rtol=1e-14)
    expanded = dist.Normal(0.0, 1.0).expand([4, 3]).to_event(1), dist.Normal(1.0, 2.0).expand([3]).to_event(1)
    one = fisher_rao_distance(dist.Normal(0.0, 1.0), dist.Normal(1.0, 2.0)).value
    np.testing.assert_allclose(fisher_rao_distance(*expanded).value, np.full(4, np.sqrt(3) * one), rtol=1e-14)


TRANSFORMS = {
    "exponential": dist.transforms.ExpTransform(),
    "affine": dist.transforms.AffineTransform(3.0, -2.0),
    "sigmoid": dist.transforms.SigmoidTransform(),
}


@pytest.mark.parametrize("name", TRANSFORMS)
@pytest.mark.parametrize("family", ["normal", "Laplace", "Gumbel"])
def test_no_change_of_variable_changes_it(family, name):
    case = CASES[family]
    p, q = case.draw(5, seed=15), case.draw(5, seed=16)
    images = [dist.TransformedDistribution(case(parameters), TRANSFORMS[name]) for parameters in (p, q)]
    np.testing.assert_allclose(fisher_rao_distance(*images).value, distance(case, p, q), rtol=1e-12)


def covariances(rows, size, seed):
    factors = np.random.default_rng(seed).normal(size=(rows, size, size + 2))
    return factors @ np.swapaxes(factors, -1, -2) / size


def test_normals_of_one_mean_are_as_far_as_their_generalised_eigenvalues_say():
    first, second = covariances(6, 3, seed=17), covariances(6, 3, seed=18)
    with jax.enable_x64(True):
        p, q = (dist.MultivariateNormal(np.ones(3), scale_tril=np.linalg.cholesky(c)) for c in (first, second))
    found = fisher_rao_distance(p, q, held="loc")
    eigenvalues = [linalg.eigh(b, a, eigvals_only=True) for a, b in zip(first, second, strict=True)]
    np.testing.assert_allclose(found.value, [np.sqrt(0.5 * np.sum(np.log(e) ** 2)) for e in eigenvalues], rtol=1e-10)
    # And as the path A (A^-1 B)^t is long, in the metric tr (C^-1 dC)^2 / 2.
    times = np.linspace(0, 1, 41)
    a, b = first[0], second[0]
    powers = [linalg.fractional_matrix_power(np.linalg.solve(a, b), t).real for t in times]
    path = np.array([(a @ power).ravel() for power in powers])

    def metric(covariance):
        inverse = np.linalg.inv(covariance.reshape(3, 3))
        return 0.5 * np.kron(inverse, inverse)

    assert found.value[0] == pytest.approx(path_length(metric, path), rel=1e-3)


def test_normals_of_one_covariance_are_as_far_as_mahalanobis_says():
    (covariance,), means = covariances(1, 3, seed=19), np.random.default_rng(20).normal(size=(5, 3))
    factor = np.linalg.cholesky(covariance)
    with jax.enable_x64(True):
        p, q = (dist.MultivariateNormal(loc, scale_tril=factor) for loc in (np.zeros(3), means))
    expected = [np.sqrt(m @ np.linalg.solve(covariance, m)) for m in means]
    np.testing.assert_allclose(fisher_rao_distance(p, q, held="scale_tril").value, expected, rtol=1e-12)


def test_no_curve_joins_members_whose_held_parameter_differs():
    found = fisher_rao_distance(dist.BinomialProbs(np.array([0.2, 0.2]), 3), dist.BinomialProbs(0.5, np.array([3, 4])))
    assert np.isfinite(found.value[0])
    assert found.value[1] == np.inf
    assert fisher_rao_distance(dist.Normal(0.0, 1.0), dist.Normal(0.0, 2.0), held="scale").value == np.inf
    with jax.enable_x64(True):
        slope = jax.grad(lambda m: fisher_rao_distance(dist.Normal(m, 1.0), dist.Normal(0.0, 2.0), held="scale").value)(
            1.0
        )
    assert not np.isnan(slope)


def test_the_corners_of_the_simplex_are_a_quarter_circle_apart_and_have_gradients():
    corners = np.eye(3)
    found = fisher_rao_distance(dist.CategoricalProbs(corners[0]), dist.CategoricalProbs(corners[1:]))
    np.testing.assert_allclose(found.value, np.pi, rtol=1e-15)

    def from_first(probs):
        return jnp.sum(fisher_rao_distance(dist.CategoricalProbs(probs), dist.CategoricalProbs(jnp.eye(3)[0])).value)

    slopes = jax.jit(jax.vmap(jax.grad(from_first)))(jnp.array([corners[0], corners[1], [0.5, 0.5, 0.0]]))
    assert np.all(np.isfinite(slopes))
    assert np.isfinite(jax.jit(jax.grad(lambda r: fisher_rao_distance(dist.Poisson(r), dist.Poisson(0.0)).value))(0.0))


def test_it_keeps_its_digits_far_away_and_close_by():
    # arccosh(1 + x) in the hyperbolic plane; between close neighbours the difference in standard deviations.
    far = fisher_rao_distance(dist.Normal(0.0, 1.0), dist.Normal(0.0, np.array([1e-150, 1e150]))).value
    np.testing.assert_allclose(far, np.sqrt(2) * 150 * np.log(10), rtol=1e-14)
    near = fisher_rao_distance(dist.Normal(0.0, 1.0), dist.Normal(np.array([1e-8, 1e-150]), 1.0)).value
    np.testing.assert_allclose(near, [1e-8, 1e-150], rtol=1e-14)


def test_single_precision_inside_jit_is_what_it_can_be():
    single = jax.jit(lambda m, s: fisher_rao_distance(dist.Normal(m, s), dist.Normal(0.0, 1.0)).value)(1.0, 3.0)
    assert single.dtype == jnp.float32
    assert float(single) == pytest.approx(
        float(fisher_rao_distance(dist.Normal(1.0, 3.0), dist.Normal(0.0, 1.0))), rel=1e-6
    )


MISTAKES = {
    "two families": (
        lambda: fisher_rao_distance(dist.Normal(0.0, 1.0), dist.Gamma(1.0, 1.0)),
        ValueError,
        "p is Normal and q is Gamma; expected two members of one family",
    ),
    "two families, neither known": (
        lambda: fisher_rao_distance(dist.SoftLaplace(0.0, 1.0), dist.Normal(0.0, 1.0)),
        ValueError,
        "SoftLaplace and q is Normal",
    ),
    "free degrees of freedom": (
        lambda: fisher_rao_distance(dist.StudentT(3.0), dist.StudentT(3.0, 1.0)),
        ValueError,
        r"held=None is known; there is held in \['df'\]",
    ),
    "an unknown family": (
        lambda: fisher_rao_distance(dist.SoftLaplace(0.0, 1.0), dist.SoftLaplace(0.0, 2.0)),
        ValueError,
        "no Fisher-Rao distance of SoftLaplace .* fisher_rao_length",
    ),
    "a held parameter without closed form": (
        lambda: fisher_rao_distance(dist.Beta(1.0, 2.0), dist.Beta(1.0, 3.0), held="concentration1"),
        ValueError,
        "held='concentration1'",
    ),
    "events of two shapes": (
        lambda: fisher_rao_distance(
            dist.Normal(jnp.zeros(2), 1.0).to_event(1), dist.Normal(jnp.zeros(3), 1.0).to_event(1)
        ),
        ValueError,
        r"events of shape \(2,\), q of shape \(3,\)",
    ),
    "batches of two shapes": (
        lambda: fisher_rao_distance(dist.Normal(jnp.zeros(2), 1.0), dist.Normal(jnp.zeros(3), 1.0)),
        ValueError,
        r"batches of shapes \(2,\) and \(3,\) do not broadcast",
    ),
    "cells of two numbers": (
        lambda: fisher_rao_distance(dist.CategoricalLogits(jnp.zeros(3)), dist.CategoricalLogits(jnp.zeros(1))),
        ValueError,
        "p has 3 cells and q has 1; expected as many",
    ),
    "no polynomial": (
        lambda: fisher_rao_distance(dist.Gamma(1.0, 2.0), dist.Gamma(2.0, 2.0), degree=1),
        ValueError,
        "degree=1, .* expected 2 or more",
    ),
    "a table": (
        lambda: fisher_rao_distance(np.array([0.5, 0.5]), dist.CategoricalProbs(np.array([0.5, 0.5]))),
        TypeError,
        "expected two numpyro distributions, got ndarray",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_answered_by_what_was_expected(name):
    call, error, message = MISTAKES[name]
    with pytest.raises(error, match=message):
        call()
