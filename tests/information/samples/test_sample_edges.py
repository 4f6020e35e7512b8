"""What cannot be estimated is refused with the reason; constants, ties and few rows give finite numbers."""

import math

import numpy as np
import pytest

from isthmus.information.samples import (
    conditional_mutual_information,
    entropy,
    info_nce,
    kl_divergence,
    mutual_information,
    permutation_p_value,
)

RNG = np.random.default_rng(31)
X, Y = RNG.normal(size=(2, 40))
HOLE = np.where(np.arange(40) == 7, np.nan, X)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: mutual_information(HOLE, Y), ValueError, r"x is not finite in row 7: \[nan\]; drop such rows"),
        (lambda: mutual_information(X, X / 0.0), ValueError, "y is not finite in row 0"),
        (lambda: entropy(HOLE), ValueError, "x is not finite in row 7"),
        (lambda: kl_divergence(X, HOLE), ValueError, "y is not finite in row 7"),
        (lambda: mutual_information(X, Y[:30]), ValueError, r"differ in rows \(x 40, y 30\)"),
        (lambda: conditional_mutual_information(X, Y, Y[:9]), ValueError, r"differ in rows \(x 40, y 40, given 9\)"),
        (
            lambda: mutual_information(X[:3], Y[:3]),
            ValueError,
            "3 rows are too few for k=3 neighbours; pass at least 4",
        ),
        (lambda: mutual_information(X, Y, k=0), ValueError, "k is 0; expected at least 1"),
        (lambda: entropy(X[:3]), ValueError, "3 rows are too few"),
        (lambda: kl_divergence(X, Y[:2]), ValueError, "2 rows are too few"),
        (lambda: info_nce(X[:20], Y[:20]), ValueError, "20 rows are too few for a critic"),
        (lambda: info_nce(X > 0, Y), ValueError, "info_nce takes continuous variables"),
        (lambda: mutual_information(X, Y, method="ksg3"), ValueError, "method 'ksg3' is unknown; expected one of auto"),
        (lambda: mutual_information(X, Y, method="plug_in"), ValueError, "takes two discrete variables"),
        (lambda: mutual_information(X > 0, Y, method="ksg1"), ValueError, "without ties; pass method='mixed'"),
        (lambda: mutual_information(X, Y, method="local_gaussian", k=2), ValueError, "more neighbours than x and y"),
        (lambda: conditional_mutual_information(X, Y, Y, method="plug_in"), ValueError, "three discrete variables"),
        (lambda: entropy(X, method="plug_in"), ValueError, "does not fit x, which is continuous"),
        (lambda: entropy(X > 0, method="kozachenko_leonenko"), ValueError, "does not fit x, which is discrete"),
        (lambda: kl_divergence(X, Y > 0), TypeError, "of different kinds"),
        (lambda: kl_divergence(X, RNG.normal(size=(40, 2))), ValueError, "x has 1 columns and y 2"),
        (lambda: entropy(X + 0j), TypeError, "complex128; expected numbers, bools, strings or objects"),
        (lambda: entropy(np.zeros((4, 2, 2))), ValueError, r"shape \(4, 2, 2\)"),
        (lambda: entropy(np.array([])), ValueError, r"shape \(0,\)"),
        (lambda: permutation_p_value(X, Y, permutations=0), ValueError, "permutations is 0"),
    ],
)
@pytest.mark.filterwarnings("ignore:divide by zero")
def test_errors_say_what_was_expected(call, error, message):
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize("method", ["auto", "mixed"])
@pytest.mark.parametrize(
    "constant", [np.ones(40), np.ones(40, int), np.full(40, "a")], ids=["floats", "ints", "strings"]
)
def test_a_constant_tells_nothing(constant, method):
    assert mutual_information(constant, X, method=method).value == 0
    assert mutual_information(X, constant, method=method).value == 0


def test_a_constant_column_of_a_vector_changes_nothing():
    with_constant = np.stack([X, np.ones(40)], axis=1)
    assert mutual_information(with_constant, Y).value == mutual_information(X, Y).value
    assert info_nce(with_constant, Y).value == info_nce(X, Y).value
    assert info_nce(np.ones(40), Y).value == 0


def test_a_constant_has_no_entropy_of_its_kind():
    assert entropy(np.ones(40, int)).value == 0
    assert entropy(np.ones(40)).value == -math.inf
    assert kl_divergence(np.ones(40), np.ones(40)).value == 0


@pytest.mark.parametrize("rows", [4, 5, 27, 28, 40])
@pytest.mark.parametrize(
    "tie",
    [np.asarray, np.round, lambda x: np.where(x > 0, x, 0), lambda x: (10 * x).astype(int), lambda x: x > 0],
    ids=["none", "rounded", "an atom", "integers", "bools"],
)
def test_few_rows_and_ties_give_finite_numbers(rows, tie):
    x, y = tie(X[:rows]), tie(Y[:rows])
    for estimate in (
        mutual_information(x, y),
        mutual_information(x, Y[:rows]),
        conditional_mutual_information(x, y, X[:rows]),
        entropy(x),
        kl_divergence(np.concatenate([x, y]), np.concatenate([y, x])),
    ):
        assert math.isfinite(estimate.value)
        assert estimate.stderr is None or math.isfinite(estimate.stderr)


def test_a_variable_and_itself_share_much_and_finitely_much():
    assert 3 < mutual_information(X, X).value < 12


def test_standard_errors_can_be_left_out():
    many = RNG.normal(size=(2, 300))
    assert mutual_information(*many, standard_error=False).stderr is None
    assert entropy(many[0], standard_error=False).stderr is None
    assert entropy(many[0]).stderr > 0
    assert entropy(X).stderr is None
