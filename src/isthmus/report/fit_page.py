"""The report of a fit: one HTML file that needs no network."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import plotly.graph_objects as go

from isthmus.evidence import diagnose_collapse
from isthmus.evidence.ledger import LEDGER_KEYS
from isthmus.information import Estimate
from isthmus.report import figures
from isthmus.report.pages import render, written
from isthmus.storage import RunDirectory, read_model_file, strict_json, write_atomically


def write_report(path: str | Path) -> Path:
    """Draw the report of the run at `path` from its records, and return where it is.

    Raises FileNotFoundError, naming the record, where one is missing.
    """
    run = RunDirectory.open(path)
    for record in (run.ledger, run.history, run.exhibits):
        if not record.is_file():
            raise FileNotFoundError(f"{record} is missing, and the report is drawn from it; fit again")
    record = run.read_record()
    history = [strict_json.decode(line) for line in run.history.read_text(encoding="utf-8").splitlines()]
    arrays, exhibits = read_model_file(run.exhibits)
    write_atomically(run.report, _render(record, history, arrays, exhibits).encode())
    return run.report


def _render(
    record: dict[str, Any], history: list[dict[str, Any]], arrays: dict[str, np.ndarray], exhibits: dict[str, Any]
) -> str:
    ledger = {key: None if entry is None else Estimate.from_dict(entry) for key, entry in record["ledger"].items()}
    return render(
        "fit_page.html.jinja",
        _figures(history, arrays, exhibits, ledger),
        record=record,
        assumptions=record["assumptions"],
        entries=[_entry(key, ledger[key]) for key in ledger if isinstance(_value(ledger[key]), float)],
        sentences=_sentences(ledger, record),
        collapse=diagnose_collapse(ledger, record["assumptions"]),
        rows=exhibits.get("rows"),
        columns=exhibits["columns"],
    )


def _figures(
    history: list[dict[str, Any]], arrays: dict[str, np.ndarray], exhibits: dict[str, Any], ledger: dict[str, Any]
) -> dict[str, go.Figure]:
    drawn = {
        "training": figures.training_curves(history),
        "latent": figures.latent_scatter(arrays["latent_means"], exhibits["latent_dimensions"], exhibits["labels"]),
        "rates": figures.rate_bars(list(ledger["rate_per_dimension"].value)),
    }
    if ledger.get("distortion_per_column") is not None:
        shares = list(ledger["distortion_per_column"].value)
        drawn["distortions"] = figures.distortion_bars(dict(zip(exhibits["columns"], shares, strict=True)))
    return drawn if exhibits.get("rows") is not None else {**drawn, **_row_figures(arrays, exhibits)}


def _row_figures(arrays: dict[str, np.ndarray], exhibits: dict[str, Any]) -> dict[str, go.Figure]:
    """Originals, reconstructions and samples of rows of numbers."""
    pairs = {"originals": arrays["originals"], "reconstructions": arrays["reconstructions"]}
    fresh = {"samples": arrays["samples"]}
    if exhibits["image_shape"] is not None:
        shape = tuple(exhibits["image_shape"])
        reconstructions, samples = figures.image_rows(pairs, shape), figures.image_rows(fresh, shape)
    else:
        reconstructions = figures.table_rows(pairs, exhibits["columns"])
        # Samples are shown beside the originals, on whose scale they are drawn.
        samples = figures.table_rows({"originals": arrays["originals"], **fresh}, exhibits["columns"])
    return {"reconstructions": reconstructions, "samples": samples}


def _entry(key: str, estimate: Estimate | None) -> dict[str, str]:
    assert estimate is not None
    return {"key": key.replace("_", " "), **written(estimate), "meaning": LEDGER_KEYS[key]}


def _value(estimate: Estimate | None) -> Any:
    return None if estimate is None else estimate.value


def _sentences(ledger: dict[str, Estimate | None], record: dict[str, Any]) -> list[str]:
    distortion, rate = _value(ledger["distortion"]), _value(ledger["rate"])
    sentences = [
        f"Of each row, the latent carries {rate:.2f} nats; given the latent, {distortion:.2f} nats remain unsaid. "
        f"Together they are the negative ELBO."
    ]
    if record.get("gain") is not None:
        sentences.append(_verdict(Estimate.from_dict(record["gain"])))
    assumptions, bound = record["assumptions"], _value(ledger["log_likelihood_lower"])
    if assumptions["measure"] == "counting" and np.isfinite(bound):
        bits = -bound / np.log(2) / assumptions["columns"]
        sentences.append(f"As a code, that is at most {bits:.3f} bits per column.")
    return sentences


def _verdict(gain: Estimate) -> str:
    """What the paired difference to independent columns, a lower bound, allows to be said at two standard errors."""
    sampling, rows = (float(np.asarray(error or 0.0)) for error in (gain.stderr, gain.stderr_rows))
    value, error = float(gain), math.hypot(sampling, rows)
    if value > 2 * error:
        return (
            f"The model gives a held-out row at least {value:.2f} ± {error:.2g} nats more log-likelihood than "
            f"independent columns do."
        )
    if value < -2 * error:
        return (
            f"The bound on the model's log-likelihood lies {-value:.2f} ± {error:.2g} nats below that of independent "
            f"columns: as far as it shows, the model does not earn its keep. Train longer, or use more rows."
        )
    return (
        f"The bound on the model's log-likelihood cannot be told from that of independent columns (difference "
        f"{value:.2f} ± {error:.2g} nats): no structure between the columns has been shown."
    )
