"""What a worker makes of a batch does not depend on the cuts, and is what the estimator makes of all rows."""

from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import isthmus
from isthmus.cluster.row_work import Embedding, Imputing, Scoring
from isthmus.cluster.witnesses import with_witnesses, witnesses
from isthmus.data import fill_frame, table_from_frame
from isthmus.estimators.scoring import scored_columns
from mixed_frame import mixed_frame

CUTS = ([60], [1, 59], [7, 20, 33])


def cut(table, sizes):
    starts = np.cumsum([0, *sizes[:-1]])
    return [table.slice(start, size) for start, size in zip(starts, sizes, strict=True)]


@pytest.fixture(scope="module")
def frame():
    return mixed_frame(60).drop(columns="person")


@pytest.fixture(scope="module")
def estimator(frame):
    return isthmus.VAE(2, max_epochs=2, calibration_fraction=0.2).fit(mixed_frame(200, seed=1).drop(columns="person"))


@pytest.mark.parametrize("sizes", CUTS)
def test_scores_are_those_of_all_rows(frame, estimator, sizes):
    rows = pa.Table.from_pandas(frame, preserve_index=False).append_column("id", pa.array(np.arange(60)))
    work = Scoring(estimator.column_names_, ("id",))
    found = pa.concat_tables([work(estimator, batch) for batch in cut(rows, sizes)])
    expected = scored_columns(estimator, table_from_frame(frame))
    assert found.column_names == ["id", *expected]
    assert found["id"].to_pylist() == list(range(60))
    for name, values in expected.items():
        assert np.array_equal(found[name].to_numpy(), values), name


@pytest.mark.parametrize("sizes", CUTS)
def test_latents_are_those_of_all_rows(frame, estimator, sizes):
    rows = pa.Table.from_pandas(frame, preserve_index=False)
    work = Embedding(estimator.column_names_, ())
    found = pa.concat_tables([work(estimator, batch) for batch in cut(rows, sizes)])
    assert np.array_equal(np.column_stack(found.columns), estimator.transform(frame))


@pytest.mark.parametrize("sizes", CUTS)
def test_holes_are_filled_as_in_all_rows(frame, estimator, sizes):
    rows = pa.Table.from_pandas(frame, preserve_index=False)
    # One value with decimals, the last, says how all of its column are written.
    assert (frame["height"] != frame["height"].round()).any()
    last_alone = frame.copy()
    last_alone["height"] = frame["height"].round()
    last_alone.loc[59, "height"] = 171.5
    for given in (frame, last_alone):
        rows = pa.Table.from_pandas(given, preserve_index=False)
        work = Imputing(estimator.column_names_, witnesses(rows))
        found = pa.concat_tables([work(estimator, batch) for batch in cut(rows, sizes)])
        expected = pa.Table.from_pandas(
            fill_frame(given, estimator.impute(table_from_frame(given))), preserve_index=False
        )
        assert found.to_pandas().equals(expected.to_pandas())


WRITTEN = {
    "whole": ([1.0, 2.0, None], 1.0),
    "one with decimals": ([1.0, 2.5, 3.0], 2.5),
    "days": (pd.to_datetime(["2020-01-01", "2020-01-02"]), pd.Timestamp("2020-01-01")),
    "one with minutes": (pd.to_datetime(["2020-01-01 00:00", "2020-01-02 03:04"]), pd.Timestamp("2020-01-02 03:04")),
    "spans": ([None, pd.Timedelta("2h"), pd.Timedelta("1s")], pd.Timedelta("1s")),
    "money": ([Decimal("1.00"), Decimal("1.25")], Decimal("1.25")),
    "words": (["b", "a"], "b"),
    "truth": ([None, False], False),
    "empty": (pa.nulls(2, pa.float64()), None),
}


@pytest.mark.parametrize("name", WRITTEN)
def test_the_witness_is_the_most_finely_written_value(name):
    values, expected = WRITTEN[name]
    table = pa.table({"x": values if isinstance(values, pa.Array) else pa.array(values, from_pandas=True)})
    found = witnesses(table)
    assert found["x"].to_pylist() == [expected]
    halves = pa.concat_tables([witnesses(table.slice(0, 1)), witnesses(table.slice(1))])
    assert witnesses(halves)["x"].to_pylist() == [expected]
    assert with_witnesses(table, found).slice(0, len(table)).equals(table)
