"""A model file reads back to the last bit, equal content gives equal bytes, and odd content survives."""

import os

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from isthmus.storage import ModelFileError, model_file, read_model_file, write_model_file

DTYPES = ["?", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f2", "f4", "f8", "c8"]
SHAPES = [(), (0,), (3,), (0, 3), (3, 0), (2, 1, 3)]
ARRAYS = hnp.arrays(st.sampled_from(DTYPES), hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3))
NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=6).filter(lambda name: name != "__metadata__")
METADATA = {
    "empty": {},
    "nested": {"a": {"b": [1, 2.5, None, True, "x"]}, "c": []},
    "unicode": {"größe": "中文 \U0001f600", "control": '\x00\n\t"\\', "separator": "\u2028"},
    "numbers": {"tiny": 5e-324, "huge": 1.7e308, "zero": -0.0, "integer": 10**30, "third": 1 / 3},
}
REFUSED_ARRAYS = {
    "objects": {"a": np.array([1, None], object)},
    "text": {"a": np.array(["x"])},
    "dates": {"a": np.array(["2020-01-01"], "datetime64[D]")},
    "records": {"a": np.zeros(2, [("x", float)])},
    "reserved name": {"__metadata__": np.zeros(1)},
}
REFUSED_METADATA = {
    "NaN": {"a": float("nan")},
    "infinity": {"a": [float("inf")]},
    "half a surrogate pair": {"a": "\ud800"},
}


def assert_same(arrays, others):
    assert arrays.keys() == others.keys()
    for name, array in arrays.items():
        assert (array.dtype, array.shape) == (others[name].dtype, others[name].shape)
        assert array.tobytes() == others[name].tobytes()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.safetensors"


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_type_and_shape_reads_back(path, dtype):
    arrays = {str(shape): np.arange(np.prod(shape)).reshape(shape).astype(dtype) for shape in SHAPES}
    write_model_file(path, arrays, {})
    assert_same(arrays, read_model_file(path)[0])


@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(arrays=st.dictionaries(NAMES, ARRAYS, max_size=3))
def test_any_arrays_under_any_names_read_back(path, arrays):
    write_model_file(path, arrays, {})
    assert_same(arrays, read_model_file(path)[0])


@pytest.mark.parametrize("name", METADATA)
def test_metadata_reads_back(path, name):
    write_model_file(path, {}, METADATA[name])
    assert read_model_file(path)[1] == METADATA[name]


def test_equal_content_gives_equal_bytes(path):
    array, matrix = np.arange(3.0), np.arange(6.0).reshape(2, 3)
    spellings = [
        ({"a": array, "b": matrix}, {"x": 1, "y": [2]}),
        ({"b": matrix, "a": array}, {"y": [2], "x": 1}),
        ({"a": array.astype(">f8"), "b": np.asfortranarray(matrix)}, {"x": 1, "y": (2,)}),
        ({"a": np.repeat(array, 2)[::2], "b": matrix[::-1][::-1]}, {"x": 1, "y": [2]}),
    ]
    contents = set()
    for arrays, metadata in spellings:
        write_model_file(path, arrays, metadata)
        contents.add(path.read_bytes())
    assert len(contents) == 1


def test_a_header_of_any_length_is_told_from_other_kinds_of_file(path):
    for length in range(400, 1600, 8):
        write_model_file(path, {}, {"a": "x" * length})
        assert read_model_file(path)[1]["a"] == "x" * length


@pytest.mark.parametrize("name", REFUSED_ARRAYS)
def test_arrays_that_could_not_be_read_back_are_not_written(path, name):
    with pytest.raises(ModelFileError, match=r"cannot hold an array .* expected a type among bool"):
        write_model_file(path, REFUSED_ARRAYS[name], {})
    assert not os.listdir(path.parent)


@pytest.mark.parametrize("name", REFUSED_METADATA)
def test_metadata_that_could_not_be_read_back_is_not_written(path, name):
    with pytest.raises(ValueError, match=r"JSON compliant|surrogates"):
        write_model_file(path, {}, REFUSED_METADATA[name])
    assert not os.listdir(path.parent)


def test_a_header_too_long_to_be_read_is_not_written(path, monkeypatch):
    monkeypatch.setattr(model_file, "MAXIMUM_HEADER_BYTES", 1000)
    with pytest.raises(ModelFileError, match="the largest allowed is 1000"):
        write_model_file(path, {}, {"a": "x" * 1000})
    assert not os.listdir(path.parent)


def test_a_failing_write_leaves_the_old_model(path, monkeypatch):
    write_model_file(path, {"a": np.zeros(2)}, {"version": "old"})

    def fail(*paths):
        raise OSError("no space left on device")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="no space"):
        write_model_file(path, {"a": np.ones(2)}, {"version": "new"})
    assert read_model_file(path)[1] == {"version": "old"}
    assert os.listdir(path.parent) == [path.name]


def test_a_missing_file_is_named(path):
    with pytest.raises(FileNotFoundError, match=r"model\.safetensors"):
        read_model_file(path)
