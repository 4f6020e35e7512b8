"""What each kind of file is read as: values, names, labels, and the shape of images."""

import gzip
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pytest

from file_bytes import idx, names, npy, npz, numbers, parquet
from isthmus.data import Dataset, read_rows

NAN = np.nan
MATRIX = np.array([[1.0, 2.5], [3.0, -4.0], [0.0, 1e-30]])
IMAGES = np.arange(3 * 2 * 4, dtype=np.uint8).reshape(3, 2, 4)
LABELS = np.array([7, 8, 9], np.uint8)
BEYOND = 1_700_000_000_123_456_789  # a time stamp in nanoseconds, which float64 rounds to 256


@dataclass(frozen=True)
class Case:
    """A file's name and bytes, and what it holds. Labels are those of the files beside it, where there are any."""

    file: str
    content: bytes | str
    values: object
    names: tuple[str, ...]
    labels: np.ndarray | None = None
    image_shape: tuple[int, int] | None = None
    beside: tuple[str, bytes] | None = None

    def write(self, folder):
        for name, content in [(self.file, self.content), *([self.beside] if self.beside else [])]:
            (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
        return str(folder / self.file)


def csv(content, values, names=("a", "b"), file="t.csv"):
    return Case(file, content, values, names)


def matrix(file, content, values=MATRIX, **kwargs):
    return Case(file, content, values, tuple(f"x{i}" for i in range(np.shape(values)[1])), **kwargs)


def images(file, content, **kwargs):
    return matrix(file, content, IMAGES.reshape(3, 8), image_shape=(2, 4), **kwargs)


GENERATED = ("x0", "x1")
CSV = {
    "commas": csv("a,b\n1,2.5\n3,4\n", [[1, 2.5], [3, 4]]),
    "semicolons": csv("a;b\n1;2.5\n3;4\n", [[1, 2.5], [3, 4]]),
    "tabs": csv("a\tb\n1\t2.5\n3\t4\n", [[1, 2.5], [3, 4]], file="t.tsv"),
    "tabs in a .csv": csv("a\tb\n1\t2\n", [[1, 2]]),
    "upper-case ending": csv("a,b\n1,2\n", [[1, 2]], file="T.CSV"),
    "no header": csv("1,2.5\n3,4\n", [[1, 2.5], [3, 4]], GENERATED),
    "no header, exponents": csv("-1e-3;+2\n3;4\n", [[-1e-3, 2], [3, 4]], GENERATED),
    "no header, quoted": csv('"1","2"\n"3","4"\n', [[1, 2], [3, 4]], GENERATED),
    "no header, first value missing": csv("1,\n3,4\n", [[1, NAN], [3, 4]], GENERATED),
    "no header, first value NA": csv("NA,2\n3,4\n", [[NAN, 2], [3, 4]], GENERATED),
    "no header, booleans": csv("true,2\nfalse,4\n", [[1, 2], [0, 4]], GENERATED),
    "byte-order mark": csv("\ufeffa,b\n1,2\n", [[1, 2]]),
    "byte-order mark, no header": csv("\ufeff1,2\n3,4\n", [[1, 2], [3, 4]], GENERATED),
    "carriage returns": csv("a,b\r\n1,2\r\n", [[1, 2]]),
    "no last line break": csv("a,b\n1,2\n3,4", [[1, 2], [3, 4]]),
    "booleans": csv("a,b\ntrue,2\nfalse,3\n", [[1, 2], [0, 3]]),
    "missing": csv("a,b\n1,\n,3\n", [[1, NAN], [NAN, 3]]),
    "missing, by name": csv("a,b\n1,NaN\nNA,null\n", [[1, NAN], [NAN, NAN]]),
    "a column without values": csv("a,b\n1,\n2,\n", [[1, NAN], [2, NAN]]),
    "integers beyond 2^53": csv(f"a,b\n{BEYOND},1\n{2**63 - 1},2\n", [[float(BEYOND), 1], [2.0**63, 2]]),
    "names with delimiters": csv('"a,x",größe\n1,2\n', [[1, 2]], ("a,x", "größe")),
    "one column": csv("a\n1\n2\n", [[1], [2]], ("a",)),
    "integers that turn out fractions": csv("a\n" + "1\n" * 10**6 + "0.5\n", [[1]] * 10**6 + [[0.5]], ("a",)),
}
PARQUET_COLUMNS = {"whole": [1, 2], "fraction": [0.5, None], "flag": [True, False], "nothing": pa.nulls(2)}
PARQUET = {
    "columns of each kind": Case(
        "t.parquet", parquet(PARQUET_COLUMNS), [[1, 0.5, 1, NAN], [2, NAN, 0, NAN]], tuple(PARQUET_COLUMNS)
    ),
    "integers beyond 2^53": Case("t.parquet", parquet({"t": [BEYOND]}), [[float(BEYOND)]], ("t",)),
    "decimals": Case(
        "t.parquet", parquet({"d": pa.array(["1.5", "2"]).cast(pa.decimal128(4, 2))}), [[1.5], [2]], ("d",)
    ),
}
ARRAYS = {
    "npy": matrix("t.npy", npy(MATRIX)),
    "npy, column order": matrix("t.npy", npy(np.asfortranarray(MATRIX))),
    "npy, bytes": matrix("t.npy", npy(IMAGES[0]), IMAGES[0]),
    "npy, booleans": matrix("t.npy", npy(MATRIX > 1), MATRIX > 1),
    "npy, images": images("t.npy", npy(IMAGES)),
    "npz, X": matrix("t.npz", npz(X=MATRIX, Z=MATRIX + 1)),
    "npz, X and y": matrix("t.npz", npz(X=MATRIX, y=LABELS), labels=LABELS),
    "npz, X and label": matrix("t.npz", npz(X=MATRIX, label=LABELS), labels=LABELS),
    "npz, words for labels": matrix("t.npz", npz(X=MATRIX, y=np.array(list("abc"))), labels=np.array(list("abc"))),
    "npz, a single matrix": matrix("t.npz", npz(rows=MATRIX, y=LABELS), labels=LABELS),
    "npz, compressed images": images("t.npz", npz(compressed=True, X=IMAGES)),
    "npz under the name of an npy": matrix("t.npy", npz(X=MATRIX)),
    "npy under the name of an npz": matrix("t.npz", npy(MATRIX)),
}
IDX = {
    kind: matrix("t.idx", idx(MATRIX.astype(kind)), MATRIX.astype(kind)) for kind in ("i1", "i2", "i4", "f4", "f8")
} | {
    "images": images("train-images-idx3-ubyte", idx(IMAGES)),
    "images and labels": images(
        "train-images-idx3-ubyte", idx(IMAGES), labels=LABELS, beside=("train-labels-idx1-ubyte", idx(LABELS))
    ),
    "compressed images and labels": images(
        "a-images-idx3-ubyte.gz",
        gzip.compress(idx(IMAGES)),
        labels=LABELS,
        beside=("a-labels-idx1-ubyte.gz", gzip.compress(idx(LABELS))),
    ),
    "the labels of other images": images(
        "train-images-idx3-ubyte", idx(IMAGES), beside=("test-labels-idx1-ubyte", idx(LABELS))
    ),
    "by a name within": images("images.idx3", idx(IMAGES)),
}
TABLES = {"CSV": CSV, "Parquet": PARQUET, "NumPy": ARRAYS, "IDX": IDX}
CASES = {f"{kind}: {name}": case for kind, table in TABLES.items() for name, case in table.items()}


@pytest.mark.parametrize("name", CASES)
def test_a_file_is_read_as_what_it_holds(tmp_path, name):
    case = CASES[name]
    source = case.write(tmp_path)
    found = read_rows(source)
    np.testing.assert_array_equal(numbers(found), np.asarray(case.values))
    assert (found.source, names(found)) == (source, case.names)
    assert isinstance(found, Dataset) == name.startswith(("NumPy", "IDX"))
    if isinstance(found, Dataset):
        assert found.values.dtype.isnative
        assert found.image_shape == case.image_shape
        np.testing.assert_array_equal(found.labels, case.labels)


@pytest.mark.parametrize("dtype", ["u1", "i8", "f2", "f4", "f8", "?"])
def test_arrays_keep_their_type(tmp_path, dtype):
    (tmp_path / "t.npy").write_bytes(npy(IMAGES.astype(dtype)))
    assert read_rows(str(tmp_path / "t.npy")).values.dtype == dtype


def test_the_directories_on_the_way_to_a_parquet_file_are_no_columns(tmp_path):
    (tmp_path / "year=2020").mkdir()
    source = Case("t.parquet", parquet({"a": [1, 2]}), [[1], [2]], ("a",)).write(tmp_path / "year=2020")
    assert names(read_rows(source)) == ("a",)


def test_a_labels_file_alone_is_not_a_table(tmp_path):
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx(LABELS))
    with pytest.raises(ValueError, match=r"has shape \(3,\); expected rows x columns"):
        read_rows(str(tmp_path / "train-labels-idx1-ubyte"))
