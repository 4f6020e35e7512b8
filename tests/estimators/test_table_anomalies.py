"""p-values of rows with holes, by calibration rows that the fit never saw."""

import numpy as np
import pytest
from scipy import stats

from isthmus.data import table_from_frame
from isthmus.estimators.anomalies import require_reachable
from vae_table_cases import (
    FRAME,
    FRESH,
    fitted_and_seen,
    untrained,
)


@pytest.fixture(scope="module")
def fitted():
    return fitted_and_seen()[0]


@pytest.fixture(scope="module")
def seen():
    return fitted_and_seen()[1]


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


def test_without_calibration_rows_there_are_no_p_values():
    _, estimator = untrained(FRESH[["price", "second"]])
    for call in (estimator.anomaly_pvalue, lambda X: estimator.predict_columns(X, ["price"])):
        with pytest.raises(ValueError, match="there are no calibration rows"):
            call(FRESH)
