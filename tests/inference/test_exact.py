"""Exact inference: SciPy's densities, the identity at the centre, means over added noise, sampling's agreement."""

import numpy as np
import pytest
from scipy import stats

from isthmus.inference import exact, sample_importance_weights
from isthmus.inference.exact import conditional_values, infer_exactly, sample_conditional_values
from isthmus.models import LinearGaussian, Observation, canonical_form, linear_posterior

GENERATOR = np.random.default_rng(3)
MODEL = canonical_form(
    LinearGaussian(GENERATOR.normal(size=6), GENERATOR.normal(size=(6, 3)), GENERATOR.uniform(0.2, 2, 6))
)
SIGMA = MODEL.loadings @ MODEL.loadings.T + np.diag(MODEL.noise_variance)
ROWS = GENERATOR.multivariate_normal(MODEL.mean, SIGMA, size=60)
SHOWN = GENERATOR.random(ROWS.shape) > 0.4
SHOWN[0] = False
HOLED = Observation(np.where(SHOWN, ROWS, np.nan), SHOWN)
CASES = {"whole": ROWS, "all shown": Observation(ROWS, np.ones(ROWS.shape, bool)), "holes": HOLED}
ADDED = GENERATOR.uniform(0.0, 0.5, size=6)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("added", [None, ADDED], ids=["rows", "with added variance"])
def test_evidence_is_distortion_and_rate(name, added):
    found = infer_exactly(MODEL, CASES[name], added_variance=added, by_column=True)
    np.testing.assert_allclose(found.log_evidence, found.log_likelihood - found.rate, rtol=1e-11, atol=1e-11)
    np.testing.assert_allclose(found.column_log_likelihood.sum(1), found.log_likelihood, rtol=1e-11, atol=1e-11)
    if name == "whole":
        np.testing.assert_allclose(found.kl_terms.sum(1), found.rate, rtol=1e-11)


def test_evidence_is_scipy_s():
    expected = stats.multivariate_normal(MODEL.mean, SIGMA).logpdf(ROWS)
    for name in ("whole", "all shown"):
        np.testing.assert_allclose(infer_exactly(MODEL, CASES[name]).log_evidence, expected, rtol=1e-11)
    holed = infer_exactly(MODEL, HOLED)
    assert holed.log_evidence[0] == holed.rate[0] == 0.0
    for row, shown, found in zip(ROWS[1:], SHOWN[1:], holed.log_evidence[1:], strict=True):
        if shown.any():
            joint = stats.multivariate_normal(MODEL.mean[shown], SIGMA[np.ix_(shown, shown)])
            np.testing.assert_allclose(found, joint.logpdf(row[shown]), rtol=1e-10)


@pytest.mark.parametrize("name", CASES)
def test_added_variance_is_the_mean_over_that_noise(name):
    # Of signs +-1 times the deviation there are 64 rows; a quadratic has its exact mean over them.
    signs = np.array(np.meshgrid(*[[-1.0, 1.0]] * 6)).reshape(6, -1).T * np.sqrt(ADDED)
    for index in range(4):
        rows = np.where(SHOWN[index], ROWS[index] + signs, np.nan) if name == "holes" else ROWS[index] + signs
        shown = np.broadcast_to(SHOWN[index] if name == "holes" else True, rows.shape)
        many = infer_exactly(MODEL, rows if name == "whole" else Observation(rows, shown), by_column=True)
        first = slice(index, index + 1)
        single = Observation(rows[:1] - signs[:1], shown[:1]) if name != "whole" else ROWS[first]
        one = infer_exactly(MODEL, single, added_variance=ADDED, by_column=True)
        for quantity in ("log_evidence", "log_likelihood", "rate", "column_log_likelihood"):
            expected = getattr(many, quantity).mean(0)
            np.testing.assert_allclose(getattr(one, quantity)[0], expected, rtol=1e-10, atol=1e-12)
        if name == "whole":
            np.testing.assert_allclose(one.kl_terms[0], many.kl_terms.mean(0), rtol=1e-10)


@pytest.mark.parametrize("name", CASES)
def test_rows_in_chunks_are_rows_at_once(name, monkeypatch):
    whole = infer_exactly(MODEL, CASES[name], by_column=True)
    filled, drawn = conditional_values(MODEL, CASES[name]), sample_conditional_values(MODEL, CASES[name], 3)
    monkeypatch.setattr(linear_posterior, "CHUNK_NUMBERS", 100)
    parts = infer_exactly(MODEL, CASES[name], by_column=True)
    for quantity in vars(whole):
        if getattr(whole, quantity) is not None:
            np.testing.assert_allclose(getattr(parts, quantity), getattr(whole, quantity), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(conditional_values(MODEL, CASES[name]), filled, rtol=1e-9)
    np.testing.assert_allclose(sample_conditional_values(MODEL, CASES[name], 3), drawn, rtol=1e-9)


def test_dimensions_that_depend_on_one_another_have_no_terms():
    rotation = np.linalg.qr(GENERATOR.normal(size=(3, 3)))[0]
    rotated = LinearGaussian(MODEL.mean, MODEL.loadings @ rotation, MODEL.noise_variance)
    found, canonical = infer_exactly(rotated, ROWS), infer_exactly(MODEL, ROWS)
    assert found.kl_terms is None
    np.testing.assert_allclose(found.rate, canonical.rate, rtol=1e-11)
    assert infer_exactly(MODEL, HOLED).kl_terms is None


def test_sampling_agrees():
    rows, exactly = ROWS.astype(np.float32), infer_exactly(MODEL, ROWS.astype(np.float32))
    sampled = sample_importance_weights(MODEL, rows, 400)
    np.testing.assert_allclose(sampled.log_evidence, exactly.log_evidence, rtol=1e-4)
    error = np.sqrt(sampled.log_likelihood_variance)
    assert (np.abs(sampled.log_likelihood - exactly.log_likelihood) < 4.5 * error).all()
    assert (np.abs(sampled.rate - exactly.rate) < 4.5 * np.sqrt(sampled.rate_variance) + 1e-4).all()


def test_holes_are_filled_with_conditional_moments():
    filled = conditional_values(MODEL, HOLED)
    draws = sample_conditional_values(MODEL, HOLED, 20000, seed=1)
    np.testing.assert_array_equal(filled[SHOWN], ROWS[SHOWN])
    np.testing.assert_array_equal(draws[5][:, SHOWN[5]], np.tile(ROWS[5][SHOWN[5]], (20000, 1)))
    for index in (0, 5, 6):
        shown, hidden = SHOWN[index], ~SHOWN[index]
        slope = SIGMA[np.ix_(hidden, shown)] @ np.linalg.inv(SIGMA[np.ix_(shown, shown)])
        mean = MODEL.mean[hidden] + slope @ (ROWS[index] - MODEL.mean)[shown]
        covariance = SIGMA[np.ix_(hidden, hidden)] - slope @ SIGMA[np.ix_(shown, hidden)]
        np.testing.assert_allclose(filled[index][hidden], mean, rtol=1e-10)
        drawn = draws[index][:, hidden]
        assert (np.abs(drawn.mean(0) - mean) < 4.5 * np.sqrt(covariance.diagonal() / 20000)).all()
        np.testing.assert_allclose(np.cov(drawn.T), covariance, atol=0.15)


def test_rows_without_holes_are_left_as_they_are():
    np.testing.assert_array_equal(conditional_values(MODEL, ROWS), ROWS)
    np.testing.assert_array_equal(exact.sample_conditional_values(MODEL, ROWS, 2)[:, 1], ROWS)
