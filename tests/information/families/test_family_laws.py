"""Every family against quadrature, enumeration and 60 digits, and the laws of divergences over random members.

All that is asked of a family is one compiled function of BATCH members at a time.
"""

from functools import cache, partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpyro.distributions.kl import kl_divergence as numpyro_kl_divergence

from oracles.families import FAMILIES, QUICKLY, Quadrature
from oracles.family_extremes import EXTREMES

BATCH, BATCHES, SEED = 128, 8, 20240501
NEAR_ONE, ORDERS = 4, np.array([0.0, 0.2, 0.5, 0.9, 1 - 1e-9, 1.0, 1.5, 2.0, 5.0, np.inf])
STEP = 1e-4
# What must be shown: 1e-6 relative or 1e-9 absolute.
EXACT: Any = {"rtol": 1e-6, "atol": 1e-9}
every_family = pytest.mark.parametrize("name", FAMILIES)


@pytest.fixture(autouse=True)
def _float64():
    with jax.enable_x64(True):
        yield


class Quantities(NamedTuple):
    """What one pair (p, q) gives."""

    forward: np.ndarray  # KL(p || q)
    backward: np.ndarray  # KL(q || p)
    itself: np.ndarray  # KL(p || p)
    neighbours: np.ndarray  # KL(p || p + d) + KL(p || p - d), d of Fisher-Rao length STEP
    slopes: np.ndarray  # gradient of KL(p || q) in p and in q
    slopes_of_itself: np.ndarray  # gradient of KL(p || p) in either argument
    entropy: np.ndarray
    cross_entropy: np.ndarray
    mean: np.ndarray  # of p
    mean_of_q: np.ndarray
    fisher: np.ndarray
    inverse: np.ndarray  # natural coordinates of p from the mean ones
    likeliest: np.ndarray  # natural coordinates from the observed mean statistics
    renyi: np.ndarray


def quantities(family, p, q, direction, observed):
    fisher = family.fisher_information(p)
    step = STEP * direction / jnp.sqrt(direction @ fisher @ direction)
    firsts, seconds = jnp.stack([p, q, p, p, p]), jnp.stack([q, p, p, p + step, p - step])
    divergences, slopes = jax.vmap(jax.value_and_grad(family.kl_divergence, (0, 1)))(firsts, seconds)
    entropy, cross_entropy = jax.vmap(family.cross_entropy, (None, 0))(p, jnp.stack([p, q]))
    mean, mean_of_q = jax.vmap(family.mean_from_natural)(jnp.stack([p, q]))
    seen = jnp.where(jnp.isnan(observed), mean, observed)
    inverse, likeliest = jax.vmap(family.natural_from_mean)(jnp.stack([mean, seen]))
    renyi = jax.vmap(family.renyi_divergence, (None, None, 0))(p, q, jnp.asarray(ORDERS))
    forward, backward, itself, up, down = divergences
    slopes, slopes_of_itself = (jnp.stack([slope[i] for slope in slopes]) for i in (0, 2))
    return Quantities(
        forward=forward,
        backward=backward,
        itself=itself,
        neighbours=up + down,
        slopes=slopes,
        slopes_of_itself=slopes_of_itself,
        entropy=entropy,
        cross_entropy=cross_entropy,
        mean=mean,
        mean_of_q=mean_of_q,
        fisher=fisher,
        inverse=inverse,
        likeliest=likeliest,
        renyi=renyi,
    )


@cache
def compiled(name):
    return jax.jit(jax.vmap(partial(quantities, FAMILIES[name].family)), compiler_options=QUICKLY)


def evaluate(name, p, q, observed=None):
    """Quantities of p and q [member, parameter], BATCH of them or fewer; `observed` are mean statistics."""
    observed = np.full(p.shape, np.nan) if observed is None else observed
    filled = [np.resize(array, (BATCH, p.shape[1])) for array in (p, q, observed)]
    direction = np.random.default_rng(SEED).normal(size=filled[0].shape)
    return Quantities(*(np.asarray(value)[: len(p)] for value in compiled(name)(*filled[:2], direction, filled[2])))


def natural_of(name, members):
    """[member, parameter] of members given by numpyro's parameters."""
    return np.stack([FAMILIES[name].natural(*map(np.asarray, member)) for member in members])


@cache
def given_pairs(name):
    p, q = (natural_of(name, members) for members in zip(*FAMILIES[name].pairs, strict=True))
    return p, evaluate(name, p, q)


@cache
def random_pairs(name):
    """p, and the quantities of BATCH * BATCHES random pairs."""
    generator, case = np.random.default_rng(SEED), FAMILIES[name]
    p, q = (np.asarray(case.natural(*case.draw(generator, BATCH * BATCHES))) for _ in range(2))
    parts = [evaluate(name, p[i : i + BATCH], q[i : i + BATCH]) for i in range(0, len(p), BATCH)]
    return p, q, Quantities(*(np.concatenate(values) for values in zip(*parts, strict=True)))


@every_family
def test_the_quantities_are_the_sums_and_integrals(name):
    case, (_, ours) = FAMILIES[name], given_pairs(name)
    for i, (p, q) in enumerate(case.pairs):
        oracle = Quadrature(case, p)
        log_q, statistics = case.log_density(oracle.x, *q), case.statistics(oracle.x)
        np.testing.assert_allclose(oracle.mean(np.ones(len(oracle.x))), 1.0, rtol=1e-9)
        np.testing.assert_allclose(ours.mean[i], oracle.mean(statistics), **EXACT)
        np.testing.assert_allclose(ours.fisher[i], oracle.covariance(statistics), **EXACT)
        np.testing.assert_allclose(ours.entropy[i], -oracle.mean(oracle.log_p), **EXACT)
        np.testing.assert_allclose(ours.cross_entropy[i], -oracle.mean(log_q), **EXACT)
        np.testing.assert_allclose(ours.forward[i], oracle.mean(oracle.log_p - log_q), **EXACT)
        for order, value in zip(ORDERS, ours.renyi[i], strict=True):
            # Too near 1 the oracle divides rounding by almost nothing.
            if order > 0 and abs(order - 1) > 1e-3 and np.isfinite(order) and np.isfinite(value):
                np.testing.assert_allclose(value, oracle.renyi(log_q, order), **EXACT)


@cache
def compiled_score(name):
    score = jax.vmap(jax.value_and_grad(FAMILIES[name].family.log_prob), in_axes=(None, 0))
    return jax.jit(score, compiler_options=QUICKLY)


@every_family
def test_the_density_is_that_of_scipy_and_the_score_s_covariance_is_the_fisher_information(name):
    case, (natural, ours) = FAMILIES[name], given_pairs(name)
    for i, (p, _) in enumerate(case.pairs):
        oracle = Quadrature(case, p)
        seen = oracle.mass > 0
        log_prob, scores = map(np.asarray, compiled_score(name)(natural[i], oracle.x))
        np.testing.assert_allclose(log_prob[seen], oracle.log_p[seen], **EXACT)
        np.testing.assert_allclose(oracle.covariance(scores), ours.fisher[i], **EXACT)
        np.testing.assert_allclose(oracle.mean(scores), 0.0, atol=1e-8)


@every_family
def test_maximum_likelihood_maximises(name):
    case, (natural, _) = FAMILIES[name], given_pairs(name)
    generator, oracle = np.random.default_rng(SEED), Quadrature(case, case.pairs[0][0])
    counts = generator.multinomial(200, oracle.mass / oracle.mass.sum())
    observed = counts[counts > 0] @ case.statistics(oracle.x[counts > 0]) / 200
    best = evaluate(name, natural[:1], natural[:1], observed[None]).likeliest[0]
    log_prob, scores = map(np.asarray, compiled_score(name)(best, oracle.x))
    np.testing.assert_allclose(counts[counts > 0] @ scores[counts > 0] / 200, 0.0, atol=1e-8)
    for _ in range(5):
        other = best * (1 + 1e-2 * generator.normal(size=best.shape))
        others = np.asarray(compiled_score(name)(other, oracle.x)[0])
        assert np.sum((counts * (log_prob - others))[counts > 0]) > 0


@every_family
def test_the_quantities_are_right_at_the_edge_of_the_family(name):
    p, q, divergences, entropies = zip(*EXTREMES[name], strict=True)
    ours = evaluate(name, natural_of(name, p), natural_of(name, q))
    np.testing.assert_allclose(ours.forward, divergences, **EXACT)
    np.testing.assert_allclose(ours.entropy, entropies, **EXACT)
    assert np.all(np.isfinite(ours.slopes))


@pytest.mark.parametrize("name", ["Beta", "Dirichlet", "Gamma", "Normal", "MultivariateNormal"])
def test_numpyro_s_closed_form_is_the_same(name):
    p, q, ours = random_pairs(name)
    make = FAMILIES[name].family.to_numpyro
    expected = jax.jit(lambda p, q: numpyro_kl_divergence(make(p), make(q)), compiler_options=QUICKLY)(p, q)
    # numpyro's Beta rests on betaln, which in jax 0.10 is off by up to 1e-6.
    np.testing.assert_allclose(ours.forward, expected, rtol=1e-6, atol=3e-6 if name == "Beta" else 1e-9)


@every_family
def test_no_divergence_is_negative_and_only_that_of_a_member_from_itself_is_zero(name):
    _, _, ours = random_pairs(name)
    assert min(ours.forward.min(), ours.backward.min()) > 0
    np.testing.assert_array_equal(ours.itself, 0.0)
    np.testing.assert_array_equal(ours.slopes_of_itself, 0.0)


@every_family
def test_the_gradients_are_those_of_bregman_s_divergence(name):
    p, q, ours = random_pairs(name)
    step = np.einsum("nij,nj->ni", ours.fisher, p - q)
    for slope, expected in zip(np.moveaxis(ours.slopes, 1, 0), (step, ours.mean_of_q - ours.mean), strict=True):
        size = np.abs(expected).max(axis=1, keepdims=True)
        np.testing.assert_allclose(slope / size, expected / size, atol=1e-6)


@every_family
def test_the_order_of_a_pair_matters(name):
    _, _, ours = random_pairs(name)
    difference = np.abs(ours.forward - ours.backward) / np.maximum(ours.forward, ours.backward)
    assert np.mean(difference > 1e-2) > 0.8


@every_family
def test_cross_entropy_is_entropy_and_divergence(name):
    _, _, ours = random_pairs(name)
    np.testing.assert_allclose(ours.cross_entropy, ours.entropy + ours.forward, rtol=1e-9, atol=1e-9)


@every_family
def test_renyi_s_divergence_grows_with_its_order_and_passes_through_kl(name):
    _, _, ours = random_pairs(name)
    assert not np.any(np.isnan(ours.renyi))
    np.testing.assert_array_equal(ours.renyi[:, 0], 0.0)
    lower, upper = ours.renyi[:, :-1], ours.renyi[:, 1:]
    assert np.all(upper >= lower * (1 - 1e-9) - 1e-9)
    np.testing.assert_allclose(ours.renyi[:, NEAR_ONE + 1], ours.forward, rtol=1e-9)
    np.testing.assert_allclose(ours.renyi[:, NEAR_ONE], ours.forward, rtol=1e-4)


@every_family
def test_the_divergence_of_neighbours_is_half_the_squared_fisher_rao_length(name):
    _, _, ours = random_pairs(name)
    np.testing.assert_allclose(ours.neighbours / STEP**2, 1.0, rtol=1e-4)


@every_family
def test_mean_coordinates_lead_back_to_the_natural_ones(name):
    p, _, ours = random_pairs(name)
    np.testing.assert_allclose(ours.inverse, p, rtol=1e-8, atol=1e-8)


@every_family
def test_numpyro_s_distribution_has_the_same_coordinates(name):
    case, (p, _, _) = FAMILIES[name], random_pairs(name)
    again = case.family.natural_from_numpyro(case.family.to_numpyro(jnp.asarray(p)))
    np.testing.assert_allclose(again, p, rtol=1e-9, atol=1e-9)


@settings(deadline=None, max_examples=5)
@given(seed=st.integers(0, 2**32 - 1), shrinkage=st.floats(-6, 0), other_shrinkage=st.floats(-6, 0))
@every_family
def test_members_towards_the_base_measure_have_finite_quantities(name, seed, shrinkage, other_shrinkage):
    """Every domain is convex and touches 0, so that it holds every member's multiples down to a millionth."""
    p, q, _ = random_pairs(name)
    chosen = np.random.default_rng(seed).choice(len(p), BATCH)
    ours = evaluate(name, 10**shrinkage * p[chosen], 10**other_shrinkage * q[chosen])
    for value in (ours.forward, ours.backward, ours.entropy, ours.cross_entropy, ours.slopes, ours.mean):
        assert np.all(np.isfinite(value))
    assert min(ours.forward.min(), ours.backward.min()) >= 0
    np.testing.assert_array_equal(ours.itself, 0.0)
    np.testing.assert_array_equal(ours.slopes_of_itself, 0.0)
