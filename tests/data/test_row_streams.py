"""Rows that stream: the same whatever the files they are cut into, read in any chunks, picked by number."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from isthmus.data import (
    DataError,
    Dataset,
    RowSource,
    choose_numbers,
    open_rows,
    read_rows,
    row_count,
    row_streams,
    sample_rows,
    sampling,
)
from isthmus.data.array_rows import ArrayRows
from isthmus.data.row_streams import concatenate

ROWS = 500


def table(rows: int = ROWS) -> pa.Table:
    """Mixed columns with holes, the same from call to call."""
    generator = np.random.default_rng(0)
    words = np.array(["red", "green", "blue"])[generator.integers(3, size=rows)]
    columns = {
        "real": pa.array(generator.normal(size=rows), mask=generator.random(rows) < 0.1),
        "count": pa.array(generator.poisson(3.0, rows)),
        "word": pa.array(words, mask=generator.random(rows) < 0.1),
        "day": pa.array(generator.integers(0, 10_000, rows).astype("datetime64[D]")),
    }
    return pa.table(columns)


def write_parts(directory, whole: pa.Table, cuts: list[int], group: int = 1000):
    """Parts of a table, cut at these rows."""
    directory.mkdir(parents=True, exist_ok=True)
    for i, (first, last) in enumerate(zip([0, *cuts], [*cuts, len(whole)], strict=True)):
        pq.write_table(whole.slice(first, last - first), directory / f"part-{i}.parquet", row_group_size=group)
    return str(directory)


def assert_same(left, right) -> None:
    """Two tables or data sets hold the same values, to the bit."""
    if isinstance(left, Dataset):
        np.testing.assert_array_equal(left.values, right.values)
        return
    for one, other in zip(left.columns, right.columns, strict=True):
        assert (one.name, one.categories, one.temporal) == (other.name, other.categories, other.temporal)
        np.testing.assert_array_equal(one.observed, other.observed)
        np.testing.assert_array_equal(one.values[one.observed], other.values[one.observed])


CUTS = {
    "one": ([], 1000),
    "seven": ([3, 90, 91, 200, 410, 499], 1000),
    "small_groups": ([250], 7),
    "empty": ([0, 9], 50),
}


@pytest.fixture(params=CUTS)
def parts(request, tmp_path):
    """The same table, cut in several ways; one of them has a part without rows."""
    return write_parts(tmp_path / "parts", table(), *CUTS[request.param])


@pytest.fixture
def small_chunks(monkeypatch):
    monkeypatch.setattr(row_streams, "CHUNK_ROWS", 64)


def test_a_directory_in_memory_is_the_table_that_was_cut(parts, tmp_path):
    pq.write_table(table(), tmp_path / "whole.parquet")
    assert_same(read_rows(parts), read_rows(str(tmp_path / "whole.parquet")))


def test_a_stream_has_the_rows_of_the_directory(parts, small_chunks):
    stream = open_rows(parts, stream=True)
    assert isinstance(stream, RowSource)
    assert stream.row_count == ROWS
    assert_same(concatenate(list(stream.chunks())), read_rows(parts))
    assert_same(concatenate(list(stream.chunks())), read_rows(parts))  # and again


@pytest.mark.parametrize("seed", [0, 1])
def test_rows_set_aside_are_gone_from_a_stream_and_others_keep_their_order(parts, small_chunks, seed):
    stream, whole = open_rows(parts, stream=True), read_rows(parts)
    generator = np.random.default_rng(seed)
    first = np.sort(generator.choice(ROWS, 40, replace=False))
    left = stream.without(first)
    second = np.sort(generator.choice(left.row_count, 30, replace=False))
    numbers = np.delete(np.arange(ROWS), first)
    assert_same(stream.take(first), whole.rows(first))
    assert_same(left.take(second), whole.rows(numbers[second]))
    kept = np.delete(numbers, second)
    rest = left.without(second)
    assert rest.row_count == len(kept) == sum(row_count(chunk) for chunk in rest.chunks())
    assert_same(concatenate(list(rest.chunks())), whole.rows(kept))


def test_a_mapped_array_streams_as_it_would_be_read(tmp_path, small_chunks):
    values = np.random.default_rng(0).normal(size=(ROWS, 3)).astype(np.float32)
    np.save(tmp_path / "rows.npy", values)
    stream = open_rows(str(tmp_path / "rows.npy"), stream=True)
    assert_same(concatenate(list(stream.chunks())), read_rows(str(tmp_path / "rows.npy")))
    np.testing.assert_array_equal(stream.take(np.array([499, 0, 7])).values, values[[0, 7, 499]])


def test_what_was_written_to_a_private_map_survives_being_read(tmp_path):
    np.save(tmp_path / "rows.npy", np.zeros((ROWS, 3)))
    private = np.load(tmp_path / "rows.npy", mmap_mode="c")
    private[5] = 7.0
    reader = ArrayRows("X", private)
    assert all(len(chunk.values) for chunk in reader.chunks(100))
    np.testing.assert_array_equal(reader.take(np.array([5])).values, [[7.0, 7.0, 7.0]])


def write_images(directory, sizes=((4, 5),) * 6) -> np.ndarray:
    pixels = [np.random.default_rng(i).integers(0, 256, size, np.uint8) for i, size in enumerate(sizes)]
    for i, image in enumerate(pixels):
        place = directory / ("cats" if i % 2 else "dogs")
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(place / f"{i}.png")
    return np.stack([*pixels[1::2], *pixels[::2]]) if len(set(sizes)) == 1 else np.zeros(0)


def test_a_folder_of_images_is_a_data_set_of_pixels_with_the_folders_for_labels(tmp_path, small_chunks):
    expected = write_images(tmp_path)
    data = read_rows(str(tmp_path))
    assert isinstance(data, Dataset)
    assert data.image_shape == (4, 5)
    np.testing.assert_array_equal(data.values, expected.reshape(6, 20))
    assert list(data.labels) == ["cats"] * 3 + ["dogs"] * 3
    assert_same(concatenate(list(open_rows(str(tmp_path), stream=True).chunks())), data)


def test_images_of_two_sizes_are_refused_by_name(tmp_path):
    write_images(tmp_path, ((4, 5), (4, 5), (5, 4)))
    with pytest.raises(DataError, match=r"2\.png is 4 x 5 pixels and 1\.png is 5 x 4; expected images of one size"):
        read_rows(str(tmp_path))


def test_a_broken_image_is_refused_by_name(tmp_path):
    write_images(tmp_path)
    (tmp_path / "cats" / "3.png").write_bytes(b"\x89PNG nothing")
    with pytest.raises(DataError, match=r"3\.png cannot be read as an image"):
        read_rows(str(tmp_path))


@pytest.mark.parametrize("stream", [True, False, None])
def test_an_unreadable_part_is_named(tmp_path, stream):
    directory = write_parts(tmp_path, table(), [100, 200])
    (tmp_path / "part-1.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(DataError, match=r"part-1\.parquet cannot be read as Parquet"):
        open_rows(directory, stream)


def test_a_part_that_is_damaged_inside_is_named_when_it_is_read(tmp_path):
    directory = write_parts(tmp_path, table(), [100])
    place = tmp_path / "part-1.parquet"
    content = bytearray(place.read_bytes())
    content[4:400] = bytes(396)
    place.write_bytes(bytes(content))
    with pytest.raises(DataError, match=r"part-1\.parquet cannot be read as Parquet"):
        list(open_rows(directory, stream=True).chunks())


def test_another_type_in_a_part_is_refused_by_file_and_column(tmp_path):
    write_parts(tmp_path, table(), [])
    other = table().set_column(1, "count", pa.array(["many"] * ROWS))
    pq.write_table(other, tmp_path / "part-1.parquet")
    with pytest.raises(DataError, match=r"column 'count' of .*part-1\.parquet holds string values .* int64"):
        open_rows(str(tmp_path), stream=True)


@pytest.mark.parametrize("change", ["lacks", "has"])
def test_other_columns_in_a_part_are_refused_by_file_and_column(tmp_path, change):
    write_parts(tmp_path, table(), [])
    other = table().drop_columns(["word"]) if change == "lacks" else table().append_column("more", pa.array([1] * ROWS))
    pq.write_table(other, tmp_path / "part-1.parquet")
    with pytest.raises(DataError, match=rf"part-1\.parquet {change} column '(word|more)'"):
        open_rows(str(tmp_path), stream=True)


def test_parts_may_order_columns_differently_and_write_whole_numbers_as_numbers(tmp_path):
    write_parts(tmp_path, table(), [])
    reordered = table().select(["word", "day", "count", "real"])
    pq.write_table(reordered.set_column(2, "count", table()["count"].cast(pa.float64())), tmp_path / "part-1.parquet")
    twice = read_rows(str(tmp_path))
    assert_same(twice.rows(np.arange(ROWS)), twice.rows(np.arange(ROWS, 2 * ROWS)))


def test_infinity_is_told_with_its_file(tmp_path):
    odd = table().set_column(0, "real", pa.array(np.r_[np.inf, np.zeros(ROWS - 1)]))
    write_parts(tmp_path, odd, [])
    with pytest.raises(DataError, match=r"column 'real' of .*part-0\.parquet contains infinity \(first in row 0\)"):
        list(open_rows(str(tmp_path), stream=True).chunks())


def test_infinity_is_told_with_its_row_in_the_file_where_rows_are_picked(tmp_path):
    odd = table().set_column(0, "real", pa.array(np.where(np.arange(ROWS) == 321, np.inf, 0.0)))
    stream = open_rows(write_parts(tmp_path, odd, [300], group=10), stream=True)
    with pytest.raises(DataError, match=r"part-1\.parquet contains infinity \(first in row 21\)"):
        stream.take(np.array([4, 5, 302, 320, 321]))


def test_parts_that_change_between_two_readings_are_refused(tmp_path):
    stream = open_rows(write_parts(tmp_path, table(), [300]), stream=True)
    list(stream.chunks())
    pq.write_table(table(), tmp_path / "part-1.parquet")
    with pytest.raises(DataError, match=r"part-1\.parquet had 200 rows when it was opened and has 500 now"):
        list(stream.chunks())
    with pytest.raises(DataError, match=r"part-1\.parquet had 200 rows when it was opened and has 500 now"):
        stream.take(np.array([4, 499]))


@pytest.mark.parametrize("stream", [True, False, None])
def test_an_npy_file_without_rows_or_of_several_arrays_is_refused_or_read(tmp_path, stream):
    np.save(tmp_path / "number.npy", np.float64(3.0))
    with pytest.raises(DataError, match=r"number\.npy has shape \(\); expected rows x columns"):
        open_rows(str(tmp_path / "number.npy"), stream)
    np.savez(tmp_path / "rows.npz", X=np.eye(3))
    (tmp_path / "rows.npz").rename(tmp_path / "rows.npy")
    if stream:
        with pytest.raises(DataError, match=r"rows\.npy is an archive of arrays, which cannot be streamed"):
            open_rows(str(tmp_path / "rows.npy"), stream)
    else:
        np.testing.assert_array_equal(open_rows(str(tmp_path / "rows.npy"), stream).values, np.eye(3))


def test_a_directory_of_nothing_and_one_of_both_are_refused(tmp_path):
    with pytest.raises(DataError, match=r"holds neither; expected \.parquet parts, or images"):
        read_rows(str(tmp_path))
    write_parts(tmp_path, table(), [])
    write_images(tmp_path)
    with pytest.raises(DataError, match="holds 1 Parquet files and 6 images"):
        read_rows(str(tmp_path))


@pytest.mark.parametrize(("count", "most"), [(10, 20), (10, 10), (1000, 10), (10**12, 5)])
def test_row_numbers_are_chosen_once_each_and_always_the_same(count, most):
    numbers = choose_numbers(count, most, 3, 0)
    assert len(numbers) == min(count, most) == len(np.unique(numbers))
    assert (np.diff(numbers) > 0).all()
    assert 0 <= numbers[0] <= numbers[-1] < count
    np.testing.assert_array_equal(numbers, choose_numbers(count, most, 3, 0))


def test_the_sample_of_a_short_stream_is_all_of_it(parts, small_chunks):
    assert_same(sample_rows(open_rows(parts, stream=True), 0), read_rows(parts))


def test_a_sample_holds_what_no_row_may_exceed(tmp_path, monkeypatch, small_chunks):
    """Of 500 rows 100 are drawn; the one largest count, the one fraction, the one zero and the one hole join them."""
    monkeypatch.setattr(sampling, "MOST_SAMPLED", 100)
    generator = np.random.default_rng(0)
    drawn = set(choose_numbers(ROWS, 100, sampling.SAMPLE_STREAM, 0).tolist())
    odd = next(row for row in range(ROWS) if row not in drawn)
    columns = {
        "count": generator.poisson(3.0, ROWS).astype(float),
        "whole": generator.integers(5, 50, ROWS).astype(float),
        "positive": np.exp(generator.normal(size=ROWS)),
        "real": generator.normal(size=ROWS),
        "holed": generator.normal(size=ROWS),
    }
    for name, value in {"count": 900.0, "whole": 7.5, "positive": 0.0, "real": 1e6, "holed": np.nan}.items():
        columns[name][odd] = value
    np.save(tmp_path / "rows.npy", np.column_stack(list(columns.values())))
    sample = sample_rows(open_rows(str(tmp_path / "rows.npy"), stream=True), 0)
    assert len(sample.values) == 101
    assert odd not in drawn
    np.testing.assert_array_equal(sample.values[-1], np.array([column[odd] for column in columns.values()]))


def test_few_rows_join_the_sample_of_a_wide_stream(tmp_path, monkeypatch, small_chunks):
    """Each of 400 columns has its largest byte in a row of its own; what all columns have in common joins."""
    monkeypatch.setattr(sampling, "MOST_SAMPLED", 100)
    values = np.random.default_rng(0).integers(1, 200, (ROWS, 400)).astype(np.uint8)
    values[np.arange(400), np.arange(400)] = 250
    odd = [row for row in range(400, ROWS) if row not in choose_numbers(ROWS, 100, sampling.SAMPLE_STREAM, 0)]
    values[odd[0], 7], values[odd[1], 3] = 255, 0
    np.save(tmp_path / "rows.npy", values)
    sample = sample_rows(open_rows(str(tmp_path / "rows.npy"), stream=True), 0)
    assert (sample.values.min(), sample.values.max()) == (0, 255)
    assert len(sample.values) == 102


def test_the_rows_that_join_the_sample_of_a_table_are_limited(tmp_path, monkeypatch):
    monkeypatch.setattr(sampling, "MOST_SAMPLED", 100)
    values = np.random.default_rng(0).integers(1, 200, (ROWS, 300))
    values[np.arange(300), np.arange(300)] = 300
    pq.write_table(pa.table({f"x{i}": values[:, i] for i in range(300)}), tmp_path / "rows.parquet")
    sample = sample_rows(open_rows(str(tmp_path / "rows.parquet"), stream=True), 0)
    assert sample.row_count == 100 + sampling.MOST_JOINING


def test_a_sample_knows_the_words_that_it_shows(tmp_path, monkeypatch):
    """Of 500 words, a row each, a sample of 100 rows knows 100; without one, all."""
    pq.write_table(pa.table({"word": [f"w{i:03d}" for i in range(ROWS)]}), tmp_path / "rows.parquet")
    stream = open_rows(str(tmp_path / "rows.parquet"), stream=True)
    assert len(sample_rows(stream, 0).columns[0].categories) == ROWS
    monkeypatch.setattr(sampling, "MOST_SAMPLED", 100)
    column = sample_rows(stream, 0).columns[0]
    drawn = choose_numbers(ROWS, 100, sampling.SAMPLE_STREAM, 0)
    assert list(column.plain()) == [f"w{i:03d}" for i in drawn]
    assert len(column.categories) == 100


def test_infinity_is_told_with_its_row_in_the_source(tmp_path, monkeypatch, small_chunks):
    monkeypatch.setattr(sampling, "MOST_SAMPLED", 100)
    values = np.zeros((ROWS, 2))
    values[300, 1] = np.inf
    np.save(tmp_path / "rows.npy", values)
    stream = open_rows(str(tmp_path / "rows.npy"), stream=True).without(np.arange(50))
    with pytest.raises(DataError, match=r"column 'x1' of .* contains infinity \(first in row 300\)"):
        sample_rows(stream, 0)


def test_an_extreme_that_no_likelihood_needs_does_not_join_the_sample(tmp_path, monkeypatch):
    monkeypatch.setattr(sampling, "MOST_SAMPLED", 100)
    values = np.random.default_rng(0).normal(size=(ROWS, 2))
    odd = next(row for row in range(ROWS) if row not in choose_numbers(ROWS, 100, sampling.SAMPLE_STREAM, 0))
    values[odd] = 50.0
    np.save(tmp_path / "rows.npy", values)
    sample = sample_rows(open_rows(str(tmp_path / "rows.npy"), stream=True), 0)
    assert len(sample.values) == 100
    assert sample.values.max() < 10


def test_size_alone_decides_where_nothing_is_asked(tmp_path, monkeypatch):
    directory = write_parts(tmp_path, table(), [100])
    assert not isinstance(open_rows(directory), RowSource)
    monkeypatch.setattr("isthmus.data.opening.MOST_BYTES", 1000)
    assert isinstance(open_rows(directory), RowSource)
    assert not isinstance(open_rows(directory, stream=False), RowSource)


def test_what_cannot_be_streamed_says_so(tmp_path):
    (tmp_path / "rows.csv").write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match=r"rows\.csv cannot be streamed"):
        open_rows(str(tmp_path / "rows.csv"), stream=True)


@pytest.mark.parametrize("stream", [True, False, None])
def test_an_empty_name_is_not_the_directory_one_is_in(tmp_path, monkeypatch, stream):
    write_parts(tmp_path, table(), [])
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError, match="does not exist"):
        open_rows("", stream)
