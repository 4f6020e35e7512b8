"""Holes of mixed columns filled, and columns predicted from others."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from isthmus.data import DataError, table_from_frame
from isthmus.estimators import training
from isthmus.estimators.imputation import INTERVAL_DRAWS
from isthmus.inference import sample_importance_weights
from isthmus.models import Observation
from vae_table_cases import (
    COVERAGE,
    FRAME,
    FRESH,
    HOLED,
    NAMES,
    TOLD_APART,
    complete_frame,
    fitted_and_seen,
    imputed_frame,
    imputed_versions,
    predicted_columns,
    untrained,
)


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
