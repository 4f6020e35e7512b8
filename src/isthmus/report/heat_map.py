"""A heat map of a symmetric table of numbers."""

import numpy as np
import plotly.graph_objects as go

from isthmus.report.figures import blank_figure


def information_heat_map(names: list[str], matrix: np.ndarray) -> go.Figure:
    """Pairwise information [column, column], NaN where it is not known; the diagonal is left blank."""
    figure = blank_figure(height=260 + 16 * len(names))
    shown = np.where(np.eye(len(names), dtype=bool), np.nan, matrix)
    figure.add_heatmap(
        z=shown, x=names, y=names, zmin=0, colorscale="Teal", colorbar={"title": "nats"}, hoverongaps=False
    )
    figure.update_xaxes(showgrid=False, type="category")
    figure.update_yaxes(autorange="reversed", showgrid=False, type="category")
    figure.update_layout(margin={"l": 140, "r": 20, "t": 10, "b": 120})
    return figure
