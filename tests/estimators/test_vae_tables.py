"""Tables of mixed columns with holes: what a fit takes them for, keeps of them, and refuses."""

import itertools
import pickle

import jax
import numpy as np
import pandas as pd
import pytest

import isthmus
from isthmus import VAE
from isthmus.data import DataError
from isthmus.estimators.imputation import INTERVAL_DRAWS
from isthmus.storage import read_model_file, write_model_file
from vae_table_cases import (
    COVERAGE,
    FRAME,
    FRESH,
    GRADES,
    HOLED,
    LIKELIHOODS,
    NAMES,
    SMALL,
    TOLD_APART,
    TOWNS,
    fit,
    fitted_and_seen,
    imputed_frame,
    imputed_versions,
    predicted_columns,
    untrained,
)

EXAMPLE_GENERATOR = np.random.default_rng(3)
EXAMPLES = {
    "normal": EXAMPLE_GENERATOR.normal(size=30),
    "student_t": EXAMPLE_GENERATOR.standard_t(2, 30),
    "log_normal": EXAMPLE_GENERATOR.lognormal(size=30),
    "poisson": pd.array(EXAMPLE_GENERATOR.poisson(3.0, 30), dtype="Int64"),
    "negative_binomial": pd.array(EXAMPLE_GENERATOR.geometric(0.1, 30), dtype="Int64"),
    "bernoulli": EXAMPLE_GENERATOR.choice(["no", "yes"], 30).astype(object),
    "categorical": EXAMPLE_GENERATOR.choice(TOWNS, 30).astype(object),
    "cumulative_logit": pd.Categorical(EXAMPLE_GENERATOR.choice(GRADES, 30), GRADES, ordered=True),
}
"""A column for each likelihood, by its name."""
PAIRS = list(itertools.combinations(EXAMPLES, 2))


@pytest.fixture(scope="module")
def fitted():
    return fitted_and_seen()[0]


@pytest.fixture(scope="module")
def imputed():
    return imputed_frame()


@pytest.fixture(scope="module")
def versions():
    return imputed_versions()


@pytest.fixture(scope="module")
def predicted():
    return predicted_columns()


def test_each_column_has_its_likelihood(fitted):
    assert {column.name: column.likelihood for column in fitted.schema_.columns} == LIKELIHOODS
    assert [name for name, _ in fitted.schema_.set_aside] == ["card"]


def test_saved_and_loaded_everything_is_the_same_to_the_bit(fitted, imputed, predicted, tmp_path):
    fitted.save(tmp_path / "run")
    loaded = isthmus.load(tmp_path / "run")
    assert loaded.schema_ == fitted.schema_
    for other in (loaded, pickle.loads(pickle.dumps(fitted))):
        np.testing.assert_array_equal(other.score_samples(FRAME), fitted.score_samples(FRAME))
        np.testing.assert_array_equal(other.anomaly_pvalue(FRAME), fitted.anomaly_pvalue(FRAME))
        pd.testing.assert_frame_equal(other.impute(FRAME), imputed, check_exact=True)
    for name, column in loaded.predict_columns(FRESH[:24], NAMES, coverage=COVERAGE).items():
        fields = ("probabilities", "contained") if name in TOLD_APART else ("lower", "upper")
        for field in ("value", *fields):
            np.testing.assert_array_equal(getattr(column, field), getattr(predicted[name], field)[:24])
    loaded.save(tmp_path / "again")
    assert (tmp_path / "again/model.safetensors").read_bytes() == (tmp_path / "run/model.safetensors").read_bytes()


def test_the_same_seed_gives_the_same_numbers(fitted, versions):
    np.testing.assert_array_equal(fit().score_samples(FRAME), fitted.score_samples(FRAME))
    assert (fit(random_state=1).score_samples(FRESH) != fitted.score_samples(FRESH)).all()
    again = fitted.impute(FRAME[:24], INTERVAL_DRAWS)
    other = fitted.impute(FRAME[:24], INTERVAL_DRAWS, random_state=1)
    assert all(one.equals(two) for one, two in zip(versions, again, strict=True))
    assert not any(one.equals(two) for one, two in zip(versions, other, strict=True))


@pytest.mark.parametrize("pair", PAIRS, ids=" and ".join)
def test_every_pair_of_likelihoods_with_holes_is_stored_to_the_bit(pair, tmp_path):
    frame = pd.DataFrame({name: EXAMPLES[name] for name in pair})
    frame.iloc[::3, 0], frame.iloc[1::3, 1] = None, None
    fitted, _ = untrained(frame, {name: name for name in pair})
    write_model_file(tmp_path / "model", *fitted.to_record())
    loaded = VAE.from_record(*read_model_file(tmp_path / "model"))._fitted
    # The same structure and the same numbers: the same compiled functions of the same arguments.
    assert jax.tree.structure(loaded.model) == jax.tree.structure(fitted.model)
    for one, two in zip(jax.tree.leaves(loaded.model), jax.tree.leaves(fitted.model), strict=True):
        np.testing.assert_array_equal(one, two, strict=True)
    assert loaded.rows == fitted.rows


def test_columns_in_another_order_score_the_same(fitted):
    np.testing.assert_array_equal(fitted.score_samples(FRAME[FRAME.columns[::-1]]), fitted.score_samples(FRAME))


def test_a_missing_column_is_a_hole_in_every_row(fitted):
    without = FRAME.drop(columns="price")
    with pytest.warns(UserWarning, match="lacks column 'price'"):
        scores = fitted.score_samples(without)
    np.testing.assert_array_equal(scores, fitted.score_samples(FRAME.assign(price=np.nan)))
    with pytest.warns(UserWarning, match="lacks column 'price'"):
        filled = fitted.impute(without)
    assert filled.drop(columns="card").notna().all(axis=None)


@pytest.mark.parametrize("value", [np.inf, -np.inf])
def test_infinity_is_refused_by_the_name_of_its_column(fitted, value):
    for refuses in (fitted.score_samples, fitted.impute, VAE(2, **SMALL).fit):
        with pytest.raises(DataError, match="column 'price' of X contains infinity"):
            refuses(FRAME.assign(price=value))


def test_an_impossible_value_scores_minus_infinity_and_leaves_its_row_to_be_filled(fitted):
    rows = FRAME[:4].assign(price=0.0, second=np.nan)
    with pytest.warns(UserWarning, match="4 of 4 rows hold a value to which its column gives no probability"):
        assert (fitted.score_samples(rows) == -np.inf).all()
    assert fitted.impute(rows)["second"].notna().all()


FACTOR = np.random.default_rng(0).normal(size=(200, 1))
RANK_ONE = FACTOR * [1.0, 3.0, -0.5] + 0.3 * np.random.default_rng(1).normal(size=(200, 3))
LINEAR = {"likelihood": "normal", "hidden_sizes": (), "max_epochs": 150, "learning_rate": 2e-2, "batch_size": 64}


@pytest.fixture(scope="module")
def path():
    return VAE("auto", **LINEAR).fit(RANK_ONE)


def test_a_small_latent_is_found_for_data_of_one_dimension(path):
    assert path.n_components_ == 1
    assert [tried.n_components for tried in path.n_components_path_] == [1, 2]
    assert path.transform(RANK_ONE).shape == (200, 1)


def test_one_likelihood_for_all_columns_knows_no_holes(path):
    with pytest.raises(ValueError, match="impute needs a model in which each column has its own likelihood"):
        path.impute(RANK_ONE)
    with pytest.raises(ValueError, match="NaN"):
        path.score_samples(HOLED)


def test_trimmed_training_gives_outliers_less_weight():
    rows = RANK_ONE.copy()
    rows[:12] = [6.0, -18.0, -3.0] + 0.05 * rows[:12]
    plain, trimmed = (VAE(1, trim=trim, **LINEAR).fit(rows).score_samples(rows) for trim in (0.0, 0.15))
    assert trimmed[:12].max() < plain[:12].min()
    assert np.median(trimmed[12:]) > np.median(plain[12:])
