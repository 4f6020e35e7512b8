"""What every page of a report shares: the frame, how figures are embedded, how an estimate is written."""

from html import escape
from typing import Any

import numpy as np
import plotly.graph_objects as go
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from plotly.io import to_html
from plotly.offline import get_plotlyjs

from isthmus.information import Estimate
from isthmus.information.estimate import in_three_decimals
from isthmus.storage.visible import visible

_SIGNS = {"exact": "=", "lower": "≥", "upper": "≤", "estimate": "≈"}


def render(template: str, figures: dict[str, go.Figure], **content: Any) -> str:
    """The HTML of a template of this room, with its figures and the script that draws them inline."""
    environment = Environment(
        loader=PackageLoader("isthmus.report", ""),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=lambda value: visible(value) if type(value) is str else value,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    embedded = {name: _embedded(figure) for name, figure in figures.items()}
    return environment.get_template(template).render(plotlyjs=Markup(get_plotlyjs()), figures=embedded, **content)


def written(estimate: Estimate) -> dict[str, str]:
    """The cells of an estimate of one number: sign, value, unit and errors."""
    return {
        "sign": _SIGNS[estimate.direction],
        "value": in_three_decimals(float(estimate)),
        "unit": estimate.unit,
        "stderr": _error(estimate.stderr),
        "stderr_rows": _error(estimate.stderr_rows),
    }


def _embedded(figure: go.Figure) -> Markup:
    # Plotly takes <b>, <a href> and entities in any text for markup, as names of columns and labels may hold them.
    told = _escaped(figure.to_dict())
    return Markup(
        to_html(told, full_html=False, include_plotlyjs=False, config={"displayModeBar": False}, validate=False)
    )


def _escaped(value: Any) -> Any:
    """A figure's values with every text in them, in arrays too, as text."""
    if isinstance(value, str):
        return escape(visible(value), quote=False)
    if isinstance(value, dict):
        return {name: _escaped(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_escaped(item) for item in value]
    if isinstance(value, np.ndarray) and value.dtype.kind in "OU":
        return [_escaped(item) for item in value.tolist()]
    return value


def _error(error: Any) -> str:
    return "" if error is None or error == 0 else f"± {error:.2g}"
