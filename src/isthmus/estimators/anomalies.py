"""How unlike the training rows a row is: a threshold for scores, and p-values by conformal calibration.

A score is any deterministic function of a row, lower for what is more anomalous.
"""

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from isthmus.estimators.splits import THRESHOLD_STREAM, some_rows
from isthmus.models import Observation
from isthmus.models.rows import row_count

MOST_THRESHOLD_ROWS = 2000
MOST_CALIBRATION_ROWS = 1000
SCORED_TOGETHER = 2**14

Score = Callable[[Any], np.ndarray]


def outlier_threshold(score: Score, rows: Any, contamination: float) -> float:
    """The score under which the share `contamination` of the training rows falls; 2,000 of them stand for all. The
    lowest finite number where even that is impossible under the model."""
    scores = score(some_rows(rows, MOST_THRESHOLD_ROWS, THRESHOLD_STREAM))
    lowest = float(np.finfo(np.float64).min)
    return float(np.percentile(np.maximum(scores, lowest), 100.0 * contamination))


def weighted_percentile(scores: np.ndarray, weights: np.ndarray, percent: float) -> float:
    """The percentile of scores of which each counts `weight` times: that of numpy where the weights are whole."""
    order = np.argsort(scores, kind="stable")
    scores, reached = scores[order], np.cumsum(weights[order])
    place = percent / 100.0 * max(reached[-1] - 1.0, 0.0)
    below = np.floor(place)
    low, high = (
        scores[min(np.searchsorted(reached, rank, side="right"), len(scores) - 1)] for rank in (below, below + 1)
    )
    return float(low + (place - below) * (high - low))


def conformal_p_values(score: Score, calibration: Any, rows: Any) -> np.ndarray:
    """(1 + number of calibration rows at least as anomalous) / (n + 1) of each row, [row].

    Under exchangeability of calibration and test rows P(p <= a) <= a for every a, on average over both (Vovk, Gammerman
    and Shafer 2005; Bates et al. 2023). Rows with holes are compared under one mask: each row with those calibration
    rows that have all of its columns, of which only these are scored; valid where the mask does not depend on values.
    """
    if not isinstance(rows, Observation) and not isinstance(calibration, Observation):
        return _p_values(score(rows), np.sort(score(calibration)))
    rows, calibration = _with_mask(rows), _with_mask(calibration)
    scores, p_values = score(rows), np.empty(row_count(rows))
    for members, compared in _compared(score, calibration, np.asarray(rows.observed)):
        p_values[members] = _p_values(scores[members], np.sort(compared))
    return p_values


def _compared(score: Score, calibration: Observation, observed: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """(rows of one mask, scores under it of the calibration rows that have all of its columns), mask by mask.

    Many masks are scored together: where holes are many, each has few such rows.
    """
    values, known = np.asarray(calibration.values), np.asarray(calibration.observed)
    waiting: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    masks = list(_masks(observed))
    for i, (members, mask) in enumerate(masks):
        waiting.append((members, mask, np.flatnonzero(known[:, mask].all(1))))
        if i + 1 < len(masks) and sum(len(comparable) for *_, comparable in waiting) < SCORED_TOGETHER:
            continue
        counts = [len(comparable) for *_, comparable in waiting]
        scores = np.zeros(0)
        if sum(counts):
            mask_of_row = np.concatenate([np.tile(mask, (len(c), 1)) for _, mask, c in waiting])
            taken = values[np.concatenate([comparable for *_, comparable in waiting])]
            scores = score(Observation(np.where(mask_of_row, taken, taken.dtype.type(0)), mask_of_row))
        parts = np.split(scores, np.cumsum(counts)[:-1])
        yield from ((members, part) for (members, *_), part in zip(waiting, parts, strict=True))
        waiting = []


def comparable_counts(calibration: Any, rows: Any) -> np.ndarray:
    """With how many calibration rows each row can be compared, [row]: those that have all of its columns."""
    if not isinstance(rows, Observation) and not isinstance(calibration, Observation):
        return np.full(row_count(rows), row_count(calibration))
    rows, calibration = _with_mask(rows), _with_mask(calibration)
    counts = np.empty(row_count(rows), np.int64)
    for members, mask in _masks(np.asarray(rows.observed)):
        counts[members] = np.asarray(calibration.observed)[:, mask].all(1).sum()
    return counts


def require_reachable(rate: float, counts: np.ndarray) -> None:
    """ValueError where a p-value can be as small as the false-positive rate for none, or not for all, of the rows."""
    if not 0 < rate < 1:
        raise ValueError(f"the false-positive rate is {rate}; expected a share between 0 and 1")
    short = counts + 1 < 1 / rate
    if short.any():
        raise ValueError(
            f"a false-positive rate of {rate:g} needs at least {math.ceil(1 / rate) - 1} calibration rows, and "
            f"{int(short.sum())} of {len(counts)} rows have fewer to be compared with (as few as {int(counts.min())}): "
            "ask for a larger rate, calibrate on more rows, or leave out rows whose columns calibration rows lack"
        )


def _p_values(scores: np.ndarray, calibration: np.ndarray) -> np.ndarray:
    return (1.0 + np.searchsorted(calibration, scores, side="right")) / (len(calibration) + 1.0)


def _with_mask(rows: Any) -> Observation:
    return rows if isinstance(rows, Observation) else Observation(rows, np.ones(rows.shape, bool))


def _masks(observed: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """(rows, mask) for each distinct mask."""
    masks, groups = np.unique(observed, axis=0, return_inverse=True)
    for i, mask in enumerate(masks):
        yield np.flatnonzero(groups.ravel() == i), mask
