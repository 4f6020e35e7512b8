"""LinearAutoencoder is PCA: by every solver, with weights, batch by batch, and beside scikit-learn's."""

import pickle

import numpy as np
import pandas as pd
import pytest
from scipy.linalg import subspace_angles
from sklearn.base import clone
from sklearn.datasets import load_digits, load_wine
from sklearn.decomposition import PCA
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import isthmus
from isthmus import LinearAutoencoder
from isthmus.storage import ModelFileError, read_model_file, write_model_file

WINE = load_wine().data
STANDARD = (WINE - WINE.mean(0)) / WINE.std(0)
DIGITS = load_digits().data
SOLVERS = ("full", "randomised", "incremental", "gradient")


@pytest.mark.parametrize("solver", SOLVERS)
def test_every_solver_finds_what_scikit_learn_finds(solver):
    ours, theirs = LinearAutoencoder(3, solver=solver).fit(STANDARD), PCA(3).fit(STANDARD)
    tolerance = 1e-5 if solver == "gradient" else 1e-7
    assert subspace_angles(ours.components_.T, theirs.components_.T).max() < tolerance
    np.testing.assert_allclose(np.abs(ours.components_), np.abs(theirs.components_), atol=tolerance)
    for name in ("explained_variance_", "explained_variance_ratio_", "singular_values_", "mean_", "noise_variance_"):
        np.testing.assert_allclose(getattr(ours, name), getattr(theirs, name), rtol=1e-6, atol=1e-12)
    np.testing.assert_allclose(
        ours.reconstruct(STANDARD), theirs.inverse_transform(theirs.transform(STANDARD)), atol=1e-4
    )
    assert ours.n_samples_ == 178


def test_whitened_latents_have_unit_variance_and_the_same_reconstructions():
    plain, white = LinearAutoencoder(3).fit(WINE), LinearAutoencoder(3, whiten=True).fit(WINE)
    np.testing.assert_allclose(white.transform(WINE).std(0, ddof=1), 1.0)
    np.testing.assert_allclose(white.reconstruct(WINE), plain.reconstruct(WINE))
    np.testing.assert_allclose(white.score_samples(WINE), plain.score_samples(WINE))


def test_no_linear_map_of_the_same_size_has_less_squared_error():
    model, generator = LinearAutoencoder(4).fit(STANDARD), np.random.default_rng(0)
    least = ((STANDARD - model.reconstruct(STANDARD)) ** 2).sum()
    for _ in range(20):
        axes = np.linalg.qr(model.components_.T + 0.05 * generator.standard_normal((13, 4)))[0]
        assert ((STANDARD - STANDARD @ axes @ axes.T) ** 2).sum() > least


@pytest.mark.parametrize("solver", ["full", "randomised", "gradient"])
def test_a_weight_of_two_is_the_row_twice(solver):
    weights = np.random.default_rng(0).integers(0, 3, len(STANDARD))
    weighted = LinearAutoencoder(3, solver=solver).fit(STANDARD, sample_weight=weights)
    repeated = LinearAutoencoder(3, solver=solver).fit(np.repeat(STANDARD, weights, axis=0))
    tolerance = 1e-4 if solver == "gradient" else 1e-8
    np.testing.assert_allclose(weighted.components_, repeated.components_, atol=tolerance)
    np.testing.assert_allclose(weighted.explained_variance_, repeated.explained_variance_, rtol=1e-6)
    np.testing.assert_allclose(weighted.offset_, repeated.offset_, rtol=1e-6)


def test_batches_add_up_to_the_whole(tmp_path):
    whole = LinearAutoencoder(3).fit(DIGITS)
    parts = LinearAutoencoder(3)
    for start in range(0, len(DIGITS), 500):
        parts.partial_fit(DIGITS[start : start + 500])
    np.save(tmp_path / "digits.npy", DIGITS)
    mapped = LinearAutoencoder(3, solver="incremental").fit(np.load(tmp_path / "digits.npy", mmap_mode="r"))
    for other in (parts, mapped):
        np.testing.assert_allclose(other.components_, whole.components_, atol=1e-9)
        np.testing.assert_allclose(other.explained_variance_, whole.explained_variance_)
    assert parts.n_samples_ == len(DIGITS)
    assert parts.fit(WINE).n_features_in_ == 13  # fit begins anew


def test_an_offset_of_a_million_costs_nothing():
    here, there = LinearAutoencoder(3).fit(STANDARD), LinearAutoencoder(3).fit(STANDARD + 1e6)
    np.testing.assert_allclose(there.components_, here.components_, atol=1e-7)
    np.testing.assert_allclose(there.score(STANDARD + 1e6), here.score(STANDARD), rtol=1e-6)


def test_distortion_is_squared_error_and_a_constant_and_all_else_is_blank():
    ledger = LinearAutoencoder(3).fit(STANDARD).ledger(STANDARD)
    noise = ledger["squared_error"].value / 13
    assert ledger["distortion"].value == pytest.approx(6.5 * (np.log(2 * np.pi * noise) + 1))
    assert ledger["distortion"].direction == "exact"
    for key in ("rate", "elbo", "log_likelihood_exact", "log_likelihood_lower", "inference_gap", "rate_per_dimension"):
        assert ledger[key] is None
    assert ledger["r_squared"].value == pytest.approx(1 - ledger["squared_error"].value / 13)
    assert ledger["copy_index"].value == ledger["copy_index_of_pca"].value


def test_whole_numbers_as_unit_intervals_bound_log_probabilities():
    rows = np.random.default_rng(0).binomial(40, 0.4, (400, 5)).astype(float)
    ledger = LinearAutoencoder(2, dequantise=True).fit(rows).ledger(rows)
    assert ledger.measure == "counting"
    assert ledger["distortion"].direction == "upper"
    assert ledger["distortion"].value > 0  # a log-probability is never positive


def test_a_latent_as_large_as_the_data_is_a_copy_and_warned_of():
    with pytest.warns(UserWarning, match=r"a copy: its latent of 13 .* DenoisingAutoencoder"):
        model = LinearAutoencoder(13).fit(STANDARD)
    np.testing.assert_allclose(model.reconstruct(STANDARD), STANDARD, atol=1e-9)
    assert model.ledger(STANDARD)["copy_index"].value == pytest.approx(1.0)
    assert np.isfinite(model.score_samples(STANDARD)).all()


def test_saved_loaded_and_pickled_it_scores_the_same_to_the_bit(tmp_path):
    model = LinearAutoencoder(3, whiten=True, calibration_fraction=0.2).fit(WINE)
    model.save(tmp_path / "run")
    loaded = isthmus.load(tmp_path / "run")
    for other in (loaded, pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(other.score_samples(WINE), model.score_samples(WINE))
        np.testing.assert_array_equal(other.anomaly_pvalue(WINE), model.anomaly_pvalue(WINE))
        assert other.ledger(WINE).to_dict() == model.ledger(WINE).to_dict()
    loaded.save(tmp_path / "again")
    assert (tmp_path / "again/model.safetensors").read_bytes() == (tmp_path / "run/model.safetensors").read_bytes()
    assert loaded.get_params() == model.get_params()


def test_a_file_whose_parts_do_not_fit_is_refused(tmp_path):
    LinearAutoencoder(3).fit(WINE).save(tmp_path)
    arrays, metadata = read_model_file(tmp_path / "model.safetensors")
    write_model_file(tmp_path / "model.safetensors", {**arrays, "model.axes": arrays["model.axes"][:, :2]}, metadata)
    with pytest.raises(ModelFileError, match=r"array 'model\.axes' is float64"):
        isthmus.load(tmp_path)


def test_frames_pipelines_and_searches():
    frame = pd.DataFrame(WINE, columns=load_wine().feature_names)
    model = LinearAutoencoder(2).set_output(transform="pandas").fit(frame)
    assert list(model.transform(frame).columns) == ["linearautoencoder0", "linearautoencoder1"]
    search = GridSearchCV(
        make_pipeline(StandardScaler(), LinearAutoencoder()), {"linearautoencoder__n_components": [1, 2]}
    )
    assert search.fit(WINE).best_params_["linearautoencoder__n_components"] == 2
    assert clone(model).n_components == 2


WRONG = {
    "a latent beyond the columns": ({"n_components": 14}, WINE, "latent size 14 is above 13"),
    "an unknown solver": ({"solver": "svd"}, WINE, "solver is 'svd'"),
    "a hole": ({}, np.where(WINE[3, 2] == WINE, np.nan, WINE), "column 'x2' contains NaN"),
    "a negative size": ({"n_components": -1}, WINE, "expected at least 1, or None"),
    "one row": ({}, WINE[:1], "minimum of 2 is required"),
}


@pytest.mark.parametrize("case", WRONG)
@pytest.mark.parametrize("solver", ["full", "incremental"])
def test_wrong_input_is_refused_with_one_clear_error(case, solver):
    arguments, rows, message = WRONG[case]
    with pytest.raises(ValueError, match=message):
        LinearAutoencoder(**{"solver": solver, **arguments}).fit(rows)


def test_rows_in_batches_cannot_be_set_aside():
    with pytest.raises(ValueError, match="rows in batches are not kept; pass calibration_fraction=0"):
        LinearAutoencoder(2, solver="incremental", calibration_fraction=0.2).fit(WINE)


def test_a_negative_weight_is_refused():
    with pytest.raises(ValueError, match="weights must be finite, none of them negative"):
        LinearAutoencoder(2).fit(WINE, sample_weight=np.r_[-1.0, np.ones(177)])


def test_a_batch_that_fails_is_not_counted():
    model = LinearAutoencoder(3)
    with pytest.raises(ValueError, match="latent size 3 is above 2"):
        model.partial_fit(WINE[:2])
    assert model.partial_fit(WINE[:10]).n_samples_ == 10
    with pytest.raises(ValueError, match="contains NaN"):
        model.partial_fit(np.where(WINE[0, 0] == WINE, np.nan, WINE))
    assert model.partial_fit(WINE[10:20]).n_samples_ == 20


def test_outliers_of_sorted_rows_are_judged_by_rows_from_all_over(monkeypatch):
    monkeypatch.setattr("isthmus.estimators.linear_autoencoder.BATCH_NUMBERS", 13 * 40)
    rows = STANDARD[np.argsort((STANDARD**2).sum(1))]
    batched, whole = (LinearAutoencoder(3, solver=solver).fit(rows) for solver in ("incremental", "full"))
    assert batched.offset_ == pytest.approx(whole.offset_)
    data = isthmus.data.Dataset("d", rows, tuple("abcdefghijklm"))
    assert LinearAutoencoder(3, solver="incremental").fit(data).column_names_ == tuple("abcdefghijklm")


def test_descent_that_has_not_arrived_says_so():
    with pytest.warns(UserWarning, match="has not arrived at the principal axes"):
        LinearAutoencoder(3, solver="gradient").fit(WINE)


def test_whitening_leaves_axes_without_variance_alone():
    flat = STANDARD[:, :2] @ np.random.default_rng(0).normal(size=(2, 5))
    latents = LinearAutoencoder(4, whiten=True).fit(flat).transform(flat)
    np.testing.assert_allclose(latents.std(0, ddof=1)[:2], 1.0)
    assert np.abs(latents[:, 2:]).max() < 1e-9


def test_words_in_a_frame_are_named():
    frame = pd.DataFrame({"a": np.arange(40.0), "b": ["x", "y"] * 20})
    with pytest.raises(ValueError, match=r"column 'b' .* holds words; a linear model takes numbers"):
        LinearAutoencoder(1).fit(frame)
