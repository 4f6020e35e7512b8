"""A run: fit to a data set, keep its ledger on rows that the fit never saw, and write all of it down."""

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import numpy as np

from isthmus.data import DataError, Dataset
from isthmus.estimators.vae import VAE
from isthmus.evidence import Ledger
from isthmus.fitting import FitRecord
from isthmus.storage import RunDirectory, write_atomically, write_model_file

TEST_SHARE, MOST_TEST_ROWS = 0.2, 2000
SHOWN_ROWS, MOST_LATENT_ROWS = 16, 2000
SPLIT_STREAM = 2


def fit_run(
    estimator: VAE,
    data: Dataset,
    run: RunDirectory,
    on_record: Callable[[FitRecord], None] | None = None,
) -> dict[str, Any]:
    """Fit `estimator`, write model, history, ledger and exhibits to `run`, and return the run's record.

    A fifth of the rows (at most 2,000) is set aside first: neither training nor early stopping sees them, and the
    ledger is that of these rows. Nothing is written before all of it is there.
    """
    training, test = split_test_rows(data, int(estimator.get_params()["random_state"] or 0))
    estimator.fit(training, on_record=on_record)
    ledger = estimator.ledger(test)
    record = _record(estimator, test, run, ledger, training_rows=len(training.values))
    exhibits = make_exhibits(estimator, test, ledger)
    _write(estimator, run, record, exhibits)
    return record


def _write(estimator: VAE, run: RunDirectory, record: dict[str, Any], exhibits: tuple[dict, dict]) -> None:
    history = "".join(json.dumps(asdict(look)) + "\n" for look in estimator.history_)
    write_atomically(run.history, history.encode())
    write_atomically(run.ledger, (json.dumps(record, indent=2, allow_nan=False) + "\n").encode())
    write_model_file(run.exhibits, *exhibits)
    estimator.save(run.path)


def ledger_record(estimator: VAE, data: Dataset, run: RunDirectory) -> dict[str, Any]:
    """The record of a fitted estimator's ledger on other rows."""
    return _record(estimator, data, run, estimator.ledger(data), training_rows=None)


def split_test_rows(data: Dataset, seed: int) -> tuple[Dataset, Dataset]:
    """(rows to fit to, rows for the ledger), at random; DataError where there are too few for both."""
    rows = len(data.values)
    if rows < 4:
        raise DataError(
            f"{data.source} holds {rows} row{'s' * (rows != 1)}; expected at least 4: some to fit, some to test"
        )
    order = np.random.default_rng([SPLIT_STREAM, seed]).permutation(rows)
    kept = min(max(round(TEST_SHARE * rows), 1), MOST_TEST_ROWS)
    return data.rows(order[kept:]), data.rows(order[:kept])


def make_exhibits(estimator: VAE, test: Dataset, ledger: Ledger) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """What the report's pictures show, as (arrays, metadata): a few test rows, their reconstructions, new samples, and
    the posterior means in the two dimensions that carry most."""
    shown, many = (
        test.rows(np.arange(len(test.values))[:SHOWN_ROWS]),
        test.rows(np.arange(len(test.values))[:MOST_LATENT_ROWS]),
    )
    rates = ledger["rate_per_dimension"]
    assert rates is not None
    dimensions = np.argsort(rates.value)[::-1][:2]
    arrays = {
        "originals": np.asarray(shown.values, np.float64),
        "reconstructions": estimator.reconstruct(shown),
        "samples": estimator.sample(SHOWN_ROWS),
        "latent_means": estimator.transform(many)[:, dimensions],
    }
    labels = None if many.labels is None else [str(label) for label in many.labels]
    metadata = {
        "columns": list(test.names),
        "image_shape": None if test.image_shape is None else list(test.image_shape),
        "labels": labels,
        "latent_dimensions": [int(dimension) for dimension in dimensions],
    }
    return arrays, metadata


def _record(
    estimator: VAE, test: Dataset, run: RunDirectory, ledger: Ledger, training_rows: int | None
) -> dict[str, Any]:
    assumptions = {
        "data": test.source,
        "columns": len(test.names),
        "training_rows": training_rows,
        "test_rows": len(test.values),
        "labelled": test.labels is not None,
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
