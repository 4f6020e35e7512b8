"""The VAE estimator: deterministic, saved and loaded to the bit, frozen at its fit, clear about bad input."""

import pickle
import warnings

import jax
import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits, load_wine
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import isthmus
from cases import LIKELIHOODS
from isthmus import VAE
from isthmus.storage import ModelFileError, read_model_file, write_model_file

SMALL = {"hidden_sizes": (8,), "max_epochs": 3}
WINE = load_wine().data


@pytest.fixture(scope="module")
def fitted():
    return VAE(3, **SMALL).fit(WINE)


def fit_case(name, **kwargs):
    case = LIKELIHOODS[name]
    return VAE(2, likelihood=case.kind, **case.kwargs, **SMALL, **kwargs).fit(case.rows), case.rows


def test_it_learns_digits_far_beyond_independent_pixels():
    X = load_digits().data
    model = VAE(10, hidden_sizes=(64,), max_epochs=60, learning_rate=3e-3, batch_size=64).fit(X[:1500])
    ledger = model.ledger(X[1500:], draws=50)
    assert model.likelihood_.kind == "discretised_logistic"
    assert ledger["log_likelihood_lower"].value > ledger["log_likelihood_independent"].value + 10
    assert ledger["squared_error"].value < 0.6 * ((X[1500:] - X[:1500].mean(0)) ** 2).sum(1).mean()


def test_shapes_and_units(fitted):
    latent = fitted.transform(WINE)
    assert latent.shape == (178, 3)
    assert fitted.inverse_transform(latent).shape == WINE.shape
    np.testing.assert_array_equal(fitted.reconstruct(WINE), fitted.inverse_transform(latent))
    samples = fitted.sample(400)
    error = 5 * WINE.std(0) / np.sqrt(178)
    assert (np.abs(samples.mean(0) - WINE.mean(0)) < error + 0.5 * WINE.std(0)).all()
    np.testing.assert_array_equal(fitted.score_samples(WINE[5:7]), fitted.score_samples(WINE)[5:7])
    assert fitted.score(WINE) == fitted.score_samples(WINE).mean()


def test_a_change_of_units_changes_the_density_by_its_jacobian_alone():
    factor = np.linspace(0.001, 1000, 13)
    here, there = (VAE(3, **SMALL).fit(X).ledger(X)["elbo"] for X in (WINE, WINE * factor + 1e6))
    error = np.hypot(here.stderr, there.stderr)
    assert abs(there.value - (here.value - np.log(factor).sum())) < 4 * error + 1e-2


@pytest.mark.parametrize("name", LIKELIHOODS)
def test_saved_and_loaded_it_scores_the_same_to_the_bit(name, tmp_path):
    model, rows = fit_case(name)
    model.save(tmp_path / "run")
    loaded = isthmus.load(tmp_path / "run")
    for other in (loaded, pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(other.score_samples(rows), model.score_samples(rows))
        np.testing.assert_array_equal(other.sample(5), model.sample(5))
        assert other.ledger(rows, draws=10).to_dict() == model.ledger(rows, draws=10).to_dict()
    assert loaded.get_params() == {**model.get_params(), "hidden_sizes": (8,)}
    loaded.save(tmp_path / "again")
    assert (tmp_path / "again/model.safetensors").read_bytes() == (tmp_path / "run/model.safetensors").read_bytes()


def test_the_same_seed_gives_the_same_file(tmp_path, fitted):
    fitted.save(tmp_path / "one")
    VAE(3, **SMALL).fit(WINE).save(tmp_path / "two")
    one, two = ((tmp_path / name / "model.safetensors").read_bytes() for name in ("one", "two"))
    assert one == two


def test_later_parameters_cannot_break_a_fitted_estimator(fitted):
    before = fitted.transform(WINE)
    changed = pickle.loads(pickle.dumps(fitted)).set_params(n_components=7, hidden_sizes=(3,), likelihood="bernoulli")
    np.testing.assert_array_equal(changed.transform(WINE), before)
    np.testing.assert_array_equal(changed.reconstruct(WINE), fitted.reconstruct(WINE))


def test_frames_pipelines_and_searches():
    frame = pd.DataFrame(WINE, columns=load_wine().feature_names)
    model = VAE(3, **SMALL).set_output(transform="pandas").fit(frame)
    assert list(model.transform(frame).columns) == ["vae0", "vae1", "vae2"]
    with pytest.raises(ValueError, match="feature names"):
        model.transform(frame[frame.columns[::-1]])
    search = GridSearchCV(VAE(3, **SMALL), {"beta": [0.5, 1.0]}, cv=2).fit(WINE)
    assert search.best_params_["beta"] in (0.5, 1.0)
    assert make_pipeline(StandardScaler(), VAE(3, **SMALL)).fit_transform(WINE).shape == (178, 3)


@pytest.mark.parametrize("magnitude", [1e-30, 1e30])
def test_tiny_and_huge_columns_stay_finite(magnitude):
    model = VAE(3, **SMALL).fit(WINE * magnitude)
    for result in (model.transform(WINE * magnitude), model.score_samples(WINE * magnitude), model.sample(3)):
        assert np.isfinite(result).all()


@pytest.mark.parametrize("value", [1e-30, 1e30, -1e30, 1e300])
def test_a_wild_value_at_scoring_stays_finite(fitted, value):
    rows = WINE[:4].copy()
    rows[1, 3] = value
    assert np.isfinite(fitted.transform(rows)).all()
    scores = fitted.score_samples(rows)
    assert np.isfinite(scores).all()
    assert value == 1e-30 or scores[1] < -1e9


def test_a_value_off_the_support_scores_minus_infinity_with_a_warning_that_names_the_column():
    model, rows = fit_case("binomial")
    rows = rows[:5].copy()
    rows[2, 4] = 17
    with pytest.warns(UserWarning, match="column 'x4' holds 17, .* 0 to 16"):
        scores = model.score_samples(rows)
    assert scores[2] == -np.inf
    assert np.isfinite(np.delete(scores, 2)).all()


def test_constant_columns_are_a_warning_not_an_error():
    rows = np.column_stack([WINE[:, :4], np.full(len(WINE), 3.0)])
    with pytest.warns(UserWarning, match="1 of 5 columns is constant: 'x4'"):
        model = VAE(2, **SMALL).fit(rows)
    assert np.isfinite(model.score(rows))


WRONG_ROWS = {
    "one row": (WINE[:1], "minimum of 2 is required"),
    "no rows": (WINE[:0], "minimum of 2 is required"),
    "all columns constant": (np.ones((20, 4)), "all 4 columns are constant"),
    "infinity": (np.where(WINE[7, 12] == WINE, -np.inf, WINE), "column 'x12' contains infinity"),
    "strings": (np.array([["a", "b"], ["c", "d"]] * 5), "not compatible with arrays of bytes/strings"),
    "one dimension": (WINE[:, 0], "Expected 2D array"),
    "one column": (WINE[:, :1], r"latent size 1 is not below .* 1 feature\(s\)"),
}
WRONG_ARGUMENTS = {
    "latent size 0": ({"n_components": 0}, "latent size.* is 0; expected at least 1"),
    "a negative latent size": ({"n_components": -3}, "latent size.* is -3; expected at least 1"),
    "a latent as large as the data": ({"n_components": 13}, "latent size 13 is not below the 13 columns"),
    "an unknown likelihood": ({"likelihood": "gauss"}, "likelihood is 'gauss'"),
    "an unknown activation": ({"activation": "swish"}, "activation is 'swish'"),
    "a learning rate of 0": ({"learning_rate": 0.0}, "learning_rate is 0.0"),
    "half an epoch": ({"max_epochs": 0.5}, "max_epochs is 0.5"),
    "a NaN": ({"beta": np.nan}, "beta is nan"),
    "a scale below zero": ({"scale": -1.0}, "scale is -1.0; expected 'per_feature', 'global', or a number"),
    "a maximum of reals": ({"likelihood": "normal", "maximum": 16}, "maximum=16 is for binomial"),
    "a likelihood that the data refuse": ({"likelihood": "bernoulli"}, "bernoulli expects whole numbers"),
}


@pytest.mark.parametrize("case", WRONG_ROWS)
def test_wrong_rows_are_refused_with_one_clear_error(case):
    rows, message = WRONG_ROWS[case]
    with pytest.raises(ValueError, match=message):
        VAE(**SMALL).fit(rows)


@pytest.mark.parametrize("case", WRONG_ARGUMENTS)
def test_wrong_arguments_are_refused_with_one_clear_error(case):
    arguments, message = WRONG_ARGUMENTS[case]
    with pytest.raises(ValueError, match=message):
        VAE(**{**SMALL, **arguments}).fit(WINE)


def test_wrong_rows_after_the_fit_are_refused(fitted):
    with pytest.raises(ValueError, match="X has 4 features, but VAE is expecting 13"):
        fitted.transform(WINE[:, :4])
    with pytest.raises(ValueError, match="Z has 13 columns; expected the 3 latent dimensions"):
        fitted.inverse_transform(WINE)
    with pytest.raises(ValueError, match="expected at least one row"):
        fitted.sample(0)


def test_an_overcomplete_latent_is_allowed_by_name():
    assert VAE(20, overcomplete=True, **SMALL).fit(WINE).transform(WINE).shape == (178, 20)


def test_numpy_numbers_and_lists_are_arguments_too():
    arguments = {"n_components": np.int64(3), "hidden_sizes": [8], "beta": np.float32(1.0), "learning_rate": 1}
    assert VAE(**arguments, max_epochs=1, random_state=np.random.RandomState(0)).fit(WINE).n_components_ == 3


def without(mapping, name):
    return {key: value for key, value in mapping.items() if key != name}


WEIGHT = "model.encoder.layers.0.weight"
FOREIGN = {
    "an estimator of no ours": lambda a, m: (a, {**m, "estimator": "os.system"}),
    "a missing array": lambda a, m: (without(a, WEIGHT), m),
    "an array of another shape": lambda a, m: ({**a, WEIGHT: np.zeros((2, 2), np.float32)}, m),
    "a size that is a word": lambda a, m: (a, {**m, "architecture": {**m["architecture"], "latent_size": "many"}}),
    "a size beyond memory": lambda a, m: (a, {**m, "architecture": {**m["architecture"], "latent_size": 10**12}}),
    "an unknown activation": lambda a, m: (a, {**m, "architecture": {**m["architecture"], "activation": "foo"}}),
    "an unknown likelihood": lambda a, m: (a, {**m, "likelihood": {**m["likelihood"], "kind": "gauss"}}),
    "a maximum beyond memory": lambda a, m: (
        a,
        {**m, "likelihood": {**m["likelihood"], "kind": "binomial", "maximum": 10**9}},
    ),
    "a scale of zero": lambda a, m: ({**a, "standardisation.scale": np.zeros(13)}, m),
    "offsets for other columns": lambda a, m: ({**a, "standardisation.offset": np.zeros(3)}, m),
}


@pytest.mark.parametrize("change", FOREIGN)
def test_a_whole_file_with_foreign_content_is_refused(change, tmp_path, fitted):
    fitted.save(tmp_path)
    path = tmp_path / "model.safetensors"
    write_model_file(path, *FOREIGN[change](*read_model_file(path)))
    with pytest.raises(ModelFileError):
        isthmus.load(tmp_path)


def test_the_precision_around_it_changes_no_score(fitted):
    scores = fitted.score_samples(WINE)
    with jax.enable_x64(True):
        np.testing.assert_array_equal(fitted.score_samples(WINE), scores)
        again = VAE(3, **SMALL).fit(WINE)
    np.testing.assert_array_equal(again.score_samples(WINE), scores)


def test_few_rows_are_fitted_as_well():
    assert np.isfinite(VAE(2, hidden_sizes=(8,)).fit(WINE[:2]).score(WINE))


def test_clones_are_unfitted_and_equal():
    estimator = VAE(3, beta=0.5, **SMALL)
    assert clone(estimator).get_params() == estimator.get_params()


def test_fitting_warns_of_nothing_on_ordinary_data():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        VAE(3, **SMALL).fit(WINE)
