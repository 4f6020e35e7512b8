"""Commands on directories of parts and folders of images, streamed or read whole."""

import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

FIT = ("--epochs", "2", "--latent", "1", "--json")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Parts with holes: whole numbers without a fraction in the first part, times that are whole days there."""
    directory = tmp_path_factory.mktemp("parts")
    generator = np.random.default_rng(0)
    latent = generator.normal(size=300)
    hours = np.where(np.arange(300) < 150, 24, 1) * generator.integers(0, 5000, 300)
    frame = pd.DataFrame(
        {
            "amount": np.round(10 * latent + generator.normal(size=300), np.where(np.arange(300) < 150, 0, 1)[0]),
            "when": pd.Timestamp("2020-01-01") + pd.to_timedelta(hours, unit="h"),
            "word": np.where(latent > 0, "up", "down"),
        }
    )
    frame.loc[150:, "amount"] += 0.5
    for column in frame.columns:
        frame.loc[generator.random(300) < 0.1, column] = None
    whole = pa.Table.from_pandas(frame, preserve_index=False)
    (directory / "rows").mkdir()
    for i in range(3):
        pq.write_table(whole.slice(100 * i, 100), directory / "rows" / f"{i}.parquet")
    pq.write_table(whole, directory / "whole.parquet")
    return directory


@pytest.fixture(scope="module")
def run(place):
    from command_line import call

    with pytest.MonkeyPatch.context() as patch:
        assert call(patch, "fit", place / "rows", "--stream", "--out", place / "run", *FIT) == 0
    return place / "run"


def test_a_streamed_fit_leaves_a_run(run, run_command):
    record = json.loads((run / "ledger.json").read_text())
    assert record["assumptions"]["training_rows"] == 240
    assert record["assumptions"]["test_rows"] == 60
    status, out, _ = run_command("ledger", run)
    assert status == 0
    assert "elbo" in out


@pytest.mark.parametrize("command", ["embed", "score", "reconstruct"])
def test_results_do_not_depend_on_streaming(place, run, run_command, command):
    for option in ("--stream", "--no-stream"):
        status, _, err = run_command(command, run, place / "rows", "-o", place / f"{command}{option}.parquet", option)
        assert status == 0, err
    streamed, whole = (pq.read_table(place / f"{command}{option}.parquet") for option in ("--stream", "--no-stream"))
    assert streamed.equals(whole)
    assert len(streamed) == 300


def test_streamed_imputation_changes_holes_only_and_fills_them_as_in_memory(place, run, run_command):
    status, out, err = run_command("impute", run, place / "rows", "-o", place / "streamed.parquet")
    assert status == 0, err
    assert "holes filled" in out
    status, _, err = run_command("impute", run, place / "whole.parquet", "-o", place / "filled.parquet")
    assert status == 0, err
    assert pq.read_table(place / "streamed.parquet").equals(pq.read_table(place / "filled.parquet"))


def test_a_folder_of_images_is_fitted_with_its_labels(tmp_path, run_command):
    generator = np.random.default_rng(0)
    for i in range(40):
        folder = tmp_path / "pictures" / ("dark" if i % 2 else "light")
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(generator.integers(0, 100 + 100 * (i % 2), (4, 4), np.uint8)).save(folder / f"{i}.png")
    status, out, err = run_command("fit", tmp_path / "pictures", "--out", tmp_path / "run", *FIT)
    assert status == 0, err
    record = json.loads(out)
    assert record["assumptions"]["labelled"]
    assert record["assumptions"]["likelihood"] == "discretised_logistic"


def test_what_does_not_stream_is_refused_in_one_line(tmp_path, place, run_command):
    status, _, err = run_command("fit", "digits", "--stream", "--out", tmp_path / "run")
    assert status == 1
    assert "digits" in err
    status, _, err = run_command("fit", place / "rows", "--model", "ppca", "--stream", "--out", tmp_path / "run")
    assert (status, err.count("error:")) == (1, 1)
