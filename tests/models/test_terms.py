"""The pieces of the log-weight agree with the model's own methods, and with each other."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cases import LIKELIHOODS
from isthmus.models import terms


@pytest.mark.parametrize("name", LIKELIHOODS)
def test_log_weights_are_those_of_the_model(name):
    case = LIKELIHOODS[name]
    model, rows = case.model(), jnp.asarray(case.standardised_rows[:5])
    parts = terms(model, rows, jax.random.key(0), samples=3)
    expected = jax.vmap(lambda x, zs: jax.vmap(lambda z: model.log_weight(x, z))(zs))(rows, parts.latent)
    np.testing.assert_allclose(parts.log_weights, expected, rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize("name", LIKELIHOODS)
def test_rate_three_ways(name):
    """In closed form; as the mean of log q - log p; as the mean log-likelihood less the mean log-weight."""
    case = LIKELIHOODS[name]
    model, rows = case.model(), jnp.asarray(case.standardised_rows[:8])
    one, other = (terms(model, rows, jax.random.key(seed), samples=4000) for seed in (1, 2))
    closed = np.asarray(one.kl_terms, np.float64).sum(-1)
    sampled = np.asarray(one.log_posterior - one.log_prior, np.float64)
    by_weights = np.asarray(other.log_likelihood, np.float64) - np.asarray(other.log_weights, np.float64)
    assert (closed > 0.01).any()
    for draws in (sampled, by_weights):
        error = draws.std(1, ddof=1) / np.sqrt(draws.shape[1])
        assert (np.abs(draws.mean(1) - closed) <= 4 * error + 1e-4).all()


def test_the_posterior_is_that_of_the_inputs_and_the_score_that_of_the_rows():
    case = LIKELIHOODS["normal, per-feature scale"]
    model, rows = case.model(), jnp.asarray(case.standardised_rows[:4])
    parts = terms(model, rows, jax.random.key(0), inputs=jnp.zeros_like(rows))
    np.testing.assert_allclose(parts.kl_terms, jnp.broadcast_to(parts.kl_terms[0], parts.kl_terms.shape), rtol=1e-6)
    expected = jax.vmap(lambda x, z: model.likelihood(z).log_prob(x))(rows, parts.latent[:, 0])
    np.testing.assert_allclose(parts.log_likelihood[:, 0], expected, rtol=1e-5)
