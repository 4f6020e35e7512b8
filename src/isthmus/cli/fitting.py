"""What `isthmus fit` does, once its arguments are parsed."""

import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from isthmus.cli.errors import Stopped, WrongCall
from isthmus.cli.hosts import Host
from isthmus.cli.output import fit_progress, print_record, say
from isthmus.data import open_rows, stem
from isthmus.estimators import COMMAND_LINE_NAMES
from isthmus.estimators.runs import fit_run, share_fit
from isthmus.fitting import Checkpoint, FitInterrupted
from isthmus.report import write_report
from isthmus.storage import RunDirectory


def fit_command(
    source: str,
    model: str,
    options: dict[str, Any],
    out: Path | None,
    config: Path | None,
    as_json: bool,
    gaps: bool,
    stream: bool | None = None,
    *,
    resume: bool,
    minutes: float,
    host: Host,
) -> None:
    """Fit, write the run, print the ledger and where everything is. host: this process among those that train."""
    arguments = model_arguments(model, options, config)
    place = out or Path("runs") / stem(source)
    estimator = COMMAND_LINE_NAMES[model](**arguments)
    with resumable(RunDirectory(place)):
        if not host.first:
            checkpoint = Checkpoint(RunDirectory(place).checkpoint, minutes=minutes, resume=resume)
            share_fit(estimator, open_rows(source, stream), checkpoint)
            host.leave()
            return
        with RunDirectory.reserve(place) as run:
            data = open_rows(source, stream)
            tell_what_is_replaced(run, resume, as_json)
            checkpoint = Checkpoint(run.checkpoint, minutes=minutes, resume=resume)
            with fit_progress() as on_record:
                record = fit_run(
                    estimator, data, run, on_record, gaps=gaps, checkpoint=checkpoint, on_fitted=host.leave
                )
            finish_run(run, record, as_json)


def tell_what_is_replaced(run: RunDirectory, resume: bool, quiet: bool) -> None:
    """One line for a run, or an unfinished one, that this fit takes the place of."""
    if run.checkpoint.is_file() and not resume:
        say(f"replaces the unfinished fit in {run.path}; --resume would go on with it", quiet=quiet)
    elif run.model.is_file() and not run.checkpoint.is_file():
        say(f"replaces the run in {run.path}", quiet=quiet)


def finish_run(run: RunDirectory, record: dict[str, Any], as_json: bool) -> None:
    """Draw the report of a run that is written, forget how to go on with it, and print its ledger."""
    page = write_report(run.path)
    run.checkpoint.unlink(missing_ok=True)
    print_record(record, as_json)
    say(f"model   {run.model}", f"report  {page}", quiet=as_json)


@contextmanager
def resumable(run: RunDirectory) -> Iterator[None]:
    """What a stop says where a checkpoint is left: how the fit goes on."""
    try:
        yield
    except (FitInterrupted, Stopped) as stop:
        remedy = ": run the same command with --resume" if run.checkpoint.exists() else ""
        raise Stopped(f"{stop}{remedy}") from None


def model_arguments(model: str, options: dict[str, Any], config: Path | None) -> dict[str, Any]:
    """The constructor's arguments, from options and a TOML file; WrongCall for those that it does not take."""
    if model not in COMMAND_LINE_NAMES:
        raise WrongCall(f"no model is named {model!r}; there are {', '.join(COMMAND_LINE_NAMES)}")
    try:
        settings = {} if config is None else tomllib.loads(config.read_text(encoding="utf-8"))
        return dict(COMMAND_LINE_NAMES[model].configuration_type.checked({**settings, **options}))
    except tomllib.TOMLDecodeError as error:
        raise WrongCall(f"{config} is not TOML: {error}") from None
    except RecursionError:
        raise WrongCall(f"{config} is nested too deeply; expected names and values") from None
    except (ValueError, OSError) as error:
        raise WrongCall(str(error)) from None
