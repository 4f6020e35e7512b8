"""Seconds that measuring a mixed table takes: 20,000 rows, 30 columns, a tenth of the entries missing.

    python benchmarks/measure_table.py [--rows N] [--columns N]

The columns are normals that share three factors, some of them rounded, cut into words, or made positive.
"""

import argparse
import json
import os
import time
from importlib.metadata import version

import numpy as np
import pandas as pd

from isthmus.data import table_from_frame
from isthmus.evidence import measure_dependence


def mixed_frame(rows: int, columns: int) -> pd.DataFrame:
    """Columns of four kinds in turn: real, positive, count, word."""
    generator = np.random.default_rng(0)
    factors = generator.normal(size=(rows, 3))
    frame = {}
    for i in range(columns):
        values = factors @ generator.normal(size=3) + generator.normal(size=rows)
        kinds = (
            values,
            np.exp(values),
            np.floor(np.exp(values / 2)),
            np.array(list("abcde"))[np.clip(values + 2, 0, 4).astype(int)],
        )
        frame[f"x{i}"] = pd.Series(kinds[i % 4]).mask(generator.random(rows) < 0.1)
    return pd.DataFrame(frame)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--columns", type=int, default=30)
    arguments = parser.parse_args()
    table = table_from_frame(mixed_frame(arguments.rows, arguments.columns))
    began = time.perf_counter()
    dependence = measure_dependence(table)
    record = {
        "rows": arguments.rows,
        "rows_used": dependence.rows_used,
        "columns": arguments.columns,
        "pairs": len(dependence.pairs),
        "seconds": time.perf_counter() - began,
        "tree_information": dependence.tree_information.to_dict(),
        "threads": os.cpu_count(),
        "versions": {name: version(name) for name in ("isthmus", "numpy", "scipy")},
    }
    print(json.dumps(record, indent=2))


if __name__ == "__main__":
    main()
