"""Mutated CSV, Parquet, NumPy, IDX and image files, and an independent reading of what their bytes say."""

import csv
import gzip
import io
import re
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
from byte_mutations import mutated
from PIL import Image
from refusals import require_memory_sufficed

from file_bytes import idx, npy, npz
from isthmus.data import DataError, RowSource, Table, open_rows, read_rows, read_table
from isthmus.data.row_streams import concatenate


def _frame(rows: int) -> pd.DataFrame:
    generator = np.random.default_rng(21)
    frame = pd.DataFrame(
        {
            "length": np.round(generator.normal(size=rows), 3),
            "visits": generator.poisson(2.0, rows),
            "town": generator.choice(["Ely", "Rye", 'Wem, "Salop"'], rows),
            "day": pd.to_datetime("2024-01-31") + pd.to_timedelta(generator.integers(99, size=rows), "D"),
            "paid": generator.random(rows) < 0.5,
        }
    )
    frame.loc[3, "length"], frame.loc[4, "town"] = np.nan, None
    return frame


def _parquet(frame: pd.DataFrame, **options) -> bytes:
    buffer = io.BytesIO()
    table = pa.Table.from_pandas(frame)
    pyarrow.parquet.write_table(table, buffer, **options)
    return buffer.getvalue()


def _plain_csv(**options) -> bytes:
    return _frame(12).to_csv(index=False, **options).encode()


def _picture(ending: str) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.arange(48, dtype=np.uint8).reshape(6, 8)).save(buffer, Image.registered_extensions()[ending])
    return buffer.getvalue()


PICTURES = (".png", ".gif", ".tif")
IMAGES = np.arange(48, dtype=np.uint8).reshape(3, 4, 4)
TABLES = {
    "plain.csv": _plain_csv(),
    "german.csv": b"menge;preis\n" + b"".join(b"%d;1.%03d,%02d\n" % (i, i, i) for i in range(1, 13)),
    "latin.csv": "größe,ort\n1.5,Köln\n2.5,Fürth\n,Ulm\n".encode("latin-1"),
    "wide.csv": "\ufeffa,b\r\n1,x\r\n2,\r\n".encode("utf-16-le"),
    "tabs.tsv": b"a\tb\n1\t2\n3\tNA\n",
    "plain.parquet": _parquet(_frame(12)),
    "zipped.parquet": _parquet(_frame(12), compression="gzip", use_dictionary=False),
    "pages.parquet": _parquet(_frame(12), compression="none", data_page_version="2.0", write_page_checksum=True),
}
ARRAYS = {
    "rows.npy": npy(np.arange(12.0).reshape(4, 3)),
    "rows.npz": npz(X=np.arange(12.0).reshape(4, 3), y=np.arange(4)),
    "zipped.npz": npz(True, X=np.arange(12.0).reshape(4, 3)),
    "rows.idx": idx(IMAGES),
    "t-idx3-ubyte.gz": gzip.compress(idx(IMAGES), mtime=0),
}
STREAMED = (".parquet", ".npy", *PICTURES)
"""Endings of what can be streamed too."""
SEEDS = {**TABLES, **ARRAYS, **{f"pictures/{kind}/odd{kind}": _picture(kind) for kind in PICTURES}}


def damage(directory: Path, number: int, seeds: dict[str, bytes] | None = None) -> tuple[str, Path]:
    """Write the file of this number: (what was done, where it is)."""
    chosen = SEEDS if seeds is None else seeds
    generator, name = np.random.default_rng([3, number]), list(chosen)[number % len(chosen)]
    done, content = mutated(chosen[name], generator)
    path = directory / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return f"{name} {done}", path


def read(path: Path):
    """What the readers make of a file, or None where they refuse it; any other exception is an escape, and a
    MemoryError one that a refusal hid.

    What can be streamed is read as a stream too, which is to be refused or to give the same rows.
    """
    source = str(path.parent if path.suffix in PICTURES else path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            found = read_rows(source)
            read_table(source)
        except DataError as refusal:
            require_memory_sufficed(refusal)
            found = None
        streamed = _streamed(source) if path.suffix in STREAMED else None
    assert found is None or streamed is None or _equal(found, streamed), "the stream has other rows than the file"
    return found


def _streamed(source: str):
    """The rows of a stream, some at once and then some by number; None where it is refused."""
    try:
        stream = open_rows(source, stream=True)
        assert isinstance(stream, RowSource)
        rows = concatenate(list(stream.rows_of.chunks(5)))
        stream.take(np.arange(0, stream.row_count, 3))
    except DataError as refusal:
        require_memory_sufficed(refusal)
        return None
    return rows


def _equal(one, other) -> bool:
    if not isinstance(one, Table):
        return np.array_equal(one.values, other.values, equal_nan=True)
    return all(
        (a.name, a.categories) == (b.name, b.categories)
        and np.array_equal(a.observed, b.observed)
        and np.array_equal(a.values[a.observed], b.values[b.observed])
        for a, b in zip(one.columns, other.columns, strict=True)
    )


def differs(found, path: Path) -> str | None:
    """Where what was read is not what an independent reader finds in the bytes; None where both agree."""
    content = path.read_bytes()
    if isinstance(found, Table):
        readings = _parquet_readings(content) if path.suffix == ".parquet" else _csv_readings(content)
        told = [_compare(found, *reading) for reading in readings]
        return None if not told or None in told else told[0]
    if path.suffix == ".npy":
        return None if np.array_equal(found.values, _npy_array(content), equal_nan=True) else "values"
    return None


def _csv_readings(content: bytes) -> list[tuple[list[str] | None, list[list[str]]]]:
    """The cells by Python's own reader, cut at each delimiter that ours knows; none where it cannot tell, for quotes in
    the middle of a field are read in as many ways as there are readers."""
    text = _text(content).replace("\ufeff", "").strip("\r\n")
    if text.startswith("sep=") or '"' in text:
        return []
    return [(None, list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))) for delimiter in ",;\t"]


def _text(content: bytes) -> str:
    for mark, encoding in ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        if content.startswith(mark):
            return content.decode(encoding)
    for encoding in ("utf-8", "cp1252"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    return content.decode("latin-1")


def _parquet_readings(content: bytes) -> list[tuple[list[str], list[list]]]:
    """The cells as Arrow's own rows of Python values; none where Python has no such value, a day beyond its years."""
    table = pyarrow.parquet.ParquetFile(io.BytesIO(content)).read()
    names = [name for name in table.column_names if not name.startswith("__index_level_")]
    try:
        columns = [table[name].to_pylist() for name in names]
    except OverflowError:
        return []
    return [(names, [list(row) for row in zip(*columns, strict=True)])]


def _compare(found: Table, names: list[str] | None, rows: list[list]) -> str | None:
    if names is not None and [column.name for column in found.columns] != names:
        return "names"
    if names is None:
        alone = len(found.columns) == 1
        rows = [row or [""] for row in rows if row or alone][-found.row_count :]
    if len(rows) != found.row_count or any(len(row) != len(found.columns) for row in rows):
        return f"{found.row_count} rows of {len(found.columns)}, and the oracle {len(rows)}"
    for place, column in enumerate(found.columns):
        for row, cells in enumerate(rows):
            if not _same(column, row, cells[place]):
                return f"column {column.name!r}, row {row}: {column.plain()[row]!r} and {cells[place]!r}"
    return None


def _same(column, row: int, cell) -> bool:
    """Whether a cell says what the column holds; what only our reader knows, styles of numbers for one, passes."""
    if not column.observed[row]:
        return cell is None or not isinstance(cell, str) or not _is_number(cell)
    value = column.plain()[row]
    value = value.replace("\ufeff", "") if isinstance(value, str) else value
    if column.categories is not None:
        return str(value).strip().lower() == str(cell).strip().lower() or str(cell) in ("0", "1")
    if isinstance(cell, str):
        return not _is_number(cell) or float(cell) == value or column.temporal or _grouped(column)
    return column.temporal or not isinstance(cell, int | float) or float(cell) == value


def _grouped(column) -> bool:
    return bool((column.values[column.observed] >= 1000).any())


def _is_number(cell: str) -> bool:
    return re.fullmatch(r"\s*[+-]?\d+(\.\d+)?\s*", cell, re.ASCII) is not None


def _npy_array(content: bytes) -> np.ndarray:
    array = np.load(io.BytesIO(content), allow_pickle=False)
    return array.reshape(len(array), -1)
