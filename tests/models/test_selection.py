"""Which likelihood is chosen for which columns, and what is refused."""

import numpy as np
import pytest

from isthmus.data import DataError, inspect_columns
from isthmus.models import choose_likelihood

GENERATOR = np.random.default_rng(0)
BITS = GENERATOR.integers(0, 2, size=(50, 4))
SIXTEENTHS = np.clip(GENERATOR.integers(-6, 22, size=(200, 8)), 0, 16)
COUNTS = GENERATOR.poisson([1.0, 5.0, 80.0], size=(50, 3))
REALS = GENERATOR.normal(size=(50, 3))
BYTES = GENERATOR.integers(0, 200, size=(50, 4)).astype(np.uint8)

AUTO = {
    "zeros and ones": (BITS, {}, "bernoulli", None),
    "zeros and ones as booleans": (BITS.astype(bool), {}, "bernoulli", None),
    "a maximum that most columns reach": (SIXTEENTHS, {}, "discretised_logistic", 16),
    "bytes": (BYTES, {}, "discretised_logistic", 255),
    "a given maximum": (COUNTS, {"maximum": 200}, "discretised_logistic", 200),
    "integers without a known maximum": (COUNTS, {}, "normal", None),
    "negative integers": (SIXTEENTHS - 8, {}, "normal", None),
    "real numbers": (REALS, {}, "normal", None),
    "shares": (GENERATOR.random((50, 3)), {}, "normal", None),
}
REFUSED = {
    "a real under Bernoulli": (REALS, "bernoulli", {}),
    "a two under Bernoulli": (SIXTEENTHS, "bernoulli", {}),
    "a value above the maximum": (SIXTEENTHS, "binomial", {"maximum": 10}),
    "a negative count": (SIXTEENTHS - 8, "discretised_logistic", {"maximum": 16}),
    "reals under auto with a maximum": (REALS, "auto", {"maximum": 16}),
}


def columns_of(values):
    return inspect_columns(values, tuple(f"column {i}" for i in range(values.shape[1])))


@pytest.mark.parametrize("case", AUTO)
def test_auto_chooses_and_says_why(case):
    values, kwargs, kind, maximum = AUTO[case]
    choice = choose_likelihood(columns_of(values), **kwargs)
    assert (choice.kind, choice.maximum) == (kind, maximum)
    assert choice.reason


@pytest.mark.parametrize("case", REFUSED)
def test_values_that_cannot_be_are_refused_by_column(case):
    values, requested, kwargs = REFUSED[case]
    with pytest.raises(DataError, match=r"column 'column .'.*expects whole numbers"):
        choose_likelihood(columns_of(values), requested, **kwargs)


REFUSED_ARGUMENTS = {
    "an unknown likelihood": (REALS, ("poisson",), {}, "no likelihood is named 'poisson'"),
    "an unknown scale": (REALS, ("normal",), {"scale": "wide"}, "scale is 'wide'"),
    "a scale of zero": (REALS, ("normal",), {"scale": 0.0}, "scale is 0.0"),
    "a scale for zeros and ones": (BITS, (), {"scale": 0.5}, "scale=0.5 is for the normal likelihood"),
    "a maximum for reals": (REALS, ("normal",), {"maximum": 16}, "maximum=16 is for binomial"),
    "a maximum beyond the largest": (COUNTS, ("binomial",), {"maximum": 5000}, "whole numbers up to 4095"),
}


@pytest.mark.parametrize("case", REFUSED_ARGUMENTS)
def test_arguments_that_do_not_apply_are_refused(case):
    values, requested, kwargs, message = REFUSED_ARGUMENTS[case]
    with pytest.raises(ValueError, match=message):
        choose_likelihood(columns_of(values), *requested, **kwargs)


def test_one_column_that_reaches_its_own_largest_value_bounds_no_scale():
    visits = np.column_stack([GENERATOR.integers(18, 90, 50), GENERATOR.integers(0, 3000, 50)])
    assert choose_likelihood(columns_of(visits)).kind == "normal"


def test_a_requested_binomial_takes_the_maximum_it_sees_and_says_so():
    choice = choose_likelihood(columns_of(COUNTS), "binomial")
    assert choice.maximum == COUNTS.max()
    assert "largest value seen" in choice.reason
