"""Files of numbers, read by the ending of their names."""

import gzip
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from isthmus.data.bundled import bundled_names, load_bundled
from isthmus.data.dataset import DataError, Dataset, anonymous_names, from_array

_LABEL_KEYS = ("y", "label", "labels", "target")
_NUMERIC = (pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean, pa.types.is_decimal)
_CSV = pyarrow.csv.ConvertOptions()
_VALUES = frozenset([*_CSV.null_values, *_CSV.true_values, *_CSV.false_values])
_IDX_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


def read_dataset(source: str) -> Dataset:
    """Read a bundled data set by its name, or a numeric .csv, .tsv, .parquet, .npy, .npz or IDX (.gz) file.

    A .npz holds its rows under `X` or as its only array of two or more dimensions, and labels under `y` or `label`.
    Raises DataError with the file, what was expected and what to do; FileNotFoundError where there is no such file.
    """
    if source in bundled_names():
        return load_bundled(source)
    path = Path(source)
    if not path.is_file():
        what = "is a directory" if path.is_dir() else "does not exist"
        raise FileNotFoundError(f"{source} {what}; expected a file, or one of {', '.join(bundled_names())}")
    if path.stat().st_size == 0:
        raise DataError(f"{source} is empty; expected rows of numbers")
    return _reader(path)(path)


def _reader(path: Path) -> Callable[[Path], Dataset]:
    for ending, reader in _READERS.items():
        if path.name.lower().endswith(ending):
            return reader
    if "-idx" in path.name or ".idx" in path.name:
        return _read_idx
    raise DataError(f"{path} has an ending that is not known; expected {', '.join(_READERS)} or an IDX file")


def _read_csv(path: Path) -> Dataset:
    first = _first_line(path)
    delimiter = max(",;\t", key=first.count)
    headless = all(_is_value(field) for field in first.split(delimiter))
    try:
        table = pyarrow.csv.read_csv(
            path,
            read_options=pyarrow.csv.ReadOptions(autogenerate_column_names=headless),
            parse_options=pyarrow.csv.ParseOptions(delimiter=delimiter),
        )
    except pa.ArrowInvalid as error:
        raise DataError(f"{path} cannot be read as a table: {error}; every row needs the same columns") from None
    if any(pa.types.is_binary(column.type) for column in table.columns):
        raise _not_text(path)
    return _from_table(path, table.rename_columns(anonymous_names(table.num_columns)) if headless else table)


def _first_line(path: Path) -> str:
    try:
        with path.open(encoding="utf-8-sig") as file:
            return file.readline(2**20).rstrip("\r\n")
    except UnicodeDecodeError:
        raise _not_text(path) from None


def _not_text(path: Path) -> DataError:
    return DataError(f"{path} is not UTF-8 text; save it as UTF-8")


def _is_value(field: str) -> bool:
    return _is_number(field) or field in _VALUES


def _is_number(field: str) -> bool:
    try:
        float(field.strip().strip('"'))
    except ValueError:
        return False
    return True


def _read_parquet(path: Path) -> Dataset:
    try:
        # Not read_table: it looks columns up by name, and stumbles over a repeated one before it can be named.
        with pyarrow.parquet.ParquetFile(path) as file:
            table = file.read()
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path} cannot be read as Parquet: {error}; write it again, or pass another file") from None
    return _from_table(path, table)


def _from_table(path: Path, table: pa.Table) -> Dataset:
    if table.num_rows == 0 or table.num_columns == 0:
        raise DataError(f"{path} holds {table.num_rows} rows and {table.num_columns} columns; expected rows of numbers")
    repeated = {name for name in table.column_names if table.column_names.count(name) > 1}
    if repeated:
        raise DataError(f"{path} has two columns named {sorted(repeated)[0]!r}; give each column a name of its own")
    columns = [
        _numbers(path, name, column) for name, column in zip(table.column_names, table.itercolumns(), strict=True)
    ]
    return Dataset(str(path), np.column_stack(columns), tuple(table.column_names))


def _numbers(path: Path, name: str, column: pa.ChunkedArray) -> np.ndarray:
    kind = column.type
    if pa.types.is_null(kind):
        return np.full(len(column), np.nan)
    if not any(is_kind(kind) for is_kind in _NUMERIC):
        # The first value that is no number, where there is one: in a column of numbers a single word spoils the type.
        example = min((str(value) for value in column if value.is_valid), key=_is_number, default="")
        raise DataError(
            f"column {name!r} of {path} holds {kind} values such as {example[:40]!r}; expected numbers in every "
            f"column: drop it or encode it"
        )
    # Unsafe only in that an integer beyond 2^53, a time stamp in nanoseconds, is rounded to the nearest float64.
    return column.cast(pa.float64(), safe=False).to_numpy()


def _read_numpy(path: Path) -> Dataset:
    arrays = _load_numpy(path)
    rows = ["X"] if "X" in arrays else [key for key, array in arrays.items() if array.ndim >= 2 or len(arrays) == 1]
    if len(rows) != 1:
        raise DataError(
            f"{path} holds {len(arrays)} arrays ({', '.join(arrays)}); expected the rows under X, or a single matrix"
        )
    labels = next((arrays[key] for key in _LABEL_KEYS if key in arrays and arrays[key].ndim == 1), None)
    return from_array(str(path), arrays[rows[0]], labels)


def _load_numpy(path: Path) -> dict[str, np.ndarray]:
    """The arrays of an .npz by name, or the one array of an .npy."""
    try:
        loaded = np.load(path, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            return {"X": loaded}
        with loaded:
            return {key: loaded[key] for key in loaded.files}
    except Exception as error:  # on damaged bytes NumPy, zipfile and the tokeniser raise a dozen kinds between them
        reason = str(error) or type(error).__name__
        raise DataError(
            f"{path} cannot be read as NumPy arrays: {reason}; save plain numbers with numpy.save or numpy.savez"
        ) from None


def _read_idx(path: Path) -> Dataset:
    values = _idx_array(path)
    sibling = path.with_name(path.name.replace("images-idx3", "labels-idx1"))
    labels = _idx_array(sibling) if sibling != path and sibling.is_file() else None
    return from_array(str(path), values, labels)


def _idx_array(path: Path) -> np.ndarray:
    """The array of an IDX file (http://yann.lecun.com/exdb/mnist): two zeros, a type, a rank, sizes, values."""
    try:
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} cannot be decompressed: {error}") from None
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] not in _IDX_TYPES or content[3] not in range(1, 4):
        raise DataError(f"{path} is not an IDX file of 1 to 3 dimensions: its first bytes are {content[:4].hex(' ')}")
    shape = tuple(np.frombuffer(content, ">u4", count=min(content[3], (len(content) - 4) // 4), offset=4).tolist())
    start, kind = 4 + 4 * content[3], np.dtype(_IDX_TYPES[content[2]])
    expected = start + int(np.prod(shape, dtype=object)) * kind.itemsize
    if len(shape) != content[3] or len(content) != expected:
        raise DataError(
            f"{path} is cut off or damaged: expected {expected} bytes for shape {shape}, got {len(content)}"
        )
    return np.frombuffer(content, kind, offset=start).reshape(shape).astype(kind.newbyteorder("="))


_READERS: dict[str, Callable[[Path], Dataset]] = {
    ".csv": _read_csv,
    ".tsv": _read_csv,
    ".parquet": _read_parquet,
    ".npy": _read_numpy,
    ".npz": _read_numpy,
    "-ubyte": _read_idx,
    "-ubyte.gz": _read_idx,
    ".idx": _read_idx,
}
