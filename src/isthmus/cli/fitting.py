"""What `isthmus fit` does, once its arguments are parsed."""

import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from isthmus.cli.errors import Stopped, WrongCall
from isthmus.cli.hosts import joined_hosts
from isthmus.cli.output import fit_progress, print_record, say
from isthmus.data import read_rows, stem
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
    *,
    resume: bool,
    minutes: float,
    hosts: str | None,
    heartbeat: int,
) -> None:
    """Fit, write the run, print the ledger and where everything is."""
    arguments = _arguments(model, options, config)
    place = out or Path("runs") / stem(source)
    with joined_hosts(hosts, heartbeat) as host, resumable(RunDirectory(place)):
        data = read_rows(source)
        estimator = COMMAND_LINE_NAMES[model](**arguments)
        if not host.first:
            share_fit(estimator, data, Checkpoint(RunDirectory(place).checkpoint, minutes=minutes, resume=resume))
            host.leave()
            return
        if RunDirectory(place).model.is_file():
            say(f"replaces the run in {place}", quiet=as_json)
        with RunDirectory.reserve(place) as run, fit_progress() as on_record:
            checkpoint = Checkpoint(run.checkpoint, minutes=minutes, resume=resume)
            record = fit_run(estimator, data, run, on_record, gaps=gaps, checkpoint=checkpoint, on_fitted=host.leave)
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


def parse_columns(text: str | None) -> dict[str, str] | None:
    """{name: kind or likelihood} from NAME=KIND,NAME=KIND; WrongCall for anything else."""
    if text is None:
        return None
    pairs = [part.rpartition("=") for part in text.split(",")]
    if not all(name and kind for name, _, kind in pairs):
        raise WrongCall(f"--columns is {text!r}; expected NAME=KIND,NAME=KIND, such as age=count,zip=categorical")
    return {name.strip(): kind.strip() for name, _, kind in pairs}


def _arguments(model: str, options: dict[str, Any], config: Path | None) -> dict[str, Any]:
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
