"""A mutated model file loads equal, or as an estimator that works, or is refused by ModelFileError. Seeds: `damage` and
`forge` draw file i by (kind, i)."""

import json
import struct

import numpy as np
import pytest
from model_attacks import damage, forge, load_forged, outcome_of_damage, use
from model_seeds import model_file, model_record

import isthmus
from isthmus.storage import ModelFileError, read_model_file, write_model_file
from isthmus.storage import model_file as format_of_files

QUICK_SEEDS = ("linear", "ppca", "fa")
LOADED, FORGED = 600, 400


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.safetensors"


def test_mutated_bytes_load_equal_or_are_refused(path):
    outcomes = {outcome_of_damage(path, damage(path, number, QUICK_SEEDS)[1]) for number in range(LOADED)}
    assert outcomes <= {"refused", "equal"}
    assert "refused" in outcomes


def test_content_forged_under_a_right_checksum_is_refused_or_works(path):
    usable = 0
    for number in range(FORGED):
        forge(path, number, QUICK_SEEDS)
        estimator = load_forged(path)
        if estimator is not None:
            assert use(estimator) == "usable"
            usable += 1
    assert 0 < usable < FORGED


@pytest.mark.parametrize("seed", QUICK_SEEDS)
def test_every_flipped_bit_of_an_estimators_file_is_refused(path, seed):
    content = model_file(seed)
    for position in np.random.default_rng(31).choice(8 * len(content), 400, replace=False):
        altered = bytearray(content)
        altered[position // 8] ^= 1 << position % 8
        path.write_bytes(altered)
        with pytest.raises(ModelFileError):
            isthmus.load(path)


FORGERIES = {
    "an estimator that is an object": {"estimator": {}},
    "parameters that are a list of names": {"parameters": "n_components"},
    "no total variance": {"facts": {"whitened": True}},
    "a threshold in words": {"threshold": "NaN"},
    "a latent beyond its columns": {"architecture": {"latent_size": 10**18}},
    "columns twice": {"columns": ["x0", "x0", "x2", "x3"]},
    "columns in one word": {"columns": "abcd"},
}


@pytest.mark.parametrize("name", FORGERIES)
def test_what_no_fit_writes_is_refused(path, name):
    arrays, metadata = model_record("linear")
    write_model_file(path, arrays, {**metadata, **FORGERIES[name]})
    with pytest.raises(ModelFileError):
        isthmus.load(path)


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("seed", QUICK_SEEDS)
def test_numbers_that_are_not_finite_are_refused(path, seed, value):
    arrays, metadata = model_record(seed)
    write_model_file(path, {**arrays, "model.mean": np.full(4, value)}, metadata)
    with pytest.raises(ModelFileError, match="finite"):
        isthmus.load(path)


def test_a_header_of_countless_values_is_refused_before_it_is_parsed(path, monkeypatch):
    monkeypatch.setattr(format_of_files, "MAXIMUM_HEADER_VALUES", 1000)
    header = json.dumps({"__metadata__": {"isthmus": str([[]] * 2000)}}).encode()
    path.write_bytes(struct.pack("<Q", len(header)) + header)
    with pytest.raises(ModelFileError, match=r"its header holds 400\d values"):
        read_model_file(path)
    with pytest.raises(ModelFileError, match="keep them in arrays"):
        write_model_file(path, {}, {"a": [0] * 2000})
