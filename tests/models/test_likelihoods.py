"""Laws of every likelihood: a density in the columns' own units, -inf off its support, started at the means."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats
from scipy.special import logsumexp

from cases import COLUMNS, COUNTING, LEBESGUE, LIKELIHOODS
from isthmus.data import inspect_columns
from isthmus.models import choose_likelihood, choose_standardisation, location, make_likelihood


def some_outputs(family, seed=1):
    start = family.initial_outputs()
    return start + 0.5 * jax.random.normal(jax.random.key(seed), start.shape)


@pytest.mark.parametrize("name", COUNTING)
def test_masses_sum_to_one(name):
    case = LIKELIHOODS[name]
    distribution = case.family(some_outputs(case.family))
    support = jnp.arange(case.kwargs.get("maximum", 1) + 1.0)
    log_masses = jax.vmap(lambda value: distribution.log_probs(jnp.full(COLUMNS, value)))(support)
    np.testing.assert_allclose(logsumexp(log_masses, axis=0), 0.0, atol=2e-5)


@pytest.mark.parametrize("name", LEBESGUE)
def test_densities_integrate_to_one_in_the_columns_own_units(name):
    case = LIKELIHOODS[name]
    distribution = case.family(some_outputs(case.family))
    scale = case.standardisation.scale
    centre = case.standardisation.invert(np.asarray(distribution.mean)[None])[0]
    width = 12 * np.asarray(distribution.base.scale) * scale
    grid = centre + width * np.linspace(-1, 1, 4001)[:, None]
    log_densities = jax.vmap(distribution.log_probs)(jnp.asarray((grid - case.standardisation.offset) / scale))
    total = np.trapezoid(np.exp(np.asarray(log_densities, np.float64)), dx=1.0, axis=0) * (2 * width / 4000)
    np.testing.assert_allclose(total, 1.0, rtol=1e-4)


@pytest.mark.parametrize("name", COUNTING)
@pytest.mark.parametrize("value", [-1.0, 0.5, 300.0])
def test_off_the_support_a_mass_is_zero_and_its_gradient_finite(name, value):
    family = LIKELIHOODS[name].family
    row = jnp.zeros(COLUMNS).at[2].set(value)
    log_probs = family(some_outputs(family)).log_probs(row)
    assert log_probs[2] == -jnp.inf
    assert np.isfinite(np.delete(log_probs, 2)).all()
    gradient = jax.grad(lambda outputs: jnp.sum(family(outputs).log_probs(row), where=jnp.arange(COLUMNS) != 2))
    assert np.isfinite(gradient(some_outputs(family))).all()


@pytest.mark.parametrize("name", LIKELIHOODS)
def test_samples_have_the_stated_mean_and_lie_on_the_support(name):
    family = LIKELIHOODS[name].family
    distribution = family(some_outputs(family))
    draws = np.asarray(jax.vmap(distribution.sample)(jax.random.split(jax.random.key(3), 4000)))
    error = draws.std(0, ddof=1) / np.sqrt(len(draws))
    assert (np.abs(draws.mean(0) - location(distribution)) <= 4.5 * error + 1e-6).all()
    assert np.isfinite(jax.vmap(distribution.log_prob)(jnp.asarray(draws))).all()


@pytest.mark.parametrize("name", LIKELIHOODS)
def test_training_starts_near_the_columns_means(name):
    case = LIKELIHOODS[name]
    start = case.standardisation.invert(np.asarray(case.family(case.family.initial_outputs()).mean)[None])[0]
    assert (np.abs(start - case.columns.mean) <= 0.25 * case.columns.spread + 1e-3).all()


def test_discretised_logistic_is_the_difference_of_two_distribution_functions():
    case = LIKELIHOODS["discretised logistic, 16"]
    distribution = case.family(some_outputs(case.family))
    loc, scale = np.asarray(distribution.base.loc, np.float64), np.asarray(distribution.base.scale, np.float64)
    values = np.array([0.0, 3.0, 8.0, 16.0, 1.0, 15.0])
    upper = np.where(values == 16, 1.0, stats.logistic.cdf(values + 0.5, loc, scale))
    lower = np.where(values == 0, 0.0, stats.logistic.cdf(values - 0.5, loc, scale))
    np.testing.assert_allclose(distribution.log_probs(jnp.asarray(values)), np.log(upper - lower), rtol=1e-4)


@pytest.mark.parametrize("maximum", [16, 255, 4095])
def test_a_binomial_keeps_its_digits_in_float32(maximum):
    rows = np.random.default_rng(0).binomial(maximum, 0.3, size=(40, 784)).astype(float)
    columns = inspect_columns(rows, tuple(f"x{i}" for i in range(784)))
    choice = choose_likelihood(columns, "binomial", maximum=maximum)
    family = make_likelihood(choice, columns, choose_standardisation(choice, columns))
    logits = np.random.default_rng(1).normal(-0.85, 0.1, 784).astype(np.float32)
    expected = stats.binom(maximum, 1 / (1 + np.exp(-logits.astype(float)))).logpmf(rows[0]).sum()
    assert abs(float(family(jnp.asarray(logits)).log_prob(jnp.asarray(rows[0], jnp.float32))) - expected) < 0.05


def test_discretised_logistic_stays_finite_far_from_its_location():
    case = LIKELIHOODS["discretised logistic, 255"]
    far = case.family(jnp.concatenate([jnp.full(COLUMNS, -50.0), jnp.full(COLUMNS, -3.0)]))
    log_probs = far.log_probs(jnp.full(COLUMNS, 200.0))
    assert np.isfinite(log_probs).all()
    assert (log_probs < -100).all()


@pytest.mark.parametrize("scale", ["per_feature", "global"])
def test_learned_scales_never_fall_below_half_the_smallest_gap(scale):
    rows = np.random.default_rng(0).integers(0, 50, size=(40, 3)) * np.array([0.5, 0.5, 0.5])
    columns = inspect_columns(rows, ("a", "b", "c"))
    choice = choose_likelihood(columns, "normal", scale=scale)
    standardisation = choose_standardisation(choice, columns)
    family = make_likelihood(choice, columns, standardisation)
    shrunk = eqx.tree_at(lambda family: family.scale.log_scale, family, replace_fn=lambda start: start - 1e30)
    np.testing.assert_allclose(shrunk.scale() * standardisation.scale, 0.25, rtol=1e-3)


def test_a_constant_column_keeps_scale_one():
    rows = np.column_stack([np.random.default_rng(0).normal(size=30), np.full(30, 7.0)])
    columns = inspect_columns(rows, ("a", "b"))
    choice = choose_likelihood(columns, "normal")
    family = make_likelihood(choice, columns, choose_standardisation(choice, columns))
    gradient = eqx.filter_grad(lambda family: family(jnp.zeros(2)).log_prob(jnp.zeros(2)))(family)
    assert family.scale()[1] == 1.0
    assert gradient.scale.log_scale[1] == 0.0
