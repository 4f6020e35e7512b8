"""The autoencoder estimator: kept to the bit, silent on what it has no prior for."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.datasets import load_wine
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import isthmus
from autoencoder_cases import (
    CASES,
    COLUMNS,
    FACTOR,
    IMAGES,
    LINEAR,
    OWN,
    SMALL,
    WINE,
    Halves,
    assert_same,
    fitted,
    modules_of,
    rows_of,
    table,
)
from isthmus import Autoencoder, DeterministicModel
from isthmus.data import Dataset
from isthmus.models import L1, TopK
from isthmus.storage import read_model_file


@pytest.mark.parametrize("name", CASES)
def test_saved_and_loaded_it_scores_the_same_to_the_bit(name, tmp_path):
    model, rows = fitted(name), rows_of(name)
    model.save(tmp_path / "run")
    loaded = isthmus.load(tmp_path / "run", **modules_of(name))
    for other in (loaded, pickle.loads(pickle.dumps(model))):
        assert_same(other, model, rows)
    loaded.save(tmp_path / "again")
    assert (tmp_path / "again/model.safetensors").read_bytes() == (tmp_path / "run/model.safetensors").read_bytes()
    given, found = model.get_params(), loaded.get_params()
    assert {key for key in given if repr(given[key]) != repr(found[key])} == set()
    assert clone(loaded).fit(rows).score(rows) == model.score(rows)


def test_the_same_seed_gives_the_same_file_and_another_does_not(tmp_path):
    for name, seed in (("one", 0), ("two", 0), ("other", 1)):
        clone(fitted("plain")).set_params(random_state=seed).fit(WINE).save(tmp_path / name)
    one, two, other = ((tmp_path / name / "model.safetensors").read_bytes() for name in ("one", "two", "other"))
    assert one == two != other


@pytest.mark.parametrize("name", CASES)
def test_the_distortion_is_minus_the_score_and_without_a_prior_there_is_no_rate(name):
    model, rows = fitted(name), rows_of(name)
    ledger, scores = model.ledger(rows), model.score_samples(rows)
    assert isinstance(model.model_, DeterministicModel)
    assert ledger["distortion"].value == -scores.mean() == -model.score(rows)
    np.testing.assert_allclose(model.score_columns(rows).sum(1), scores, rtol=1e-4, atol=1e-4)
    squares = set() if model.is_table_ else {"squared_error", "copy_index", "copy_index_of_pca", "r_squared"}
    assert {key for key, entry in ledger.entries.items() if entry is not None} == squares | {
        "distortion",
        "distortion_per_column",
        "log_likelihood_independent",
    }
    assert ledger["distortion"].direction == "exact"
    assert ledger["distortion"].stderr_rows > 0
    assert not hasattr(model, "sample")


def test_with_a_scale_of_the_root_of_a_half_the_distortion_is_the_squared_error_and_a_constant():
    ledger = fitted("own modules").ledger(WINE)
    expected = ledger["squared_error"].value + COLUMNS / 2 * np.log(np.pi)
    np.testing.assert_allclose(ledger["distortion"].value, expected, rtol=1e-5)


@pytest.mark.parametrize("name", CASES)
def test_a_row_scores_the_same_whatever_stands_beside_it(name):
    model, rows = fitted(name), rows_of(name)
    np.testing.assert_array_equal(model.score_samples(rows[5:8]), model.score_samples(rows)[5:8])
    np.testing.assert_array_equal(model.transform(rows[5:8]), model.transform(rows)[5:8])


@pytest.mark.parametrize("name", [name for name in CASES if name not in ("table", "swaps")])
def test_there_and_back_in_two_steps_or_in_one(name):
    model, rows = fitted(name), rows_of(name)
    found = model.reconstruct(rows)
    assert found.shape == rows.shape
    np.testing.assert_array_equal(model.inverse_transform(model.transform(rows)), found)
    np.testing.assert_allclose(((rows - found) ** 2).sum(1).mean(), model.ledger(rows)["squared_error"].value)


def test_tied_weights_are_in_the_file_once(tmp_path):
    fitted("tied").save(tmp_path)
    arrays, _ = read_model_file(tmp_path / "model.safetensors")
    assert {name for name in arrays if name.startswith("model.decoder")} == {
        "model.decoder.biases.0",
        "model.decoder.biases.1",
    }


def test_so_many_latents_are_kept():
    assert ((fitted("dropout").transform(WINE) != 0).sum(1) == 2).all()


def test_images_bring_their_shape():
    data = Dataset("images", IMAGES, tuple(f"x{i}" for i in range(15)), image_shape=(3, 5))
    model = Autoencoder(3, network="convolutional", **SMALL).fit(data)
    np.testing.assert_array_equal(model.score_samples(data), fitted("convolutional").score_samples(IMAGES))


def test_words_and_holes_come_back_as_words_without_holes():
    model, rows = fitted("table"), table()
    assert np.isfinite(model.transform(rows)).all()
    found = model.reconstruct(rows)
    assert list(found.columns) == list(rows.columns)
    assert found["town"].isin(["Ely", "Rye", "Wem"]).all()
    assert found.notna().all(axis=None)
    assert (model.score_columns(rows)[rows.isna().to_numpy()] == 0).all()
    assert model.inverse_transform(model.transform(rows)).shape == rows.shape
    with pytest.warns(UserWarning, match="lacks column 'visits'"):
        scores = model.score_samples(rows.drop(columns="visits"))
    np.testing.assert_array_equal(scores, model.score_samples(rows.assign(visits=None)))


@pytest.mark.parametrize("name", CASES)
def test_the_threshold_is_a_percentile_of_the_training_scores(name):
    model, rows = fitted(name), rows_of(name)
    outliers = (model.predict(rows) == -1).mean()
    assert 0.05 < outliers < 0.15
    np.testing.assert_array_equal(model.predict(rows) == -1, model.score_samples(rows) < model.offset_)


def test_p_values_count_the_calibration_rows():
    model = fitted("plain")
    counts = model.anomaly_pvalue(WINE) * (36 + 1)
    np.testing.assert_allclose(counts, np.round(counts))
    assert (model.calibration_counts(WINE) == 36).all()
    assert model.anomaly_pvalue(WINE + 1e4).max() == 1 / 37
    with pytest.raises(ValueError, match="there are no calibration rows"):
        fitted("tied").anomaly_pvalue(WINE)
    other = pickle.loads(pickle.dumps(fitted("table"))).calibrate(table(seed=1))
    assert (other.anomaly_pvalue(table(seed=2)) <= 0.2).mean() < 0.5
    assert other.calibration_counts(table(seed=2)).min() < 90


def test_later_parameters_cannot_break_a_fitted_estimator():
    for name in ("plain", "own modules"):
        before = fitted(name).score_samples(WINE)
        changed = pickle.loads(pickle.dumps(fitted(name))).set_params(n_components=7, encoder=None, decoder=None)
        np.testing.assert_array_equal(changed.score_samples(WINE), before)
        np.testing.assert_array_equal(pickle.loads(pickle.dumps(changed)).score_samples(WINE), before)


def test_frames_pipelines_and_searches():
    frame = pd.DataFrame(WINE, columns=load_wine().feature_names)
    model = Autoencoder(3, likelihood="normal", **SMALL).set_output(transform="pandas").fit(frame)
    assert list(model.transform(frame).columns) == ["autoencoder0", "autoencoder1", "autoencoder2"]
    with pytest.raises(ValueError, match="feature names"):
        model.transform(frame[frame.columns[::-1]])
    search = GridSearchCV(Autoencoder(3, **SMALL), {"sparsity": [None, L1(0.5)]}, cv=2).fit(WINE)
    assert search.best_params_["sparsity"] in (None, L1(0.5))
    assert make_pipeline(StandardScaler(), Autoencoder(3, **SMALL)).fit_transform(WINE).shape == (178, 3)


def test_clones_are_unfitted_and_equal():
    estimator = Autoencoder(3, sparsity=TopK(2), **OWN)
    assert repr(clone(estimator).get_params()) == repr(estimator.get_params())
    assert not hasattr(clone(fitted("plain")), "n_components_")


def test_a_trained_module_is_not_the_one_that_was_given():
    model = fitted("own modules").model_
    assert (model.encoder.weight != OWN["encoder"].weight).any()
    np.testing.assert_array_equal(OWN["encoder"].weight, Halves(COLUMNS, 3, 0).weight)


def test_an_overcomplete_fit_that_copies_is_named():
    with pytest.warns(UserWarning, match=r"This fit is a copy: its latent of 4 .* Pass n_components < 4") as told:
        model = Autoencoder(4, **LINEAR).fit(FACTOR)
    assert told[0].filename == __file__
    assert model.ledger(FACTOR)["copy_index"].value > 0.9


def test_fitting_warns_of_nothing_on_ordinary_data():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Autoencoder(3, **SMALL).fit(WINE)
