"""A written table reads back as it was, and a table that cannot be written is refused before anything is touched."""

import os

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from file_bytes import names, numbers
from isthmus.data import DataError, read_rows, write_table
from isthmus.data.writers import ENDINGS

NAMES = ("a", "größe, cm")
TABLES = {
    "numbers": np.array([[1.5, -2.0], [0.1, 1e-300]]),
    "holes": np.array([[1.5, np.nan], [np.nan, 2.0]]),
    "float32": np.array([[1.1, 2.0], [3.0, 1e-30]], np.float32),
    "integers": np.array([[1, -2], [3, 2**40]]),
    "booleans": np.array([[True, False], [False, True]]),
    "one row": np.array([[1.5, 2.5]]),
    "in column order": np.asfortranarray([[1.5, 2.5], [3.5, 4.5]]),
}
REFUSED = {
    "unknown ending": (
        "t.xlsx",
        r"t\.xlsx has an ending .* expected one of \.csv, \.parquet, \.npy",
    ),
    "no ending": ("t", "has an ending that cannot be written"),
    "npz": ("t.npz", "has an ending that cannot be written"),
    "no directory": ("absent/t.csv", "absent/t.csv cannot be written: there is no directory .*absent"),
}


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("file", [f"t{ending}" for ending in ENDINGS] + ["T.CSV"])
def test_a_table_reads_back(tmp_path, file, name):
    write_table(tmp_path / file, TABLES[name], NAMES)
    found = read_rows(str(tmp_path / file))
    # A CSV holds the shortest digits that name a float32 among float32s.
    np.testing.assert_array_equal(numbers(found).astype(TABLES[name].dtype), TABLES[name])
    assert names(found) == (("x0", "x1") if file.endswith(".npy") else NAMES)
    assert os.listdir(tmp_path) == [file]


@pytest.mark.parametrize("ending", ENDINGS)
@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=hnp.arrays(np.float64, (3, 2), elements=st.floats(allow_nan=False, allow_infinity=False)))
def test_every_bit_of_a_number_is_kept(tmp_path, ending, values):
    write_table(str(tmp_path / f"t{ending}"), values, NAMES)
    np.testing.assert_array_equal(numbers(read_rows(str(tmp_path / f"t{ending}"))), values)


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_no_column_is_dropped(tmp_path, ending):
    with pytest.raises(ValueError, match=r"[Ll]ength of names"):
        write_table(tmp_path / f"t{ending}", np.ones((2, 3)), NAMES)
    write_table(tmp_path / f"t{ending}", np.ones((2, 2)), ("a", "a"))
    with pytest.raises(DataError, match="two columns named 'a'"):
        read_rows(str(tmp_path / f"t{ending}"))


@pytest.mark.parametrize("name", REFUSED)
def test_a_place_that_cannot_be_written_is_refused(tmp_path, name):
    file, reason = REFUSED[name]
    with pytest.raises(DataError, match=reason):
        write_table(tmp_path / file, np.ones((2, 2)), NAMES)
    assert not os.listdir(tmp_path)


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_failing_write_leaves_the_old_table(tmp_path, monkeypatch, ending):
    path = tmp_path / f"t{ending}"
    write_table(path, np.ones((2, 2)), NAMES)

    def fail(*paths):
        raise OSError("no space left on device")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="no space"):
        write_table(path, np.zeros((2, 2)), NAMES)
    np.testing.assert_array_equal(numbers(read_rows(str(path))), 1.0)
    assert os.listdir(tmp_path) == [path.name]
