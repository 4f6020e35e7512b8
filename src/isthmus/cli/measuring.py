"""What `isthmus measure` does, once its arguments are parsed."""

import json
from pathlib import Path

from isthmus.cli.output import pair_progress, print_dependence, say
from isthmus.data import read_table
from isthmus.evidence import Dependence, measure_dependence
from isthmus.report import write_dependence_report
from isthmus.storage import RunDirectory, write_atomically


def measure_command(source: str, rows: int, seed: int, out: Path | None, as_json: bool) -> None:
    """Measure a table, print what was found, and write it where a directory is named."""
    table = read_table(source)
    if out is None:
        print_dependence(_measured(table, rows, seed), as_json)
        return
    with RunDirectory.reserve(out) as directory:
        dependence = _measured(table, rows, seed)
        write_atomically(directory.dependence, (json.dumps(dependence.to_dict(), indent=2) + "\n").encode())
        page = write_dependence_report(dependence, directory.dependence_report)
    print_dependence(dependence, as_json)
    say(f"record  {directory.dependence}", f"report  {page}", quiet=as_json)


def _measured(table, rows: int, seed: int) -> Dependence:
    with pair_progress() as on_pair:
        return measure_dependence(table, most_rows=rows, seed=seed, on_pair=on_pair)
