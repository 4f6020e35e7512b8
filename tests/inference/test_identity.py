"""log p(x) = ELBO + KL(q || posterior), where all three are known; and the bounds' order where only two are."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cases import LIKELIHOODS
from isthmus.inference import sample_importance_weights
from linear_gaussian_model import random_model, simulated_rows, with_posterior
from oracles import linear_gaussian


@pytest.mark.parametrize("seed", range(20))
def test_the_identity_holds_for_an_arbitrary_q(seed):
    model = random_model(seed)
    x = simulated_rows(model, 1, seed)
    W, m, sigma = np.asarray(model.W, np.float64), np.asarray(model.m, np.float64), model.sigma
    q = model.posterior(jnp.asarray(x[0]))
    mean, scale = np.asarray(q.base_dist.loc, np.float64), np.asarray(q.base_dist.scale, np.float64)
    residual = x[0] - m - W @ mean
    # E_q |x - m - W z|^2 = |x - m - W mu|^2 + tr(W Sigma W^T)
    expected_square = residual @ residual + np.trace(W @ np.diag(scale**2) @ W.T)
    log_likelihood = -0.5 * expected_square / sigma**2 - len(m) * np.log(sigma * np.sqrt(2 * np.pi))
    rate = 0.5 * np.sum(scale**2 + mean**2 - 1) - np.log(scale).sum()
    target = linear_gaussian.posterior(x, W, m, sigma)
    gap = linear_gaussian.kl_from_diagonal(mean, scale, target[0][0], target[1])
    evidence = linear_gaussian.log_evidence(x, W, m, sigma)
    assert abs(evidence - (log_likelihood - rate + gap)) < 1e-6 * max(1, abs(evidence))
    # And the library's own terms agree with each part.
    sampled = sample_importance_weights(model, x, draws=4096)
    assert abs(sampled.rate[0] - rate) < 1e-4
    error = np.sqrt(sampled.log_likelihood_variance[0])
    assert abs(sampled.log_likelihood[0] - log_likelihood) < 4 * error + 1e-4


def test_bounds_rise_with_the_number_of_draws_and_stay_below_the_evidence():
    model = with_posterior(random_model(3), widening=1.5)
    rows = simulated_rows(model, 400)
    exact = linear_gaussian.log_evidence(rows, np.asarray(model.W), np.asarray(model.m), model.sigma)
    bounds = [sample_importance_weights(model, rows, 1).elbo]
    bounds += [sample_importance_weights(model, rows, k).log_evidence for k in (10, 1000)]
    for lower, upper in zip(bounds, [*bounds[1:], exact], strict=True):
        difference = upper - lower
        error = difference.std(ddof=1) / np.sqrt(len(difference))
        assert difference.mean() > -4 * error
    assert (exact - bounds[0]).mean() > 0.1
    assert abs((exact - bounds[-1]).mean()) < 0.05


@pytest.mark.parametrize("name", LIKELIHOODS)
def test_bounds_are_in_order_for_every_likelihood(name):
    case = LIKELIHOODS[name]
    model, rows = case.model(), case.standardised_rows
    elbo = sample_importance_weights(model, rows, 1000).elbo
    ten = sample_importance_weights(model, rows, 10).log_evidence
    thousand = sample_importance_weights(model, rows, 1000).log_evidence
    for lower, upper in ((elbo, ten), (ten, thousand)):
        difference = upper - lower
        assert difference.mean() > -4 * difference.std(ddof=1) / np.sqrt(len(difference))
    assert (thousand - elbo).mean() > 0


def test_with_the_exact_posterior_every_draw_is_the_evidence():
    exact = with_posterior(random_model(5, latent=1))
    rows = simulated_rows(exact, 8)
    evidence = linear_gaussian.log_evidence(rows, np.asarray(exact.W), np.asarray(exact.m), exact.sigma)
    weights = jax.vmap(lambda x: exact.log_weight(x, jnp.ones(1)))(jnp.asarray(rows))
    np.testing.assert_allclose(weights, evidence, rtol=1e-5)
    np.testing.assert_allclose(sample_importance_weights(exact, rows, 2).log_evidence, evidence, rtol=1e-5)
