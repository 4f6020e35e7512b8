"""Files of numbers, with holes and without, through the linear models' commands; noise from a configuration file."""

import json

import numpy as np
import pytest

import isthmus

GENERATOR = np.random.default_rng(0)
ROWS = GENERATOR.normal(size=(60, 2)) @ GENERATOR.normal(size=(2, 5)) + 0.3 * GENERATOR.normal(size=(60, 5))


def written(path, rows):
    lines = [",".join("" if np.isnan(value) else f"{value:.6g}" for value in row) for row in rows]
    path.write_text("a,b,c,d,e\n" + "\n".join(lines) + "\n")
    return path


def with_holes():
    return np.where(np.random.default_rng(1).random(ROWS.shape) < 0.15, np.nan, ROWS)


@pytest.mark.parametrize("model", ["linear", "ppca", "fa"])
def test_a_csv_of_numbers_is_fitted_scored_and_sent_through(run_command, tmp_path, model):
    rows = ROWS if model == "linear" else with_holes()
    file, run = written(tmp_path / "numbers.csv", rows), tmp_path / "run"
    status, out, err = run_command("fit", file, "--model", model, "--latent", 2, "--out", run, "--json")
    assert status == 0, err
    assert json.loads(out)["assumptions"]["test_rows"] == 12
    for command in ("score", "reconstruct", "embed"):
        assert run_command(command, run, file, "-o", tmp_path / f"{command}.csv")[0] == 0
    if model != "linear":
        status, _, err = run_command("impute", run, file, "-o", tmp_path / "filled.csv")
        assert status == 0, err
        filled = np.genfromtxt(tmp_path / "filled.csv", delimiter=",", skip_header=1)
        assert np.isfinite(filled).all()
    one = np.r_[[[np.nan]], ROWS[:1, 1:].T].T if model != "linear" else ROWS[:1]
    np.save(tmp_path / "one.npy", one)
    assert run_command("score", run, tmp_path / "one.npy", "-o", tmp_path / "one.csv")[0] == 0


def test_a_fit_that_fails_leaves_the_run_before_it_whole(run_command, tmp_path, monkeypatch):
    run = tmp_path / "run"
    assert run_command("fit", written(tmp_path / "one.csv", ROWS), "--model", "fa", "--out", run)[0] == 0
    before = {path.name: path.read_bytes() for path in run.iterdir()}
    monkeypatch.setattr(isthmus.estimators.runs, "make_exhibits", lambda *_: ({"bad": np.array([None])}, {}))
    assert run_command("fit", written(tmp_path / "two.csv", ROWS[:40]), "--model", "fa", "--out", run)[0] == 1
    assert {path.name: path.read_bytes() for path in run.iterdir()} == before


@pytest.mark.parametrize(
    "told",
    ['corruption = "gaussian"', '[corruption]\nkind = "masking"\nlevel = 0.2', '[sparsity]\nkind = "top_k"\nkept = 1'],
)
def test_noise_and_sparsity_come_from_a_configuration_file(run_command, tmp_path, told):
    (tmp_path / "c.toml").write_text(f"max_epochs = 1\nhidden_sizes = [8]\n{told}\n")
    file = written(tmp_path / "numbers.csv", ROWS)
    arguments = ("--model", "denoising", "--latent", 2, "--config", tmp_path / "c.toml", "--out", tmp_path / "run")
    status, _, err = run_command("fit", file, *arguments)
    assert status == 0, err
    (key,) = [name for name in ("corruption", "sparsity") if name in told]
    assert not isinstance(isthmus.load(tmp_path / "run").get_params()[key], dict | str)


def test_a_constant_column_is_left_out_of_a_comparison(run_command, tmp_path):
    file = written(tmp_path / "constant.csv", np.column_stack([ROWS[:, :4], np.full(60, 0.1)]))
    arguments = ("--latent", 2, "--epochs", 1, "--out", tmp_path / "out", "--json")
    status, out, err = run_command("compare", file, *arguments)
    assert status == 0, err
    record = json.loads(out)
    assert any("'e' is constant" in note for note in record["notes"])
    assert record["models"]["fa"]["columns"]["log_likelihood"] is not None
