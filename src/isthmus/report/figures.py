"""The figures of the report, as plotly figures."""

import warnings
from typing import Any

import numpy as np
import plotly.graph_objects as go

from isthmus.evidence import COLLAPSED_RATE

INK, ACCENT, FAINT = "#1f2933", "#0b7285", "#adb5bd"
MOST_BARS = 40
PALETTE = ["#0b7285", "#e8590c", "#5f3dc4", "#2b8a3e", "#c2255c", "#f08c00", "#364fc7", "#846358", "#087f5b", "#868e96"]


def training_curves(history: list[dict[str, Any]], judged: str) -> go.Figure:
    """Training objective and, of held-out rows, the mean of what is `judged`, in nats per row, over epochs."""
    epochs = [look["epoch"] for look in history]
    figure = blank_figure(height=320)
    training = [-look["loss"] for look in history]
    figure.add_scatter(x=epochs, y=training, name="training objective", line={"color": FAINT, "width": 2})
    if history[0]["held_out"] is not None:
        held_out = [look["held_out"] for look in history]
        figure.add_scatter(x=epochs, y=held_out, name=f"held-out {judged}", line={"color": ACCENT, "width": 2.5})
        best = int(np.argmax(held_out))
        marker = {"color": ACCENT, "size": 9}
        figure.add_scatter(x=[epochs[best]], y=[held_out[best]], name="weights kept", mode="markers", marker=marker)
    curves = [training] + ([] if history[0]["held_out"] is None else [[look["held_out"] for look in history]])
    figure.update_yaxes(title="nats per row", range=_settled_range(curves))
    figure.update_xaxes(title="epoch")
    return figure


def _settled_range(curves: list[list[float]]) -> list[float]:
    """All of the curves but their first looks, which are far below the rest and would flatten it."""
    finite = [np.array(curve)[np.isfinite(curve)] for curve in curves]
    settled = [curve[len(curve) // 20 :] for curve in finite if len(curve)]
    low, high = min(curve.min() for curve in settled), max(curve.max() for curve in settled)
    margin = 0.08 * max(high - low, 1e-9)
    return [low - margin, high + margin]


def rate_bars(rates: list[float]) -> go.Figure:
    """The rate of each latent dimension, the collapsed ones greyed."""
    order = np.argsort(rates)[::-1]
    colours = [FAINT if rates[i] < COLLAPSED_RATE else ACCENT for i in order]
    figure = blank_figure(height=280)
    figure.add_bar(x=[f"z{i}" for i in order], y=[rates[i] for i in order], marker={"color": colours})
    figure.update_yaxes(title="nats", rangemode="tozero")
    return figure


def distortion_bars(distortions: dict[str, float]) -> go.Figure:
    """The distortion of each column, the largest first; the 40 largest where there are more."""
    names = sorted(distortions, key=lambda name: distortions[name], reverse=True)[:MOST_BARS]
    figure = blank_figure(height=300)
    figure.add_bar(x=names, y=[distortions[name] for name in names], marker={"color": ACCENT})
    figure.update_xaxes(type="category")
    figure.update_yaxes(title="nats")
    return figure


def latent_scatter(means: np.ndarray, dimensions: list[int], labels: list[str] | None) -> go.Figure:
    """Posterior means in the two dimensions that carry most, coloured by label where there is one."""
    figure = blank_figure(height=460)
    y = means[:, 1] if means.shape[1] > 1 else np.zeros(len(means))
    groups = sorted(set(labels), key=_natural) if labels and len(set(labels)) <= 20 else []
    for position, group in enumerate(groups):
        member = np.array([label == group for label in labels or []])
        marker = {"size": 6, "opacity": 0.75, "color": PALETTE[position % len(PALETTE)]}
        figure.add_scattergl(x=means[member, 0], y=y[member], mode="markers", name=group, marker=marker)
    if not groups:
        colour: Any = _numbers(labels) if labels else ACCENT
        marker = {"size": 6, "opacity": 0.75, "color": colour, "showscale": labels is not None, "colorscale": "Viridis"}
        figure.add_scattergl(x=means[:, 0], y=y, mode="markers", marker=marker, showlegend=False)
    figure.update_xaxes(title=f"z{dimensions[0]}", zeroline=True, zerolinecolor="#dee2e6")
    figure.update_yaxes(
        title=f"z{dimensions[1]}" if len(dimensions) > 1 else "", zeroline=True, zerolinecolor="#dee2e6"
    )
    return figure


def image_rows(rows_of_images: dict[str, np.ndarray], shape: tuple[int, int]) -> go.Figure:
    """Strips of images, one a name, [image, pixel] each, on one grey scale."""
    strips = [_strip(images, shape) for images in rows_of_images.values()]
    mosaic = np.concatenate(strips, axis=0)
    low, high = np.nanmin(mosaic), np.nanmax(mosaic)
    figure = blank_figure(height=30 + 58 * len(strips))
    figure.add_heatmap(z=mosaic, zmin=low, zmax=high, colorscale="Greys", showscale=False, hoverinfo="skip")
    height = strips[0].shape[0]
    ticks = [height * (i + 0.5) for i in range(len(strips))]
    figure.update_yaxes(
        autorange="reversed",
        scaleanchor="x",
        showline=False,
        ticks="",
        tickvals=ticks,
        ticktext=list(rows_of_images),
        showgrid=False,
    )
    figure.update_xaxes(visible=False)
    longest = max(map(len, rows_of_images))
    figure.update_layout(margin={"l": max(110, 8 * longest), "r": 10, "t": 10, "b": 10})
    return figure


def table_rows(rows: dict[str, np.ndarray], columns: list[str]) -> go.Figure:
    """Rows of numbers as heat maps side by side, each column on its own scale, that of the first block."""
    reference = next(iter(rows.values()))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a column of holes alone stays blank
        centre, spread = np.nanmean(reference, axis=0), np.nanstd(reference, axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    figure = blank_figure(height=420)
    blocks = [(block - centre) / spread for block in rows.values()]
    gap = np.full((len(reference), 1), np.nan)
    joined = np.concatenate([part for block in blocks for part in (block, gap)][:-1], axis=1)
    figure.add_heatmap(z=joined, zmin=-3, zmax=3, colorscale="RdBu", colorbar={"title": "spreads"}, hoverinfo="z")
    width = len(columns) + 1
    ticks = [i * width + (width - 2) / 2 for i in range(len(blocks))]
    figure.update_xaxes(tickvals=ticks, ticktext=list(rows), showgrid=False)
    figure.update_yaxes(autorange="reversed", visible=False)
    return figure


def _strip(images: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    framed = np.pad(images.reshape(-1, *shape), [(0, 0), (1, 1), (1, 1)], constant_values=np.nan)
    return np.concatenate(list(framed), axis=1)


def _numbers(labels: list[str]) -> list[float]:
    try:
        return [float(label) for label in labels]
    except ValueError:
        order = {label: float(position) for position, label in enumerate(sorted(set(labels)))}
        return [order[label] for label in labels]


def _natural(label: str) -> tuple[float, str]:
    try:
        return float(label), label
    except ValueError:
        return np.inf, label


def blank_figure(height: int) -> go.Figure:
    figure = go.Figure()
    figure.update_layout(
        height=height,
        template="simple_white",
        margin={"l": 60, "r": 20, "t": 20, "b": 45},
        font={"family": "system-ui, sans-serif", "size": 13, "color": INK},
        legend={"orientation": "h", "y": 1.08},
        paper_bgcolor="rgba(0,0,0,0)",
    )
    return figure
