"""Time and memory of a fit to a large mixed table: `isthmus fit` on 1,000,000 rows of 30 columns with holes, in a file.

    python benchmarks/large_table.py [--rows N] [--columns N]

The columns are real, positive, counts and words in turn, normals that share three factors underneath; a tenth of the
entries is missing. The file is Parquet; the fit has its defaults, and is a program of its own, from the file to the
written run.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

from importance_memory import peak_megabytes
from measure_table import mixed_frame

MARK_MEGABYTES = 4096


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--columns", type=int, default=30)
    parser.add_argument("--fit", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.fit is not None:
        fit(arguments.fit)
        return
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "table.parquet"
        mixed_frame(arguments.rows, arguments.columns).to_parquet(file, index=False)
        command = [sys.executable, __file__, "--fit", str(file)]
        printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    record = {"rows": arguments.rows, "columns": arguments.columns, **json.loads(printed.splitlines()[-1])}
    print(json.dumps(record, indent=2))


def fit(file: Path) -> None:
    """What `isthmus fit FILE` does, and what it took."""
    from isthmus.cli.commands import fit_command

    before, began = peak_megabytes(), time.perf_counter()
    fit_command(str(file), "vae", {}, file.with_name("run"), None, as_json=True)
    record = {
        "seconds": time.perf_counter() - began,
        "peak_megabytes": peak_megabytes(),
        "megabytes_before": before,
        "threads": os.cpu_count(),
        "versions": {name: version(name) for name in ("isthmus", "jax", "numpy", "pyarrow")},
    }
    print(json.dumps(record))


if __name__ == "__main__":
    main()
