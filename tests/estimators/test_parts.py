"""Small objects among the arguments: whatever way they are given, they are one thing, and JSON keeps it."""

import json

import numpy as np
import pytest

from isthmus.estimators.parts import as_corruption, as_record, as_sparsity
from isthmus.models import (
    L1,
    Annealed,
    Constant,
    FeatureSwap,
    GaussianNoise,
    LogUniform,
    Masking,
    SaltAndPepper,
    TopK,
    Uniform,
)

CORRUPTIONS = {
    "a kind": (GaussianNoise(), {"kind": "gaussian", "level": 0.3}),
    "a number": (Masking(0.5), {"kind": "masking", "level": 0.5}),
    "another kind": (SaltAndPepper(0.1), {"kind": "salt_and_pepper", "level": 0.1}),
    "a constant": (FeatureSwap(Constant(0.2)), {"kind": "swap", "level": {"kind": "constant", "value": 0.2}}),
    "uniform": (Masking(Uniform(0.0, 1.0)), {"kind": "masking", "level": {"kind": "uniform", "low": 0.0, "high": 1.0}}),
    "log-uniform": (
        GaussianNoise(LogUniform(0.01, 3.0)),
        {"kind": "gaussian", "level": {"kind": "log_uniform", "low": 0.01, "high": 3.0}},
    ),
    "annealed": (
        GaussianNoise(Annealed(2.0, 0.0)),
        {"kind": "gaussian", "level": {"kind": "annealed", "first": 2.0, "last": 0.0}},
    ),
}
SPARSITIES = {
    "a cost": (L1(0.5), {"kind": "l1", "weight": 0.5}),
    "a number kept": (TopK(3), {"kind": "top_k", "kept": 3}),
}
EVERY = {name: (as_corruption, *case) for name, case in CORRUPTIONS.items()} | {
    name: (as_sparsity, *case) for name, case in SPARSITIES.items()
}


@pytest.mark.parametrize("name", EVERY)
def test_an_object_and_its_record_are_one_thing(name):
    read, value, record = EVERY[name]
    assert as_record(value) == record
    for given in (value, record, json.loads(json.dumps(record))):
        found = read(given)
        assert type(found) is type(value)
        assert as_record(found) == record


def test_a_name_alone_takes_the_defaults():
    assert as_record(as_corruption("swap")) == as_record(FeatureSwap())
    assert as_sparsity("top_k") == TopK()
    assert as_corruption(None) is as_sparsity(None) is None


def test_numbers_of_numpy_are_numbers():
    assert as_record(as_corruption(Masking(np.float32(0.5)))) == {"kind": "masking", "level": 0.5}
    assert as_record(as_corruption(GaussianNoise(Uniform(0, np.int64(2)))))["level"]["high"] == 2.0
    assert as_sparsity(TopK(np.int64(3))) == TopK(3)
    assert as_sparsity(L1(np.float64(1))) == L1(1.0)


WRONG = {
    "no such kind": (as_corruption, {"kind": "blur"}, "not a corruption; expected one of GaussianNoise, Masking"),
    "a kind that is a list": (as_corruption, {"kind": ["gaussian"]}, "not a corruption"),
    "no kind": (as_corruption, {"level": 0.3}, "not a corruption"),
    "a number": (as_corruption, 0.3, "0.3 is not a corruption"),
    "a class": (as_corruption, Masking, "not a corruption"),
    "a field too many": (as_corruption, {"kind": "masking", "share": 0.3}, "unexpected keyword argument 'share'"),
    "a share above 1": (as_corruption, Masking(1.5), "level of Masking is 1.5; expected a share from 0 to 1"),
    "a share below 0": (as_corruption, FeatureSwap(-0.1), "level of FeatureSwap is -0.1"),
    "a range above 1": (as_corruption, SaltAndPepper(Uniform(0.5, 1.5)), "expected a share from 0 to 1"),
    "a level of no range": (as_corruption, GaussianNoise(Uniform(2.0, 1.0)), "the level of GaussianNoise"),
    "a level below 0": (as_corruption, GaussianNoise(-1.0), "level of GaussianNoise is -1.0; expected spreads from 0"),
    "the logarithm of 0": (as_corruption, GaussianNoise(LogUniform(0.0, 1.0)), "the level of GaussianNoise"),
    "an infinite level": (as_corruption, GaussianNoise(np.inf), "the level of GaussianNoise is inf"),
    "a level that is no number": (as_corruption, GaussianNoise("loud"), "the level of GaussianNoise is 'loud'"),
    "a level of no kind": (as_corruption, {"kind": "masking", "level": {"kind": "wave"}}, "is not a level"),
    "no such sparsity": (as_sparsity, "l2", "'l2' is not a sparsity; expected one of L1, TopK"),
    "a cost below 0": (as_sparsity, L1(-1.0), "the weight of L1 is -1.0; expected a number from 0"),
    "none kept": (as_sparsity, TopK(0), "kept of TopK is 0; expected a whole number above 0"),
    "half of one kept": (as_sparsity, TopK(0.5), "kept of TopK is 0.5"),
    "a truth kept": (as_sparsity, TopK(True), "kept of TopK is True"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_named(case):
    read, value, message = WRONG[case]
    with pytest.raises(ValueError, match=message):
        read(value)
