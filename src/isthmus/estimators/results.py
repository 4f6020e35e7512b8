"""What an estimator makes of rows in memory or in a stream, some at once, so that memory stays flat.

A row's result depends on the row alone, so that it does not matter how many are worked on at once.
"""

import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from isthmus.data import RowSource, Table, in_chunks, open_output, row_count
from isthmus.estimators.anomalies import require_reachable
from isthmus.estimators.runs import Rows, score_name

_NUMBER = re.compile(r"\d+")
_COUNTS = re.compile(r"\(\d+ (?:such values|of \d+ rows)\)")
"""As warnings of values that a model does not know tell them; numbers elsewhere belong to names and values."""
_SHOWN = re.compile(r" holds (?:'.*?'|\".*?\"|\S+), ")


def write_results(
    rows: Rows | RowSource, output: Path, names: tuple[str, ...], of_rows: Callable[[Rows], np.ndarray | Table]
) -> int:
    """Write what `of_rows` makes of all rows to a .csv, .parquet or .npy file; the number of rows.

    The file is there whole or not at all. What is warned of several times is told once.
    """
    with open_output(output, row_count(rows), names) as write, told_once():
        for some in in_chunks(rows):
            write(of_rows(some))
    return row_count(rows)


def scored_names(estimator: Any, false_positive_rate: float | None) -> tuple[str, ...]:
    """The names of what `scored` tells of each row."""
    told = [score_name(estimator)]
    told += ["p_value", "calibration_rows"] if _is_calibrated(estimator) else []
    told += ["anomaly"] if false_positive_rate is not None else []
    return (*told, *(f"log_likelihood:{name}" for name in estimator.column_names_))


def scored(estimator: Any, rows: Rows, false_positive_rate: float | None) -> np.ndarray:
    """[row, column]: each row's score, its p-value and with how many rows it was compared where there are rows set
    aside for that, whether it is an anomaly at a false-positive rate, and what each column contributes.

    ValueError where the rate cannot be reached.
    """
    counts = estimator.calibration_counts(rows)
    if false_positive_rate is not None:
        require_reachable(false_positive_rate, counts)
    found = [estimator.score_samples(rows)]
    if _is_calibrated(estimator):
        found += [estimator.anomaly_pvalue(rows), counts]
    if false_positive_rate is not None:
        found.append((found[1] <= false_positive_rate).astype(np.int64))
    return np.column_stack([*found, estimator.score_columns(rows)])


def _is_calibrated(estimator: Any) -> bool:
    return estimator._fitted.calibration is not None


@contextmanager
def told_once() -> Iterator[None]:
    """Warnings that differ in their counts only, and in the value they show, are given once, their counts summed, when
    all is done or has failed."""
    caught: list[warnings.WarningMessage] = []
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            yield
    finally:
        alike: dict[str, list[warnings.WarningMessage]] = {}
        for warning in caught:
            text = _COUNTS.sub("#", _SHOWN.sub(" holds #, ", str(warning.message)))
            alike.setdefault(text, []).append(warning)
        for first, *others in alike.values():
            text = _with_summed_counts([str(warning.message) for warning in (first, *others)])
            warnings.warn_explicit(text, first.category, first.filename, first.lineno)


def _with_summed_counts(texts: list[str]) -> str:
    """The first text, its counts the sums of those of all."""
    counts = [
        [int(number) for found in _COUNTS.finditer(text) for number in _NUMBER.findall(found[0])] for text in texts
    ]
    sums = iter([sum(numbers) for numbers in zip(*counts, strict=True)])
    return _COUNTS.sub(lambda found: _NUMBER.sub(lambda _: str(next(sums)), found[0]), texts[0])
