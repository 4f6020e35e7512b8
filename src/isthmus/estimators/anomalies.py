"""How unlike the training rows a row is: scores, their shares by column, and p-values by conformal calibration."""

import math
from collections.abc import Iterator
from typing import Any

import jax
import numpy as np

from isthmus.inference import sample_importance_weights
from isthmus.models import Observation, VariationalAutoencoder
from isthmus.models.rows import row_count

SCORE_DRAWS = 128
MOST_THRESHOLD_ROWS = 2000
MOST_CALIBRATION_ROWS = 1000
SCORED_TOGETHER = 2**14
THRESHOLD_STREAM, CALIBRATE_STREAM = 6, 7


def score_rows(model: VariationalAutoencoder, rows: Any) -> np.ndarray:
    """log p of what was observed of each row, from below, in nats, [row]."""
    return sample_importance_weights(model, rows, SCORE_DRAWS).log_evidence


def score_columns(model: VariationalAutoencoder, rows: Any) -> np.ndarray:
    """E_q[log p(x | z)] of each column of each row, in nats, [row, column]; 0 in a hole."""
    found = sample_importance_weights(model, rows, SCORE_DRAWS, by_column=True).column_log_likelihood
    assert found is not None
    return found


def some_rows(rows: Any, most: int, stream: int) -> Any:
    """The rows, or `most` of them at random: always the same ones."""
    count = row_count(rows)
    if count <= most:
        return rows
    chosen = np.sort(np.random.default_rng(stream).permutation(count)[:most])
    return jax.tree.map(lambda a: np.asarray(a)[chosen], rows)


def outlier_threshold(model: VariationalAutoencoder, rows: Any, contamination: float) -> float:
    """The score under which the share `contamination` of the training rows falls; 2,000 of them stand for all. The
    lowest finite number where even that is impossible under the model."""
    scores = score_rows(model, some_rows(rows, MOST_THRESHOLD_ROWS, THRESHOLD_STREAM))
    lowest = float(np.finfo(np.float64).min)
    return float(np.percentile(np.maximum(scores, lowest), 100.0 * contamination))


def conformal_p_values(model: VariationalAutoencoder, calibration: Any, rows: Any) -> np.ndarray:
    """(1 + number of calibration rows at least as anomalous) / (n + 1) of each row, [row].

    Under exchangeability of calibration and test rows P(p <= a) <= a for every a, on average over both (Vovk, Gammerman
    and Shafer 2005; Bates et al. 2023). Rows with holes are compared under one mask: each row with those calibration
    rows that have all of its columns, of which only these are scored; valid where the mask does not depend on values.
    """
    if not isinstance(rows, Observation):
        return _p_values(score_rows(model, rows), np.sort(score_rows(model, calibration)))
    scores, p_values = score_rows(model, rows), np.empty(row_count(rows))
    for members, compared in _compared(model, calibration, np.asarray(rows.observed)):
        p_values[members] = _p_values(scores[members], np.sort(compared))
    return p_values


def _compared(
    model: VariationalAutoencoder, calibration: Observation, observed: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
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
            scores = score_rows(model, Observation(np.where(mask_of_row, taken, np.float32(0.0)), mask_of_row))
        parts = np.split(scores, np.cumsum(counts)[:-1])
        yield from ((members, part) for (members, *_), part in zip(waiting, parts, strict=True))
        waiting = []


def comparable_counts(calibration: Any, rows: Any) -> np.ndarray:
    """With how many calibration rows each row can be compared, [row]: those that have all of its columns."""
    if not isinstance(rows, Observation):
        return np.full(row_count(rows), row_count(calibration))
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


def _masks(observed: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """(rows, mask) for each distinct mask."""
    masks, groups = np.unique(observed, axis=0, return_inverse=True)
    for i, mask in enumerate(masks):
        yield np.flatnonzero(groups.ravel() == i), mask
