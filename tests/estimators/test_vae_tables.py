"""Tables of mixed columns with holes, from the fit to imputation, prediction and p-values.

Compilation dominates: one table with every kind of column, fitted once, serves most laws.
"""

import itertools
import pickle
from types import SimpleNamespace

import jax
import numpy as np
import pandas as pd
import pytest
from scipy import stats

import isthmus
from isthmus import VAE
from isthmus.data import DataError, table_from_frame
from isthmus.estimators import training
from isthmus.estimators.anomalies import require_reachable
from isthmus.estimators.configuration import VAEConfiguration
from isthmus.estimators.fitted import FittedVAE
from isthmus.estimators.imputation import INTERVAL_DRAWS
from isthmus.estimators.table_rows import TableRows, as_table
from isthmus.evidence import independent_columns
from isthmus.inference import sample_importance_weights
from isthmus.models import Architecture, Observation
from isthmus.storage import read_model_file, write_model_file

SMALL = {"hidden_sizes": (8,), "max_epochs": 5}
GRADES = ["low", "mid", "high"]
TOWNS = np.array(["Ely", "Rye", "Wem", "Ware"])


def complete_frame(rows, seed):
    """Columns of every kind, all of which follow one factor; in each row one column or none varies on its own."""
    generator = np.random.default_rng(seed)
    factor = generator.normal(size=rows)
    grade = np.digitize(factor + generator.normal(size=rows), [-0.5, 0.8])
    return pd.DataFrame(
        {
            "second": 1.7e9 + 3e4 * (factor + 0.5 * generator.normal(size=rows)),
            "visits": pd.array(generator.poisson(np.exp(0.5 * factor + 1.0)), dtype="Int64"),
            "town": TOWNS[np.digitize(factor + generator.normal(size=rows), [-1.0, 0.0, 1.0])],
            "price": np.exp(1.5 * factor + generator.normal(size=rows)),
            "grade": pd.Categorical.from_codes(grade, GRADES, ordered=True),
            "smoker": np.where(factor + generator.normal(size=rows) > 0.5, "yes", "no"),
            "day": pd.to_datetime(1_700_000_000 + 86_400 * np.round(99 * generator.normal(size=rows)), unit="s"),
            "card": [f"card {seed} {i}" for i in range(rows)],
        },
        index=pd.Index(np.arange(rows)[::-1] * 3, name="row"),
    ).astype({"day": "datetime64[s]"})


def with_holes(frame, seed):
    """Two rows in five lose a share of their cells; the eighth loses all."""
    generator = np.random.default_rng(seed)
    hole = (generator.random(frame.shape) < 0.3) & (generator.random((len(frame), 1)) < 0.4)
    hole[7] = True
    return frame.mask(pd.DataFrame(hole, frame.index, frame.columns))


FRAME = with_holes(complete_frame(150, 0), 1)
FRESH = complete_frame(96, 5)
LIKELIHOODS = {
    "second": "normal",
    "visits": "poisson",
    "town": "categorical",
    "price": "log_normal",
    "grade": "cumulative_logit",
    "smoker": "bernoulli",
    "day": "normal",
}
NAMES = list(LIKELIHOODS)
TOLD_APART = ["town", "grade", "smoker"]
COVERAGE = 0.8

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


def fit(**arguments):
    with pytest.warns(UserWarning, match="'card' is set aside"):
        return VAE(2, columns={"visits": "poisson"}, calibration_fraction=0.3, **SMALL, **arguments).fit(FRAME)


@pytest.fixture(scope="module")
def seen():
    """What the fit takes for training and for early stopping, filled by it."""
    return []


@pytest.fixture(scope="module")
def fitted(seen):
    with pytest.MonkeyPatch.context() as patch:
        plain = training.fit
        patch.setattr(training, "fit", lambda *a, **k: seen.append((a[1], k["held_out"])) or plain(*a, **k))
        return fit()


@pytest.fixture(scope="module")
def imputed(fitted):
    return fitted.impute(FRAME)


@pytest.fixture(scope="module")
def versions(fitted):
    """As many as the intervals of a prediction take draws, so that both share one compilation."""
    return fitted.impute(FRAME[:24], INTERVAL_DRAWS)


@pytest.fixture(scope="module")
def predicted(fitted):
    return fitted.predict_columns(FRESH, NAMES, coverage=COVERAGE)


def untrained(X, columns=None):
    """An estimator whose model was assembled for X, stored and loaded, but never trained."""
    rows, assemble = TableRows.inspect(as_table(X), columns)
    architecture = Architecture(1, (8,), "elu")
    model = assemble(architecture, jax.random.key(1))
    fitted = FittedVAE(
        VAEConfiguration(n_components=1, columns=columns),
        rows,
        architecture,
        model,
        independent_columns(model.family, None),
        0.0,
    )
    return fitted, VAE.from_record(*fitted.to_record())


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


PAIRS = list(itertools.combinations(EXAMPLES, 2))


@pytest.mark.parametrize("pair", PAIRS, ids=" and ".join)
def test_every_pair_of_likelihoods_with_holes_is_stored_to_the_bit(pair, tmp_path):
    frame = pd.DataFrame({name: EXAMPLES[name] for name in pair})
    frame.iloc[::3, 0], frame.iloc[1::3, 1] = None, None
    fitted, _ = untrained(frame, {name: name for name in pair})
    write_model_file(tmp_path / "model", *fitted.to_record())
    loaded = FittedVAE.from_record(*read_model_file(tmp_path / "model"))
    # The same structure and the same numbers: the same compiled functions of the same arguments.
    assert jax.tree.structure(loaded.model) == jax.tree.structure(fitted.model)
    for one, two in zip(jax.tree.leaves(loaded.model), jax.tree.leaves(fitted.model), strict=True):
        np.testing.assert_array_equal(one, two, strict=True)
    assert loaded.rows == fitted.rows


def test_what_was_observed_stays_to_the_bit(imputed):
    holes = FRAME.isna()
    assert imputed.index.equals(FRAME.index)
    assert (imputed.dtypes == FRAME.dtypes).all()
    assert imputed.mask(holes).equals(FRAME)
    assert imputed[NAMES].notna().all(axis=None)
    assert list(pd.isna(imputed["card"])) == list(pd.isna(FRAME["card"]))


def test_versions_differ_in_the_holes_alone(versions, imputed):
    holes = FRAME[:24].isna()
    assert len(versions) == INTERVAL_DRAWS
    for version in versions:
        assert version.mask(holes).equals(FRAME[:24])
        assert version[NAMES].notna().all(axis=None)
    for name in ("second", "price"):
        assert (versions[0][name] != versions[1][name])[holes[name]].all()


@pytest.mark.parametrize("name", ["second", "price"])
def test_the_mean_of_many_versions_is_the_imputed_mean(name, versions, imputed):
    rows = np.flatnonzero(pd.isna(FRAME[name])[:24])
    drawn = np.array([version[name].iloc[rows] for version in versions])
    error = drawn.std(0, ddof=1) / np.sqrt(len(drawn))
    assert (np.abs(drawn.mean(0) - imputed[name].iloc[rows]) < 5 * error).all()


def test_equal_rows_are_filled_independently(fitted):
    """Or the shares of an imputed column of a table of few distinct rows would be those of a few coins."""
    rows = FRESH.iloc[[3] * 24].assign(second=np.nan)
    assert fitted.impute(rows, INTERVAL_DRAWS)[0]["second"].nunique() == 24


@pytest.mark.parametrize("dtype", ["str", pd.CategoricalDtype(["no", "yes"])])
def test_a_hole_is_filled_with_a_word_that_its_frame_does_not_hold(fitted, dtype):
    rows = FRAME[:4].assign(smoker=pd.Series([None] * 4, FRAME.index[:4], dtype))
    assert fitted.impute(rows)["smoker"].isin(["no", "yes"]).all()


def test_a_row_without_values_scores_zero_and_is_filled(fitted, imputed):
    nothing = FRAME.iloc[[7]]
    sampled = sample_importance_weights(
        fitted.model_, Observation(*fitted.schema_.encode(table_from_frame(nothing))), 128
    )
    assert fitted.score_samples(nothing) == sampled.log_evidence
    assert abs(sampled.log_evidence[0]) < 4.5 * np.sqrt(sampled.log_evidence_variance[0])
    assert imputed.iloc[7][NAMES].notna().all()
    assert fitted.anomaly_pvalue(nothing) == 1.0


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
    assert (fitted.score_samples(rows) == -np.inf).all()
    assert fitted.impute(rows)["second"].notna().all()


def test_a_p_value_counts_the_comparable_calibration_rows(fitted):
    rows = FRAME[:40]
    p_values = fitted.anomaly_pvalue(rows)
    observed = np.asarray(fitted._calibration().observed)
    _, masks = fitted.schema_.encode(table_from_frame(rows))
    comparable = np.array([observed[:, mask].all(1).sum() for mask in masks])
    assert len(np.unique(comparable)) > 3
    counts = p_values * (comparable + 1)
    np.testing.assert_allclose(counts, np.round(counts), atol=1e-9)
    assert ((counts > 0.5) & (p_values <= 1)).all()


@pytest.mark.parametrize("rate", [0.1, 0.25, 0.5])
def test_p_values_of_exchangeable_rows_are_uniform(fitted, rate):
    p_values = fitted.anomaly_pvalue(FRESH)
    count = int(np.asarray(fitted._calibration().observed).all(1).sum())
    rank = int(rate * (count + 1))
    # The share below the score of that rank is beta distributed, for the calibration rows are drawn but once.
    low, high = stats.betabinom(len(FRESH), rank, count + 1 - rank).ppf([1e-4, 1 - 1e-4])
    assert low <= (p_values <= rank / (count + 1) + 1e-12).sum() <= high


def test_a_p_value_depends_on_its_own_row_alone(fitted):
    whole = fitted.anomaly_pvalue(FRAME)
    np.testing.assert_array_equal(fitted.anomaly_pvalue(FRAME[5:17]), whole[5:17])


def test_rows_of_calibration_are_none_of_the_others(fitted, seen):
    ((trained, held_out),) = seen
    parts = [np.asarray(rows.values)[:, :5] for rows in (trained, held_out, fitted._calibration())]
    assert [len(part) for part in parts] == [94, 11, 45]
    rows = np.concatenate(parts)
    distinct = rows[(rows[:, [0, 3]] != 0).all(1)]
    assert len(np.unique(distinct, axis=0)) == len(distinct)


def test_what_is_known_of_a_column_is_known_from_the_training_rows(fitted):
    """Or a level that only calibration rows hold would count as seen, and be an anomaly in a new row alone."""
    calibration = np.asarray(fitted._calibration().observed).sum(0)
    for column, aside in zip(fitted.schema_.columns, calibration, strict=True):
        assert column.observed_count <= FRAME[column.name].notna().sum() - aside


def test_a_rate_too_small_for_the_calibration_rows_is_refused():
    require_reachable(1 / 46, np.array([45, 45]))
    with pytest.raises(ValueError, match=r"at least 49 calibration rows, and 1 of 2 .*as few as 45"):
        require_reachable(0.02, np.array([45, 49]))
    with pytest.raises(ValueError, match="expected a share between 0 and 1"):
        require_reachable(0.0, np.array([45]))


@pytest.mark.parametrize("name", NAMES)
def test_new_values_are_covered_as_often_as_was_asked(name, predicted, fitted):
    column = predicted[name]
    count = int(np.asarray(fitted._calibration().observed)[:, NAMES.index(name)].sum())
    assert column.calibration_rows == count
    if name in TOLD_APART:
        places = [column.levels.index(value) for value in FRESH[name]]
        covered = column.contained[np.arange(len(FRESH)), places]
        np.testing.assert_allclose(column.probabilities.sum(1), 1.0, atol=1e-5)
        assert (column.probabilities.argmax(1) == [column.levels.index(value) for value in column.value]).all()
    else:
        truth = FRESH[name].to_numpy() if name == "day" else FRESH[name].to_numpy(float)
        covered = (column.lower <= truth) & (truth <= column.upper)
        # The mean of a price, whose logarithm is normal, may lie above most of its values.
        assert (column.lower <= column.value).mean() > 0.9
        assert name == "price" or (column.value <= column.upper).mean() > 0.9
    rank = int(np.ceil(COVERAGE * (count + 1)))
    spread = stats.betabinom(len(FRESH), rank, count + 1 - rank).std()
    assert covered.sum() >= COVERAGE * len(FRESH) - 3 * spread


@pytest.mark.parametrize("name", ["second", "price", "town"])
def test_a_prediction_is_what_would_fill_the_hole(name, fitted):
    hidden = FRAME[:24].copy()
    hidden.iloc[::2, hidden.columns.get_loc(name)] = None
    filled = fitted.impute(hidden)[name][::2]
    value = fitted.predict_columns(FRAME[:24], [name])[name].value[::2]
    if name in TOLD_APART:
        assert filled.tolist() == value.tolist()
    else:
        np.testing.assert_allclose(value, filled, rtol=1e-12)


def test_what_cannot_be_predicted_is_refused(fitted):
    with pytest.raises(ValueError, match="no column 'card' to predict; there are second"):
        fitted.predict_columns(FRAME, ["card"])
    with pytest.raises(ValueError, match="coverage is 90"):
        fitted.predict_columns(FRAME, ["price"], coverage=90)


def test_without_calibration_rows_there_are_no_p_values():
    _, estimator = untrained(FRESH[["price", "second"]])
    for call in (estimator.anomaly_pvalue, lambda X: estimator.predict_columns(X, ["price"])):
        with pytest.raises(ValueError, match="there are no calibration rows"):
            call(FRESH)


HOLED = np.random.default_rng(0).normal(size=(30, 3))
HOLED[::4, 1], HOLED[3] = np.nan, np.nan


def test_an_array_with_holes_comes_back_an_array_without():
    _, estimator = untrained(HOLED)
    filled = estimator.impute(HOLED)
    assert isinstance(filled, np.ndarray)
    assert np.isfinite(filled).all()
    np.testing.assert_array_equal(filled[~np.isnan(HOLED)], HOLED[~np.isnan(HOLED)])
    with pytest.raises(DataError, match="X has 2 features, but the model is expecting 3"):
        estimator.impute(HOLED[:, :2])
    with pytest.raises(DataError, match="column 'x2' of X contains infinity"):
        estimator.score_samples(np.where(np.arange(3) == 2, np.inf, HOLED))


def test_refits_on_bootstrapped_rows_model_the_same_columns(monkeypatch):
    monkeypatch.setattr(training, "fit", lambda start, *_, **__: SimpleNamespace(model=start, history=()))
    frame = complete_frame(40, 9)[["card", "second", "price"]].reset_index(drop=True)
    frame.loc[::5, "price"], frame.loc[3, "card"] = np.nan, None
    with pytest.warns(UserWarning, match="'card' is set aside"):
        _, estimator = untrained(frame)
    estimator.set_params(hidden_sizes=(8,))
    (version,) = estimator.impute(frame, 1, proper=True)
    assert list(pd.isna(version["card"])) == list(pd.isna(frame["card"]))


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
