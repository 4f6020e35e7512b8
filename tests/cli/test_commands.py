"""The command line: one run through all commands; one clear error and the right exit status for each wrong call."""

import json
import subprocess
import sys

import numpy as np
import pyarrow.csv
import pytest

import isthmus
from command_line import call
from isthmus.evidence import LEDGER_KEYS, Sandwich, gaps
from isthmus.inference import sample_importance_weights
from isthmus.information.estimate import mean_over_rows
from isthmus.storage import RunDirectory

QUICK = ["--epochs", "3"]


@pytest.fixture(scope="module")
def wine_run(tmp_path_factory):
    run = tmp_path_factory.mktemp("runs") / "wine"
    with pytest.MonkeyPatch.context() as patch:
        assert call(patch, "fit", "wine", "--latent", 3, "--out", run, *QUICK) == 0
    return run


def test_help_imports_neither_jax_nor_scikit_learn():
    code = (
        "import sys; sys.argv = ['isthmus', '--help']\n"
        "from isthmus.cli import main\n"
        "try: main()\nexcept SystemExit as stopped: assert not stopped.code\n"
        "assert not {'jax', 'sklearn', 'numpy', 'plotly'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_the_version_is_the_packages(run_command):
    assert run_command("--version") == (0, f"{isthmus.__version__}\n", "")


def test_a_run_holds_a_model_its_history_its_ledger_and_a_report(wine_run):
    run = RunDirectory.open(wine_run)
    assert {path.name for path in wine_run.glob("[!.]*")} == {
        path.name for path in (run.model, run.history, run.ledger, run.exhibits, run.report)
    }
    record = json.loads(run.ledger.read_text())
    assert set(record) == {"run", "model", "assumptions", "ledger", "gain"}
    assert set(record["ledger"]) == set(LEDGER_KEYS)
    assert record["assumptions"]["test_rows"] == 36
    looks = [json.loads(line) for line in run.history.read_text().splitlines()]
    assert looks[-1]["step"] == looks[-1]["planned_steps"]


def test_json_goes_to_standard_output_and_nothing_else_does(run_command, tmp_path):
    status, out, err = run_command("fit", "iris", "--latent", 2, "--out", tmp_path / "iris", "--json", *QUICK)
    assert status == 0
    record = json.loads(out)
    assert record["ledger"]["elbo"]["direction"] == "lower"
    assert record["ledger"]["log_likelihood_exact"] is None
    assert "report" in err
    again, out, _ = run_command("ledger", tmp_path / "iris", "--json")
    assert (again, json.loads(out)) == (0, record)


def test_ledger_prints_a_table(run_command, wine_run):
    status, out, _ = run_command("ledger", wine_run)
    assert status == 0
    assert ">=" in out
    assert "log_likelihood_independent" in out
    status, out, _ = run_command("ledger", wine_run, "wine", "--json")
    assert json.loads(out)["assumptions"]["test_rows"] == 178


def weighted_bounds(model, rows, *, k, seed, exact):
    """Bounds without annealing, which takes long to compile."""
    found = sample_importance_weights(model, rows, k, seed)
    names = ("elbo", "elbo_variance", "log_evidence", "log_evidence_variance")
    by_row = {name.replace("log_evidence", "importance_weighted"): getattr(found, name) for name in names}
    lower = mean_over_rows(found.log_evidence, direction="lower")
    return Sandwich(None, lower, None, "importance_weighted", lower, None, None, None, None, by_row)


def test_gaps_are_told_where_they_are_asked_for(run_command, wine_run, monkeypatch):
    monkeypatch.setattr(gaps, "sandwich", weighted_bounds)
    status, out, _ = run_command("ledger", wine_run, "wine", "--gaps")
    assert status == 0
    shown = " ".join(out.split())
    assert "amortisation_gap >=" in shown
    assert "nats by amortising (a q optimised for each row gains them)" in shown
    status, _, err = run_command("ledger", wine_run, "--gaps")
    assert status == 2
    assert "name the DATA, or pass --gaps to fit" in " ".join(err.split())


@pytest.mark.parametrize(
    ("command", "columns"), [(("embed", "wine"), 3), (("reconstruct", "wine"), 13), (("sample", "-n", 178), 13)]
)
@pytest.mark.parametrize("ending", ["csv", "parquet", "npy"])
def test_tables_are_written(run_command, wine_run, tmp_path, command, columns, ending):
    output = tmp_path / f"table.{ending}"
    name, *rest = command
    status, _, _ = run_command(name, wine_run, *rest, "-o", output)
    assert status == 0
    if ending == "csv":
        table = pyarrow.csv.read_csv(output)
        assert (table.num_rows, table.num_columns) == (178, columns)
        assert table.column_names[0] == ("vae0" if name == "embed" else "alcohol")
    elif ending == "npy":
        assert np.load(output).shape == (178, columns)


def test_samples_follow_the_seed(run_command, wine_run, tmp_path):
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        run_command("sample", wine_run, "-n", 5, "--seed", seed, "-o", tmp_path / f"{name}.npy")
    a, b, c = (np.load(tmp_path / f"{name}.npy") for name in "abc")
    np.testing.assert_array_equal(a, b)
    assert not np.array_equal(a, c)


def test_a_report_is_drawn_again_without_the_data(run_command, wine_run):
    page = wine_run / "report.html"
    before = page.read_text()
    page.unlink()
    assert run_command("report", wine_run)[0] == 0
    after = page.read_text()
    assert len(after) == len(before)
    for text in ("Ledger", "reconstructions", "log likelihood lower", "real numbers"):
        assert text in after
    assert "http://" not in after.split("</script>", 1)[1].replace("http://www.w3.org", "")


@pytest.mark.parametrize(("content", "message"), [('{"run"', "is damaged"), ("{}", "is no record of a run")])
def test_a_damaged_record_is_named(run_command, wine_run, content, message):
    record = RunDirectory.open(wine_run).ledger
    whole = record.read_bytes()
    record.write_text(content)
    try:
        for command in ("ledger", "report"):
            status, _, err = run_command(command, wine_run)
            assert status == 1
            assert f"ledger.json {message}" in " ".join(err.split())
    finally:
        record.write_bytes(whole)


def test_a_ledger_of_other_rows_does_not_call_them_unseen(run_command, wine_run):
    _, own, _ = run_command("ledger", wine_run)
    _, other, _ = run_command("ledger", wine_run, "wine")
    assert "36 rows that the fit never saw" in own
    assert "178 rows of wine" in other
    assert "never saw" not in other


def test_a_narrow_terminal_clips_nothing(run_command, wine_run, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    _, out, _ = run_command("ledger", wine_run)
    assert "…" not in out
    assert ">=" in out


def test_datasets_are_listed(run_command):
    status, out, _ = run_command("datasets")
    assert status == 0
    assert {line.split()[0] for line in out.splitlines()} == {"digits", "wine", "breast_cancer", "iris", "diabetes"}


MIXED = "size,colour,grade\n" + "".join(
    f"{i % 7 + 0.25 * (i % 3)},{'red' if i % 7 > 3 else ''},{i % 3}\n" for i in range(60)
)


def test_a_table_is_measured_words_and_holes_included(run_command, tmp_path):
    status, out, _ = run_command("measure", write(tmp_path / "t.csv", MIXED), "--out", tmp_path / "m", "--json")
    record = json.loads(out)
    assert status == 0
    assert record == json.loads((tmp_path / "m/dependence.json").read_text())
    assert {path.name for path in (tmp_path / "m").glob("[!.]*")} == {"dependence.json", "dependence.html"}
    assert [pair["columns"] for pair in record["mutual_information"]] == [
        ["size", "colour"],
        ["size", "grade"],
        ["colour", "grade"],
    ]
    page = (tmp_path / "m/dependence.html").read_text()
    assert "colour" in page
    assert "<script src=" not in page


def test_measuring_prints_entropies_and_the_tree(run_command):
    status, out, err = run_command("measure", "iris")
    assert status == 0
    assert "differential" in out
    assert "total correlation" in out
    assert "Traceback" not in err


def test_settings_come_from_a_file_and_options_win(run_command, tmp_path):
    config = tmp_path / "settings.toml"
    config.write_text('n_components = 4\nhidden_sizes = [8]\nlikelihood = "normal"\nscale = "global"\n')
    out = tmp_path / "run"
    status, stdout, _ = run_command("fit", "wine", "--config", config, "--latent", 2, "--out", out, "--json", *QUICK)
    assumptions = json.loads(stdout)["assumptions"]
    assert status == 0
    assert (assumptions["n_components"], assumptions["hidden_sizes"], assumptions["scale"]) == (2, [8], "global")


def write(path, text):
    path.write_text(text)
    return path


NUMBERS = "a,b\n" + "1.5,2\n2.5,1\n" * 20
WRONG_CALLS = {
    "no such file": (lambda d: ["fit", d / "nothing.csv"], 2, "does not exist"),
    "an unknown model": (lambda d: ["fit", "wine", "--model", "gan"], 2, "no model is named 'gan'"),
    "latent size 0": (lambda d: ["fit", "wine", "--latent", 0], 2, "is 0; expected at least 1"),
    "a negative latent size": (lambda d: ["fit", "wine", "--latent", -2], 2, "is -2; expected at least 1"),
    "a latent too large": (lambda d: ["fit", "wine", "--latent", 13], 1, "not below the 13 columns"),
    "an unknown setting": (
        lambda d: ["fit", "wine", "--config", write(d / "c.toml", "depth = 3")],
        2,
        "'depth' is not a setting",
    ),
    "settings that are not TOML": (lambda d: ["fit", "wine", "--config", write(d / "c.toml", "{")], 2, "not TOML"),
    "an empty file": (lambda d: ["fit", write(d / "t.csv", "")], 1, "is empty"),
    "one row": (lambda d: ["fit", write(d / "t.csv", "a,b\n1.5,2\n")], 1, "holds 1 row;"),
    "constant columns": (lambda d: ["fit", write(d / "t.csv", "a,b\n" + "1,2\n" * 20)], 1, "constant"),
    "no value at all": (lambda d: ["fit", write(d / "t.csv", "a,b\n" + ",NA\n" * 20)], 1, "all of them were set aside"),
    "infinity": (lambda d: ["fit", write(d / "t.csv", NUMBERS + "inf,2\n" * 20)], 1, "contains infinity"),
    "a ragged table": (lambda d: ["fit", write(d / "t.csv", NUMBERS + "1,2,3\n")], 1, "has 3 fields, expected 2"),
    "a file in the way of the run": (lambda d: ["fit", "wine", "--out", write(d / "run", "")], 1, "not a directory"),
    "a run below a file": (lambda d: ["fit", "wine", "--out", write(d / "run", "") / "x"], 1, "not a directory"),
    "too few rows to measure": (lambda d: ["measure", write(d / "t.csv", "a,b\n1,2\n3,4\n")], 1, "at least 20 rows"),
    "not a run": (lambda d: ["ledger", d], 2, "is not a run"),
    "an unknown output": (lambda d: ["embed", d, "wine", "-o", d / "x.xlsx"], 1, "cannot be written"),
    "an output in no directory": (lambda d: ["embed", d, "wine", "-o", d / "no/x.csv"], 1, "there is no directory"),
    "no output": (lambda d: ["embed", d, "wine"], 2, "Missing option"),
    "an unknown command": (lambda d: ["train"], 2, "No such command"),
}


@pytest.mark.parametrize("case", WRONG_CALLS)
def test_a_wrong_call_is_one_clear_error_and_leaves_nothing_behind(run_command, tmp_path, monkeypatch, case):
    monkeypatch.chdir(tmp_path)
    arguments, status, message = WRONG_CALLS[case]
    arguments = arguments(tmp_path)
    before = sorted(tmp_path.rglob("*.*"))
    found, out, err = run_command(*arguments)
    assert found == status
    assert message in " ".join(err.split())
    assert "Traceback" not in err
    assert out == ""
    assert sorted(tmp_path.rglob("*.*")) == before
    assert not any(path.is_dir() for path in tmp_path.rglob("*"))


def test_other_columns_than_the_models_are_refused(run_command, wine_run, tmp_path):
    status, _, err = run_command("embed", wine_run, "iris", "-o", tmp_path / "x.csv")
    assert status == 1
    assert "iris has 4 columns; the model was fitted to 13" in err
    assert not (tmp_path / "x.csv").exists()
