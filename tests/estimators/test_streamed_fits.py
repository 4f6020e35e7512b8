"""Fits to rows that stream: independent of how files are cut, and inspected as in memory."""

import warnings

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from isthmus import VAE, Autoencoder, ProbabilisticPCA
from isthmus.data import DataError, RowSource, as_stream, open_rows, read_rows, row_count, row_streams, sampling
from isthmus.estimators import stream_inspection
from isthmus.estimators.inspection import inspect_rows
from isthmus.estimators.matrix_rows import MatrixRows
from isthmus.estimators.results import scored, scored_names, told_once, write_results
from isthmus.estimators.rows import training_rows
from isthmus.estimators.runs import split_test_rows
from isthmus.models import Observation

ROWS = 700
SETTINGS = {"n_components": 1, "hidden_sizes": (8, 8), "max_epochs": 2, "batch_size": 64}


@pytest.fixture
def small_chunks(monkeypatch):
    monkeypatch.setattr(row_streams, "CHUNK_ROWS", 128)


def table() -> pa.Table:
    """Two numbers and a word that hang together, with holes."""
    generator = np.random.default_rng(0)
    latent = generator.normal(size=ROWS)
    first, second = latent + 0.3 * generator.normal(size=(2, ROWS))
    words = np.array(["low", "middle", "high"])[np.digitize(latent, [-0.5, 0.5])]
    holes = generator.random(ROWS) < 0.1
    return pa.table({"first": pa.array(first, mask=holes), "second": second, "word": words})


def write_parts(directory, cuts: list[int], group: int = 1000) -> str:
    directory.mkdir()
    whole = table()
    for i, (first, last) in enumerate(zip([0, *cuts], [*cuts, len(whole)], strict=True)):
        pq.write_table(whole.slice(first, last - first), directory / f"{i}.parquet", row_group_size=group)
    return str(directory)


def model_bytes(estimator, place) -> bytes:
    estimator.save(place)
    return (place / "model.safetensors").read_bytes()


def assert_equal_rows(left, right) -> None:
    if isinstance(left, Observation):
        np.testing.assert_array_equal(left.observed, right.observed)
        np.testing.assert_array_equal(left.values, right.values)
    else:
        np.testing.assert_array_equal(left, right)


@pytest.mark.parametrize("kind", [VAE, Autoencoder])
def test_the_model_is_the_same_however_the_files_are_cut(tmp_path, small_chunks, kind):
    one, seven = write_parts(tmp_path / "one", []), write_parts(tmp_path / "seven", [1, 50, 300, 301, 500, 699], 33)
    first, second = (kind(**SETTINGS).fit(open_rows(place, stream=True)) for place in (one, seven))
    assert model_bytes(first, tmp_path / "a") == model_bytes(second, tmp_path / "b")


def test_a_short_stream_is_inspected_as_the_same_rows_in_memory(tmp_path, small_chunks):
    place = write_parts(tmp_path / "parts", [300])
    configuration = VAE.configuration_type.checked({**VAE(**SETTINGS).get_params(), "columns": {"word": "ordinal"}})
    streamed = stream_inspection.inspect(VAE(), open_rows(place, stream=True), configuration)
    in_memory = inspect_rows(VAE(), read_rows(place), configuration)
    assert streamed.rows == in_memory.rows
    assert_equal_rows(streamed.training, in_memory.training)


def test_no_row_is_both_trained_on_and_set_aside(tmp_path, small_chunks):
    """The rows of training, early stopping and calibration are all rows, once each."""
    values = np.random.default_rng(0).normal(size=(ROWS, 2))
    np.save(tmp_path / "rows.npy", values)
    asked = {**VAE(**SETTINGS).get_params(), "calibration_fraction": 0.2, "likelihood": "normal"}
    stream = open_rows(str(tmp_path / "rows.npy"), stream=True)
    seen = stream_inspection.inspect(VAE(), stream, VAE.configuration_type.checked(asked))
    parts = [seen.stream.rows(0, seen.stream.row_count), seen.held_out, seen.calibration]
    assert [len(part) for part in parts] == [504, 56, 140]
    together = seen.rows.decode(np.concatenate(parts))
    np.testing.assert_allclose(np.sort(together, axis=0), np.sort(values, axis=0), rtol=0, atol=1e-5)


def test_levels_that_the_sample_did_not_show_are_holes_with_one_warning(tmp_path, monkeypatch, small_chunks):
    monkeypatch.setattr(sampling, "MOST_SAMPLED", 100)
    drawn = set(sampling.choose_numbers(ROWS, 100, sampling.SAMPLE_STREAM, 0).tolist())
    odd = [row for row in range(ROWS) if row not in drawn][:3]
    words = table()["word"].to_pylist()
    for row in odd:
        words[row] = "rare"
    complete = table().select(["second"]).append_column("word", pa.array(words))
    pq.write_table(complete, tmp_path / "rows.parquet")
    configuration = VAE.configuration_type.checked({**VAE(**SETTINGS).get_params(), "validation_fraction": 0.0})
    stream = open_rows(str(tmp_path / "rows.parquet"), stream=True)
    with pytest.warns(UserWarning, match=r"3 values \(3 of 'word'\) are none that the rows showed") as caught:
        seen = stream_inspection.inspect(VAE(), stream, configuration)
    assert [str(warning.message)[:9] for warning in caught] == ["3 values "]
    assert (~seen.stream.rows(0, ROWS).observed).sum(0).tolist() == [0, 3]


@pytest.mark.parametrize("ending", [".parquet", ".csv", ".npy"])
def test_results_of_a_stream_are_those_of_the_rows_in_memory(tmp_path, small_chunks, ending):
    place = write_parts(tmp_path / "parts", [300])
    whole = read_rows(place)
    model = VAE(**SETTINGS).fit(whole).calibrate(whole.rows(np.arange(50)))
    names = scored_names(model, None)
    outputs = [tmp_path / f"{name}{ending}" for name in ("memory", "stream")]
    for output, rows in zip(outputs, (whole, open_rows(place, stream=True)), strict=True):
        assert write_results(rows, output, names, lambda some: scored(model, some, None)) == ROWS
    if ending == ".parquet":
        assert pq.read_table(outputs[0]).equals(pq.read_table(outputs[1]))
        assert pq.read_table(outputs[0]).column_names == list(names)
    else:
        assert outputs[0].read_bytes() == outputs[1].read_bytes()


@pytest.mark.parametrize("likelihood", ["normal", "columns"])
def test_a_bad_value_in_a_later_chunk_is_told_by_its_row_in_the_file(tmp_path, small_chunks, likelihood):
    values = np.random.default_rng(0).normal(size=(ROWS, 3))
    model = VAE(**SETTINGS, likelihood=likelihood).fit(values)
    values[300, 1] = np.inf
    np.save(tmp_path / "rows.npy", values)
    stream = open_rows(str(tmp_path / "rows.npy"), stream=True)
    with pytest.raises(DataError, match=r"column 'x1' .*contains infinity \(first in row 300\)"):
        write_results(stream, tmp_path / "out.csv", ("score",), lambda some: model.score_samples(some)[:, None])
    assert not (tmp_path / "out.csv").exists()


def test_an_interrupted_write_leaves_nothing_and_the_old_file_as_it_was(tmp_path, small_chunks):
    np.save(tmp_path / "rows.npy", np.zeros((ROWS, 2)))
    output, calls = tmp_path / "out.parquet", []
    output.write_bytes(b"old")

    def fails_on_the_third(rows):
        calls.append(row_count(rows))
        if len(calls) == 3:
            raise KeyboardInterrupt
        return rows.values

    with pytest.raises(KeyboardInterrupt):
        write_results(open_rows(str(tmp_path / "rows.npy"), stream=True), output, ("a", "b"), fails_on_the_third)
    assert calls == [128] * 3
    assert output.read_bytes() == b"old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.parquet", "rows.npy"]


def test_a_large_memory_map_is_a_stream_and_a_small_one_is_not(tmp_path, monkeypatch):
    np.save(tmp_path / "rows.npy", np.zeros((ROWS, 2)))
    mapped = np.load(tmp_path / "rows.npy", mmap_mode="r")
    assert as_stream(mapped) is None
    monkeypatch.setattr("isthmus.data.opening.MOST_BYTES", 1000)
    assert as_stream(mapped).row_count == ROWS
    assert as_stream(np.array(mapped)) is None


def test_models_that_do_not_stream_say_which_do(tmp_path):
    np.save(tmp_path / "rows.npy", np.random.default_rng(0).normal(size=(ROWS, 2)))
    with pytest.raises(ValueError, match=r"ProbabilisticPCA takes rows in memory; .* vae, autoencoder and "):
        ProbabilisticPCA(n_components=1).fit(open_rows(str(tmp_path / "rows.npy"), stream=True))


def test_warnings_of_chunks_are_told_once_a_column_with_their_counts_summed():
    """Numbers in names tell columns apart; what was warned of is told where the work fails too."""
    told = "column 'x{}' holds {}, which the training rows did not ({} such values): each has a mass, 1 in 101"
    rows = "column 'x1' holds {}, and the fitted bernoulli likelihood knows 0 and 1 only ({} of 100 rows)"

    @told_once()
    def fails() -> None:
        for column, shown, count in ((1, "'a, b'", 3), (2, "'c'", 1), (1, "'d'", 4)):
            warnings.warn(told.format(column, shown, count), stacklevel=1)
        for shown, count in ((7, 1), (2.5, 2)):
            warnings.warn(rows.format(shown, count), stacklevel=1)
        raise KeyboardInterrupt

    with warnings.catch_warnings(record=True) as caught, pytest.raises(KeyboardInterrupt):
        fails()
    expected = [told.format(1, "'a, b'", 7), told.format(2, "'c'", 1)]
    expected.append(rows.format(7, 3).replace("100", "200"))
    assert [str(warning.message) for warning in caught] == expected


def test_a_source_that_changes_while_it_is_fitted_to_or_written_is_refused(tmp_path, small_chunks):
    np.save(tmp_path / "rows.npy", np.random.default_rng(0).normal(size=(ROWS, 2)))
    stream = open_rows(str(tmp_path / "rows.npy"), stream=True)
    rows, _ = MatrixRows.inspect(
        *training_rows(VAE(), stream.take(np.arange(50))), VAE.configuration_type.checked(VAE(**SETTINGS).get_params())
    )
    stream.rows_of.row_count = ROWS + 1
    shorter = RowSource(stream.rows_of)
    stream.rows_of.chunks = lambda size: iter((stream.take(np.arange(ROWS)),))
    with pytest.raises(DataError, match=f"had {ROWS + 1} rows to fit to when it was opened and has {ROWS} now"):
        stream_inspection.store_rows(VAE(), shorter, rows)
    for ending in (".npy", ".parquet", ".csv"):
        with pytest.raises(DataError, match=f"was to hold {ROWS + 1} rows and got {ROWS}"):
            write_results(shorter, tmp_path / f"out{ending}", ("a", "b"), lambda some: some.values)
        assert not (tmp_path / f"out{ending}").exists()


def test_fewer_of_wide_rows_are_set_aside(monkeypatch, tmp_path):
    """64 numbers and at least 5 rows are allowed in memory: 32 rows of 2 columns, 5 rows of 20."""
    monkeypatch.setattr(row_streams, "ASIDE_NUMBERS", 64)
    monkeypatch.setattr(row_streams, "FEWEST_ASIDE", 5)
    for columns, expected in ((2, 32), (20, 5)):
        np.save(tmp_path / "rows.npy", np.random.default_rng(0).normal(size=(ROWS, columns)))
        stream = open_rows(str(tmp_path / "rows.npy"), stream=True)
        left, test = split_test_rows(stream, 0)
        assert (row_count(test), row_count(left)) == (expected, ROWS - expected)
        asked = {**VAE(**SETTINGS).get_params(), "calibration_fraction": 0.2, "likelihood": "normal"}
        seen = stream_inspection.inspect(VAE(), stream, VAE.configuration_type.checked(asked))
        assert (len(seen.calibration), len(seen.held_out)) == (expected, expected)
