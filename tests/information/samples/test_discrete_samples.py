"""Discrete rows: frequencies plugged in, the bias of that, and its standard error, over 400 seeded repeats."""

import math

import numpy as np
import pytest

from isthmus.information.samples import conditional_mutual_information, entropy, kl_divergence, mutual_information
from oracles import samples as oracle

RNG = np.random.default_rng(11)
X, Z = RNG.integers(4, size=300), RNG.integers(2, size=300)
Y = np.where(RNG.random(300) < 0.5, X, RNG.integers(4, size=300))
SPELLINGS = {
    "integers": X,
    "bools": X > 1,
    "strings": np.array(list("abcd"))[X],
    "objects": np.array([None, "a", 1, (2, 3)], dtype=object)[X],
    "several columns": np.stack([X % 2, X // 2], axis=1),
}


def levels(values):
    return [tuple(row) for row in values.reshape(len(values), -1).tolist()]


@pytest.mark.parametrize("name", SPELLINGS)
def test_entropy(name):
    x = SPELLINGS[name]
    plug_in, corrected = entropy(x, method="plug_in"), entropy(x)
    assert plug_in.value == pytest.approx(oracle.entropy_of_counts(levels(x)))
    assert corrected.value == pytest.approx(oracle.miller_madow(levels(x)))
    assert corrected.measure == "counting"


@pytest.mark.parametrize("name", SPELLINGS)
@pytest.mark.parametrize(("method", "of"), [("plug_in", oracle.entropy_of_counts), ("auto", oracle.miller_madow)])
def test_mutual_information(name, method, of):
    x = SPELLINGS[name]
    joint = list(zip(levels(x), levels(Y), strict=True))
    expected = of(levels(x)) + of(levels(Y)) - of(joint)
    assert mutual_information(x, Y, method=method).value == pytest.approx(expected)
    assert mutual_information(Y, x, method=method).value == pytest.approx(expected)


def test_a_variable_tells_all_of_itself():
    assert mutual_information(X, X).value == pytest.approx(entropy(X).value)


@pytest.mark.parametrize(("method", "of"), [("plug_in", oracle.entropy_of_counts), ("auto", oracle.miller_madow)])
def test_conditional_information(method, of):
    joints = [
        list(zip(*(v.tolist() for v in variables), strict=True)) for variables in ((X, Z), (Y, Z), (X, Y, Z), (Z,))
    ]
    expected = sum(sign * of(joint) for sign, joint in zip((1, 1, -1, -1), joints, strict=True))
    assert conditional_mutual_information(X, Y, Z, method=method).value == pytest.approx(expected)


def test_divergence_is_of_the_frequencies_and_infinite_off_the_support():
    p, q = np.array([0.5, 0.3, 0.2]), np.array([0.2, 0.2, 0.6])
    x, y = (np.repeat(["a", "b", "c"], (100 * weights).round().astype(int)) for weights in (p, q))
    assert kl_divergence(x, y).value == pytest.approx(np.sum(p * np.log(p / q)))
    assert kl_divergence(x, x).value == 0.0
    assert kl_divergence(x, y[y != "c"]).value == math.inf


P, Q = np.array([0.4, 0.3, 0.2, 0.1]), np.array([0.25, 0.25, 0.25, 0.25])
JOINT = np.array([[0.3, 0.1], [0.1, 0.2], [0.05, 0.25]])


def draw_joint(rng):
    return np.divmod(rng.choice(6, 500, p=JOINT.ravel()), 2)


REPEATED = {
    "entropy": (lambda rng: entropy(rng.choice(4, 500, p=P)), -np.sum(P * np.log(P))),
    "divergence": (
        lambda rng: kl_divergence(rng.choice(4, 500, p=P), rng.choice(4, 500, p=Q)),
        np.sum(P * np.log(P / Q)),
    ),
    "mutual information": (
        lambda rng: mutual_information(*draw_joint(rng)),
        np.sum(JOINT * np.log(JOINT / JOINT.sum(0) / JOINT.sum(1, keepdims=True))),
    ),
    "none": (lambda rng: mutual_information(rng.integers(3, size=500), rng.integers(4, size=500)), 0.0),
}


@pytest.mark.parametrize("name", REPEATED)
def test_values_scatter_about_the_truth_as_stated(name):
    draw, truth = REPEATED[name]
    estimates = [draw(np.random.default_rng([repeat, 12])) for repeat in range(400)]
    values, errors = (np.array([getattr(e, field) for e in estimates]) for field in ("value", "stderr"))
    # A fifth of the error for the bias that stays, of second order; four errors of the mean, and of the spread, of 400.
    assert abs(values.mean() - truth) < values.std() * (0.2 + 4 / math.sqrt(400))
    assert -4 / math.sqrt(800) < np.log(np.sqrt(np.mean(errors**2)) / values.std()) < 4 / math.sqrt(800) + 0.2
