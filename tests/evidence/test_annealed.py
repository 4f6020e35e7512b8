"""Annealing both ways: unbiased whatever the step sizes, in order, and honest where chains fail."""

import warnings

import numpy as np
import pytest

from graphical_models import KNOWN
from isthmus.evidence.annealed import (
    Schedule,
    annealed_importance_sampling,
    bidirectional_monte_carlo,
    simulate,
)
from isthmus.evidence.bounds import elbo, importance_weighted_bound
from isthmus.inference import PosteriorWarning
from linear_gaussian_model import random_model, simulated_rows, with_posterior
from oracles import linear_gaussian

ROWS, CHAINS, TEMPERATURES = 8, 512, 7
MODEL = with_posterior(random_model(3), 1.3)
X = simulated_rows(MODEL, ROWS)
BAD = Schedule(np.linspace(0, 1, TEMPERATURES + 1) ** 2, np.array([1.0, 0.05, 3.0, 0.1, 2.5, 0.7, 1e-3, 1.0]))
STUCK = Schedule(BAD.betas, np.full(TEMPERATURES + 1, 1e3))
SETTINGS = {"temperatures": TEMPERATURES, "chains": CHAINS}


def parameters(model):
    return np.asarray(model.W, np.float64), np.asarray(model.m, np.float64), model.sigma


def exact(model, rows):
    return linear_gaussian.log_evidence(rows.astype(np.float64), *parameters(model))


def exact_draws(model, rows, chains, seed=0):
    mean, covariance = linear_gaussian.posterior(rows.astype(np.float64), *parameters(model))
    noise = np.random.default_rng(seed).normal(size=(len(rows), chains, mean.shape[1]))
    return mean[:, None] + noise @ np.linalg.cholesky(covariance).T


def assert_mean_is_one(ratios):
    """Within four standard errors, over chains of all rows; seeds are those of the calls."""
    assert abs(ratios.mean() - 1.0) < 4.0 * ratios.std() / np.sqrt(ratios.size)
    # Not so wide that anything would pass.
    assert ratios.std() / np.sqrt(ratios.size) < 0.1


@pytest.mark.parametrize("start", ["posterior", "prior"])
def test_weights_are_unbiased_whatever_the_step_sizes(start):
    found = annealed_importance_sampling(MODEL, X, schedule=BAD, chains=CHAINS, start=start)
    assert_mean_is_one(np.exp(found.log_weights - exact(MODEL, X)[:, None]))


def test_inverse_weights_are_unbiased_backwards():
    draws = exact_draws(MODEL, X, CHAINS)
    found = bidirectional_monte_carlo(MODEL, X, draws, schedule=BAD, chains=CHAINS)
    inverse = np.exp(exact(MODEL, X) - found.log_evidence_upper)
    error = inverse * np.sqrt(found.log_evidence_upper_variance)
    assert (np.abs(inverse - 1.0) < 4.0 * error).all()
    assert error.max() < 0.2


def test_a_row_follows_from_its_content_the_schedule_and_the_seed():
    def log_evidence(rows, seed=0):
        return annealed_importance_sampling(MODEL, rows, schedule=BAD, chains=CHAINS, seed=seed).log_evidence

    first = log_evidence(X)
    np.testing.assert_array_equal(log_evidence(X[::-1])[::-1], first)
    np.testing.assert_array_equal(log_evidence(X[:7]), first[:7])
    assert (log_evidence(X, seed=1) != first).all()


def test_a_tuned_schedule_is_frozen_and_tighter_than_a_bad_one():
    tuned = annealed_importance_sampling(MODEL, X, **SETTINGS)
    again = annealed_importance_sampling(MODEL, X, schedule=tuned.schedule, chains=CHAINS)
    np.testing.assert_array_equal(again.log_evidence, tuned.log_evidence)
    assert tuned.schedule.temperatures == TEMPERATURES
    assert 0.5 < tuned.acceptance.mean() < 0.85
    bad = annealed_importance_sampling(MODEL, X, schedule=BAD, chains=CHAINS)
    assert tuned.log_weights.var(1).mean() < 0.7 * bad.log_weights.var(1).mean()


def test_chains_that_stand_still_are_not_quoted():
    with pytest.warns(PosteriorWarning, match="8 of 8 rows stood still"):
        found = annealed_importance_sampling(MODEL, X, schedule=STUCK, chains=CHAINS)
    assert not found.sound.any()
    assert np.isnan(found.log_evidence).all()
    assert np.isnan(float(found.estimate))


def test_bounds_are_in_order_and_meet():
    model = with_posterior(random_model(5, columns=20, latent=10), 1.3)
    made = simulate(model, 32, seed=1)
    draws = exact_draws(model, made.rows, chains=4)
    found = bidirectional_monte_carlo(model, made.rows, draws, temperatures=100)
    truth = exact(model, made.rows)
    below = elbo(model, made.rows), importance_weighted_bound(model, made.rows, k=10)
    tight, lower, upper = importance_weighted_bound(model, made.rows, k=20), found.lower, found.upper
    assert float(below[0]) < float(below[1]) < float(tight) < truth.mean()
    assert lower.direction == "lower"
    assert upper.direction == "upper"
    assert float(lower) - 3.0 * lower.stderr < truth.mean() < float(upper) + 3.0 * upper.stderr
    assert abs(float(lower) - truth.mean()) < 0.1
    assert abs(float(upper) - truth.mean()) < 0.1


def test_a_draw_that_chains_share_leaves_their_error_unknown():
    made = simulate(MODEL, ROWS, seed=2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = bidirectional_monte_carlo(MODEL, made.rows, made.latents, schedule=BAD, chains=CHAINS)
    assert np.isfinite(found.log_evidence_upper).all()
    assert found.upper.stderr is None


def test_a_numpyro_model_is_annealed_from_its_prior():
    known = KNOWN[0]
    schedule = Schedule(np.linspace(0, 1, 101) ** 3, np.geomspace(1.0, 0.1, 101))
    found = annealed_importance_sampling(known.model, known.data, schedule=schedule, chains=64)
    assert found.start == "prior"
    assert np.ndim(found.log_evidence) == 0
    assert abs(found.log_evidence - known.log_evidence[0]) < 4.0 * np.sqrt(found.log_evidence_variance)
    assert found.log_evidence_variance < 0.1


def test_respacing_gives_intervals_of_equal_length():
    betas = np.linspace(0, 1, 1001)
    schedule = Schedule(betas, np.ones(1001)).respaced(1.0 / (betas + 0.01) ** 2)
    # The integral of 1 / (beta + 0.01) is a logarithm; a tenth of the temperatures is spread evenly.
    lengths = 0.9 * np.diff(np.log(schedule.betas + 0.01)) / np.log(101) + 0.1 * np.diff(schedule.betas)
    np.testing.assert_allclose(lengths, 1 / 1000, rtol=0.05)
    coarse = schedule.with_temperatures(10)
    assert coarse.betas[0] == 0
    assert coarse.betas[-1] == 1
    assert coarse.temperatures == 10
    np.testing.assert_allclose(coarse.betas, schedule.betas[::100])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: annealed_importance_sampling(MODEL, X, temperatures=0), ValueError, "temperatures is 0; expected"),
        (lambda: annealed_importance_sampling(MODEL, X, start="encoder"), ValueError, "'posterior' or 'prior'"),
        (
            lambda: annealed_importance_sampling(KNOWN[1].model, KNOWN[1].data, start="posterior"),
            ValueError,
            "brings no q",
        ),
        (lambda: simulate(KNOWN[1].model, 3), TypeError, "expected a three-method model"),
    ],
    ids=["temperatures", "start", "no q", "simulate"],
)
def test_what_cannot_be_annealed_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()
