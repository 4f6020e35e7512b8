"""A folder of Parquet files to another one, every row exactly once.

Ray reads the files, hands batches to a pool of workers that hold the estimator, and writes a file for every so many
rows, in the order of the rows. Where a worker dies, Ray repeats its tasks, and a repeated task writes the same file.
The files are gathered in a hidden folder beside the output, and become the output, by one rename, only when they hold
as many rows as were read.
"""

import logging
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset

from isthmus.cluster.connection import found_by_all
from isthmus.cluster.row_work import Embedding, Imputing, Scoring, Work, Worker
from isthmus.cluster.witnesses import witnesses
from isthmus.data import DataError, anonymous_names

ROWS_A_FILE = 2**16
"""Rows of a task, and of each file that is written: what is lost with a worker, and done again."""
ROWS_AT_ONCE = 2**12
WORKER_SHARE, FILE_SHARE = 0.75, 0.25
"""Of a CPU: what a worker takes, and what is left beside each for a task that reads or writes a file."""
ROW_IDENTITY = "row_hash"
"""Ray's hash of a file's path and of a row's place in it, which no two rows share."""


@dataclass(frozen=True)
class ParquetFolder:
    """The files of a folder, its rows, and its columns."""

    source: str
    dataset: pyarrow.dataset.FileSystemDataset
    rows: int

    @classmethod
    def open(cls, source: str) -> "ParquetFolder":
        """The folder, file or address of either; FileNotFoundError where there is none, DataError without rows."""
        try:
            dataset: Any = pyarrow.dataset.dataset(found_by_all(source), format="parquet")
            rows = dataset.count_rows()
        except pa.ArrowInvalid as error:
            raise DataError(f"{source} holds a file that is not Parquet: {error}; write it again, or move it") from None
        if not rows:
            raise DataError(f"{source} holds no rows; expected a folder of .parquet files")
        return cls(source, dataset, rows)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.dataset.schema.names)

    def read(self, columns: tuple[str, ...], identity: bool) -> Any:
        """A Ray data set of these columns, in the order of the files and of their rows, some ROWS_A_FILE a block."""
        import ray.data

        return ray.data.read_parquet(
            self.dataset.files,
            filesystem=self.dataset.filesystem,
            columns=list(columns),
            include_row_hash=identity,
            override_num_blocks=max(-(-self.rows // ROWS_A_FILE), 1),
            num_cpus=FILE_SHARE,
        )


def score_folder(
    estimator: Any,
    source: str,
    output: Path,
    *,
    keep: tuple[str, ...] = (),
    false_positive_rate: float | None = None,
    workers: int | None = None,
) -> int:
    """Write what `isthmus score` writes of each row, beside the columns `keep` and the row's identity; return how many
    rows there were.

    estimator: fitted.  source: a folder of .parquet files, or the address of one, that all machines can read.
    output: a folder that is absent or empty, on a file system that all machines share.  workers: processes that score;
    as many as there are CPUs if None. Raises DataError where the columns are not those of the fit.
    """
    folder = ParquetFolder.open(source)
    known = _columns(estimator, folder, keep)
    work = Scoring(known, (*keep, ROW_IDENTITY), false_positive_rate)
    return _write(estimator, folder, output, work, (*known, *keep), workers)


def embed_folder(
    estimator: Any, source: str, output: Path, *, keep: tuple[str, ...] = (), workers: int | None = None
) -> int:
    """Write the latent of each row; all else as in `score_folder`."""
    folder = ParquetFolder.open(source)
    known = _columns(estimator, folder, keep)
    return _write(estimator, folder, output, Embedding(known, (*keep, ROW_IDENTITY)), (*known, *keep), workers)


def impute_folder(estimator: Any, source: str, output: Path, *, workers: int | None = None) -> int:
    """Write all rows with all their columns, and only the holes of modelled columns changed; all else as in
    `score_folder`. The files are read twice: first for how their columns are written (`witnesses`)."""
    folder = ParquetFolder.open(source)
    known = _columns(estimator, folder, ())
    with _engine():
        found = folder.read(known, identity=False).map_batches(witnesses, batch_format="pyarrow", batch_size=None)
        tables = list(found.iter_batches(batch_format="pyarrow", batch_size=None))
    work = Imputing(known, witnesses(pa.concat_tables(tables)))
    return _write(estimator, folder, output, work, folder.names, workers)


def _columns(estimator: Any, folder: ParquetFolder, keep: tuple[str, ...]) -> tuple[str, ...]:
    """The columns that the model reads; DataError where one of them, or one to be kept, is absent."""
    wanted, there = estimator.column_names_, folder.names
    absent = [name for name in keep if name not in there]
    others = tuple(name for name in there if name not in keep)
    if set(wanted) <= set(there):
        known = wanted
    elif wanted == anonymous_names(len(wanted)) and len(others) == len(wanted):
        known = others
    else:
        known, absent = (), absent + [name for name in wanted if name not in there]
    if absent:
        raise DataError(f"{folder.source} has no column {absent[0]!r}; it has {', '.join(there[:10])}")
    return known


def _write(
    estimator: Any, folder: ParquetFolder, output: Path, work: Work, columns: tuple[str, ...], workers: int | None
) -> int:
    import ray
    from ray.data import ActorPoolStrategy

    with _engine(), _new_folder(output) as staging:
        size = workers or max(int(ray.cluster_resources().get("CPU", 1)), 1)
        rows = folder.read(tuple(dict.fromkeys(columns)), identity=not isinstance(work, Imputing))
        done = rows.map_batches(
            Worker,
            fn_constructor_args=(estimator, work),
            batch_format="pyarrow",
            batch_size=ROWS_AT_ONCE,
            compute=ActorPoolStrategy(size=size),
            num_cpus=WORKER_SHARE,
        )
        done.write_parquet(str(staging), ray_remote_args={"num_cpus": FILE_SHARE})
        written = _numbered(staging)
        if written != folder.rows:
            raise RuntimeError(f"{folder.rows} rows were read and {written} written; nothing is kept: run it again")
    return written


@contextmanager
def _engine() -> Iterator[None]:
    """Let rows leave every step of Ray's in the order in which they came (its second reader deals files out in turn),
    and a worker's failure reach the caller as a RuntimeError of one line."""
    from ray.data import DataContext
    from ray.exceptions import RayTaskError

    context = DataContext.get_current()
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)
    options = context.execution_options
    before = options.preserve_order, context.use_datasource_v2, context.enable_progress_bars
    options.preserve_order, context.use_datasource_v2, context.enable_progress_bars = True, False, False
    try:
        yield
    except RayTaskError as error:
        raise RuntimeError(f"a worker failed: {_first_exception(str(error))}") from None
    finally:
        options.preserve_order, context.use_datasource_v2, context.enable_progress_bars = before


def _first_exception(traceback: str) -> str:
    """What was raised first, of exceptions that were raised again: Ray keeps its text alone."""
    return traceback.split("\n\nThe above exception")[0].strip().splitlines()[-1]


@contextmanager
def _new_folder(output: Path) -> Iterator[Path]:
    """A hidden folder beside `output` that becomes it, or nothing; DataError where `output` holds anything."""
    output = output.absolute()
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise DataError(f"{output} is there already; pass a folder that is absent or empty")
    if not output.parent.is_dir():
        raise DataError(f"{output} cannot be written: there is no directory {output.parent}")
    staging = Path(tempfile.mkdtemp(dir=output.parent, prefix=f".{output.name}.", suffix=".tmp"))
    try:
        yield staging
        # mkdtemp makes folders that only their owner can open; this one is to be an ordinary one.
        staging.chmod(output.parent.stat().st_mode & 0o777)
        os.rename(staging, output)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _numbered(folder: Path) -> int:
    """Give the files of a folder numbers for names, in their order; return how many rows they hold."""
    for number, path in enumerate(sorted(folder.glob("*.parquet"))):
        path.rename(folder / f"part-{number:06}.parquet")
    written: Any = pyarrow.dataset.dataset(str(folder), format="parquet")
    return written.count_rows()
