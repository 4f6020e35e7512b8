"""The distortion of corrupted rows: that of the ledger where nothing was corrupted, and the definition where it was."""

import jax
import numpy as np
import pytest

from cases import LIKELIHOODS
from isthmus.evidence import corrupted_distortion, squared_error
from isthmus.evidence.denoising import DRAWS
from isthmus.evidence.exact_ledger import projection_log_likelihood
from isthmus.inference import infer_exactly, sample_importance_weights
from isthmus.models import LinearGaussian, LinearProjection, Observation

ROWS, COLUMNS, LATENT = 40, 5, 2


def rows_and_corrupted(seed=0):
    generator = np.random.default_rng(seed)
    rows = generator.normal(size=(ROWS, LATENT)) @ generator.normal(size=(LATENT, COLUMNS))
    rows += 0.3 * generator.normal(size=rows.shape)
    return rows, rows + 0.5 * generator.normal(size=rows.shape)


def gaussian(seed=1):
    generator = np.random.default_rng(seed)
    noise = generator.uniform(0.2, 1.0, COLUMNS)
    return LinearGaussian(generator.normal(size=COLUMNS), generator.normal(size=(COLUMNS, LATENT)), noise)


@pytest.mark.parametrize("added", [0.0, 1.0 / 12.0])
@pytest.mark.parametrize("holes", [False, True])
def test_it_is_the_distortion_where_nothing_is_corrupted(added, holes):
    rows, model = rows_and_corrupted()[0], gaussian()
    if holes:
        observed = np.random.default_rng(2).random(rows.shape) < 0.8
        rows = Observation(np.where(observed, rows, 0.0), observed)
    variance = np.full(COLUMNS, added)
    found = corrupted_distortion(model, rows, rows, variance)
    expected = -infer_exactly(model, rows, added_variance=variance).log_likelihood.mean()
    np.testing.assert_allclose(float(found), expected, rtol=1e-10)
    assert found.direction == ("upper" if added else "exact")


def test_of_a_linear_model_it_is_the_mean_over_draws_of_its_definition():
    (rows, corrupted), model = rows_and_corrupted(), gaussian()
    known, generator, draws = infer_exactly(model, corrupted), np.random.default_rng(3), 20_000
    factor = np.linalg.cholesky(known.covariance)
    latent = known.mean[:, None] + generator.standard_normal((ROWS, draws, LATENT)) @ factor.T
    residual = rows[:, None] - model.mean - latent @ model.loadings.T
    cost = 0.5 * (np.log(2 * np.pi * model.noise_variance) + residual**2 / model.noise_variance).sum(2)
    error = np.sqrt((cost.var(1) / draws).sum()) / ROWS
    assert abs(float(corrupted_distortion(model, rows, corrupted)) - cost.mean()) < 4 * error


def test_of_a_projection_it_is_the_distortion_where_nothing_is_corrupted():
    rows, corrupted = rows_and_corrupted()
    axes = np.linalg.qr(np.random.default_rng(4).normal(size=(COLUMNS, LATENT)))[0]
    model = LinearProjection(rows.mean(0), axes, np.ones(LATENT), np.array(0.4))
    added = np.full(COLUMNS, 1.0 / 12.0)
    expected = -projection_log_likelihood(model, rows, added).sum(1).mean()
    np.testing.assert_allclose(float(corrupted_distortion(model, rows, rows, added)), expected, rtol=1e-12)
    assert float(corrupted_distortion(model, rows, corrupted)) > float(corrupted_distortion(model, rows, rows))


@pytest.mark.parametrize("kind", ["bernoulli", "normal, per-feature scale"])
def test_of_a_network_it_is_the_distortion_within_its_error(kind):
    case = LIKELIHOODS[kind]
    model, rows = case.model(), case.standardised_rows
    found = corrupted_distortion(model, rows, rows)
    sampled = sample_importance_weights(model, rows, 4 * DRAWS)
    own_error = np.sqrt(sampled.log_likelihood_variance.sum()) / len(rows)
    assert abs(float(found) + sampled.log_likelihood.mean()) < 5 * np.hypot(found.stderr, own_error)
    shuffled = np.asarray(jax.random.permutation(jax.random.key(0), rows))
    assert np.isfinite(float(corrupted_distortion(model, rows, shuffled)))


def test_the_squared_error_leaves_holes_out():
    rows = np.array([[1.0, np.nan], [0.0, 2.0]])
    assert float(squared_error(rows, np.array([[2.0, 7.0], [0.0, 0.0]]))) == 2.5
