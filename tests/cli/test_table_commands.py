"""The command line on a table as it is: words, dates and holes in a CSV file."""

import json

import numpy as np
import pandas as pd
import pytest

import isthmus
from command_line import call
from mixed_frame import mixed_frame


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A directory with a table, and the run of a fit to it."""
    directory = tmp_path_factory.mktemp("tables")
    mixed_frame(120).to_csv(directory / "table.csv", index=False)
    options = ["--epochs", 2, "--latent", 2, "--columns", "visits=poisson", "--out", directory / "run"]
    with pytest.MonkeyPatch.context() as patch:
        assert call(patch, "fit", directory / "table.csv", *options) == 0
    return directory


def test_what_each_column_was_taken_for_is_printed_stored_and_can_be_overruled(run_command, place):
    status, out, _ = run_command("ledger", place / "run")
    assert status == 0
    for words in ("height", "log normal", "cumulative logit", "identifier", "poisson", "times log-probabilities"):
        assert words in out
    kinds = {column.name: column.likelihood for column in isthmus.load(place / "run").schema_.columns}
    assert kinds["visits"] == "poisson"
    page = (place / "run/report.html").read_text()
    assert "What each column was taken for" in page
    assert "Distortion of each column" in page


def test_the_ledger_has_the_distortion_of_each_column(run_command, place):
    _, out, _ = run_command("ledger", place / "run", place / "table.csv", "--json")
    ledger = json.loads(out)["ledger"]
    shares = ledger["distortion_per_column"]["value"]
    assert len(shares) == 7
    np.testing.assert_allclose(sum(shares), ledger["distortion"]["value"], rtol=1e-5)


def test_a_filled_file_differs_in_its_holes_only(run_command, place):
    status, out, _ = run_command("impute", place / "run", place / "table.csv", "-o", place / "filled.csv")
    assert status == 0
    assert "holes filled" in out
    before, after = pd.read_csv(place / "table.csv", dtype=str), pd.read_csv(place / "filled.csv", dtype=str)
    assert not after.isna().any().any()
    pd.testing.assert_frame_equal(after.where(before.notna()), before)


def test_scores_come_with_p_values_and_the_share_of_each_column(run_command, place):
    status, out, _ = run_command("score", place / "run", place / "table.csv", "-o", place / "s.csv", "--fpr", 0.2)
    assert status == 0
    assert "called anomalies" in out
    scores = pd.read_csv(place / "s.csv")
    assert {"log_likelihood", "p_value", "calibration_rows", "anomaly", "log_likelihood:town"} <= set(scores.columns)
    assert ((scores["p_value"] <= 0.2) == (scores["anomaly"] == 1)).all()


def test_a_false_positive_rate_beyond_the_calibration_rows_is_refused(run_command, place):
    status, _, err = run_command("score", place / "run", place / "table.csv", "-o", place / "t.csv", "--fpr", 0.001)
    assert status == 1
    assert "needs at least 999 calibration rows" in err
    assert not (place / "t.csv").exists()


@pytest.mark.parametrize("command", [("embed", "table.csv"), ("reconstruct", "table.csv"), ("sample", "-n", 120)])
def test_other_commands_take_tables(run_command, place, command):
    name, *rest = command
    arguments = [place / part if part == "table.csv" else part for part in rest]
    assert run_command(name, place / "run", *arguments, "-o", place / f"{name}.csv")[0] == 0
    assert len(pd.read_csv(place / f"{name}.csv")) == 120


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (("--columns", "visits"), 2, "expected NAME=KIND,NAME=KIND"),
        (("--columns", "visits=round"), 1, "column 'visits' cannot be 'round'"),
        (("--columns", "town=count"), 1, "column 'town' cannot be count"),
        (("--columns", "city=count"), 1, "there is no column 'city'"),
    ],
)
def test_wrong_columns_are_refused(run_command, place, tmp_path, arguments, status, message):
    found, _, err = run_command("fit", place / "table.csv", "--out", tmp_path / "run", *arguments)
    assert (found, message in " ".join(err.split())) == (status, True)
    assert not (tmp_path / "run").exists()
