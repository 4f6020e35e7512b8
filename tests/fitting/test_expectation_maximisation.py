"""Maximum likelihood of linear models: closed forms, scikit-learn's scores, steps that never fall."""

import numpy as np
import pytest
from sklearn.decomposition import PCA, FactorAnalysis

from isthmus.fitting.expectation_maximisation import expectation_maximisation
from isthmus.fitting.factor_analysis import factor_analysis, probabilistic_components
from isthmus.fitting.moments import moments_of
from isthmus.fitting.principal_components import principal_components
from isthmus.inference.exact import infer_exactly
from isthmus.models import Observation

GENERATOR = np.random.default_rng(1)
NOISE = np.exp(0.4 * GENERATOR.normal(size=8))
ROWS = GENERATOR.normal(size=(300, 2)) @ GENERATOR.normal(size=(2, 8)) + NOISE * GENERATOR.normal(size=(300, 8)) + 4.0
SHOWN = GENERATOR.random((300, 8)) > 0.3
SHOWN[:3] = False
ALL = np.ones(ROWS.shape, bool)
KINDS = ["isotropic", "per_column"]


def mean_evidence(model, rows):
    return infer_exactly(model, rows).log_evidence.mean()


@pytest.mark.parametrize("k", [1, 3, 7])
def test_probabilistic_components_score_as_scikit_learns(k):
    model = probabilistic_components(principal_components(ROWS, k, ddof=1))
    np.testing.assert_allclose(mean_evidence(model, ROWS), PCA(k).fit(ROWS).score(ROWS), rtol=1e-9)


def test_rows_in_a_plane_are_refused():
    plane = ROWS[:, :2] @ np.ones((2, 8))
    with pytest.raises(ValueError, match="no maximum"):
        probabilistic_components(principal_components(plane, 3))


@pytest.mark.parametrize("k", [1, 2])
def test_factor_analysis_scores_as_scikit_learns(k):
    theirs = FactorAnalysis(k, tol=1e-7, max_iter=3000, svd_method="lapack").fit(ROWS).score(ROWS)
    ours = factor_analysis(moments_of(ROWS), k, tolerance=1e-9, max_iterations=5000)
    assert ours.converged
    assert (np.diff(ours.log_likelihoods) > -1e-10).all()
    np.testing.assert_allclose(ours.log_likelihoods[-1], mean_evidence(ours.model, ROWS), rtol=1e-10)
    np.testing.assert_allclose(ours.log_likelihoods[-1], theirs, rtol=1e-6)


def test_noise_keeps_to_its_floor_for_constant_and_copied_columns():
    rows = np.concatenate([ROWS, ROWS[:, :1], np.full((300, 1), 7.0)], axis=1)
    fitted = factor_analysis(moments_of(rows), 3)
    variance = rows.var(0)
    assert np.isfinite(fitted.log_likelihoods).all()
    assert (fitted.model.noise_variance[:-1] >= 0.99e-6 * variance[:-1]).all()
    np.testing.assert_allclose(fitted.model.noise_variance[-1], 1e-6 * variance.mean())


@pytest.mark.parametrize("noise", KINDS)
def test_without_holes_the_steps_lead_to_the_closed_form(noise):
    fitted = expectation_maximisation(ROWS, ALL, 2, noise, tolerance=1e-13, max_iterations=5000)
    if noise == "isotropic":
        expected = mean_evidence(probabilistic_components(principal_components(ROWS, 2)), ROWS)
    else:
        expected = factor_analysis(moments_of(ROWS), 2, tolerance=1e-13, max_iterations=5000).log_likelihoods[-1]
    np.testing.assert_allclose(fitted.log_likelihoods[-1], expected, rtol=1e-8)
    np.testing.assert_allclose(fitted.model.mean, ROWS.mean(0), rtol=1e-6)


@pytest.mark.parametrize("noise", KINDS)
def test_with_holes_no_step_falls_and_the_path_is_the_evidence(noise):
    fitted = expectation_maximisation(ROWS, SHOWN, 2, noise, tolerance=1e-9)
    assert fitted.converged
    assert (np.diff(fitted.log_likelihoods) > -1e-11).all()
    evidence = mean_evidence(fitted.model, Observation(ROWS[3:], SHOWN[3:]))
    np.testing.assert_allclose(fitted.log_likelihoods[-1], evidence, rtol=1e-10)


@pytest.mark.parametrize("noise", KINDS)
def test_with_holes_the_end_is_a_maximum(noise):
    fitted = expectation_maximisation(ROWS, SHOWN, 2, noise, tolerance=1e-13, max_iterations=5000)
    best, rows = fitted.log_likelihoods[-1], Observation(ROWS[3:], SHOWN[3:])
    for seed in range(5):
        generator = np.random.default_rng(seed)
        factor = np.exp(0.01 * generator.normal(size=1 if noise == "isotropic" else 8))
        moved = type(fitted.model)(
            fitted.model.mean + 0.01 * generator.normal(size=8),
            fitted.model.loadings + 0.01 * generator.normal(size=(8, 2)),
            fitted.model.noise_variance * factor,
        )
        assert mean_evidence(moved, rows) < best


@pytest.mark.parametrize("noise", KINDS)
def test_whole_weights_are_repeated_rows_and_empty_rows_are_none(noise):
    weights = GENERATOR.integers(0, 3, size=300)
    weighted = expectation_maximisation(ROWS, SHOWN, 2, noise, weights, max_iterations=8)
    several, shown = np.repeat(ROWS, weights, axis=0), np.repeat(SHOWN, weights, axis=0)
    repeated = expectation_maximisation(several[shown.any(1)], shown[shown.any(1)], 2, noise, max_iterations=8)
    np.testing.assert_allclose(weighted.log_likelihoods, repeated.log_likelihoods, rtol=1e-8)
    np.testing.assert_allclose(weighted.model.loadings, repeated.model.loadings, atol=1e-8)


def test_an_offset_and_what_stands_in_holes_change_nothing():
    rows = np.round(ROWS * 1024) / 1024
    near = expectation_maximisation(np.where(SHOWN, rows, np.nan), SHOWN, 2, "per_column", max_iterations=20)
    far = expectation_maximisation(rows + 1e6, SHOWN, 2, "per_column", max_iterations=20)
    np.testing.assert_allclose(far.model.loadings, near.model.loadings, atol=1e-7)
    np.testing.assert_allclose(far.log_likelihoods, near.log_likelihoods, rtol=1e-8)


def test_equal_seeds_give_equal_fits():
    first, again = (expectation_maximisation(ROWS, SHOWN, 2, seed=3, max_iterations=5) for _ in range(2))
    np.testing.assert_array_equal(first.model.loadings, again.model.loadings)


def test_a_column_that_no_row_shows_is_refused():
    shown = SHOWN.copy()
    shown[:, 4] = False
    with pytest.raises(ValueError, match="column 4"):
        expectation_maximisation(ROWS, shown, 2)
