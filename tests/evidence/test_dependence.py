"""A table whose structure is known is measured as what it is: kinds, entropies, pairs, tree, and what is set aside."""

import numpy as np
import pandas as pd
import pytest

from isthmus.data import DataError, table_from_frame
from isthmus.evidence import measure_dependence
from isthmus.storage import strict_json

ROWS = 1500
CORRELATION = 0.8


@pytest.fixture(scope="module")
def frame():
    """A chain a - b - c of normals, a word that follows from a's sign, a coin of its own, and what says nothing."""
    generator = np.random.default_rng(0)
    a = generator.normal(size=ROWS)
    b, c = np.empty(ROWS), np.empty(ROWS)
    noise = np.sqrt(1 - CORRELATION**2)
    b = CORRELATION * a + noise * generator.normal(size=ROWS)
    c = CORRELATION * b + noise * generator.normal(size=ROWS)
    frame = pd.DataFrame({"a": a, "b": b, "c": c, "sign": np.where(a > 0, "plus", "minus")})
    frame["coin"] = generator.integers(0, 2, ROWS)
    frame["name"] = [f"row {i}" for i in range(ROWS)]
    frame["fixed"] = 3.0
    frame["empty"] = np.nan
    frame.loc[generator.choice(ROWS, 300, replace=False), "b"] = np.nan
    return frame


@pytest.fixture(scope="module")
def dependence(frame):
    return measure_dependence(table_from_frame(frame))


def information(dependence, *columns):
    return next(pair for pair in dependence.pairs if set(pair.columns) == set(columns))


def test_columns_are_taken_for_what_they_are(dependence):
    kinds = {name: kind and kind.kind for name, kind in dependence.kinds.items()}
    assert kinds["a"] == kinds["b"] == "real"
    assert (kinds["sign"], kinds["coin"], kinds["name"], kinds["empty"]) == ("binary", "binary", "identifier", None)
    assert set(dependence.entropies) == set(kinds) - {"name", "empty"}


def test_entropies_are_those_of_their_distributions(dependence):
    normal = 0.5 * np.log(2 * np.pi * np.e)
    for name, expected, measure in (("a", normal, "lebesgue"), ("coin", np.log(2), "counting")):
        entropy = dependence.entropies[name]
        assert entropy.measure == measure
        assert abs(entropy.value - expected) < 4 * entropy.stderr + 1e-3
    assert (dependence.entropies["fixed"].value, dependence.entropies["fixed"].direction) == (0.0, "exact")


def test_pairs_are_measured_on_their_complete_rows(dependence):
    expected = -0.5 * np.log(1 - CORRELATION**2)
    pair = information(dependence, "a", "b")
    assert pair.rows == ROWS - 300
    assert abs(pair.information.value - expected) < 4 * pair.information.stderr
    sign = information(dependence, "a", "sign").information
    assert abs(sign.value - np.log(2)) < 4 * sign.stderr + 0.02
    assert information(dependence, "a", "fixed").information.value == 0.0


def test_two_fractions_are_as_good_as_two_words(frame):
    """Values that are told apart are told apart, however close: 0.1 and 0.4 are not both 0."""
    spelt = frame[["a", "sign"]].assign(fraction=np.where(frame["sign"] == "plus", 0.4, 0.1))
    dependence = measure_dependence(table_from_frame(spelt))
    assert dependence.entropies["fraction"].value == dependence.entropies["sign"].value
    with_a = [information(dependence, "a", name).information.value for name in ("sign", "fraction")]
    assert with_a[0] == pytest.approx(with_a[1], abs=1e-6)


def test_the_tree_is_the_chain_and_its_sum_the_total_of_the_pairs(dependence):
    edges = {frozenset(pair.columns) for pair in dependence.tree}
    assert {frozenset("ab"), frozenset("bc"), frozenset(("a", "sign"))} <= edges
    assert len(edges) == len(dependence.entropies) - 1
    total = dependence.tree_information
    assert total.direction == "lower"
    assert total.value == pytest.approx(sum(max(float(pair.information), 0.0) for pair in dependence.tree))


def test_the_same_rows_give_the_same_record_and_it_is_json(frame, dependence):
    again = measure_dependence(table_from_frame(frame)).to_dict()
    assert again == dependence.to_dict()
    assert strict_json.decode(strict_json.encode(again)) == again


def test_more_rows_than_enough_are_subsampled_and_said_to_be(frame):
    some = measure_dependence(table_from_frame(frame[["a", "coin"]]), most_rows=400)
    assert (some.rows, some.rows_used) == (ROWS, 400)
    assert some.pairs[0].rows == 400


def test_a_pair_that_is_never_seen_together_is_left_blank(frame):
    half = frame[["a", "c"]].copy()
    half.loc[: ROWS // 2, "a"] = np.nan
    half.loc[ROWS // 2 :, "c"] = np.nan
    dependence = measure_dependence(table_from_frame(half))
    assert dependence.pairs[0].information is None
    assert dependence.tree == ()
    assert dependence.tree_information.value == 0.0


@pytest.mark.parametrize("shape", [(10, 3), (50, 1)])
def test_too_little_to_measure_is_refused(shape):
    with pytest.raises(DataError, match="at least 20 rows and 2 columns"):
        measure_dependence(table_from_frame(pd.DataFrame(np.ones(shape), columns=list("abc")[: shape[1]])))
