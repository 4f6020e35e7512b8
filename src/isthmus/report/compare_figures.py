"""The figures of a comparison, as plotly figures."""

from typing import Any

import plotly.graph_objects as go

from isthmus.information import Estimate
from isthmus.report.figures import ACCENT, FAINT, PALETTE, blank_figure

Models = dict[str, dict[str, Any]]


def rate_distortion(models: Models) -> go.Figure | None:
    """Rate and distortion of each model that has both, and, as lines, the distortion of those without a rate; None
    where fewer than two models have a distortion. Along a falling diagonal the ELBO is the same."""
    distortions = {model["label"]: _number(model, "distortion") for model in models.values()}
    rates = {model["label"]: _number(model, "rate") for model in models.values()}
    known = {label: value for label, value in distortions.items() if value is not None}
    if len(known) < 2:
        return None
    figure = blank_figure(height=380)
    both = [label for label in known if rates[label] is not None]
    figure.add_scatter(
        x=[rates[label] for label in both],
        y=[known[label] for label in both],
        text=both,
        mode="markers+text",
        textposition="top center",
        marker={"size": 11, "color": ACCENT},
        showlegend=False,
    )
    end = 1.1 * max([rates[label] or 0.0 for label in both], default=1.0)
    for place, label in enumerate(label for label in known if rates[label] is None):
        line = {"dash": "dot", "color": PALETTE[1 + place % (len(PALETTE) - 1)]}
        name = f"{label}, no rate"
        figure.add_scatter(x=[0, end], y=[known[label]] * 2, mode="lines", name=name, line=line)
    figure.update_xaxes(title="rate, nats per row", rangemode="tozero")
    figure.update_yaxes(title="distortion, nats per row")
    return figure


def squared_errors(models: Models) -> go.Figure | None:
    """The squared error of each model on clean rows and on corrupted ones; None where there is none."""
    labels = [model["label"] for model in models.values() if _number(model, "squared_error") is not None]
    if not labels:
        return None
    figure = blank_figure(height=320)
    for key, name, colour in (("squared_error", "clean", ACCENT), ("squared_error_corrupted", "corrupted", FAINT)):
        shown = [_number(model, key) for model in models.values() if model["label"] in labels]
        figure.add_bar(x=labels, y=shown, name=name, marker={"color": colour})
    figure.update_yaxes(title="squared units", rangemode="tozero")
    return figure


def _number(model: dict[str, Any], key: str) -> float | None:
    entry = model["columns"][key]
    return None if entry is None else float(Estimate.from_dict(entry))
