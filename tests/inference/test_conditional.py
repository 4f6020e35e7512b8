"""Conditionals by importance sampling against the closed form of a linear-Gaussian model."""

import numpy as np
import pytest
from scipy import stats

from isthmus.inference import conditional_mean, sample_conditional
from linear_gaussian_model import random_model, simulated_rows, with_posterior
from oracles.linear_gaussian import posterior

MODEL = random_model(5)
W, M, SIGMA = np.asarray(MODEL.W, np.float64), np.asarray(MODEL.m, np.float64), MODEL.sigma
ROWS = simulated_rows(MODEL, 40)
DRAWS = 1024
N = 64
PROPOSALS = {"the exact one": with_posterior(MODEL, 1.2), "a poor one": MODEL}
"""Any q gives the same conditional, at a price in Monte Carlo error."""


def location(distribution):
    return distribution.mean


def square(distribution):
    return {"squared": distribution.mean**2, "mean": distribution.mean}


def predictive(rows):
    """Mean [row, column] and covariance of a new x given each row: p(x' | x) of rows that share z."""
    mean, covariance = posterior(rows, W, M, SIGMA)
    return M + mean @ W.T, W @ covariance @ W.T + SIGMA**2 * np.eye(len(M))


def monte_carlo_error(model, rows):
    """Standard error, [column], of a mean: the spread of W z over the root of the effective number of draws."""
    spread = np.sqrt(np.diag(W @ posterior(rows, W, M, SIGMA)[1] @ W.T))
    return spread / np.sqrt(DRAWS / _variance_of_weights(model, rows))


def _variance_of_weights(model, rows):
    """1 + the variance of normalised weights, of the worst row, by draws of NumPy."""
    generator = np.random.default_rng(0)
    mean, covariance = posterior(rows, W, M, SIGMA)
    centre, scale = rows @ np.asarray(model.A).T + np.asarray(model.b), np.asarray(model.scale)
    worst = 1.0
    for target, start in zip(mean, centre, strict=True):
        z = start + scale * generator.normal(size=(20_000, len(scale)))
        log_q = stats.norm.logpdf(z, start, scale).sum(1)
        weights = np.exp(stats.multivariate_normal.logpdf(z, target, covariance) - log_q)
        worst = max(worst, float((weights**2).mean() / weights.mean() ** 2))
    return worst


@pytest.mark.parametrize("name", PROPOSALS)
def test_the_conditional_mean_is_that_of_the_closed_form(name):
    model = PROPOSALS[name]
    found = conditional_mean(model, ROWS, location, DRAWS)
    assert found.dtype == np.float64
    error = monte_carlo_error(model, ROWS)
    assert (np.abs(found - predictive(ROWS)[0]) < 4.5 * error).all()


def test_any_statistic_has_its_mean():
    model = PROPOSALS["the exact one"]
    found = conditional_mean(model, ROWS, square, DRAWS)
    mean, covariance = predictive(ROWS)
    expected = mean**2 + np.diag(covariance) - SIGMA**2
    spread = np.sqrt(np.diag(covariance) - SIGMA**2)
    # The standard deviation of a squared normal: sqrt(4 mean^2 s^2 + 2 s^4).
    error = np.sqrt(4 * mean**2 * spread**2 + 2 * spread**4) * np.sqrt(_variance_of_weights(model, ROWS) / DRAWS)
    assert (np.abs(found["squared"] - expected) < 4.5 * error).all()
    np.testing.assert_array_equal(found["mean"], conditional_mean(model, ROWS, location, DRAWS))


@pytest.mark.parametrize("name", PROPOSALS)
def test_samples_are_those_of_the_conditional_normal(name):
    drawn = sample_conditional(PROPOSALS[name], ROWS, N, DRAWS)
    assert drawn.shape == (*ROWS.shape[:1], N, ROWS.shape[1])
    mean, covariance = predictive(ROWS)
    whitened = np.linalg.solve(np.linalg.cholesky(covariance), (drawn - mean[:, None]).reshape(-1, len(M)).T).T
    # Draws of one row share their latents: as many are independent as there are effective draws of z.
    independent = len(ROWS) * N / (1 + N * _variance_of_weights(PROPOSALS[name], ROWS) / DRAWS)
    assert (np.abs(whitened.mean(0)) < 4.5 / np.sqrt(independent)).all()
    assert (np.abs(np.cov(whitened.T) - np.eye(len(M))) < 4.5 * np.sqrt(2 / independent)).all()


def test_results_depend_neither_on_neighbours_nor_on_the_call():
    model = PROPOSALS["a poor one"]
    means, samples = conditional_mean(model, ROWS, location, 100), sample_conditional(model, ROWS, 3, 100)
    for index in ([7], [7, 31, 2], list(range(39, -1, -1))):
        np.testing.assert_array_equal(conditional_mean(model, ROWS[index], location, 100), means[index])
        np.testing.assert_array_equal(sample_conditional(model, ROWS[index], 3, 100), samples[index])


def test_another_seed_gives_other_draws():
    one, two = (sample_conditional(MODEL, ROWS[:5], 3, 64, seed) for seed in (0, 1))
    assert (one != two).all()


def test_draws_are_rounded_up_to_whole_blocks():
    np.testing.assert_array_equal(
        conditional_mean(MODEL, ROWS[:3], location, 65), conditional_mean(MODEL, ROWS[:3], location, 128)
    )


@pytest.mark.parametrize("draws", [0, -1])
def test_no_draws_are_refused(draws):
    with pytest.raises(ValueError, match="expected at least 1"):
        conditional_mean(MODEL, ROWS[:3], location, draws)
