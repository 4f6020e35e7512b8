"""Streamed importance sampling: a row's score is its own, draws add up, infinities stay infinities."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cases import LIKELIHOODS
from isthmus.inference import sample_importance_weights
from isthmus.inference.importance import _content_hash, _LogMean, _Moments
from linear_gaussian_model import random_model, simulated_rows

MODEL = random_model(3)
ROWS = simulated_rows(MODEL, 1300)


def test_a_score_depends_neither_on_neighbours_nor_on_the_call():
    whole = sample_importance_weights(MODEL, ROWS, 20).log_evidence
    for index in ([5], [5, 1200, 7], list(range(1299, -1, -1))):
        np.testing.assert_array_equal(sample_importance_weights(MODEL, ROWS[index], 20).log_evidence, whole[index])


DISTINCT = {
    "normals": lambda generator: generator.normal(size=(3000, 5)),
    "zeros and ones": lambda generator: generator.integers(0, 2, size=(3000, 40)),
    "sixteenths": lambda generator: generator.integers(0, 17, size=(3000, 8)),
    "bytes": lambda generator: generator.integers(0, 256, size=(3000, 3)),
    "one lit pixel": lambda generator: np.eye(784),
}


@pytest.mark.parametrize("name", DISTINCT)
def test_distinct_rows_have_distinct_noise(name):
    rows = np.unique(DISTINCT[name](np.random.default_rng(0)), axis=0).astype(np.float32)
    hashes = np.asarray(jax.vmap(_content_hash)(jnp.asarray(rows)))
    # Of n rows about n^2 / 2^33 share their 32 bits by chance: a thousandth of a pair here.
    assert len(np.unique(hashes)) == len(rows)


def test_the_sign_of_zero_makes_no_other_row():
    assert _content_hash(jnp.asarray([0.0, 1.0])) == _content_hash(jnp.asarray([-0.0, 1.0]))


@pytest.mark.parametrize("draws", [1, 3, 64, 65, 200])
def test_any_number_of_draws_is_used_in_full(draws):
    sampled = sample_importance_weights(MODEL, ROWS[:10], draws)
    assert sampled.draws == draws
    assert np.isfinite(sampled.log_evidence).all()
    assert np.isnan(sampled.log_evidence_variance).all() == (draws == 1)


def test_moments_and_log_means_over_chunks_are_those_of_the_whole():
    values = np.random.default_rng(0).normal(1000.0, 3.0, size=(4, 90))
    moments, log_mean = _Moments(), _LogMean()
    for chunk in np.split(values, [1, 30, 31], axis=1):
        moments.add(chunk)
        log_mean.add(chunk)
    np.testing.assert_allclose(moments.mean, values.mean(1))
    np.testing.assert_allclose(moments.variance_of_mean, values.var(1, ddof=1) / 90)
    weights = np.exp(values - 1000)
    np.testing.assert_allclose(log_mean.log_mean, 1000 + np.log(weights.mean(1)))
    np.testing.assert_allclose(log_mean.variance, weights.var(1, ddof=1) / 90 / weights.mean(1) ** 2, rtol=1e-6)


def test_the_standard_error_is_that_of_repeated_runs():
    repeats = [sample_importance_weights(MODEL, ROWS[:50], 400, seed=seed) for seed in range(30)]
    spread = np.var([run.elbo for run in repeats], axis=0, ddof=1)
    stated = np.mean([run.elbo_variance for run in repeats], axis=0)
    assert abs(spread.mean() / stated.mean() - 1) < 0.15


def test_an_impossible_row_scores_minus_infinity_and_spoils_no_other():
    case = LIKELIHOODS["binomial"]
    rows = case.standardised_rows[:4].copy()
    rows[2, 0] = 17.0
    sampled = sample_importance_weights(case.model(), rows, 100)
    assert sampled.log_evidence[2] == sampled.elbo[2] == -np.inf
    assert np.isfinite(np.delete(sampled.log_evidence, 2)).all()


def test_no_draws_are_refused():
    with pytest.raises(ValueError, match="at least 1"):
        sample_importance_weights(MODEL, ROWS, 0)
