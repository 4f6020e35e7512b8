"""The report of a fit: one HTML file that needs no network."""

from pathlib import Path
from typing import Any

import numpy as np
import plotly.graph_objects as go

from isthmus.evidence import LEDGER_KEYS, diagnose_collapse, diagnose_copying
from isthmus.information import Estimate
from isthmus.report import figures
from isthmus.report.pages import render, written
from isthmus.report.records import one_error_for_damage
from isthmus.report.sentences import ledger_sentences
from isthmus.storage import RunDirectory, read_model_file, strict_json, write_atomically


def write_report(path: str | Path) -> Path:
    """Draw the report of the run at `path` from its records, and return where it is.

    Raises FileNotFoundError, naming the record, where one is missing; ValueError, ModelFileError among them, where
    they are damaged or do not fit together.
    """
    run = RunDirectory.open(path)
    for record in (run.ledger, run.history, run.exhibits):
        if not record.is_file():
            raise FileNotFoundError(f"{record} is missing, and the report is drawn from it; fit again")
    record = run.read_record()
    arrays, exhibits = read_model_file(run.exhibits)
    with one_error_for_damage(run.path):
        history = [strict_json.decode(line) for line in run.history.read_text(encoding="utf-8").splitlines()]
        page = _render(record, history, arrays, exhibits).encode()
    write_atomically(run.report, page)
    return run.report


def _render(
    record: dict[str, Any], history: list[dict[str, Any]], arrays: dict[str, np.ndarray], exhibits: dict[str, Any]
) -> str:
    ledger = {key: None if entry is None else Estimate.from_dict(entry) for key, entry in record["ledger"].items()}
    assumptions = record["assumptions"]
    return render(
        "fit_page.html.jinja",
        _figures(history, arrays, exhibits, ledger),
        record=record,
        assumptions=assumptions,
        entries=[_entry(key, ledger[key]) for key in ledger if isinstance(_value(ledger[key]), float)],
        sentences=ledger_sentences(ledger, record),
        copying=diagnose_copying(ledger, assumptions["n_components"], assumptions["columns"]),
        collapse=diagnose_collapse(ledger, assumptions),
        probabilistic=ledger["rate"] is not None,
        rows=exhibits.get("rows"),
        columns=exhibits["columns"],
    )


def _figures(
    history: list[dict[str, Any]], arrays: dict[str, np.ndarray], exhibits: dict[str, Any], ledger: dict[str, Any]
) -> dict[str, go.Figure]:
    drawn = {
        "latent": figures.latent_scatter(arrays["latent_means"], exhibits["latent_dimensions"], exhibits["labels"]),
    }
    if len(history) > 1:
        judged = "log p(x | encode(x))" if ledger["rate"] is None else "ELBO"
        drawn["training"] = figures.training_curves(history, judged)
    rates, shares = ledger["rate_per_dimension"], ledger.get("distortion_per_column")
    if rates is not None:
        drawn["rates"] = figures.rate_bars(list(_value(rates)))
    if shares is not None:
        drawn["distortions"] = figures.distortion_bars(dict(zip(exhibits["columns"], _value(shares), strict=True)))
    return drawn if exhibits.get("rows") is not None else {**drawn, **_row_figures(arrays, exhibits)}


def _row_figures(arrays: dict[str, np.ndarray], exhibits: dict[str, Any]) -> dict[str, go.Figure]:
    """Originals, reconstructions and, where there are any, samples of rows of numbers."""
    originals = arrays["originals"]
    pairs = {"originals": originals, "reconstructions": arrays["reconstructions"]}
    drawn = {"reconstructions": _rows_of(pairs, exhibits)}
    if "samples" in arrays:
        fresh = {"samples": arrays["samples"]}
        # Rows of a table are shown beside the originals, on whose scale they are drawn.
        beside = fresh if exhibits["image_shape"] is not None else {"originals": originals, **fresh}
        drawn["samples"] = _rows_of(beside, exhibits)
    return drawn


def _rows_of(blocks: dict[str, np.ndarray], exhibits: dict[str, Any]) -> go.Figure:
    if exhibits["image_shape"] is not None:
        return figures.image_rows(blocks, tuple(exhibits["image_shape"]))
    return figures.table_rows(blocks, exhibits["columns"])


def _entry(key: str, estimate: Estimate | None) -> dict[str, str]:
    assert estimate is not None
    return {"key": key.replace("_", " "), **written(estimate), "meaning": LEDGER_KEYS[key]}


def _value(estimate: Estimate | None) -> Any:
    return None if estimate is None else estimate.value
