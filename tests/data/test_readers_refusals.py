"""A file that cannot be read is refused by one error that names the file, what is wrong with it, and what to do."""

import gzip
import pickle
import struct
import warnings

import numpy as np
import pyarrow as pa
import pytest

from file_bytes import idx, npy, npz, parquet
from isthmus.data import DataError, read_rows

MATRIX = np.ones((2, 3))
IMAGES = np.arange(12, dtype=np.uint8).reshape(3, 2, 2)
OBJECTS = np.array([[1, "a"]], object)
COMPRESSED = gzip.compress(idx(IMAGES), mtime=0)
ARROW_ROW = "every row needs the same columns"
NUMPY_SAVE = "save plain numbers with numpy.save or numpy.savez"

TABLES = {
    "empty CSV": ("t.csv", b"", "is empty; expected rows of numbers"),
    "blank CSV": ("t.csv", b"\n\n", "cannot be read as a table"),
    "header only": ("t.csv", b"a,b\n", "holds 0 rows and 2 columns; expected rows of numbers"),
    "row too long": ("t.csv", b"a,b\n1,2\n1,2,3\n", ARROW_ROW),
    "row too short": ("t.csv", b"a,b\n1\n1,2\n", ARROW_ROW),
    "a line is named": ("t.csv", b'a,b\n\n"1\n1",1\n2\n', f"line 5 has 1 fields, expected 2; {ARROW_ROW}"),
    "infinity": ("t.csv", b"a,b\n1,2\n1,-inf\n", r"column 'b' .* contains infinity \(first in row 1\)"),
    "repeated name": ("t.csv", b"a,b,a\n1,2,3\n", "two columns named 'a'; give each column a name of its own"),
    "repeated name, spaces aside": ("t.csv", b"a, a\n1,2\n", "two columns named 'a'; give each column a name"),
    "two readings": (
        "t.csv",
        b"a;b\n1,234;2\n",
        r"'a' .* such as '1,234', which may be 1.234 or 1234; .*: write",
    ),
    "two readings by points": (
        "t.csv",
        b"a;b;c\n1.234;0,5;0.5\n",
        r"'a' .* '1.234', which may be 1.234 or 1234",
    ),
    "a quote left open": (
        "t.csv",
        b'a,b\n1,2\n3,"4\n5,6\n',
        "a quote .* column 'b' in row 1 is not closed",
    ),
    "zero bytes": ("t.csv", "a,b\n1,2\n".encode("utf-16-le"), "is not text: it holds zero bytes; save it as UTF-8"),
    "UTF-16 cut off": ("t.csv", "a,b\n1,2\n".encode("utf-16")[:-1], "begins as UTF-16 text but is damaged"),
    "empty Parquet": ("t.parquet", b"", "is empty; expected rows"),
    "no Parquet": ("t.parquet", b"a,b\n1,2\n" * 9, "cannot be read as Parquet.*; write it again"),
    "Parquet cut off": ("t.parquet", parquet({"a": [1.0] * 99})[:-9], "cannot be read as Parquet.*; write it again"),
    "Parquet damaged": ("t.parquet", b"PAR1" + b"\xff" * 200 + b"PAR1", "cannot be read as Parquet"),
    "Parquet without rows": ("t.parquet", parquet({"a": pa.array([], pa.int64())}), "holds 0 rows and 1 columns"),
    "Parquet without columns": ("t.parquet", parquet({}), "holds 0 rows and 0 columns"),
    "Parquet of lists": (
        "t.parquet",
        parquet({"w": [[1, 2]]}),
        "column 'w' .*; expected numbers, dates or words: drop it or convert it",
    ),
    "Parquet, repeated name": ("t.parquet", parquet([pa.array([1]), pa.array([2])], ["a", "a"]), "columns named 'a'"),
}
ARRAYS = {
    "empty npy": ("t.npy", b"", "is empty; expected rows"),
    "text": ("t.npy", b"hello world", NUMPY_SAVE),
    "npy cut off in its header": ("t.npy", npy(MATRIX)[:20], NUMPY_SAVE),
    "npy with a header of four GB": (
        "t.npy",
        b"\x93NUMPY\x02\x00" + b"\xff" * 40,
        "a header of 4294967295 bytes is announced",
    ),
    "npy cut off in its values": ("t.npy", npy(MATRIX)[:-1], NUMPY_SAVE),
    "npy of objects": ("t.npy", npy(OBJECTS, allow_pickle=True), f"Object arrays cannot be loaded.*; {NUMPY_SAVE}"),
    "pickle": ("t.npy", pickle.dumps(MATRIX), f"pickled.*; {NUMPY_SAVE}"),
    "npy of words": ("t.npy", npy(np.array([["a"]])), "values of type <U1; expected real numbers"),
    "npy of dates": ("t.npy", npy(np.zeros((2, 2), "M8[D]")), "datetime64.*; expected real numbers"),
    "npy of durations": ("t.npy", npy(np.zeros((2, 2), "m8[D]")), "timedelta64.*; expected real numbers"),
    "npy of complex numbers": ("t.npy", npy(MATRIX * 1j), "complex128; expected real numbers"),
    "npy of records": ("t.npy", npy(np.zeros((2, 2), [("a", float)])), "expected real numbers"),
    "npy of one dimension": ("t.npy", npy(np.ones(3)), r"shape \(3,\); expected rows x columns"),
    "npy of colour images": ("t.npy", npy(np.ones((2, 4, 4, 3))), r"shape \(2, 4, 4, 3\); expected rows x columns"),
    "npy without rows": ("t.npy", npy(np.ones((0, 3))), r"is empty: its shape is \(0, 3\)"),
    "npy without columns": ("t.npy", npy(np.ones((3, 0))), r"is empty: its shape is \(3, 0\)"),
    "npz, ambiguous": ("t.npz", npz(train=MATRIX, test=MATRIX), r"2 arrays \(train, test\); expected the rows under X"),
    "npz, nothing": ("t.npz", npz(), r"0 arrays \(\); expected the rows under X"),
    "npz of objects": ("t.npz", npz(X=OBJECTS), f"Object arrays cannot be loaded.*; {NUMPY_SAVE}"),
    "npz, labels of other rows": ("t.npz", npz(X=MATRIX, y=np.ones(5)), r"2 rows and labels of shape \(5,\)"),
    "npz cut off": ("t.npz", npz(X=MATRIX)[:-30], NUMPY_SAVE),
}
IDX = {
    "empty IDX": ("t.idx", b"", "is empty; expected rows"),
    "three bytes": ("t.idx", b"\0\0\x08", "is not an IDX file .* 00 00 08$"),
    "text": ("t.idx", b"a,b\n1,2\n", "is not an IDX file .*its first bytes are 61 2c 62 0a"),
    "unknown type": ("t.idx", b"\0\0\x07\x02" + b"\0" * 8, "is not an IDX file"),
    "no dimension": ("t.idx", b"\0\0\x08\0\0", "is not an IDX file"),
    "cut off in its sizes": ("t.idx", idx(IMAGES)[:11], "cut off or damaged"),
    "cut off in its values": ("t.idx", idx(IMAGES)[:-1], r"expected 28 bytes for shape \(3, 2, 2\), got 27"),
    "trailing junk": ("t.idx", idx(IMAGES) + b"\0", "expected 28 bytes .* got 29"),
    "sizes beyond any memory": ("t.idx", struct.pack(">HBB3I", 0, 8, 3, *[2**32 - 1] * 3), "cut off or damaged"),
    "no rows": ("t.idx", idx(IMAGES[:0]), r"is empty: its shape is \(0, 2, 2\)"),
    "no gzip": ("t-idx3-ubyte.gz", idx(IMAGES), "cannot be decompressed"),
}
IDX |= {
    f"gzip cut off at {cut}": ("t-idx3-ubyte.gz", COMPRESSED[:cut], "cannot be decompressed")
    for cut in (1, 9, 12, len(COMPRESSED) - 8, len(COMPRESSED) - 1)
}
KINDS = {"table": TABLES, "array": ARRAYS, "IDX": IDX}
REFUSED = {f"{kind}: {name}": case for kind, cases in KINDS.items() for name, case in cases.items()}
WHOLE = {
    "npy": ("t.npy", npy(MATRIX)),
    "npz": ("t.npz", npz(X=MATRIX)),
    "compressed npz": ("t.npz", npz(compressed=True, X=MATRIX)),
    "IDX": ("t.idx", idx(IMAGES)),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_file_that_cannot_be_read_is_named_with_the_reason(tmp_path, name):
    file, content, reason = REFUSED[name]
    (tmp_path / file).write_bytes(content)
    with pytest.raises(DataError, match=f"(?s){reason}") as caught:
        read_rows(str(tmp_path / file))
    assert str(tmp_path / file) in str(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


@pytest.mark.parametrize("file", ["t.txt", "t.xlsx", "t.csv.gz", "csv", "t."])
def test_an_unknown_ending_is_answered_by_the_known_ones(tmp_path, file):
    (tmp_path / file).write_bytes(b"a,b\n1,2\n")
    with pytest.raises(DataError, match=r"an ending that is not known; expected \.csv, .*\.parquet, .* IDX"):
        read_rows(str(tmp_path / file))


@pytest.mark.parametrize("place", ["absent.csv", "digit", "", "absent/t.npy"])
def test_no_such_file_is_answered_by_what_there_is(tmp_path, monkeypatch, place):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"; expected a file, or one of digits, .*iris"):
        read_rows(place)


def test_a_directory_without_parts_or_images_is_refused(tmp_path):
    with pytest.raises(DataError, match=f"{tmp_path} holds neither; expected .parquet parts, or images"):
        read_rows(str(tmp_path))


def test_damaged_labels_are_named_rather_than_dropped(tmp_path):
    (tmp_path / "t-images-idx3-ubyte").write_bytes(idx(IMAGES))
    (tmp_path / "t-labels-idx1-ubyte").write_bytes(idx(IMAGES[0, 0])[:-1])
    with pytest.raises(DataError, match="t-labels-idx1-ubyte is cut off or damaged"):
        read_rows(str(tmp_path / "t-images-idx3-ubyte"))


@pytest.mark.parametrize("kind", WHOLE)
def test_damaged_bytes_raise_no_other_error(tmp_path, kind):
    file, content = WHOLE[kind]
    path = tmp_path / file
    for position in range(len(content)):
        path.write_bytes(content[:position] + bytes([content[position] ^ 0xFF]) + content[position + 1 :])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                read_rows(str(path))
            except DataError as error:
                assert file in str(error)  # noqa: PT017
