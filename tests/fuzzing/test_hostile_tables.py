"""A mutated table is refused by DataError, or read as an independent reader reads its bytes.

What announces more than it holds, or than memory does, is refused before there is room for it. Seeds: `damage` draws
file i by (3, i).
"""

import gzip
import io
import struct
import zipfile

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
import table_attacks
from PIL import Image
from table_attacks import damage, differs, read

from file_bytes import npz
from isthmus.data import DataError, fill_file, open_rows, read_rows, read_table, room
from isthmus.data.streamed_filling import fill_stream

MUTATED = 1300


def npy_header(shape, kind="<f8"):
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, {"descr": kind, "fortran_order": False, "shape": shape})
    return buffer.getvalue()


def zipped(content):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("X.npy", content)
    return buffer.getvalue()


def constant_parquet(rows):
    buffer = io.BytesIO()
    pyarrow.parquet.write_table(pa.table({"a": pa.array(np.zeros(rows))}), buffer)
    return buffer.getvalue()


def repeated_word(rows):
    """A word of 1,000 letters in each row, in a column that does not say that it is a dictionary."""
    word = pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, np.int32)), pa.array(["x" * 1000]))
    buffer = io.BytesIO()
    numbers = pa.array([None, *range(1, rows)])
    pyarrow.parquet.write_table(pa.table({"word": word, "number": numbers}), buffer, store_schema=False)
    return buffer.getvalue()


def test_mutated_tables_are_refused_or_read_right(tmp_path):
    outcomes = {"refused": 0, "read": 0}
    for number in range(MUTATED):
        done, path = damage(tmp_path, number)
        found = read(path)
        outcomes["refused" if found is None else "read"] += 1
        if found is not None:
            assert differs(found, path) is None, f"file {number}: {done}"
    assert min(outcomes.values()) > 0


ANNOUNCED = {
    "npy of 2^60 rows": ("t.npy", npy_header((2**60, 3)) + bytes(24)),
    "npy of negative size": ("t.npy", npy_header((-4, 3)) + bytes(96)),
    "npz of 2^60 rows": ("t.npz", zipped(npy_header((2**60, 3)) + bytes(24))),
    "npz without arrays": ("t.npz", zipped(b"no array")),
    "gzip of images that are not there": (
        "t-idx3-ubyte.gz",
        gzip.compress(struct.pack(">HBB3I", 0, 8, 3, 2**10, 2**10, 2**10)),
    ),
    "gzip beyond memory": ("t-idx3-ubyte.gz", gzip.compress(struct.pack(">HBB3I", 0, 8, 3, *[2**31] * 3))),
    "a gzip bomb": ("t-idx2-ubyte.gz", gzip.compress(struct.pack(">HBB2I", 0, 8, 2, 2, 2) + bytes(10**7))),
    "Parquet of words that are not text": (
        "t.parquet",
        constant_parquet(9).replace(b"\x01a", b"\x01\xff"),
    ),
}


@pytest.mark.parametrize("name", ANNOUNCED)
def test_what_is_announced_and_not_there_is_refused(tmp_path, name):
    file, content = ANNOUNCED[name]
    (tmp_path / file).write_bytes(content)
    with pytest.raises(DataError, match=file):
        read_rows(str(tmp_path / file))


BOMBS = {
    "t.npz": npz(True, X=np.zeros((1000, 1000))),
    "t.parquet": constant_parquet(10**6),
    "words.parquet": repeated_word(3 * 10**5),
    "t-idx3-ubyte.gz": gzip.compress(struct.pack(">HBB3I", 0, 8, 3, 800, 100, 100) + bytes(8 * 10**6)),
}


@pytest.mark.parametrize("file", BOMBS)
def test_what_is_small_on_disk_and_beyond_memory_is_refused(tmp_path, monkeypatch, file):
    (tmp_path / file).write_bytes(BOMBS[file])
    assert len(BOMBS[file]) < 4 * 10**6
    read_rows(str(tmp_path / file))
    monkeypatch.setattr(room, "memory_of_machine", lambda: 10**7)
    with pytest.raises(DataError, match=r"announces .* GiB of values, and this process has"):
        read_rows(str(tmp_path / file))


@pytest.mark.parametrize("read", [read_rows, lambda path: list(open_rows(path, stream=True).chunks())])
def test_a_word_takes_room_once_however_often_a_file_repeats_it(tmp_path, read):
    """100 MB of words in a megabyte of file: what Arrow holds stays below 10 MB."""
    (tmp_path / "t.parquet").write_bytes(repeated_word(10**5))
    pool, before = pa.proxy_memory_pool(pa.default_memory_pool()), pa.default_memory_pool()
    pa.set_memory_pool(pool)
    try:
        read(str(tmp_path / "t.parquet"))
    finally:
        pa.set_memory_pool(before)
    assert pool.max_memory() < 10**7


def test_repeated_words_beyond_memory_are_not_written_out(tmp_path, monkeypatch):
    path, output = tmp_path / "t.parquet", tmp_path / "filled.parquet"
    path.write_bytes(repeated_word(10**4))
    monkeypatch.setattr(room, "memory_of_machine", lambda: 10**7)
    whole = read_table(str(path))
    with pytest.raises(DataError, match=r"t\.parquet announces .* GiB of values"):
        fill_file(path, output, whole)
    with pytest.raises(DataError, match=r"t\.parquet announces .* GiB of values"):
        fill_stream(open_rows(str(path), stream=True), output, lambda rows: rows)
    assert not output.exists()


@pytest.mark.parametrize("array", [pa.array([b"x"]), pa.array([["x"]]), pa.array([{"a": "x"}])])
def test_a_column_that_no_table_has_is_refused_before_it_is_read(tmp_path, array):
    pyarrow.parquet.write_table(pa.table({"a": [1.0], "odd": array}), tmp_path / "t.parquet")
    for stream in (True, False, None):
        with pytest.raises(DataError, match=r"column 'odd' of .*t\.parquet holds .* values; expected numbers"):
            open_rows(str(tmp_path / "t.parquet"), stream)


def test_more_columns_than_a_table_takes_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(room, "MOST_COLUMNS", 5)
    (tmp_path / "t.csv").write_text("a,b,c,d,e,f\n1,2,3,4,5,6\n")
    pyarrow.parquet.write_table(pa.table({str(i): [1] for i in range(6)}), tmp_path / "t.parquet")
    np.save(tmp_path / "t.npy", np.ones((2, 6)))
    for file, reader in (("t.csv", read_rows), ("t.parquet", read_rows), ("t.npy", read_table)):
        with pytest.raises(DataError, match="6 columns; expected at most 5"):
            reader(str(tmp_path / file))
    assert read_rows(str(tmp_path / "t.npy")).values.shape == (2, 6)


def test_a_refusal_that_hides_a_want_of_memory_is_seen(tmp_path, monkeypatch):
    def read_rows_without_memory(source):
        try:
            raise pa.ArrowMemoryError("malloc of 2^60 bytes failed")
        except pa.ArrowException:
            raise DataError("it cannot be read") from None

    monkeypatch.setattr(table_attacks, "read_rows", read_rows_without_memory)
    with pytest.raises(MemoryError, match="it cannot be read"):
        read(tmp_path / "t.csv")


def test_an_image_of_countless_pixels_is_refused_before_it_is_decoded(tmp_path, monkeypatch):
    Image.new("L", (2000, 2000)).save(tmp_path / "large.png")
    monkeypatch.setattr(Image.Image, "convert", lambda *_: pytest.fail("it was decoded"))
    with pytest.raises(DataError, match=r"large\.png is 2000 x 2000 pixels; expected at most 1048576 in all"):
        read_rows(str(tmp_path))
