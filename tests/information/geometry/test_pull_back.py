"""The pull-back metric of decoders whose geometry is known, its lengths and volumes, and geodesics under it."""

from itertools import pairwise

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest
from scipy import stats

from cases import LIKELIHOODS
from isthmus.information.geometry import (
    curve_length,
    fisher_rao_distance,
    fisher_rao_length,
    geodesic,
    pull_back_metric,
    volume_density,
)
from oracles.geometry import fisher_information

W = np.random.default_rng(1).normal(size=(5, 2))
SCALE = np.array([0.5, 1.0, 2.0, 0.3, 1.5])
Z = np.array([0.3, -0.7])


def linear_gaussian(z):
    return dist.Normal(W @ z, SCALE).to_event(1)


def bernoullis(z):
    return dist.BernoulliLogits(jnp.tanh(W @ z)).to_event(1)


def half_plane(z):
    return dist.Normal(z[0], jnp.exp(z[1]))


def secant(z):
    return dist.SoftLaplace(W @ z, SCALE).to_event(1)


class Drawn(eqx.Module):
    """What is known by its density and its draws alone: independent normals, as a likelihood of one's own."""

    mean: jax.Array

    def log_prob(self, x):
        return jnp.sum(-0.5 * ((x - self.mean) / SCALE) ** 2 - jnp.log(SCALE)) - 2.5 * jnp.log(2 * jnp.pi)

    def sample(self, key):
        return self.mean + SCALE * jax.random.normal(key, self.mean.shape)


def drawn(z):
    return Drawn(W @ z)


GAUSSIAN = W.T @ np.diag(SCALE**-2.0) @ W
# With the score tanh((x - m) / s) / s, whose square has mean 1 / (2 s^2).
SECANT = 0.5 * GAUSSIAN


def test_the_metric_of_a_linear_gaussian_decoder_is_that_of_its_whitened_weights():
    found = pull_back_metric(linear_gaussian, Z)
    assert (found.direction, found.unit, found.stderr) == ("exact", "standard deviations^2", 0.0)
    np.testing.assert_allclose(found.value, GAUSSIAN, rtol=1e-12)
    volume = volume_density(linear_gaussian, Z)
    assert (volume.direction, volume.unit) == ("exact", "standard deviations^2")
    assert volume.value == pytest.approx(np.sqrt(np.linalg.det(GAUSSIAN)), rel=1e-12)


def softmaxed(z):
    return dist.CategoricalLogits(W @ z)


def with_covariance(z):
    return dist.MultivariateNormal(W[:2] @ z, scale_tril=jnp.array([[1.0, 0.0], [0.5, 0.0]]) + jnp.diag(jnp.exp(z)))


def expanded(z):
    return dist.Laplace(z[0], jnp.exp(z[1])).expand([3]).to_event(1)


def squashed(z):
    return dist.TransformedDistribution(linear_gaussian(z), dist.transforms.SigmoidTransform())


def shifted(z):
    affine = dist.transforms.AffineTransform(W @ z, SCALE)
    return dist.TransformedDistribution(dist.Normal(jnp.zeros(5), 1.0).to_event(1), affine)


DECODERS = {
    function.__name__: function
    for function in (
        linear_gaussian,
        bernoullis,
        half_plane,
        softmaxed,
        with_covariance,
        expanded,
        squashed,
        shifted,
    )
}


@pytest.mark.parametrize("name", DECODERS)
def test_the_metric_is_the_expectation_of_the_squared_score(name):
    # Key 2, 20,000 draws; within 4.5 standard errors.
    decoder, draws = DECODERS[name], 20_000
    found = pull_back_metric(decoder, Z)
    assert found.direction == "exact"
    with jax.enable_x64(True):
        x = decoder(jnp.asarray(Z)).sample(jax.random.key(2), (draws,))
        scores = np.asarray(jax.jit(jax.jacfwd(lambda z: decoder(z).log_prob(x)))(jnp.asarray(Z)))
    squares = scores[:, :, None] * scores[:, None, :]
    assert np.all(np.abs(found.value - squares.mean(0)) < 4.5 * squares.std(0) / np.sqrt(draws))


OF_ONE_VARIABLE = {
    "by manifold": (half_plane, lambda a, b: stats.norm(a, np.exp(b))),
    "by natural coordinates": (
        lambda z: dist.Gamma(jnp.exp(z[0]), jnp.exp(z[0] + z[1])),
        lambda a, b: stats.gamma(np.exp(a), scale=np.exp(-a - b)),
    ),
    "by enumeration": (
        lambda z: dist.BetaBinomial(jnp.exp(z[0]), jnp.exp(z[0] + z[1]), 6),
        lambda a, b: stats.betabinom(6, np.exp(a), np.exp(a + b)),
    ),
}


@pytest.mark.parametrize("name", OF_ONE_VARIABLE)
def test_the_metric_is_the_fisher_information_however_it_is_found(name):
    decoder, oracle = OF_ONE_VARIABLE[name]
    found = pull_back_metric(decoder, Z)
    assert found.direction == "exact"
    np.testing.assert_allclose(found.value, fisher_information(oracle, Z), rtol=1e-6, atol=1e-9)


def kl_of_columns(p, q):
    """KL of two ColumnDistributions by NumPy: normal, or by enumeration."""
    p, q = p.base, q.base
    if isinstance(p, dist.Normal):
        ratio, shift = np.asarray(p.scale / q.scale), np.asarray((p.loc - q.loc) / q.scale)
        return 0.5 * np.sum(ratio**2 + shift**2 - 1 - 2 * np.log(ratio))
    maximum = getattr(p, "maximum", getattr(p, "total_count", 1))
    values = jnp.arange(int(np.max(maximum)) + 1)[:, None]
    p, q = np.asarray(p.log_prob(values)), np.asarray(q.log_prob(values))
    return np.sum(np.exp(p) * (p - q))


@pytest.mark.parametrize("name", LIKELIHOODS)
def test_every_likelihood_has_the_metric_of_its_kl_divergence(name):
    # The second difference of KL along random steps of 1e-3, in float64.
    decoder = LIKELIHOODS[name].model().likelihood
    found = pull_back_metric(decoder, Z).value
    with jax.enable_x64(True):
        decoder = jax.tree.map(
            lambda leaf: np.asarray(leaf, np.float64) if eqx.is_inexact_array(leaf) else leaf, decoder
        )
        for step in np.random.default_rng(3).normal(size=(2, 2)) * 1e-3:
            there, back = (kl_of_columns(decoder(jnp.asarray(Z)), decoder(jnp.asarray(Z + s * step))) for s in (1, -1))
            assert step @ found @ step == pytest.approx(there + back, rel=1e-4)


SAMPLED = {"secant": (secant, SECANT), "drawn": (drawn, GAUSSIAN)}


@pytest.mark.parametrize("name", SAMPLED)
def test_without_a_closed_form_the_metric_is_estimated_and_says_how_well(name):
    # Key 4; within 4.5 standard errors.
    decoder, expected = SAMPLED[name]
    found = pull_back_metric(decoder, Z, key=jax.random.key(4), draws=4000)
    assert found.direction == "estimate"
    assert np.all(np.abs(found.value - expected) < 4.5 * found.stderr)
    assert np.all(found.stderr < 0.1 * np.max(np.abs(expected)))
    volume = volume_density(decoder, Z, key=jax.random.key(4), draws=4000)
    assert abs(volume.value - np.sqrt(np.linalg.det(expected))) < 4.5 * volume.stderr
    assert volume.stderr < 0.1 * volume.value


def test_the_stated_errors_are_the_spread_of_repetitions():
    # 200 keys from 5; the spread of a standard deviation over 200 repeats is 5 %.
    def repeated(key):
        metric = pull_back_metric(drawn, jnp.asarray(Z), key=key, draws=200)
        volume = volume_density(drawn, jnp.asarray(Z), key=key, draws=200)
        return metric.value, metric.stderr, volume.value, volume.stderr

    with jax.enable_x64(True):
        keys = jax.random.split(jax.random.key(5), 200)
        metric, metric_error, volume, volume_error = map(np.asarray, jax.jit(jax.vmap(repeated))(keys))
    np.testing.assert_allclose(metric.std(0), metric_error.mean(0), rtol=0.2)
    np.testing.assert_allclose(volume.std(0), volume_error.mean(0), rtol=0.2)


def test_a_given_kl_divergence_takes_the_place_of_a_known_one():
    def kl(p, q):
        return 0.5 * jnp.sum(((p.mean - q.mean) / SCALE) ** 2)

    np.testing.assert_allclose(pull_back_metric(drawn, Z, closed_kl=kl).value, GAUSSIAN, rtol=1e-12)
    length = curve_length(drawn, np.array([[0.0, 0.0], [1.0, 2.0]]), closed_kl=kl)
    assert length.value == pytest.approx(np.sqrt(np.array([1, 2]) @ GAUSSIAN @ np.array([1, 2])), rel=1e-12)


def test_where_the_decoder_ignores_a_direction_there_is_no_volume():
    def blind(z):
        return dist.Normal(z[0] + z[1], 1.0)

    assert volume_density(blind, Z).value == 0.0
    assert np.all(np.isfinite(jax.grad(lambda z: volume_density(blind, z).value)(jnp.asarray(Z))))


def test_metrics_pass_through_jit_grad_and_vmap():
    batch = np.random.default_rng(6).normal(size=(4, 2))
    with jax.enable_x64(True):
        mapped = jax.jit(jax.vmap(lambda z: pull_back_metric(bernoullis, z).value))(batch)
        slope = jax.grad(lambda z: pull_back_metric(bernoullis, z).value[0, 1])(jnp.asarray(Z))
    np.testing.assert_allclose(mapped, [pull_back_metric(bernoullis, z).value for z in batch], rtol=1e-12)
    steps = np.eye(2) * 1e-5
    numerical = [
        (pull_back_metric(bernoullis, Z + step).value - pull_back_metric(bernoullis, Z - step).value)[0, 1] / 2e-5
        for step in steps
    ]
    np.testing.assert_allclose(slope, numerical, rtol=1e-6)


POLYGON = np.array([[0.0, 0.0], [1.0, 1.0], [1.0, -0.5], [0.2, 0.3]])


def test_the_length_of_lines_in_a_flat_space_is_theirs():
    steps = np.diff(POLYGON, axis=0)
    found = curve_length(linear_gaussian, POLYGON)
    assert (found.direction, found.unit) == ("estimate", "standard deviations")
    assert found.value == pytest.approx(np.sum(np.sqrt(np.einsum("pi,ij,pj->p", steps, GAUSSIAN, steps))), rel=1e-12)
    assert found.stderr < 1e-12


def test_a_length_is_the_same_whatever_the_speed_or_the_points_in_between():
    fine = np.concatenate([np.linspace(a, b, 5)[:-1] for a, b in pairwise(POLYGON)])
    found = curve_length(half_plane, POLYGON)
    finer = curve_length(half_plane, np.concatenate([fine, POLYGON[-1:]]))
    assert finer.value == pytest.approx(found.value, rel=1e-8)
    assert abs(finer.value - found.value) <= found.stderr + finer.stderr


# The geodesic of normals from N(0, 1) to N(1, 1) in time, a half circle about mean 1/2, and ways to travel it.
RADIUS = np.sqrt(1 + 1 / 8)
ANGLE = np.arctan2(1.0, -np.sqrt(1 / 8))
PATHS = {
    "by angle": (lambda a: (a, dist.Normal), ANGLE, np.pi - ANGLE),
    "by cosine": (lambda c: (jnp.arccos(c), dist.Normal), np.cos(ANGLE), -np.cos(ANGLE)),
    "by cube": (lambda u: (jnp.pi / 2 + u**3, dist.Normal), np.cbrt(ANGLE - np.pi / 2), np.cbrt(np.pi / 2 - ANGLE)),
    "of log-normals": (lambda a: (a, dist.LogNormal), ANGLE, np.pi - ANGLE),
}


@pytest.mark.parametrize("name", PATHS)
def test_the_known_geodesic_is_as_long_as_the_distance_however_it_is_travelled(name):
    travel, start, end = PATHS[name]

    def path(t):
        angle, family = travel(t)
        return family(0.5 + np.sqrt(2) * RADIUS * jnp.cos(angle), RADIUS * jnp.sin(angle))

    found = fisher_rao_length(path, start, end)
    exact = fisher_rao_distance(dist.Normal(0.0, 1.0), dist.Normal(1.0, 1.0)).value
    assert found.value == pytest.approx(exact, rel=1e-9)
    assert abs(found.value - exact) <= found.stderr + 1e-9


def test_a_geodesic_of_a_flat_space_is_the_straight_line():
    found = geodesic(linear_gaussian, Z, [1.0, 2.0], points=5)
    np.testing.assert_allclose(found.curve, np.linspace(Z, [1.0, 2.0], 5), atol=1e-12)
    step = np.array([1.0, 2.0]) - Z
    assert found.length.value == pytest.approx(np.sqrt(step @ GAUSSIAN @ step), rel=1e-12)
    assert found.converged


def test_a_geodesic_of_the_half_plane_is_found_to_its_stated_error_with_the_gradient_of_the_distance():
    # Seed 7; the last pair is one point, where the gradient is 0, not nan.
    def to(end, start):
        found = geodesic(half_plane, start, end)
        return found.length.value, found

    starts, ends = np.random.default_rng(7).uniform(-1, 1, size=(2, 30, 2))
    ends[-1] = starts[-1]
    with jax.enable_x64(True):
        closed = jax.vmap(jax.value_and_grad(lambda q, p: fisher_rao_distance(half_plane(p), half_plane(q)).value))
        exact, exact_slopes = (np.asarray(array) for array in closed(ends, starts))
        (_, found), slopes = jax.jit(jax.vmap(jax.value_and_grad(to, has_aux=True)))(ends, starts)
        found, slopes = jax.tree.map(np.asarray, (found, slopes))
        means, scales = found.curve[..., 0], np.exp(found.curve[..., 1])
        legs = fisher_rao_distance(
            dist.Normal(means[:, :-1], scales[:, :-1]), dist.Normal(means[:, 1:], scales[:, 1:])
        ).value
    assert np.all(found.converged)
    assert found.length.direction == "upper"
    assert np.all(np.abs(found.length.value - exact) <= found.length.stderr + 1e-12)
    np.testing.assert_allclose(found.length.value, exact, rtol=1e-9)
    np.testing.assert_allclose(slopes, exact_slopes, rtol=1e-6, atol=1e-12)
    # The points are at equal lengths along it.
    np.testing.assert_allclose(legs, np.broadcast_to(exact[:, None] / 64, legs.shape), rtol=1e-5)


def test_a_geodesic_of_a_deep_decoder_is_shorter_than_the_line_and_the_same_both_ways():
    decoder = LIKELIHOODS["bernoulli"].model(seed=1).likelihood
    start, end = np.array([-2.0, 1.0]), np.array([2.0, 0.5])
    there, back = geodesic(decoder, start, end, points=33), geodesic(decoder, end, start, points=33)
    straight = curve_length(decoder, np.linspace(start, end, 33))
    assert there.converged
    assert there.length.value < straight.value
    assert there.length.value == pytest.approx(back.length.value, rel=1e-9)
    assert curve_length(decoder, there.curve).value == pytest.approx(there.length.value, rel=1e-3)
    assert np.array_equal(geodesic(decoder, start, end, points=33).curve, there.curve)


MISTAKES = {
    "a batch of z": (lambda: pull_back_metric(half_plane, np.zeros((3, 2))), r"z is of shape \(3, 2\); .* jax.vmap"),
    "a batch of distributions": (
        lambda: pull_back_metric(lambda z: dist.Normal(W @ z, 1.0), Z),
        r"a batch of distributions, of shape \(5,\); expected one.*\.to_event\(1\)",
    ),
    "no key": (lambda: pull_back_metric(secant, Z), "pass key= to estimate it, or closed_kl="),
    "no closed form for a length": (lambda: curve_length(secant, POLYGON), "pass closed_kl="),
    "no closed form for a geodesic": (lambda: geodesic(drawn, Z, Z), "pass closed_kl="),
    "one point": (lambda: curve_length(half_plane, Z), r"curve is of shape \(2,\); expected \[point, n\]"),
    "two spaces": (lambda: geodesic(half_plane, Z, np.zeros(3)), r"start is of shape \(2,\) and end of \(3,\)"),
    "no curve": (lambda: geodesic(half_plane, Z, Z, degree=1), "degree=1, points=65: expected 2 or more"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_answered_by_what_was_expected(name):
    call, message = MISTAKES[name]
    with pytest.raises(ValueError, match=message):
        call()


def test_what_is_no_distribution_is_named():
    with pytest.raises(TypeError, match="decoder\\(z\\) is ArrayImpl; expected a numpyro distribution"):
        pull_back_metric(lambda z: jnp.asarray(z), Z)
