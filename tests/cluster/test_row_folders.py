"""Folders of Parquet files, through Ray and without it."""

import os
import signal
import threading
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet
import pytest

import isthmus
from isthmus.cluster.connection import connected
from isthmus.cluster.row_folders import embed_folder, impute_folder, score_folder
from isthmus.data import DataError
from ray_processes import ray_processes

NAMES = tuple(f"c{i}" for i in range(6))
MILLION = 1_000_000


def write_folder(folder, count, files=3, holes=0.0):
    """A folder of Parquet files with rows of three latent numbers, and the same rows as one table."""
    rng = np.random.default_rng(0)
    values = rng.normal(size=(count, 3)) @ rng.normal(size=(3, 6)) + 0.3 * rng.normal(size=(count, 6))
    values[rng.random(values.shape) < holes] = np.nan
    table = pa.table(
        {"id": np.arange(count)} | {n: pa.array(values[:, i], from_pandas=True) for i, n in enumerate(NAMES)}
    )
    folder.mkdir()
    edges = np.linspace(0, count, files + 1).astype(int)
    for number, (first, last) in enumerate(pairwise(edges)):
        pyarrow.parquet.write_table(table.slice(first, last - first), folder / f"part-{number}.parquet")
    return table


def read_folder(folder):
    return pa.concat_tables([pyarrow.parquet.read_table(path) for path in sorted(folder.iterdir())])


def features(table):
    return table.select(list(NAMES)).to_pandas()


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("folders")


@pytest.fixture(scope="module")
def table(place):
    return write_folder(place / "in", 2000)


@pytest.fixture(scope="module")
def estimator(table):
    return isthmus.ProbabilisticPCA(3).fit(features(table.slice(0, 500)))


@pytest.mark.parametrize(
    ("source", "keep", "said"),
    [("in", ("nowhere",), "has no column 'nowhere'"), ("other", (), "has no column 'c0'"), ("empty", (), "no rows")],
)
def test_folders_of_other_columns_are_refused_before_ray_begins(place, table, estimator, source, keep, said):
    pyarrow.parquet.write_table(pa.table({"x": [1.0]}), place / "other.parquet")
    pyarrow.parquet.write_table(table.slice(0, 0), place / "empty.parquet")
    given = place / (source if source == "in" else f"{source}.parquet")
    with pytest.raises(DataError, match=said):
        score_folder(estimator, str(given), place / "out", keep=keep)


def test_only_folders_that_are_absent_or_empty_are_written(place, table, estimator, ray):
    taken = place / "taken"
    taken.mkdir(exist_ok=True)
    (taken / "mine").write_text("mine")
    with pytest.raises(DataError, match="is there already"):
        embed_folder(estimator, str(place / "in"), taken)
    assert [path.name for path in taken.iterdir()] == ["mine"]


def test_nobody_answers_at_an_address(ray):
    with pytest.raises(ConnectionError, match=r"no Ray cluster answers at 127\.0\.0\.1:9"), connected("127.0.0.1:9"):
        pass


@pytest.mark.slow
def test_scores_latents_and_filled_holes_are_those_of_this_process(place, table, estimator, ray, monkeypatch):
    holed = write_folder(place / "holed", 300, holes=0.1)
    filler = isthmus.ProbabilisticPCA(3).fit(features(holed))
    broken = holed.set_column(3, "c2", pa.array(np.full(300, np.inf)))
    pyarrow.parquet.write_table(broken, place / "broken.parquet")
    with connected():
        # The workers stay where they were started.
        monkeypatch.chdir(place)
        assert score_folder(estimator, "in", Path("scores"), keep=("id",)) == 2000
        assert embed_folder(estimator, "in", Path("latents"), keep=("id",)) == 2000
        assert impute_folder(filler, "holed", Path("filled")) == 300
        with pytest.raises(RuntimeError, match=r"a worker failed: .*column 'c2' of .* contains infinity"):
            embed_folder(estimator, "broken.parquet", Path("failed"))
    scores, latents, filled = (read_folder(place / name) for name in ("scores", "latents", "filled"))
    assert scores["id"].to_pylist() == latents["id"].to_pylist() == list(range(2000))
    assert np.array_equal(scores["log_likelihood"].to_numpy(), estimator.score_samples(features(table)))
    assert np.array_equal(np.column_stack(latents.columns[2:]), estimator.transform(features(table)))
    assert filled.column_names == holed.column_names
    assert np.array_equal(features(filled).to_numpy(), filler.impute(features(holed)).to_numpy())
    assert sorted(path.name for path in place.iterdir() if path.name.startswith(".")) == []


@pytest.mark.slow
def test_a_million_rows_are_scored_once_each_though_workers_are_killed(tmp_path, estimator, ray):
    table = write_folder(tmp_path / "in", MILLION, files=4)
    killed = []

    def kill_twice():
        while len(killed) < 2:
            time.sleep(0.1)
            written = len(list(tmp_path.glob(".out.*/*.parquet")))
            workers = ray_processes("ray::MapWorker")
            if written > 3 * len(killed) and workers:
                os.kill(workers[0], signal.SIGKILL)
                killed.append(workers[0])

    threading.Thread(target=kill_twice, daemon=True).start()
    with connected():
        assert score_folder(estimator, str(tmp_path / "in"), tmp_path / "out", keep=("id",)) == MILLION
    scores = read_folder(tmp_path / "out")
    assert len(killed) == 2
    assert np.array_equal(scores["id"].to_numpy(), np.arange(MILLION))
    assert len(np.unique(scores["row_hash"].to_numpy())) == MILLION
    assert np.array_equal(scores["log_likelihood"].to_numpy(), estimator.score_samples(features(table)))
