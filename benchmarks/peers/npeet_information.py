"""NPEET's side of benchmarks/mutual_information_accuracy.py.

Reads, line by line, the path of an .npz with x [repeat, row, d], y [repeat, row, e] and whether x is discrete, and
answers each with the estimates as one line of JSON.
"""

import json
import sys
from importlib.metadata import version

import numpy as np
from npeet_plus.estimators import mi, micd


def main() -> None:
    print(json.dumps({"npeet": version("npeet-plus")}), flush=True)
    for line in sys.stdin:
        np.random.seed(0)  # noqa: NPY002 (NPEET draws its jitter from the global generator)
        with np.load(line.strip()) as archive:
            estimate = (
                (lambda x, y: micd(y, x, base=np.e)) if archive["discrete"] else (lambda x, y: mi(x, y, base=np.e))
            )
            values = [float(estimate(x, y)) for x, y in zip(archive["x"], archive["y"], strict=True)]
        print(json.dumps({"values": values}), flush=True)


if __name__ == "__main__":
    main()
