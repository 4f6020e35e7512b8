"""Estimates from draws lie about the integral as their standard errors say.

400 repetitions of 1,000 draws, key 9: their mean lies within five of its standard errors, and between 90 and 99 % of
them within two of theirs. A Renyi divergence, the logarithm of a mean, is a little high besides.
"""

import jax
import numpy as np
import numpyro.distributions as dist
import pytest
from numpyro.distributions import transforms
from scipy import stats

from isthmus.information.divergence import (
    f_divergence,
    jensen_shannon,
    jensen_shannon_distance,
    kl_divergence,
    renyi_divergence,
)
from isthmus.information.entropies import cross_entropy, entropy
from isthmus.information.generators import SQUARED_HELLINGER, TOTAL_VARIATION

REPETITIONS, DRAWS = 400, 1_000


class TwoNormals(stats.rv_continuous):
    """0.4 N(-1, 0.5^2) + 0.6 N(1, 0.8^2)."""

    def _pdf(self, x):
        return 0.4 * stats.norm(-1, 0.5).pdf(x) + 0.6 * stats.norm(1, 0.8).pdf(x)


GRID = np.linspace(-15.0, 15.0, 300_001)
LOGISTIC, NORMAL, TWO_NORMALS = stats.logistic(0.3, 0.6), stats.norm(0, 1), TwoNormals()()


def integral(function, *densities):
    """By the trapezoidal rule, which Monte Carlo cannot tell from the truth."""
    return np.trapezoid(function(*(d.pdf(GRID) for d in densities)), GRID)


def mixture():
    weights = dist.Categorical(np.array([0.4, 0.6]))
    return dist.MixtureSameFamily(weights, dist.Normal(np.array([-1.0, 1.0]), np.array([0.5, 0.8])))


def normal():
    return dist.Normal(0.0, 1.0)


def logistic():
    return dist.Logistic(0.3, 0.6)


def squashed(inner):
    return dist.TransformedDistribution(inner, transforms.SigmoidTransform())


def batch_of(make):
    with jax.enable_x64(True):
        return make().expand([REPETITIONS])


def middle(p, q):
    return p * np.log(2 * p / (p + q))


# A quantity with a batch of two distributions and a key, and the truth.
CASES = {
    "entropy of a mixture": (
        lambda p, _, **draws: entropy(p, **draws),
        (mixture, mixture),
        lambda: -integral(lambda p: p * np.log(p), TWO_NORMALS),
    ),
    "a cross-entropy": (
        cross_entropy,
        (normal, mixture),
        lambda: -integral(lambda p, q: p * np.log(q), NORMAL, TWO_NORMALS),
    ),
    "a normal and a mixture": (
        kl_divergence,
        (normal, mixture),
        lambda: integral(lambda p, q: p * np.log(p / q), NORMAL, TWO_NORMALS),
    ),
    "three components": (
        lambda p, q, **draws: kl_divergence(
            *(d.base_dist.expand([REPETITIONS, 3]).to_event(1) for d in (p, q)), **draws
        ),
        (normal, logistic),
        lambda: 3 * integral(lambda p, q: p * np.log(p / q), NORMAL, LOGISTIC),
    ),
    "a change of variable": (
        lambda p, q, **draws: entropy(squashed(p), **draws),
        (logistic, logistic),
        lambda: integral(lambda p: p * (-np.log(p) - np.logaddexp(0, GRID) - np.logaddexp(0, -GRID)), LOGISTIC),
    ),
    "Jensen and Shannon": (
        jensen_shannon,
        (normal, logistic),
        lambda: integral(lambda p, q: (middle(p, q) + middle(q, p)) / 2, NORMAL, LOGISTIC),
    ),
    "total variation": (
        lambda p, q, **draws: f_divergence(p, q, TOTAL_VARIATION, **draws),
        (normal, logistic),
        lambda: integral(lambda p, q: abs(p - q) / 2, NORMAL, LOGISTIC),
    ),
    "Renyi": (
        lambda p, q, **draws: renyi_divergence(p, q, 0.5, **draws),
        (normal, logistic),
        lambda: -2 * np.log(integral(lambda p, q: np.sqrt(p * q), NORMAL, LOGISTIC)),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_error_is_as_large_as_is_said(name):
    quantity, distributions, truth = CASES[name]
    estimate = quantity(*map(batch_of, distributions), key=jax.random.key(9), draws=DRAWS)
    assert estimate.direction == "estimate"
    deviations = estimate.value - truth()
    assert abs(deviations.mean()) < 5 * deviations.std() / np.sqrt(REPETITIONS) + (2e-4 if name == "Renyi" else 0.0)
    assert 0.90 <= np.mean(np.abs(deviations) < 2 * estimate.stderr) <= 0.99


def test_an_estimate_is_the_same_for_the_same_key_and_so_is_its_root():
    p, q, key = batch_of(normal), batch_of(logistic), jax.random.key(1)
    first, again = (jensen_shannon(p, q, key=key, draws=DRAWS) for _ in range(2))
    np.testing.assert_array_equal(first.value, again.value)
    distance = jensen_shannon_distance(p, q, key=key, draws=DRAWS)
    assert distance.direction == "estimate"
    np.testing.assert_allclose(distance.value**2, first.value, rtol=1e-12)
    np.testing.assert_allclose(distance.stderr, first.stderr / (2 * distance.value), rtol=1e-12)


def test_nothing_is_drawn_where_a_closed_form_is_known():
    p, q = dist.Normal(0.0, 1.0), dist.Normal(1.0, 2.0)
    estimate = kl_divergence(p, q, key=jax.random.key(0))
    assert (estimate.direction, estimate.stderr) == ("exact", 0.0)


def test_identical_distributions_are_no_distance_apart_by_any_draw():
    p, key = batch_of(mixture), jax.random.key(2)
    for estimate in (
        kl_divergence(p, p, key=key, draws=DRAWS),
        jensen_shannon_distance(p, p, key=key, draws=DRAWS),
        f_divergence(p, p, SQUARED_HELLINGER, key=key, draws=DRAWS),
        renyi_divergence(p, p, 2.0, key=key, draws=DRAWS),
    ):
        np.testing.assert_allclose([estimate.value, estimate.stderr], 0.0, atol=1e-15)


def test_what_shares_no_support_is_as_far_apart_as_can_be():
    p = batch_of(lambda: dist.TransformedDistribution(normal(), transforms.ExpTransform()))
    q = batch_of(lambda: dist.TransformedDistribution(normal(), [transforms.ExpTransform(), _negation()]))
    draws = {"key": jax.random.key(3), "draws": DRAWS}
    assert np.all(kl_divergence(p, q).value == np.inf)
    np.testing.assert_allclose(jensen_shannon(p, q, **draws).value, np.log(2), rtol=1e-12)
    np.testing.assert_allclose(f_divergence(p, q, TOTAL_VARIATION, **draws).value, 1.0, rtol=1e-12)
    assert np.all(renyi_divergence(p, q, 0.5, **draws).value == np.inf)


def _negation():
    return transforms.AffineTransform(0.0, -1.0)


def test_the_largest_ratio_among_draws_is_a_lower_bound():
    estimate = renyi_divergence(batch_of(normal), batch_of(logistic), np.inf, key=jax.random.key(4), draws=DRAWS)
    assert (estimate.direction, estimate.stderr) == ("lower", None)
    supremum = np.max(NORMAL.logpdf(GRID) - LOGISTIC.logpdf(GRID))
    assert np.all(supremum - 0.1 < estimate.value)
    assert np.all(estimate.value <= supremum + 1e-8)


def test_batches_are_drawn_apart():
    estimate = kl_divergence(batch_of(normal), logistic(), key=jax.random.key(5), draws=DRAWS)
    assert estimate.value.shape == estimate.stderr.shape == (REPETITIONS,)
    assert len(np.unique(estimate.value)) == REPETITIONS
