"""What a column is taken for, and why."""

import numpy as np
import pyarrow as pa
import pytest

from isthmus.data.kinds import KINDS, infer_kind
from isthmus.data.table import table_from_arrow

GENERATOR = np.random.default_rng(0)
COLUMNS = {
    "real": [GENERATOR.normal(size=50), np.arange(1990, 2020), GENERATOR.uniform(3, 4, size=50), [-1, 5, 9, 22]],
    "positive": [GENERATOR.lognormal(0, 1.5, size=200)],
    "count": [GENERATOR.poisson(4, size=200), GENERATOR.geometric(0.05, size=200)],
    "binary": [[0, 1, 1], [2.5, -1.0], ["yes", "no", "yes"], [True, False]],
    "categorical": [["red", "green", "blue", "red"], [f"town {i % 30}" for i in range(60)], ["one", "one", "one"]],
    "ordinal": [
        [1, 2, 3, 4, 5, 3],
        pa.array(["a", "b", "c"]).dictionary_encode().cast(pa.dictionary(pa.int32(), pa.string(), True)),
    ],
    "datetime": [pa.array([0, 86400], pa.timestamp("s"))],
    "identifier": [[f"customer {i}" for i in range(40)]],
}
CASES = [(kind, i) for kind, columns in COLUMNS.items() for i in range(len(columns))]


@pytest.mark.parametrize(("kind", "i"), CASES)
def test_columns_are_taken_for_what_they_are(kind, i):
    column = table_from_arrow("t", pa.table({"a": pa.array(COLUMNS[kind][i])})).columns[0]
    found = infer_kind(column)
    assert found.kind == kind
    assert found.reason


def test_every_kind_is_tested():
    assert set(COLUMNS) == set(KINDS)


def test_holes_do_not_show():
    values = [1.0, None, 2.0, None, 3.0, 3.0]
    whole, holed = (pa.array([v for v in values if v is not None]), pa.array(values))
    kinds = [infer_kind(table_from_arrow("t", pa.table({"a": column})).columns[0]) for column in (whole, holed)]
    assert kinds[0] == kinds[1]
