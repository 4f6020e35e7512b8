"""What `fit`, `embed`, `score` and `impute` do with --ray, once their arguments are parsed."""

from pathlib import Path
from typing import Any

from isthmus.cli.commands import able
from isthmus.cli.fitting import finish_run, model_arguments, resumable, tell_what_is_replaced
from isthmus.cli.output import say
from isthmus.cluster.connection import connected
from isthmus.cluster.row_folders import embed_folder, impute_folder, score_folder
from isthmus.cluster.supervision import FitOrder, supervised_fit
from isthmus.data import stem
from isthmus.estimators import load
from isthmus.storage import RunDirectory


def supervised_fit_command(
    source: str,
    model: str,
    options: dict[str, Any],
    out: Path | None,
    config: Path | None,
    as_json: bool,
    gaps: bool,
    stream: bool | None,
    *,
    resume: bool,
    minutes: float,
    processes: int,
    address: str | None,
    heartbeat: int,
) -> None:
    """Fit by processes that Ray starts, and starts again; then do what `isthmus fit` does."""
    arguments = model_arguments(model, options, config)
    place = out or Path("runs") / stem(source)
    order = FitOrder(model, arguments, source, place, gaps, stream, minutes, heartbeat)
    with resumable(RunDirectory(place)), RunDirectory.reserve(place) as run:
        tell_what_is_replaced(run, resume, as_json)
        with connected(address):
            record = supervised_fit(order, processes, resume=resume)
        finish_run(run, record, as_json)


def embed_parts_command(run: Path, source: str, output: Path, address: str | None, keep: tuple[str, ...]) -> None:
    """Write the latents of a folder of Parquet files to another."""
    with connected(address):
        estimator = load(run)
        rows = embed_folder(estimator, source, output, keep=keep)
    say(f"{rows} rows of {estimator.n_components_} columns  {output}")


def score_parts_command(
    run: Path,
    source: str,
    output: Path,
    address: str | None,
    keep: tuple[str, ...],
    false_positive_rate: float | None,
) -> None:
    """Write the scores of a folder of Parquet files to another."""
    with connected(address):
        estimator = load(run)
        rows = score_folder(estimator, source, output, keep=keep, false_positive_rate=false_positive_rate)
    say(f"{rows} rows scored  {output}")


def impute_parts_command(run: Path, source: str, output: Path, address: str | None) -> None:
    """Write a folder of Parquet files to another, with only its holes changed."""
    estimator = able(load(run), "impute", run)
    with connected(address):
        rows = impute_folder(estimator, source, output)
    say(f"{rows} rows written  {output}")
