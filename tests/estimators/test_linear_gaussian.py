"""Probabilistic PCA and factor analysis: exact likelihood, posterior and ledger, with holes and without."""

import pickle

import numpy as np
import pytest
from scipy.stats import multivariate_normal
from sklearn.datasets import load_digits, load_wine
from sklearn.decomposition import PCA
from sklearn.decomposition import FactorAnalysis as TheirFactorAnalysis

import isthmus
from isthmus import FactorAnalysis, ProbabilisticPCA
from isthmus.data import read_table

WINE = load_wine().data
STANDARD = (WINE - WINE.mean(0)) / WINE.std(0)
HOLED = np.where(np.random.default_rng(0).random(STANDARD.shape) < 0.2, np.nan, STANDARD)
ESTIMATORS = {
    "probabilistic PCA": ProbabilisticPCA(3),
    "by EM": ProbabilisticPCA(3, solver="em"),
    "factor analysis": FactorAnalysis(3),
    "whole numbers": FactorAnalysis(3, dequantise=True),
}


def fitted(name, rows):
    return isthmus.estimators.ESTIMATORS[type(ESTIMATORS[name]).__name__](**ESTIMATORS[name].get_params()).fit(rows)


@pytest.mark.parametrize("name", ESTIMATORS)
@pytest.mark.parametrize("holes", [False, True])
def test_log_likelihood_is_that_of_the_normal_that_the_model_is(name, holes):
    rows = HOLED if holes else STANDARD
    model = fitted(name, rows)
    covariance = model.model_.loadings @ model.model_.loadings.T + np.diag(model.model_.noise_variance)
    scores = model.score_samples(rows)
    for row, score in zip(rows[:20], scores, strict=False):
        seen = ~np.isnan(row)
        exact = multivariate_normal(model.mean_[seen], covariance[np.ix_(seen, seen)]).logpdf(row[seen])
        assert score == pytest.approx(exact, rel=1e-9)


@pytest.mark.parametrize("name", ESTIMATORS)
@pytest.mark.parametrize("holes", [False, True])
def test_the_ledger_is_exact_and_its_gap_is_nothing(name, holes):
    rows = HOLED if holes else STANDARD
    ledger = fitted(name, rows).ledger(rows)
    assert ledger["log_likelihood_exact"].direction == "exact"
    assert ledger["elbo"].value == pytest.approx(ledger["log_likelihood_exact"].value, rel=1e-10)
    assert ledger["elbo"].value == -(ledger["distortion"].value + ledger["rate"].value)
    assert ledger["inference_gap"].value == 0
    assert sum(ledger["distortion_per_column"].value) == pytest.approx(ledger["distortion"].value)
    assert ledger.gain.value > 1  # nats above independent columns
    assert 0 < ledger["mutual_information"].value < ledger["mutual_information_upper"].value <= ledger["rate"].value
    assert (ledger["rate_per_dimension"] is None) == holes
    assert (ledger["squared_error"] is None) == holes
    if not holes:
        assert sum(ledger["rate_per_dimension"].value) == pytest.approx(ledger["rate"].value)


def test_scores_are_those_of_scikit_learn():
    for size in (1, 4):
        ours, theirs = ProbabilisticPCA(size, ddof=1).fit(WINE), PCA(size).fit(WINE)
        assert ours.score(WINE) == pytest.approx(theirs.score(WINE), rel=1e-6)
        assert ours.noise_variance_ == pytest.approx(theirs.noise_variance_)
        np.testing.assert_allclose(np.abs(ours.components_), np.abs(theirs.components_), atol=1e-8)
    theirs = TheirFactorAnalysis(3, tol=1e-10, max_iter=5000, svd_method="lapack").fit(STANDARD)
    ours = FactorAnalysis(3, tolerance=1e-12, max_iterations=5000).fit(STANDARD)
    assert ours.score(STANDARD) == pytest.approx(theirs.score(STANDARD), rel=1e-6)
    assert ours.converged_


def test_em_reaches_the_closed_form():
    closed, stepped = ProbabilisticPCA(3).fit(STANDARD), ProbabilisticPCA(3, solver="em", tolerance=1e-10).fit(STANDARD)
    assert stepped.score(STANDARD) == pytest.approx(closed.score(STANDARD), abs=1e-6)
    assert stepped.n_iter_ == len(stepped.history_) > 1
    losses = np.array([look.loss for look in stepped.history_])
    assert (np.diff(losses) <= 1e-12).all()
    assert closed.history_[-1].loss == pytest.approx(-closed.score(STANDARD))


@pytest.mark.parametrize("name", ["probabilistic PCA", "factor analysis"])
def test_a_weight_of_two_is_the_row_twice(name):
    weights = np.random.default_rng(1).integers(0, 3, len(STANDARD))
    for rows in (STANDARD, HOLED):
        weighted, repeated = ESTIMATORS[name], fitted(name, np.repeat(rows, weights, axis=0))
        weighted = type(weighted)(3).fit(rows, sample_weight=weights)
        np.testing.assert_allclose(weighted.score(STANDARD), repeated.score(STANDARD), atol=1e-6)


@pytest.mark.parametrize("name", ["probabilistic PCA", "factor analysis"])
def test_holes_are_filled_by_what_the_rest_says(name):
    model = fitted(name, HOLED)
    filled, hole = model.impute(HOLED), np.isnan(HOLED)
    np.testing.assert_array_equal(filled[~hole], STANDARD[~hole])
    assert ((filled - STANDARD)[hole] ** 2).mean() < 0.8 * (STANDARD[hole] ** 2).mean()
    versions = model.impute(HOLED, n=200)
    means, spreads = np.mean(versions, axis=0), np.std(versions, axis=0)
    assert (np.abs(means - filled)[hole] < 5 * spreads[hole] / np.sqrt(200)).all()
    with pytest.raises(ValueError, match="expected at least one version"):
        model.impute(HOLED, n=0)


def test_the_reference_measure_of_whole_numbers_is_counting():
    digits = load_digits().data
    for model in (ProbabilisticPCA(10, dequantise=True), FactorAnalysis(10, dequantise=True)):
        ledger = model.fit(digits[:1400]).ledger(digits[1400:])
        assert ledger.measure == "counting"
        assert ledger["log_likelihood_lower"].direction == "lower"
        assert ledger["log_likelihood_exact"] is None
        assert ledger["log_likelihood_lower"].value < 0
        assert 3 < ledger.bits_per_dimension().value < 4.1  # as a code: log2(17) is 4.09


def test_dequantised_bounds_are_the_mean_over_the_noise():
    rows = np.random.default_rng(0).poisson(5.0, (300, 4)) @ np.array(
        [[1, 1, 0, 0], [0, 1, 1, 0], [0, 0, 1, 1], [1, 0, 0, 1]]
    )
    model = ProbabilisticPCA(2, dequantise=True).fit(rows)
    plain = ProbabilisticPCA(2).fit(rows.astype(float))
    covariance = model.model_.loadings @ model.model_.loadings.T + np.diag(model.model_.noise_variance)
    np.testing.assert_allclose(
        covariance - np.eye(4) / 12, plain.model_.loadings @ plain.model_.loadings.T + plain.noise_variance_ * np.eye(4)
    )
    noise = np.random.default_rng(1).uniform(-0.5, 0.5, (4000, 4))
    density = multivariate_normal(model.mean_, covariance)
    drawn = density.logpdf(rows[3] + noise)
    assert abs(model.score_samples(rows[3:4])[0] - drawn.mean()) < 4 * drawn.std() / np.sqrt(4000)


@pytest.mark.parametrize("name", ESTIMATORS)
def test_saved_loaded_and_pickled_it_scores_the_same_to_the_bit(name, tmp_path):
    model = fitted(name, HOLED)
    model.save(tmp_path / "run")
    for other in (isthmus.load(tmp_path / "run"), pickle.loads(pickle.dumps(model))):
        for rows in (HOLED, STANDARD):
            np.testing.assert_array_equal(other.score_samples(rows), model.score_samples(rows))
        np.testing.assert_array_equal(other.sample(5), model.sample(5))
        assert other.ledger(HOLED).to_dict() == model.ledger(HOLED).to_dict()


def test_samples_have_the_moments_of_the_model():
    model = ProbabilisticPCA(3).fit(STANDARD)
    drawn = model.sample(20_000, random_state=3)
    covariance = model.model_.loadings @ model.model_.loadings.T + model.noise_variance_ * np.eye(13)
    np.testing.assert_allclose(np.cov(drawn.T), covariance, atol=0.06)
    with pytest.raises(ValueError, match="expected at least one row"):
        model.sample(0)


WRONG = {
    "no column left for noise": (ProbabilisticPCA(13), STANDARD, "latent size 13 is above 12"),
    "rows in a plane": (ProbabilisticPCA(4), STANDARD @ np.diag([1.0] * 3 + [0.0] * 10), "lie in a plane"),
    "closed form with holes": (ProbabilisticPCA(3, solver="closed_form"), HOLED, "pass solver='em' or 'auto'"),
    "one column": (FactorAnalysis(), STANDARD[:, :1], r"1 feature\(s\), and FactorAnalysis needs at least 2"),
    "an empty column": (FactorAnalysis(2), np.where([True] + [False] * 12, np.nan, STANDARD), "'x0' holds no value"),
    "infinity": (FactorAnalysis(2), np.where(STANDARD.max() == STANDARD, np.inf, STANDARD), "contains infinity"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_input_is_refused_with_one_clear_error(case):
    estimator, rows, message = WRONG[case]
    with pytest.raises(ValueError, match=message):
        estimator.fit(rows)


def test_tables_of_numbers_are_taken_and_words_are_refused_by_name(tmp_path):
    (tmp_path / "t.csv").write_text(
        "a,b,c\n" + "\n".join(f"{i},{i % 7}.5,{'' if i % 5 == 0 else i * i}" for i in range(40))
    )
    table = read_table(str(tmp_path / "t.csv"))
    model = FactorAnalysis(1).fit(table)
    assert model.column_names_ == ("a", "b", "c")
    assert np.isfinite(model.score_samples(table)).all()
    (tmp_path / "w.csv").write_text("a,b\n" + "\n".join(f"{i},{'xy'[i % 2]}" for i in range(40)))
    with pytest.raises(ValueError, match=r"column 'b' .* holds words; a linear model takes numbers"):
        FactorAnalysis(1).fit(read_table(str(tmp_path / "w.csv")))


@pytest.mark.parametrize("calibrated", ["with holes", "whole"])
def test_p_values_compare_rows_under_one_mask_whichever_side_has_holes(calibrated):
    generator = np.random.default_rng(0)
    loadings = generator.normal(size=(2, 6))

    def drawn(count):
        return generator.normal(size=(count, 2)) @ loadings + 0.5 * generator.normal(size=(count, 6))

    def holed(rows):
        return np.where(generator.random(rows.shape) < 0.1, np.nan, rows)

    model = FactorAnalysis(2).fit(drawn(400))
    aside, new = drawn(600), drawn(600)
    aside, new = (holed(aside), new) if calibrated == "with holes" else (aside, holed(new))
    p_values = model.calibrate(aside).anomaly_pvalue(new)
    share = (p_values <= 0.1).mean()
    assert abs(share - 0.1) < 5 * np.sqrt(0.09 / 600 * 2)
    counts = model.calibration_counts(new)
    if calibrated == "with holes":
        assert (counts == (~np.isnan(aside)).all(1).sum()).all()
    else:
        assert (counts == 600).all()


def test_a_row_may_have_a_hole_where_every_row_of_the_call_has_one():
    model = FactorAnalysis(2).fit(HOLED)
    row = STANDARD[:1].copy()
    row[0, 0] = np.nan
    both = np.vstack([row, STANDARD[5:6]])
    assert model.score_samples(row)[0] == pytest.approx(model.score_samples(both)[0], rel=1e-12)
    assert np.isfinite(model.impute(row)).all()


@pytest.mark.parametrize("make", [ProbabilisticPCA, FactorAnalysis])
def test_a_constant_column_is_no_structure(make):
    rows = np.random.default_rng(0).normal(size=(400, 4))
    plain, constant = rows, np.column_stack([rows, np.full(400, 0.1)])
    gains = [make(1).fit(of).ledger(of).gain.value for of in (plain, constant)]
    assert gains[1] == pytest.approx(gains[0], abs=0.1)


def test_axes_are_orthonormal_where_some_columns_are_whole():
    rows = np.column_stack([STANDARD[:, :3], np.round(3 * STANDARD[:, 3:5])])
    model = ProbabilisticPCA(2, dequantise=True).fit(rows)
    np.testing.assert_allclose(model.components_ @ model.components_.T, np.eye(2), atol=1e-12)
    assert model.ledger(rows).gain.direction == "estimate"


def test_the_model_of_rows_with_holes_takes_them_before_and_after_it_is_saved(tmp_path):
    model = FactorAnalysis(2).fit(HOLED)
    model.save(tmp_path)
    row = isthmus.models.Observation(np.nan_to_num(HOLED[0]), ~np.isnan(HOLED[0]))
    latent = np.zeros(2)
    joint = model.model_.log_joint(row, latent)
    assert np.isfinite(joint)
    assert isthmus.load(tmp_path).model_.log_joint(row, latent) == joint
