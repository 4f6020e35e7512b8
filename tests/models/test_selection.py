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


def test_a_requested_binomial_takes_the_maximum_it_sees_and_says_so():
    choice = choose_likelihood(columns_of(COUNTS), "binomial")
    assert choice.maximum == COUNTS.max()
    assert "largest value seen" in choice.reason
