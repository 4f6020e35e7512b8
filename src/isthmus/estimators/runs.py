"""A run: fit to rows, keep its ledger on rows that the fit never saw, and write all of it down."""

import json
import math
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import numpy as np

from isthmus.data import DataError, Dataset, RowSource, Table, choose_numbers, row_count
from isthmus.data.row_streams import most_aside
from isthmus.estimators.estimator import LatentEstimator
from isthmus.evidence import Ledger
from isthmus.fitting import Checkpoint, FitRecord
from isthmus.storage import RunDirectory, model_file_content, write_together

TEST_SHARE, MOST_TEST_ROWS = 0.2, 2000
SHOWN_ROWS, MOST_LATENT_ROWS = 16, 2000
SPLIT_STREAM = 2

Rows = Dataset | Table
"""Rows in memory."""


def fit_run(
    estimator: LatentEstimator,
    data: Rows | RowSource,
    run: RunDirectory,
    on_record: Callable[[FitRecord], None] | None = None,
    *,
    gaps: bool = False,
    checkpoint: Checkpoint | None = None,
    on_fitted: Callable[[], None] | None = None,
) -> dict[str, Any]:
    """Fit `estimator`, write model, history, ledger and exhibits to `run`, and return the run's record.

    A fifth of the rows (at most 2,000, fewer where streamed rows are wide) is set aside first: neither training nor
    early stopping sees them, the ledger is that of these rows, and p-values and intervals are calibrated on them.
    Nothing is written before all of it is there, but for the checkpoint, where the fit keeps its state. on_fitted is
    called when the last step has been taken.
    """
    training, test = _fitted(estimator, data, on_record, checkpoint)
    if on_fitted is not None:
        on_fitted()
    estimator.calibrate(test)
    ledger = estimator.ledger(test, gaps=gaps)
    record = _record(estimator, test, run, ledger, training_rows=row_count(training))
    exhibits = make_exhibits(estimator, test, ledger)
    _write(estimator, run, record, exhibits)
    return record


def share_fit(estimator: LatentEstimator, data: Rows | RowSource, checkpoint: Checkpoint) -> None:
    """Do this process's part of the steps that another, in its `fit_run`, takes with it; write nothing."""
    _fitted(estimator, data, None, checkpoint)


def _fitted(
    estimator: LatentEstimator,
    data: Rows | RowSource,
    on_record: Callable[[FitRecord], None] | None,
    checkpoint: Checkpoint | None,
) -> tuple[Rows | RowSource, Rows]:
    """(rows that were fitted to, rows set aside)."""
    training, test = split_test_rows(data, int(estimator.get_params()["random_state"] or 0))
    estimator.fit(training, on_record=on_record, checkpoint=checkpoint)
    return training, test


def _write(estimator: LatentEstimator, run: RunDirectory, record: dict[str, Any], exhibits: tuple[dict, dict]) -> None:
    history = "".join(json.dumps(_finite(asdict(look)), allow_nan=False) + "\n" for look in estimator.history_)
    told = json.dumps(record, indent=2, allow_nan=False) + "\n"
    # Whatever may be refused, and a disk without room, is found before the first of them takes its place.
    write_together(
        {
            run.exhibits: model_file_content(run.exhibits, *exhibits),
            run.model: model_file_content(run.model, *estimator._fitted.to_record()),
            run.history: history.encode(),
            run.ledger: told.encode(),
        }
    )


def _finite(look: dict[str, Any]) -> dict[str, Any]:
    """Of a loss or a score that is no number JSON knows, nothing."""
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value for name, value in look.items()
    }


def ledger_record(estimator: LatentEstimator, data: Rows, run: RunDirectory, *, gaps: bool = False) -> dict[str, Any]:
    """The record of a fitted estimator's ledger on other rows."""
    return _record(estimator, data, run, estimator.ledger(data, gaps=gaps), training_rows=None)


def split_test_rows(data: Rows | RowSource, seed: int) -> tuple[Any, Any]:
    """(rows to fit to, rows for the ledger), at random; DataError where there are too few for both."""
    rows = row_count(data)
    if rows < 4:
        raise DataError(
            f"{data.source} holds {rows} row{'s' * (rows != 1)}; expected at least 4: some to fit, some to test"
        )
    kept = min(max(round(TEST_SHARE * rows), 1), MOST_TEST_ROWS)
    if isinstance(data, RowSource):
        kept = min(kept, most_aside(MOST_TEST_ROWS, len(data.names)))
        numbers = choose_numbers(rows, kept, SPLIT_STREAM, seed)
        return data.without(numbers), data.take(numbers)
    order = np.random.default_rng([SPLIT_STREAM, seed]).permutation(rows)
    return data.rows(order[kept:]), data.rows(order[:kept])


def make_exhibits(
    estimator: LatentEstimator, test: Rows, ledger: Ledger
) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """What the report's pictures show, as (arrays, metadata): a few test rows, their reconstructions, new samples where
    the model has a prior, and the latents in the two dimensions that carry most. The rows of a table are kept as text.
    """
    shown, many = (test.rows(np.arange(min(row_count(test), most))) for most in (SHOWN_ROWS, MOST_LATENT_ROWS))
    latents = estimator.transform(many)
    rates = ledger["rate_per_dimension"]
    weights = latents.var(0) if rates is None else np.asarray(rates.value)
    dimensions = np.argsort(weights)[::-1][:2]
    arrays = {"latent_means": latents[:, dimensions]}
    metadata: dict[str, Any] = {
        "columns": list(estimator.column_names_),
        "image_shape": None,
        "labels": None,
        "latent_dimensions": [int(dimension) for dimension in dimensions],
        "rows": None,
    }
    if isinstance(many, Dataset):
        metadata["labels"] = None if many.labels is None else [str(label) for label in many.labels]
        metadata["image_shape"] = None if many.image_shape is None else list(many.image_shape)
    if estimator.is_table_:
        metadata["rows"] = _rows_as_text(estimator, shown)
        return arrays, metadata
    names = estimator.column_names_
    arrays |= {"originals": numbers_of(shown, names), "reconstructions": reconstructed_numbers(estimator, shown, names)}
    if can_sample(estimator):
        # As many as there are originals, beside which they are drawn.
        arrays["samples"] = estimator.sample(row_count(shown))  # type: ignore[attr-defined]
    return arrays, metadata


def can_sample(estimator: LatentEstimator) -> bool:
    """Whether the model has a prior to draw from."""
    return hasattr(estimator, "sample")


def score_name(estimator: LatentEstimator) -> str:
    """What `score_samples` is: without a prior it is no log-likelihood of the row."""
    return "log_likelihood" if can_sample(estimator) else "log_likelihood_given_latent"


def numbers_of(data: Rows, names: tuple[str, ...]) -> np.ndarray:
    """The columns of these names as float64 [row, column], NaN in holes; codes where a column holds words."""
    if isinstance(data, Dataset):
        # Anonymous names of a fit stand for the columns in order.
        known = [data.names.index(name) for name in names] if set(names) <= set(data.names) else slice(len(names))
        return np.asarray(data.values, np.float64)[:, known]
    by_name = {column.name: column for column in data.columns}
    columns = [by_name[name] for name in names]
    return np.column_stack([np.where(column.observed, column.values, np.nan) for column in columns])


def reconstructed_numbers(estimator: Any, data: Rows, names: tuple[str, ...]) -> np.ndarray:
    """Reconstructions as numbers, [row, column], of these columns."""
    found = estimator.reconstruct(data)
    if isinstance(found, Table):
        return numbers_of(found, names)
    own = estimator._fitted.rows.given if estimator.is_table_ else estimator.column_names_
    return np.asarray(found, np.float64)[:, [own.index(name) for name in names]]


def _rows_as_text(estimator: Any, shown: Rows) -> dict[str, list[list[str]]]:
    table = estimator._fitted.rows.table(shown)
    tables = {"originals": table, "reconstructions": estimator.reconstruct(table)}
    if can_sample(estimator):
        tables["samples"] = estimator.sample_table(SHOWN_ROWS)
    return {name: rows_as_text(rows, estimator.column_names_) for name, rows in tables.items()}


def rows_as_text(table: Table, names: tuple[str, ...]) -> list[list[str]]:
    """[row, column] as it is read; an empty text for a hole."""
    by_name = {column.name: column for column in table.columns}
    columns = [by_name[name].as_text() if name in by_name else [""] * table.row_count for name in names]
    return [list(row) for row in zip(*columns, strict=True)]


def _record(
    estimator: LatentEstimator, test: Rows, run: RunDirectory, ledger: Ledger, training_rows: int | None
) -> dict[str, Any]:
    assumptions = {
        "data": test.source,
        "columns": len(estimator.column_names_),
        "training_rows": training_rows,
        "test_rows": row_count(test),
        "labelled": isinstance(test, Dataset) and test.labels is not None,
        "draws": ledger.draws,
        **estimator.assumptions_,
    }
    return {
        "run": str(run.path),
        "model": type(estimator).__name__,
        "assumptions": assumptions,
        "ledger": ledger.to_dict(),
        "gain": None if ledger.gain is None else ledger.gain.to_dict(),
    }
