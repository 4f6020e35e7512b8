"""The command line's comparison: one table, one record, one page."""

import json
import sys

import numpy as np
import pytest

from command_line import call
from isthmus.cli.comparing import print_comparison
from isthmus.data import load_bundled


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Where the comparison of 200 digits was written, what it printed beside it."""
    directory = tmp_path_factory.mktemp("compare")
    np.savez(directory / "digits.npz", X=load_bundled("digits").values[:200].reshape(-1, 8, 8))
    options = ("--latent", 4, "--epochs", 2, "--out", directory / "out", "--json")
    with pytest.MonkeyPatch.context() as patch, (directory / "stdout").open("w") as stream:
        patch.setattr(sys, "stdout", stream)
        assert call(patch, "compare", directory / "digits.npz", *options) == 0
    return directory


def test_one_json_object_goes_to_standard_output_and_is_what_was_written(place):
    record = json.loads((place / "stdout").read_text())
    assert record == json.loads((place / "out/compare.json").read_text())
    assert {path.name for path in (place / "out").glob("[!.]*")} == {"compare.json", "compare.html"}
    assert {"data", "latent", "models"} <= set(record)
    for model in record["models"].values():
        assert {"columns", "blanks", "parameters", "seconds"} <= set(model)
    keys = [list(model["columns"]) for model in record["models"].values()]
    assert all(columns == keys[0] for columns in keys)


def test_the_table_has_one_row_a_model_and_shows_directions(place, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    print_comparison(json.loads((place / "out/compare.json").read_text()), as_json=False)
    out = capsys.readouterr().out
    for title in ("PCA", "factor analysis", "over-complete autoencoder", "denoising autoencoder", "VAE"):
        assert sum(line.startswith(f"{title} ") for line in out.splitlines()) == 2
    for words in (">= -", "<= ", "no prior", "30 % of the values set to 0", "copy index"):
        assert words in out
    assert "…" not in out


def test_the_page_shows_every_model_and_needs_no_network(place):
    page = (place / "out/compare.html").read_text()
    for words in ("The ladder on", "over-complete autoencoder", "In nats", "Why cells are blank", "counting measure"):
        assert words in page
    assert "http://" not in page.split("</script>", 1)[1].replace("http://www.w3.org", "")
    assert "<script src=" not in page


WRONG_CALLS = {
    "no such file": (["nothing.csv"], 2, "does not exist"),
    "latent size 0": (["wine", "--latent", 0], 2, "--latent"),
    "no epochs": (["wine", "--epochs", 0], 2, "--epochs"),
    "no bottleneck": (["wine", "--latent", 13], 1, "latent size 13 is not below the 13 columns"),
}


@pytest.mark.parametrize("case", WRONG_CALLS)
def test_a_wrong_call_is_one_clear_error_and_leaves_nothing_behind(run_command, tmp_path, monkeypatch, case):
    monkeypatch.chdir(tmp_path)
    arguments, status, message = WRONG_CALLS[case]
    found, out, err = run_command("compare", *arguments)
    assert (found, out) == (status, "")
    assert message in " ".join(err.split())
    assert "Traceback" not in err
    assert not list(tmp_path.iterdir())
