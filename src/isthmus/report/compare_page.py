"""The report of a comparison: one HTML file that needs no network."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import plotly.graph_objects as go

from isthmus.information import Estimate
from isthmus.information.estimate import in_three_decimals
from isthmus.report import compare_figures, figures
from isthmus.report.pages import render, written
from isthmus.storage import write_atomically

HEADINGS = {
    "squared_error": "squared error",
    "squared_error_corrupted": "squared error, corrupted",
    "distortion": "distortion",
    "distortion_corrupted": "distortion, corrupted",
    "r_squared": "R²",
    "copy_index": "copy index",
    "copy_index_of_pca": "copy index of PCA",
    "rate": "rate",
    "log_likelihood": "log-likelihood",
    "log_likelihood_to_best": "less the best",
    "bits_per_dimension": "bits per column",
}
SQUARES = ("squared_error", "squared_error_corrupted", "r_squared", "copy_index", "copy_index_of_pca")
NATS = tuple(key for key in HEADINGS if key not in SQUARES)
ROUNDING = 1e-9
"""An error this small beside its value is that of arithmetic."""
MOST_STRIPS = 24
"""Columns of a table that are drawn for each model, at most."""


def write_comparison_report(record: dict[str, Any], exhibits: dict[str, Any], path: Path) -> Path:
    """Write the page of a comparison to `path`, and return it.

    record: what was measured, as JSON values.  exhibits: {"clean": {name: rows}, "corrupted": {name: rows}, "columns",
    "image_shape", "numeric"}, the originals first; rows are arrays [row, column], or texts where not numeric.
    """
    models = record["models"]
    drawn = {
        "rate_distortion": compare_figures.rate_distortion(models),
        "squared_errors": compare_figures.squared_errors(models),
        **_reconstructions(exhibits),
    }
    page = render(
        "compare_page.html.jinja",
        {name: figure for name, figure in drawn.items() if figure is not None},
        record=record,
        tables=[_table(models, SQUARES), _table(models, NATS)],
        blanks=_blanks(models),
        verdicts=_verdicts(record),
        exhibits=exhibits,
        most_strips=MOST_STRIPS,
    )
    write_atomically(path, page.encode())
    return path


def _reconstructions(exhibits: dict[str, Any]) -> dict[str, go.Figure]:
    if not exhibits["numeric"]:
        return {}
    pairs = {"clean": exhibits["clean"]}
    original, rest = _first(exhibits["corrupted"])
    # What the corrupted rows were before stands above them.
    pairs["corrupted"] = {**_only(exhibits["clean"]), "corrupted": original, **rest}
    return {kind: _strips(blocks, exhibits) for kind, blocks in pairs.items()}


def _strips(blocks: dict[str, np.ndarray], exhibits: dict[str, Any]) -> go.Figure:
    if exhibits["image_shape"] is not None:
        return figures.image_rows(blocks, tuple(exhibits["image_shape"]))
    names = exhibits["columns"][:MOST_STRIPS]
    return figures.table_rows({name: rows[:, : len(names)] for name, rows in blocks.items()}, names)


def _table(models: dict[str, Any], keys: tuple[str, ...]) -> dict[str, Any]:
    rows = [
        {
            "title": model["title"],
            "latent": model["latent"],
            "cells": [_cell(model, key) for key in keys],
            "parameters": "" if model["parameters"] is None else f"{model['parameters']:,}",
            "seconds": "" if model["seconds"] is None else f"{model['seconds']:.2g}",
        }
        for model in models.values()
    ]
    return {"headings": [HEADINGS[key] for key in keys], "rows": rows}


def _cell(model: dict[str, Any], key: str) -> dict[str, str]:
    entry = model["columns"][key]
    if entry is None:
        return {"sign": "", "value": "–", "error": "", "why": model["blanks"].get(key, "")}
    estimate = Estimate.from_dict(entry)
    cells = written(estimate)
    known = float(np.asarray(estimate.stderr_rows or 0.0)) > ROUNDING * abs(float(estimate))
    return {"sign": cells["sign"], "value": cells["value"], "error": cells["stderr_rows"] if known else "", "why": ""}


def _blanks(models: dict[str, Any]) -> list[dict[str, str]]:
    """Why cells are blank, one entry a reason."""
    found: dict[str, tuple[list[str], list[str]]] = {}
    for model in models.values():
        for key, reason in model["blanks"].items():
            titles, headings = found.setdefault(reason, ([], []))
            heading = "all of them" if model["error"] else HEADINGS[key]
            for names, name in ((titles, model["title"]), (headings, heading)):
                if name not in names:
                    names.append(name)
    return [
        {"models": ", ".join(titles), "columns": ", ".join(headings), "reason": reason}
        for reason, (titles, headings) in found.items()
    ]


def _verdicts(record: dict[str, Any]) -> list[str]:
    """Which model is the likeliest, and what of the others can be told from it at two standard errors."""
    models, best = record["models"], record["best_log_likelihood"]
    if best is None:
        return []
    sentences = [
        f"The largest log-likelihood of held-out rows, as far as it is known, is that of {models[best]['title']}."
    ]
    gaps = {model["title"]: model["columns"]["log_likelihood_to_best"] for model in models.values()}
    return sentences + [_verdict(title, Estimate.from_dict(gap)) for title, gap in gaps.items() if gap is not None]


def _verdict(title: str, gap: Estimate) -> str:
    below, named = -float(gap), title[0].upper() + title[1:]
    error = math.hypot(*(float(np.asarray(part or 0.0)) for part in (gap.stderr, gap.stderr_rows)))
    size = f"{in_three_decimals(below)} ± {error:.2g} nats a row"
    if below <= 2 * error:
        return f"{named} cannot be told from it ({size} below)."
    bounded = {"lower": "at most ", "upper": "at least "}.get(gap.direction, "")
    bounds = ", as far as the two bounds show" if gap.direction == "estimate" else ""
    return f"{named} lies {bounded}{size} below it{bounds}."


def _first(rows: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    name = next(iter(rows))
    return rows[name], {other: block for other, block in rows.items() if other != name}


def _only(rows: dict[str, Any]) -> dict[str, Any]:
    name = next(iter(rows))
    return {name: rows[name]}
