"""An estimate keeps its meaning through units, JSON and print, and its errors are the textbook's."""

import math
import statistics

import numpy as np
import pytest

from isthmus.information import Estimate
from isthmus.information.estimate import mean_over_rows
from isthmus.storage import strict_json

INFINITY = math.inf
ESTIMATES = {
    "a number": Estimate(1.5, "nats", "exact", 0.0, 0.25),
    "without errors": Estimate(-3.0, "bits", "lower"),
    "a number per dimension": Estimate((1.0, 0.0), "nats", "estimate", (0.1, 0.2), (0.3, 0.4)),
    "infinity": Estimate(INFINITY, "nats", "upper", None, None),
    "minus infinity": Estimate(-INFINITY, "nats", "lower", INFINITY, None),
    "infinity in one dimension": Estimate((1.0, INFINITY, -INFINITY), "bits", "estimate", None, (0.0, 1.0, INFINITY)),
    "a count": Estimate(12.0, "count", "exact"),
    "no dimension": Estimate((), "nats", "exact"),
}
SHOWN = {
    "exact": "= 1.5 nats",
    "lower": ">= 1.5 nats",
    "upper": "<= 1.5 nats",
    "estimate": "~ 1.5 nats",
}
FIELDS = ("value", "stderr", "stderr_rows")


@pytest.mark.parametrize("name", ESTIMATES)
def test_json_keeps_an_estimate(name):
    estimate = ESTIMATES[name]
    record = strict_json.decode(strict_json.encode(estimate.to_dict()))
    assert Estimate.from_dict(record) == estimate


@pytest.mark.parametrize("name", ESTIMATES)
def test_units_convert_and_back(name):
    estimate = ESTIMATES[name]
    back = estimate.in_unit("bits").in_unit("nats")
    if estimate.unit == "bits":
        back = back.in_unit("bits")
    assert (back.unit, back.direction) == (estimate.unit, estimate.direction)
    for field in FIELDS:
        value = getattr(estimate, field)
        assert getattr(back, field) == (value if value is None else pytest.approx(value, rel=1e-14))


def test_a_fair_coin_is_one_bit():
    coin = Estimate(math.log(2), "nats", "exact", math.log(4), (math.log(2), 0.0))
    assert coin.in_unit("bits") == Estimate(1.0, "bits", "exact", 2.0, (1.0, 0.0))
    assert coin.in_unit("nats") == coin


def test_counts_have_no_other_unit():
    assert ESTIMATES["a count"].in_unit("bits") == ESTIMATES["a count"]


def test_an_unknown_unit_is_answered_by_the_known_ones():
    with pytest.raises(ValueError, match="unit 'hartleys' is unknown; expected 'nats' or 'bits'"):
        ESTIMATES["a number"].in_unit("hartleys")


@pytest.mark.parametrize("direction", SHOWN)
def test_a_bound_is_never_shown_as_a_fact(direction):
    assert str(Estimate(1.5, "nats", direction)) == SHOWN[direction]


@pytest.mark.parametrize(
    ("stderr", "stderr_rows", "shown"),
    [
        (None, None, "= 2 nats"),
        (0.0, None, "= 2 nats"),
        (0.01234, None, "= 2 nats (stderr 0.012)"),
        (0.0, 0.5, "= 2 nats (rows 0.5)"),
        (0.1, 0.5, "= 2 nats (stderr 0.1, rows 0.5)"),
    ],
)
def test_errors_are_shown_where_there_are_any(stderr, stderr_rows, shown):
    assert str(Estimate(2.0, "nats", "exact", stderr, stderr_rows)) == shown


def test_values_per_dimension_are_shown_in_a_row():
    assert str(Estimate((1.0, 0.12345, INFINITY), "nats", "lower")) == ">= 1 0.123 inf nats"


ROWS = np.random.default_rng(5).normal(3.0, 2.0, size=(20, 2))
VARIANCES = np.random.default_rng(6).uniform(0.1, 1.0, size=(20, 2))


def test_standard_errors_are_those_of_a_mean():
    values, variances = ROWS[:, 0], VARIANCES[:, 0]
    estimate = mean_over_rows(values, "bits", "lower", variances)
    assert (estimate.unit, estimate.direction) == ("bits", "lower")
    assert estimate.value == pytest.approx(statistics.fmean(values), rel=1e-14)
    assert estimate.stderr_rows == pytest.approx(statistics.stdev(values) / math.sqrt(20), rel=1e-12)
    assert estimate.stderr == pytest.approx(math.sqrt(sum(v / 20**2 for v in variances)), rel=1e-12)


def test_dimensions_are_averaged_apart():
    together = mean_over_rows(ROWS, variances=VARIANCES)
    apart = [mean_over_rows(ROWS[:, i], variances=VARIANCES[:, i]) for i in range(2)]
    for field in FIELDS:
        assert getattr(together, field) == pytest.approx(
            tuple(getattr(estimate, field) for estimate in apart), rel=1e-14
        )


def test_the_monte_carlo_error_covers_the_truth():
    # 400 repetitions of the mean of 20 noisy rows; seed 8, and a tolerance of four standard errors of the spread.
    noise = np.random.default_rng(8).normal(size=(400, 20)) * np.sqrt(VARIANCES[:, 0])
    spread = (ROWS[:, 0] + noise).mean(1).std()
    stated = mean_over_rows(ROWS[:, 0], variances=VARIANCES[:, 0]).stderr
    assert spread == pytest.approx(stated, rel=4 / math.sqrt(2 * 400))


def test_values_exact_given_the_rows_have_no_monte_carlo_error():
    assert mean_over_rows(ROWS[:, 0]).stderr == 0.0


def test_one_row_says_nothing_of_others():
    assert mean_over_rows(np.array([2.0])) == Estimate(2.0, "nats", "estimate", 0.0, None)


@pytest.mark.parametrize("sign", [1, -1])
def test_an_infinite_row_makes_the_mean_infinite_and_its_error_unknown(sign):
    estimate = mean_over_rows(np.array([1.0, sign * INFINITY]), variances=np.array([0.0, INFINITY]))
    assert estimate == Estimate(sign * INFINITY, "nats", "estimate", None, None)


def test_single_precision_rows_are_averaged_in_double():
    rows = np.full(10**5, 0.1, np.float32)
    estimate = mean_over_rows(rows)
    assert estimate.value == pytest.approx(float(np.float32(0.1)), rel=1e-12)
    assert isinstance(estimate.value, float)
