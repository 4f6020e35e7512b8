"""A filled frame, Parquet file or array differs from its source in the holes only; types and labels stay."""

import datetime
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from holed_frames import PANDAS, filled_like_the_last, polars_columns
from isthmus.data import DataError, read_table, table_from_frame
from isthmus.data.filling import fill_file, fill_frame

MATRIX = hnp.arrays(np.float64, (5, 3), elements=st.floats(-1e300, 1e300) | st.just(np.nan))
DAY = datetime.date(2020, 1, 2)
PARQUET = {
    "doubles": pa.array([0.1, None, 0.3]),
    "NaN": pa.array([0.1, float("nan"), 0.3]),
    "floats": pa.array([0.1, None, 0.3], pa.float32()),
    "integers": pa.array([1, None, 3], pa.int16()),
    "large integers": pa.array([2**62 + 1, None, 3]),
    "unsigned": pa.array([1, None, 3], pa.uint8()),
    "decimals": pa.array(["1.25", None, "3.5"]).cast(pa.decimal128(6, 2)),
    "truth": pa.array([True, None, False]),
    "words": pa.array(["a", None, "b"]),
    "large words": pa.array(["a", None, "b"], pa.large_string()),
    "dictionary": pa.array(["b", None, "a"]).dictionary_encode(),
    "ordered": pa.DictionaryArray.from_arrays(pa.array([0, None, 2], pa.int8()), ["low", "mid", "high"], ordered=True),
    "days": pa.array([DAY, None, DAY]),
    "days in milliseconds": pa.array([DAY, None, DAY], pa.date64()),
    "nanoseconds": pa.array([10**9, None, 3 * 10**9], pa.timestamp("ns")),
    "zone": pa.array([10**3, None, 3 * 10**3], pa.timestamp("ms", "Europe/Berlin")),
    "times of day": pa.array([datetime.time(1, 2), None, datetime.time(3)], pa.time32("s")),
    "durations": pa.array([1500, None, 2500], pa.duration("us")),
    "nothing": pa.nulls(3),
}


def assert_only_holes_changed(filled, source):
    """Arrow arrays of one type: every observed cell is the same, and no hole is left."""
    assert filled.type == source.type
    for i in (0, 2):
        assert filled[i].equals(source[i])
    assert pa.types.is_null(source.type) or filled[1].equals(filled[2])


@pytest.mark.parametrize("name", PARQUET)
def test_a_parquet_file_changes_in_its_holes_only(tmp_path, name):
    metadata = {b"who": b"wrote it"}
    field = pa.field("a", PARQUET[name].type, metadata={b"unit": b"m"})
    source = pa.table([PARQUET[name], [1, 2, 3]], schema=pa.schema([field, pa.field("b", pa.int64())], metadata))
    pyarrow.parquet.write_table(source, tmp_path / "t.parquet")
    fill_file(
        tmp_path / "t.parquet",
        tmp_path / "out.parquet",
        filled_like_the_last(read_table(str(tmp_path / "t.parquet"))),
    )
    source, filled = (pyarrow.parquet.ParquetFile(tmp_path / file).read() for file in ("t.parquet", "out.parquet"))
    assert filled.schema.equals(source.schema, check_metadata=True)
    assert_only_holes_changed(filled["a"].combine_chunks(), source["a"].combine_chunks())
    assert filled["b"].equals(source["b"])


def test_the_index_of_pandas_comes_back(tmp_path):
    frame = pd.DataFrame({"a": [1.5, None, 2.5], "b": ["x", None, "y"]}, index=["i", "j", None])
    frame.to_parquet(tmp_path / "t.parquet")
    filled = filled_like_the_last(read_table(str(tmp_path / "t.parquet")))
    fill_file(tmp_path / "t.parquet", tmp_path / "out.parquet", filled)
    expected = pd.DataFrame({"a": [1.5, 2.5, 2.5], "b": ["x", "y", "y"]}, index=frame.index)
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "out.parquet"), expected)


@settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=MATRIX)
def test_every_observed_bit_of_a_file_is_kept(tmp_path, values):
    np.save(tmp_path / "t.npy", values)
    pyarrow.parquet.write_table(pa.table(list(values.T), names=["x0", "x1", "x2"]), tmp_path / "t.parquet")
    for file in ("t.npy", "t.parquet"):
        table = filled_like_the_last(read_table(str(tmp_path / file)))
        fill_file(tmp_path / file, tmp_path / f"filled {file}", table)
        filled = np.column_stack([column.values for column in read_table(str(tmp_path / f"filled {file}")).columns])
        np.testing.assert_array_equal(filled, np.column_stack([column.values for column in table.columns]))
    filled = np.load(tmp_path / "filled t.npy")
    assert filled[~np.isnan(values)].tobytes() == values[~np.isnan(values)].tobytes()


def test_images_keep_their_shape_and_type(tmp_path):
    images = np.arange(12, dtype=np.float32).reshape(3, 2, 2) / 8
    holed = np.where(images == 0.5, np.nan, images)
    np.save(tmp_path / "t.npy", holed)
    fill_file(tmp_path / "t.npy", tmp_path / "out.npy", filled_like_the_last(read_table(str(tmp_path / "t.npy"))))
    filled = np.load(tmp_path / "out.npy")
    assert (filled.shape, filled.dtype) == (images.shape, images.dtype)
    np.testing.assert_array_equal(filled[~np.isnan(holed)], images[~np.isnan(holed)])
    assert filled[1, 0, 0] == images[2, 0, 0]


@pytest.mark.parametrize("name", PANDAS)
def test_a_column_of_pandas_changes_in_its_holes_only(name):
    frame = pd.DataFrame({7: PANDAS[name], "whole": [1, 2, 3]}).set_index(pd.Index([5, 5, 9], name="id"))
    before = frame.copy(deep=True)
    filled = fill_frame(frame, filled_like_the_last(table_from_frame(frame)))
    pd.testing.assert_frame_equal(frame, before)
    expected = frame.iloc[[0, 2, 2]].set_index(frame.index).assign(whole=frame["whole"].to_numpy())
    pd.testing.assert_frame_equal(filled, expected, check_exact=True)
    assert [type(value) for value in filled[7]] == [type(value) for value in expected[7]]


def test_every_column_of_polars_changes_in_its_holes_only():
    polars = pytest.importorskip("polars")
    assert_frame_equal = pytest.importorskip("polars.testing").assert_frame_equal
    frame = polars.DataFrame(polars_columns(polars))
    before = frame.clone()
    filled = fill_frame(frame, filled_like_the_last(table_from_frame(frame)))
    assert_frame_equal(frame, before)
    assert_frame_equal(filled, frame[[0, 2, 2]], check_exact=True)


@settings(deadline=None, max_examples=50)
@given(values=MATRIX)
def test_every_observed_bit_of_a_frame_is_kept(values):
    frame = pd.DataFrame(values)
    filled = fill_frame(frame, filled_like_the_last(table_from_frame(frame))).to_numpy()
    observed = ~np.isnan(values)
    assert filled[observed].tobytes() == values[observed].tobytes()
    assert np.isfinite(filled).all()


WHOLE = {
    "whole float64": (2.6, 3.0),
    "Int8": (1e9, 127),
    "float64": (2.6, 2.6),
    "Float64": (2.6, 3.0),
    "days": (86_400 * 1.9, datetime.date(1970, 1, 3)),
    "nanoseconds": (3.2 * 60, pd.Timestamp("1970-01-01 00:03")),
    "durations": (4000, pd.Timedelta(hours=1)),
    "seconds": (1e15, pd.Timestamp("9999-12-31").as_unit("s")),
    "decimals": (1.238, pytest.approx(1.24)),
}


@pytest.mark.parametrize("name", WHOLE)
def test_what_fills_a_hole_is_as_coarse_as_its_column(name):
    value, expected = WHOLE[name]
    frame = pd.DataFrame({"a": PANDAS[name]})
    table = filled_like_the_last(table_from_frame(frame))
    column = replace(table.columns[0], values=np.full(3, float(value)))
    said = fill_frame(frame, replace(table, columns=(column,)))["a"].iloc[1]
    assert (float(said) if name == "decimals" else said) == expected


def test_a_moment_out_of_reach_is_the_last_that_the_type_holds():
    frame = pd.DataFrame({"a": PANDAS["nanoseconds"]})
    table = filled_like_the_last(table_from_frame(frame))
    column = replace(table.columns[0], values=np.full(3, 1e15))
    assert fill_frame(frame, replace(table, columns=(column,)))["a"].iloc[1].year == 2262


def test_a_hole_without_a_value_stays_one():
    frame = pd.DataFrame({name: PANDAS[name] for name in PANDAS})
    pd.testing.assert_frame_equal(fill_frame(frame, table_from_frame(frame)), frame)
    some = replace(filled_like_the_last(table_from_frame(frame)), columns=table_from_frame(frame).columns[:2])
    pd.testing.assert_frame_equal(fill_frame(frame, some), frame)


def test_a_table_of_another_frame_is_refused():
    frame = pd.DataFrame({"a": [1.0, None]})
    with pytest.raises(DataError, match="X has 2 rows and what should fill it has 1"):
        fill_frame(frame, table_from_frame(frame[:1]))
    with pytest.raises(DataError, match="X has no column 'b' to fill"):
        fill_frame(frame, table_from_frame(frame.rename(columns={"a": "b"})))
