"""Fitting a user's own three-method module; warm-up, objectives, shared compilations."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import isthmus
from cases import LIKELIHOODS
from isthmus.inference import elbo, fit, free_bits, importance_weighted
from isthmus.inference.variational import VariationalLoss
from isthmus.models import Terms
from linear_gaussian_model import random_model, simulated_rows
from oracles import linear_gaussian


def test_a_users_module_reaches_its_evidence():
    truth = random_model(1)
    rows = simulated_rows(truth, 2000)
    result = isthmus.fit(random_model(2), rows, epochs=200, learning_rate=1e-2, batch_size=256)
    W, m = np.asarray(result.model.W), np.asarray(result.model.m)
    fresh = simulated_rows(truth, 2000, seed=9)
    learned = linear_gaussian.log_evidence(fresh, W, m, truth.sigma)
    best = linear_gaussian.log_evidence(fresh, np.asarray(truth.W), np.asarray(truth.m), truth.sigma)
    assert (best - learned).mean() < 0.05
    # The exact posterior is correlated and q is not: the bound stays below, by little.
    sampled = isthmus.inference.sample_importance_weights(result.model, fresh, 100)
    error = np.sqrt(sampled.elbo_variance.sum()) / len(fresh)
    assert -4 * error <= (learned - sampled.elbo).mean() < 0.5


def test_the_same_seed_gives_the_same_model_and_another_does_not():
    rows = simulated_rows(random_model(1), 200)
    fits = [fit(random_model(2), rows, epochs=5, seed=seed).model.W for seed in (0, 0, 1)]
    assert jnp.array_equal(fits[0], fits[1])
    assert not jnp.array_equal(fits[0], fits[2])


class OfPairs(isthmus.ProbabilisticModel):
    """A model of x, told of it as the pair (x, its first column)."""

    inner: isthmus.ProbabilisticModel

    def prior(self, c=None):
        return self.inner.prior(c)

    def likelihood(self, z, c=None, *, key=None):
        return First(self.inner.likelihood(z, c))

    def posterior(self, x, c=None, *, key=None):
        return self.inner.posterior(x[0], c)


class First(eqx.Module):
    """The distribution of the first of a pair."""

    base: Any

    def log_prob(self, x):
        return self.base.log_prob(x[0])

    def sample(self, key):
        x = self.base.sample(key)
        return x, x[0]


def test_rows_may_be_a_list_of_lists():
    rows = simulated_rows(random_model(1), 200)
    as_array, as_list = (fit(random_model(2), X, epochs=1).model.W for X in (rows, rows.tolist()))
    assert jnp.array_equal(as_array, as_list)


def test_rows_may_be_a_pytree():
    rows = simulated_rows(random_model(1), 200)
    paired = fit(OfPairs(random_model(2)), (rows, rows[:, 0]), held_out=(rows[:20], rows[:20, 0]), epochs=1)
    assert np.isfinite(paired.history[-1].held_out)


class CountedObjective:
    """The ELBO, counting how often it is traced."""

    def __init__(self):
        self.traces = 0

    def __call__(self, terms, beta):
        self.traces += 1
        return elbo(terms, beta)


def test_four_fits_that_differ_in_rate_beta_or_seed_trace_once():
    rows, objective = simulated_rows(random_model(1), 200), CountedObjective()
    fit(random_model(2), rows, objective, epochs=2)
    once = objective.traces
    fit(random_model(2), rows, objective, epochs=2, learning_rate=1e-2)
    fit(random_model(2), rows, objective, epochs=2, beta=0.5, warm_up=0.3)
    fit(random_model(3), rows, objective, epochs=2, seed=4)
    assert objective.traces == once


def test_warm_up_raises_beta_and_always_finishes():
    def weight_of_divergence(terms, beta):
        return beta

    case = LIKELIHOODS["bernoulli"]
    model, rows = case.model(), jnp.asarray(case.standardised_rows)
    loss = VariationalLoss(jnp.float32(2.0), jnp.float32(10), weight_of_divergence, 1)
    weights = [-float(loss(model, rows, jax.random.key(0), jnp.int32(step))) for step in (0, 4, 9, 100)]
    np.testing.assert_allclose(weights, [0.2, 1.0, 2.0, 2.0], rtol=1e-6)


def some_terms(kl_terms=True):
    generator = np.random.default_rng(0)
    ll, lp, lq = (jnp.asarray(generator.normal(size=(6, 5))) for _ in range(3))
    kl = jnp.asarray(generator.gamma(1.0, size=(6, 2))) if kl_terms else None
    return Terms(latent=jnp.zeros((6, 5, 2)), log_likelihood=ll, log_prior=lp, log_posterior=lq, kl_terms=kl)


def test_objectives_are_what_they_say():
    terms = some_terms()
    np.testing.assert_allclose(
        elbo(terms, 3.0), terms.log_likelihood.mean() - 3 * terms.kl_terms.sum(1).mean(), rtol=1e-5
    )
    weights = np.exp(np.asarray(terms.log_weights))
    np.testing.assert_allclose(importance_weighted(terms), np.log(weights.mean(1)).mean(), rtol=1e-5)
    floor = np.maximum(terms.kl_terms.mean(0), 1.0).sum()
    np.testing.assert_allclose(free_bits(terms, nats=1.0), terms.log_likelihood.mean() - floor, rtol=1e-5)


def test_without_a_closed_form_the_elbo_samples_and_free_bits_says_what_it_lacks():
    terms = some_terms(kl_terms=False)
    np.testing.assert_allclose(elbo(terms), terms.log_weights.mean(), rtol=1e-4, atol=1e-6)
    with pytest.raises(ValueError, match="kl_terms"):
        free_bits(terms)


@pytest.mark.parametrize(
    "wrong",
    [
        {"epochs": 0},
        {"batch_size": 0},
        {"learning_rate": -1.0},
        {"warm_up": 2.0},
        {"held_out": 1.0},
        {"beta": float("nan")},
        {"samples": "two"},
        {"batch_size": 12.5},
        {"held_out": np.zeros((0, 5))},
    ],
)
def test_arguments_out_of_range_are_refused(wrong):
    with pytest.raises(ValueError, match="expected"):
        fit(random_model(2), simulated_rows(random_model(1), 50), **wrong)
