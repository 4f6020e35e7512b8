"""What each command does with a run, once its arguments are parsed; `fitting` makes the runs."""

from pathlib import Path
from typing import Any

import numpy as np

from isthmus.cli.errors import WrongCall
from isthmus.cli.output import print_bundled, print_record, say
from isthmus.data import (
    bundled_names,
    fill_file,
    fill_stream,
    open_rows,
    open_stream,
    read_rows,
    read_table,
    write_table,
)
from isthmus.data.filling import FILLED_ENDINGS
from isthmus.data.writers import check_output
from isthmus.estimators import COMMAND_LINE_NAMES, load
from isthmus.estimators.results import scored, scored_names, told_once, write_results
from isthmus.estimators.runs import ledger_record
from isthmus.report import one_error_for_damage, write_report
from isthmus.storage import RunDirectory


def list_datasets() -> None:
    """Print the bundled names."""
    print_bundled(bundled_names())


def ledger_command(path: Path, source: str | None, as_json: bool, gaps: bool) -> None:
    """Print the stored ledger, or that of other rows."""
    run = RunDirectory.open(path)
    if source is not None:
        print_record(ledger_record(load(path), read_rows(source), run, gaps=gaps), as_json)
    elif gaps:
        raise WrongCall("--gaps needs rows, and a run keeps none: name the DATA, or pass --gaps to fit")
    elif run.ledger.is_file():
        record = run.read_record()
        with one_error_for_damage(path):
            print_record(record, as_json)
    else:
        raise FileNotFoundError(f"{run.ledger} is missing; name the DATA to compute a ledger of")


def transform_command(path: Path, source: str, output: Path, method: str, stream: bool | None = None) -> None:
    """Write what the estimator's `method` makes of each row."""
    check_output(output)
    estimator = load(path)
    latent = method == "transform"
    names = tuple(str(name) for name in estimator.get_feature_names_out()) if latent else estimator.column_names_
    rows = write_results(open_rows(source, stream), output, names, getattr(estimator, method))
    say(f"{rows} rows of {len(names)} columns  {output}")


def impute_command(path: Path, source: str, output: Path, stream: bool | None = None) -> None:
    """Write the file again with only its holes changed."""
    check_output(output, FILLED_ENDINGS)
    estimator = able(load(path), "impute", path)
    rows = open_stream(source, True if Path(source).is_dir() else stream)
    if rows is not None:
        with told_once():
            holes, left = fill_stream(rows, output, estimator.impute)
        say(f"{holes - left} of {holes} holes filled  {output}")
        return
    if not Path(source).is_file() or Path(source).suffix.lower() != output.suffix.lower():
        raise WrongCall(f"{source} cannot be filled into {output}; expected a file, and the same ending of both")
    table = read_table(source)
    holes = sum(int((~column.observed).sum()) for column in table.columns)
    filled = estimator.impute(table)
    left = sum(int((~column.observed).sum()) for column in filled.columns)
    fill_file(Path(source), output, filled)
    say(f"{holes - left} of {holes} holes filled  {output}")


def score_command(
    path: Path, source: str, output: Path, false_positive_rate: float | None, stream: bool | None = None
) -> None:
    """Write the score, the p-value and the contribution of each column of every row."""
    check_output(output)
    estimator = load(path)
    names, anomalies = scored_names(estimator, false_positive_rate), 0

    def of_rows(rows: Any) -> np.ndarray:
        nonlocal anomalies
        found = scored(estimator, rows, false_positive_rate)
        if false_positive_rate is not None:
            anomalies += int(found[:, names.index("anomaly")].sum())
        return found

    rows = write_results(open_rows(source, stream), output, names, of_rows)
    flagged = "" if false_positive_rate is None else f", {anomalies} called anomalies"
    say(f"{rows} rows scored{flagged}  {output}")


def sample_command(path: Path, output: Path, n: int, seed: int) -> None:
    """Write new rows."""
    check_output(output)
    estimator = able(load(path), "sample", path)
    sampled = estimator.sample_table if estimator.is_table_ else estimator.sample
    write_table(output, sampled(n, random_state=seed), estimator.column_names_)
    say(f"{n} rows of {len(estimator.column_names_)} columns  {output}")


def report_command(path: Path) -> None:
    """Draw the report again."""
    say(f"report  {write_report(path)}")


def able(estimator: Any, method: str, path: Path) -> Any:
    """The estimator; WrongCall where it has no such method."""
    if hasattr(estimator, method):
        return estimator
    able = [name for name, kind in COMMAND_LINE_NAMES.items() if hasattr(kind, method)]
    raise WrongCall(
        f"{path} holds a model of type {type(estimator).__name__}, which has no prior and so cannot {method}; fit one "
        f"that can: --model {', '.join(able)}"
    )
