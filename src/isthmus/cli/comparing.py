"""What `isthmus compare` does, once its arguments are parsed."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from rich.markup import escape
from rich.table import Table

from isthmus.cli.output import plain_progress, print_whole, say
from isthmus.data import read_rows, stem
from isthmus.estimators.comparison import IS_BEST, compare
from isthmus.information import Estimate
from isthmus.information.estimate import SIGNS, in_few_digits
from isthmus.report import write_comparison_report
from isthmus.storage import RunDirectory, write_atomically

NATS = {
    "rate": "rate",
    "distortion": "distortion",
    "distortion_corrupted": "distortion,\ncorrupted",
    "log_likelihood": "log-\nlikelihood",
    "log_likelihood_to_best": "less the\nbest",
    "bits_per_dimension": "bits per\ncolumn",
}
SQUARES = {
    "squared_error": "squared\nerror",
    "squared_error_corrupted": "squared error,\ncorrupted",
    "r_squared": "R^2",
    "copy_index": "copy\nindex",
    "copy_index_of_pca": "copy index\nof PCA",
}
HEADINGS = {**NATS, **SQUARES}
BLANK, BEST = "-", "best"


def compare_command(
    source: str, latent: int | None, seed: int, epochs: int | None, out: Path | None, as_json: bool
) -> None:
    """Fit the ladder, write the record and the page, print the table."""
    data = read_rows(source)
    with RunDirectory.reserve(out or Path("runs") / f"compare-{stem(source)}") as place:
        with _progress() as on_model:
            found = compare(data, latent, seed, epochs, on_model)
        write_atomically(place.comparison, (json.dumps(found.record, indent=2, allow_nan=False) + "\n").encode())
        page = write_comparison_report(found.record, found.exhibits, place.comparison_report)
    print_comparison(found.record, as_json)
    say(f"record  {place.comparison}", f"report  {page}", quiet=as_json)


def print_comparison(record: dict[str, Any], as_json: bool) -> None:
    """One row a model, the same columns; then why cells are blank, and what the fits warned of."""
    if as_json:
        print(json.dumps(record, allow_nan=False))  # noqa: T201
        return
    say(
        f"data        {record['data']}: {record['training_rows']:,} rows to fit, {record['test_rows']:,} others to "
        f"measure, {record['columns']} columns; latent {record['latent']}; nats per row, ± over rows",
        f"corrupted   {record['corruption']['description']}",
    )
    print_whole(_table(record, NATS))
    print_whole(_table(record, SQUARES, costs=True))
    for reason, (headings, titles) in _reasons(record).items():
        say(f"{BLANK:<12}{', '.join(headings)} of {', '.join(titles)}: {reason}")
    for model in record["models"].values():
        if model["error"] is not None:
            say(f"failed      {model['title']}: {model['error']}")
    for note in record["notes"]:
        say(f"note        {note}")
    for text, titles in _warnings(record).items():
        say(f"warning     {', '.join(titles)}: {text}")


@contextmanager
def _progress() -> Iterator[Any]:
    """A bar over the models on standard error; yields what to tell of each fit before it begins."""
    with plain_progress("comparing") as progress:
        task = progress.add_task("compare", total=None, state="")

        def on_model(title: str, done: int, total: int) -> None:
            progress.console.print(f"fitting {title}, {done + 1} of {total}", highlight=False)
            progress.update(task, total=total, completed=done, state=title)

        try:
            yield on_model
        except BaseException:
            progress.live.transient = True  # the error stands alone
            raise
        progress.update(task, total=1, completed=1, state="")


def _table(record: dict[str, Any], headings: dict[str, str], costs: bool = False) -> Table:
    """One row a model; without the columns that are blank for all. costs: with how much was trained, and how long."""
    models = record["models"].values()
    shown = {key: heading for key, heading in headings.items() if any(model["columns"][key] for model in models)}
    table = Table(box=None, pad_edge=False)
    table.add_column("model", no_wrap=True)
    table.add_column("latent", justify="right")
    for heading in (*shown.values(), *(("trained\nnumbers", "seconds\nto fit") if costs else ())):
        table.add_column(heading, justify="right", no_wrap=True)
    for model in models:
        cells = [BEST if model["blanks"].get(key) == IS_BEST else _cell(model["columns"][key]) for key in shown]
        numbers = BLANK if model["parameters"] is None else f"{model['parameters']:,}"
        seconds = BLANK if model["seconds"] is None else f"{model['seconds']:.2g}"
        spent = (numbers, seconds) if costs else ()
        table.add_row(escape(model["title"]), str(model["latent"]), *cells, *spent)
    return table


def _cell(entry: dict[str, Any] | None) -> str:
    if entry is None:
        return BLANK
    estimate = Estimate.from_dict(entry)
    value, error = float(estimate), float(np.asarray(estimate.stderr_rows or 0.0))
    # An error below what is shown of the value says nothing.
    shown = f" ±{error:.2g}" if error >= 0.005 or 0 < error < abs(value) < 0.005 else ""
    return f"{SIGNS[estimate.direction]} {in_few_digits(value)}{shown}"


def _reasons(record: dict[str, Any]) -> dict[str, tuple[list[str], list[str]]]:
    """{why: (what is blank for it, of which models)}; failures are told of apart."""
    found: dict[str, tuple[list[str], list[str]]] = {}
    for model in record["models"].values():
        told = {key: reason for key, reason in model["blanks"].items() if reason != IS_BEST and model["error"] is None}
        for key, reason in told.items():
            headings, titles = found.setdefault(reason, ([], []))
            for names, name in ((headings, _one_line(HEADINGS[key])), (titles, model["title"])):
                if name not in names:
                    names.append(name)
    return found


def _one_line(heading: str) -> str:
    return heading.replace("-\n", "-").replace("\n", " ")


def _warnings(record: dict[str, Any]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for model in record["models"].values():
        for text in model["warnings"]:
            found.setdefault(text, []).append(model["title"])
    return found
