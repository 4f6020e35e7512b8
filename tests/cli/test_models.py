"""Every model through every command: what it has is written, what it lacks is blank or refused in one sentence."""

import json

import numpy as np
import pyarrow.csv
import pytest

from command_line import call
from isthmus.data import load_bundled

TRAINED = ("autoencoder", "denoising")
CLOSED = ("linear", "ppca", "fa")
WITHOUT_PRIOR = ("linear", *TRAINED)
WITH_PRIOR = ("ppca", "fa")


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A directory with a run of wine for each model."""
    directory = tmp_path_factory.mktemp("models")
    with pytest.MonkeyPatch.context() as patch:
        for model in (*CLOSED, *TRAINED):
            epochs = ["--epochs", 2] if model in TRAINED else []
            out = directory / model
            assert call(patch, "fit", "wine", "--model", model, "--latent", 2, "--out", out, *epochs) == 0
    return directory


@pytest.mark.parametrize("model", [*CLOSED, *TRAINED])
def test_what_a_model_lacks_is_blank_in_its_ledger(run_command, runs, model):
    status, out, _ = run_command("ledger", runs / model, "--json")
    assert status == 0
    ledger = json.loads(out)["ledger"]
    assert ledger["distortion"] is not None
    for key in ("rate", "elbo"):
        assert (ledger[key] is None) == (model in WITHOUT_PRIOR)
    assert (ledger["log_likelihood_exact"] is None) == (model not in WITH_PRIOR)
    status, out, _ = run_command("ledger", runs / model)
    assert ("this model has no prior" in out) == (model in WITHOUT_PRIOR)


@pytest.mark.parametrize("model", [*CLOSED, *TRAINED])
def test_the_report_says_what_the_model_has_and_no_more(run_command, runs, model):
    assert run_command("report", runs / model)[0] == 0
    page = (runs / model / "report.html").read_text().split("</script>", 1)[1]
    for heading in ("Ledger", "Originals and reconstructions", "Latents", "Distortion of each column"):
        assert f"<h2>{heading}</h2>" in page
    for heading in ("Samples", "Rate of each latent dimension"):
        assert (f"<h2>{heading}</h2>" in page) == (model in WITH_PRIOR)
    assert ("for the posterior is exact" in page) == (model in WITH_PRIOR)
    assert ("of largest variance" in page) == (model in WITHOUT_PRIOR)
    assert ("has no price" in page) == (model in WITHOUT_PRIOR)


@pytest.mark.parametrize("model", [*CLOSED, *TRAINED])
def test_rows_are_embedded_reconstructed_and_scored(run_command, runs, tmp_path, model):
    for command, columns in (("embed", 2), ("reconstruct", 13)):
        assert run_command(command, runs / model, "wine", "-o", tmp_path / "rows.npy")[0] == 0
        assert np.load(tmp_path / "rows.npy").shape == (178, columns)
    assert run_command("score", runs / model, "wine", "-o", tmp_path / "s.csv", "--fpr", 0.1)[0] == 0
    table = pyarrow.csv.read_csv(tmp_path / "s.csv")
    name = "log_likelihood_given_latent" if model in WITHOUT_PRIOR else "log_likelihood"
    assert table.column_names[:3] == [name, "p_value", "calibration_rows"]


@pytest.mark.parametrize("model", WITH_PRIOR)
def test_models_with_a_prior_sample_and_fill_holes(run_command, runs, tmp_path, model):
    assert run_command("sample", runs / model, "-n", 7, "-o", tmp_path / "s.npy")[0] == 0
    assert np.load(tmp_path / "s.npy").shape == (7, 13)
    data = load_bundled("wine")
    rows = [
        ",".join("" if i == j else f"{value:g}" for j, value in enumerate(row)) for i, row in enumerate(data.values)
    ]
    (tmp_path / "holed.csv").write_text("\n".join([",".join(f'"{name}"' for name in data.names), *rows]) + "\n")
    status, out, _ = run_command("impute", runs / model, tmp_path / "holed.csv", "-o", tmp_path / "filled.csv")
    assert (status, "13 of 13 holes filled" in out) == (0, True)
    filled = (tmp_path / "filled.csv").read_text().splitlines()
    assert filled[1].split(",")[1:] == rows[0].split(",")[1:]
    assert filled[1].split(",")[0]


@pytest.mark.parametrize("model", WITHOUT_PRIOR)
@pytest.mark.parametrize("command", ["sample", "impute"])
def test_models_without_a_prior_refuse_in_one_sentence(run_command, runs, tmp_path, model, command):
    (tmp_path / "rows.csv").write_text("a,b\n1,2\n")
    given = [tmp_path / "rows.csv"] if command == "impute" else []
    status, out, err = run_command(command, runs / model, *given, "-o", tmp_path / "x.csv")
    assert (status, out) == (2, "")
    assert f"has no prior and so cannot {command}" in " ".join(err.split())
    assert not (tmp_path / "x.csv").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--model", "linear", "--epochs", 3), "'max_epochs' is not a setting of LinearAutoencoder"),
        (("--model", "fa", "--columns", "hue=count"), "'columns' is not a setting of FactorAnalysis"),
        (("--model", "autoencoder", "--latent", "auto"), "expected at least 1, or None"),
        (("--model", "denoising", "--latent", 0), "expected at least 1, or None"),
    ],
)
def test_a_setting_that_a_model_does_not_take_is_a_wrong_call(run_command, tmp_path, arguments, message):
    status, out, err = run_command("fit", "wine", "--out", tmp_path / "run", *arguments)
    assert (status, out) == (2, "")
    assert message in " ".join(err.split())
    assert not (tmp_path / "run").exists()


def test_a_copy_is_told_of_on_the_terminal_and_on_the_page(run_command, tmp_path):
    config = tmp_path / "settings.toml"
    config.write_text("overcomplete = true\nhidden_sizes = [32]\nlearning_rate = 0.01\n")
    np.save(tmp_path / "rows.npy", np.random.default_rng(0).normal(size=(400, 3)))
    options = ["--model", "autoencoder", "--latent", 6, "--epochs", 120, "--config", config]
    status, out, _ = run_command("fit", tmp_path / "rows.npy", "--out", tmp_path / "run", *options)
    assert status == 0
    assert "This fit is a copy" in out
    assert "This fit is a copy" in (tmp_path / "run/report.html").read_text()
