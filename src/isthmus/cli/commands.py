"""What each command does, once its arguments are parsed."""

import tomllib
from pathlib import Path
from typing import Any

from isthmus.cli.errors import WrongCall
from isthmus.cli.output import fit_progress, print_bundled, print_record, say
from isthmus.data import bundled_names, read_dataset, stem, write_table
from isthmus.data.writers import check_output
from isthmus.estimators import COMMAND_LINE_NAMES, VAEConfiguration, load
from isthmus.estimators.runs import fit_run, ledger_record
from isthmus.report import write_report
from isthmus.storage import RunDirectory


def list_datasets() -> None:
    """Print the bundled names."""
    print_bundled(bundled_names())


def fit_command(
    source: str, model: str, options: dict[str, Any], out: Path | None, config: Path | None, as_json: bool
) -> None:
    """Fit, write the run, print the ledger and where everything is."""
    arguments = _arguments(model, options, config)
    data = read_dataset(source)
    place = out or Path("runs") / stem(source)
    if RunDirectory(place).model.is_file():
        say(f"replaces the run in {place}", quiet=as_json)
    with RunDirectory.reserve(place) as run, fit_progress() as on_record:
        record = fit_run(COMMAND_LINE_NAMES[model](**arguments), data, run, on_record)
    page = write_report(run.path)
    print_record(record, as_json)
    say(f"model   {run.model}", f"report  {page}", quiet=as_json)


def ledger_command(path: Path, source: str | None, as_json: bool) -> None:
    """Print the stored ledger, or that of other rows."""
    run = RunDirectory.open(path)
    if source is not None:
        record = ledger_record(load(path), read_dataset(source), run)
    elif run.ledger.is_file():
        record = run.read_record()
    else:
        raise FileNotFoundError(f"{run.ledger} is missing; name the DATA to compute a ledger of")
    print_record(record, as_json)


def transform_command(path: Path, source: str, output: Path, method: str) -> None:
    """Write what the estimator's `method` makes of each row."""
    check_output(output)
    estimator = load(path)
    values = getattr(estimator, method)(read_dataset(source))
    latent = method == "transform"
    names = tuple(str(name) for name in estimator.get_feature_names_out()) if latent else estimator.column_names_
    write_table(output, values, names)
    say(f"{len(values)} rows of {len(names)} columns  {output}")


def sample_command(path: Path, output: Path, n: int, seed: int) -> None:
    """Write new rows."""
    check_output(output)
    estimator = load(path)
    write_table(output, estimator.sample(n, random_state=seed), estimator.column_names_)
    say(f"{n} rows of {len(estimator.column_names_)} columns  {output}")


def report_command(path: Path) -> None:
    """Draw the report again."""
    say(f"report  {write_report(path)}")


def _arguments(model: str, options: dict[str, Any], config: Path | None) -> dict[str, Any]:
    if model not in COMMAND_LINE_NAMES:
        raise WrongCall(f"no model is named {model!r}; there are {', '.join(COMMAND_LINE_NAMES)}")
    try:
        settings = {} if config is None else tomllib.loads(config.read_text(encoding="utf-8"))
        return VAEConfiguration.checked({**settings, **options}).model_dump()
    except tomllib.TOMLDecodeError as error:
        raise WrongCall(f"{config} is not TOML: {error}") from None
    except (ValueError, OSError) as error:
        raise WrongCall(str(error)) from None
