"""The report on a table: what holds its columns together."""

from pathlib import Path

import numpy as np

from isthmus.evidence import Dependence
from isthmus.report.heat_map import information_heat_map
from isthmus.report.pages import render, written
from isthmus.storage import write_atomically


def write_dependence_report(dependence: Dependence, path: Path) -> Path:
    """Write the page of a measured table to `path`, and return it."""
    names = list(dependence.entropies)
    page = render(
        "dependence_page.html.jinja",
        {"heat_map": information_heat_map(names, _matrix(dependence, names))},
        record=dependence.to_dict(),
        sentence=_sentence(dependence),
        edges=_edges(dependence),
        entropies=_entropies(dependence),
    )
    write_atomically(path, page.encode())
    return path


def _matrix(dependence: Dependence, names: list[str]) -> np.ndarray:
    matrix, place = np.full((len(names), len(names)), np.nan), {name: i for i, name in enumerate(names)}
    for pair in dependence.pairs:
        if pair.information is not None:
            i, j = (place[name] for name in pair.columns)
            matrix[i, j] = matrix[j, i] = float(pair.information)
    return matrix


def _edges(dependence: Dependence) -> list[dict[str, str]]:
    return [
        {"pair": " – ".join(pair.columns), **written(pair.information)}
        for pair in dependence.tree
        if pair.information is not None
    ]


def _entropies(dependence: Dependence) -> list[dict[str, str]]:
    return [_entropy(dependence, name) for name in dependence.kinds]


def _entropy(dependence: Dependence, name: str) -> dict[str, str]:
    kind, entropy = dependence.kinds[name], dependence.entropies.get(name)
    taken_for = "without values" if kind is None else f"{kind.kind}: {kind.reason}"
    if entropy is None:
        cells = {"sign": "", "value": "", "unit": "", "stderr": "", "measure": "set aside"}
    else:
        cells = {**written(entropy), "measure": "differential" if entropy.measure == "lebesgue" else "discrete"}
    return {"column": name, "kind": taken_for, **cells}


def _sentence(dependence: Dependence) -> str:
    total = dependence.tree_information
    return (
        f"A tree of pairs says that a row is at least {float(total):.2f} nats more likely under a model of the whole "
        f"table than under independent columns, up to the error of {float(np.asarray(total.stderr)):.2g} in the pairs."
    )
