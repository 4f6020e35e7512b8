"""What the terminal shows: results on standard output, progress on standard error."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.markup import escape as escape_markup
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from isthmus.data import ColumnKind
from isthmus.evidence import LEDGER_KEYS, Dependence, diagnose_collapse, diagnose_copying
from isthmus.fitting import FitRecord
from isthmus.information import Estimate
from isthmus.information.estimate import SIGNS, in_three_decimals
from isthmus.report.sentences import aggregate_sentences, gap_sentences
from isthmus.storage.visible import visible

MEASURES = {
    "counting": "log-probabilities",
    "lebesgue": "log-densities in the columns' own units",
    "mixed": "log-densities in the columns' own units times log-probabilities",
}
WIDE = 130
"""A terminal of so many columns has room to say what each quantity is."""


@contextmanager
def fit_progress() -> Iterator[Callable[[FitRecord], None]]:
    """A progress bar with the score of held-out rows, on standard error; yields what to tell of each look."""
    with plain_progress("fitting") as progress:
        task = progress.add_task("fit", total=None, state="compiling")

        def on_record(look: FitRecord) -> None:
            score = "" if look.held_out is None else f", held-out score {look.held_out:.2f} nats"
            skipped = f", {look.skipped} steps skipped" if look.skipped else ""
            state = f"epoch {look.epoch:.0f}{score}{skipped}"
            progress.update(task, total=look.planned_steps, completed=look.step, state=state)

        try:
            yield on_record
        except BaseException:
            progress.live.transient = True  # the error stands alone
            raise
        progress.update(task, total=1, completed=1)


@contextmanager
def pair_progress() -> Iterator[Callable[[int, int], None]]:
    """A progress bar over pairs of columns, on standard error; yields what to tell of each pair."""
    with plain_progress("measuring") as progress:
        task = progress.add_task("measure", total=None, state="")

        def on_pair(done: int, total: int) -> None:
            progress.update(task, total=total, completed=done, state=f"{done} of {total} pairs")

        yield on_pair


def print_record(record: dict[str, Any], as_json: bool) -> None:
    """A run's assumptions and ledger: tables, or one JSON object."""
    console = Console(soft_wrap=True)
    if as_json:
        print(json.dumps(record, allow_nan=False))  # noqa: T201
        return
    assumptions = record["assumptions"]
    likelihood = assumptions["likelihood"].replace("_", " ")
    say(f"likelihood  {likelihood}: {assumptions['likelihood_reason']}")
    if "columns_taken_as" in assumptions:
        print_whole(_columns_table(assumptions))
    measure = MEASURES[assumptions["measure"]]
    rows = f"{assumptions['test_rows']} rows " + (
        f"of {assumptions['data']}" if assumptions["training_rows"] is None else "that the fit never saw"
    )
    say(f"ledger      per row, over {rows}; {measure}")
    print_whole(_ledger_table(record["ledger"], explained=console.width >= WIDE))
    entries = {key: None if e is None else Estimate.from_dict(e) for key, e in record["ledger"].items()}
    if entries["rate"] is None:
        say("blank       the rate and all log-likelihoods: this model has no prior")
    for subject, sentences in (
        ("latent", diagnose_collapse(entries, assumptions)),
        ("gap", gap_sentences(entries)),
        ("rate", aggregate_sentences(entries, record)),
        ("copy", diagnose_copying(entries, assumptions["n_components"], assumptions["columns"])),
    ):
        if sentences:
            say(f"{subject:<12}{' '.join(sentences)}")


def print_dependence(dependence: Dependence, as_json: bool) -> None:
    """What holds a table together: its entropies and its tree as tables, or all of it as one JSON object."""
    if as_json:
        print(json.dumps(dependence.to_dict(), allow_nan=False))  # noqa: T201
        return
    used = "" if dependence.rows_used == dependence.rows else f", {dependence.rows_used:,} of them measured"
    say(f"data     {dependence.source}: {dependence.rows:,} rows{used}; nats")
    entropies = _estimates("column", "entropy", "", "kind")
    for name, kind in dependence.kinds.items():
        if name in dependence.entropies:
            entropy = dependence.entropies[name]
            entropies.add_row(*_cells(name, entropy), _entropy_kind(entropy), _kind(kind))
        else:
            entropies.add_row(escape(name), "", "", "", "set aside", _kind(kind))
    print_whole(entropies)
    tree = _estimates("pair, of the tree that holds most", "information")
    for pair in dependence.tree:
        tree.add_row(*_cells(" – ".join(pair.columns), pair.information))
    tree.add_row(*_cells("total correlation", dependence.tree_information))
    print_whole(tree)


def print_bundled(names: dict[str, str]) -> None:
    """The bundled data sets, one a line."""
    width = max(map(len, names))
    say(*(f"{name:<{width}}  {description}" for name, description in names.items()))


def say(*lines: str, quiet: bool = False) -> None:
    """Lines for the reader, on standard error where standard output carries JSON."""
    console = Console(stderr=quiet, soft_wrap=True)
    for line in lines:
        console.print(visible(line), highlight=False, markup=False)


def _ledger_table(ledger: dict[str, Any], explained: bool) -> Table:
    table = Table(box=None, pad_edge=False)
    for name, justify in (("quantity", "left"), ("", "left"), ("value", "right"), ("unit", "left")):
        table.add_column(name, justify=justify, no_wrap=True)  # type: ignore[arg-type]
    for name in ("± sampling", "± rows"):
        table.add_column(name, justify="right", no_wrap=True)
    if explained:
        table.add_column("what it is", style="dim", no_wrap=True)
    for key, entry in ledger.items():
        if entry is None:
            continue
        estimate = Estimate.from_dict(entry)
        if isinstance(estimate.value, tuple):
            continue
        errors = (_error(estimate.stderr), _error(estimate.stderr_rows))
        row = (key, SIGNS[estimate.direction], in_three_decimals(float(estimate)), estimate.unit, *errors)
        table.add_row(*row, *([LEDGER_KEYS[key]] if explained else []))
    return table


def _columns_table(assumptions: dict[str, Any]) -> Table:
    """What each column was taken for."""
    table = Table(box=None, pad_edge=False)
    for name in ("column", "kind", "likelihood", "because"):
        table.add_column(name, no_wrap=True)
    for column in assumptions["columns_taken_as"]:
        table.add_row(
            *(
                escape(column[key] if key == "name" else column[key].replace("_", " "))
                for key in ("name", "kind", "likelihood", "reason")
            )
        )
    for column in assumptions["set_aside"]:
        table.add_row(escape(column["name"]), "set aside", "", escape(column["reason"]))
    return table


def plain_progress(verb: str) -> Progress:
    """A bar on standard error, each task with a `state` in words."""
    columns = (TextColumn(verb), BarColumn(), TextColumn("{task.fields[state]}"), TimeElapsedColumn())
    return Progress(*columns, console=Console(stderr=True))


def _estimates(subject: str, quantity: str, *more: str) -> Table:
    table = Table(box=None, pad_edge=False)
    for name, justify in (
        (subject, "left"),
        ("", "left"),
        (quantity, "right"),
        ("±", "right"),
        *((m, "left") for m in more),
    ):
        table.add_column(name, justify=justify, no_wrap=True)  # type: ignore[arg-type]
    return table


def _entropy_kind(entropy: Estimate | None) -> str:
    measure = None if entropy is None else entropy.measure
    return {"counting": "discrete", "lebesgue": "differential", "mixed": "mixed", None: ""}[measure]


def _kind(kind: ColumnKind | None) -> str:
    return "no values" if kind is None else escape(f"{kind.kind}: {kind.reason}")


def _cells(name: str, estimate: Estimate | None) -> tuple[str, ...]:
    if estimate is None:
        return escape(name), "", "too few rows", ""
    return escape(name), SIGNS[estimate.direction], in_three_decimals(float(estimate)), _error(estimate.stderr)


def escape(text: str) -> str:
    """A text of the data for a cell of a table: neither markup nor control characters have an effect."""
    return escape_markup(visible(text).replace("\n", "\\n"))


def print_whole(table: Table) -> None:
    """The table at its own width, however narrow the terminal or the pipe: a clipped figure would be a wrong one."""
    unbounded = Console(width=10_000)
    Console(width=max(Console().width, unbounded.measure(table).maximum)).print(table)


def _error(error: Any) -> str:
    return "" if error is None or error == 0 else f"{error:.2g}"
