"""What every page of a report shares: the frame, how figures are embedded, how an estimate is written."""

from typing import Any

import plotly.graph_objects as go
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from isthmus.information import Estimate
from isthmus.information.estimate import in_three_decimals

_SIGNS = {"exact": "=", "lower": "≥", "upper": "≤", "estimate": "≈"}


def render(template: str, figures: dict[str, go.Figure], **content: Any) -> str:
    """The HTML of a template of this room, with its figures and the script that draws them inline."""
    environment = Environment(
        loader=PackageLoader("isthmus.report", ""),
        autoescape=True,
        undefined=StrictUndefined,
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
    return Markup(figure.to_html(full_html=False, include_plotlyjs=False, config={"displayModeBar": False}))


def _error(error: Any) -> str:
    return "" if error is None or error == 0 else f"± {error:.2g}"
