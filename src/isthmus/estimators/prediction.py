"""Any columns from any others, with intervals and sets that split conformal prediction calibrates."""

from dataclasses import dataclass

import numpy as np

from isthmus.data import ColumnSchema, TableSchema
from isthmus.estimators.imputation import Conditional, conditional_columns
from isthmus.models import Observation, VariationalAutoencoder


@dataclass(frozen=True)
class ColumnPrediction:
    """One column of each row, foretold from other columns of that row.

    value: [row], the conditional mean in the column's own units, or the likeliest level.
    lower, upper: [row], the ends of an interval; None where values are told apart.
    levels: every level, in the order of `probabilities`; probabilities: [row, level]; contained: [row, level], whether
        the level belongs to the row's set. All None where values are measured or counted.
    coverage: the share of new rows whose true value the interval or the set holds at least, on average over rows and
        calibration rows alike, where both are exchangeable. A level that the training rows did not hold is in no set:
        where more rows than 1 - coverage have such a level, the share is not reached, and each set holds all levels.
    calibration_rows: how many rows that rests on.
    """

    name: str
    value: np.ndarray
    lower: np.ndarray | None
    upper: np.ndarray | None
    levels: tuple[str | float, ...] | None
    probabilities: np.ndarray | None
    contained: np.ndarray | None
    coverage: float
    calibration_rows: int


def predict_columns(
    model: VariationalAutoencoder,
    schema: TableSchema,
    calibration: Observation,
    rows: Observation,
    names: list[str],
    coverage: float,
) -> dict[str, ColumnPrediction]:
    """The named columns of each row from the others, calibrated on rows that the fit never saw.

    Intervals are conformalised quantiles (Romano, Patterson and Candes 2019), sets hold the levels whose probability is
    no smaller than that of the true level of most calibration rows (Sadinle, Lei and Wasserman 2019). ValueError for a
    column that is not modelled, and for a coverage that is no share.
    """
    for name in names:
        if name not in schema.names:
            raise ValueError(f"there is no column {name!r} to predict; there are {', '.join(schema.names)}")
    if not 0 < coverage < 1:
        raise ValueError(f"coverage is {coverage}; expected a share between 0 and 1")
    columns = [schema.names.index(name) for name in names]
    foretold = conditional_columns(model, rows, columns, coverage)
    known = conditional_columns(model, calibration, columns, coverage)
    return {
        schema.names[i]: _calibrated(
            schema.columns[i],
            foretold[i],
            known[i],
            np.asarray(calibration.values)[:, i],
            np.asarray(calibration.observed)[:, i],
            coverage,
        )
        for i in columns
    }


def _calibrated(
    column: ColumnSchema,
    foretold: Conditional,
    known: Conditional,
    truth: np.ndarray,
    observed: np.ndarray,
    coverage: float,
) -> ColumnPrediction:
    count = int(observed.sum())
    value = _in_units(column, foretold.mean)
    if column.levels is None:
        assert foretold.lower is not None
        assert foretold.upper is not None
        assert known.lower is not None
        assert known.upper is not None
        misses = np.maximum(known.lower - truth, truth - known.upper)[observed]
        margin = _conformal_quantile(misses, coverage)
        lower, upper = (_in_units(column, end) for end in (foretold.lower - margin, foretold.upper + margin))
        return ColumnPrediction(column.name, value, lower, upper, None, None, None, coverage, count)
    assert known.probabilities is not None
    assert foretold.probabilities is not None
    number = len(column.levels)
    seen = observed & (truth >= 0)
    # A level that the training rows did not hold has no probability to compare: it counts as a miss.
    misses = np.ones(len(truth))
    misses[seen] = 1.0 - known.probabilities[seen, truth[seen].astype(np.int64)]
    bound = _conformal_quantile(misses[observed], coverage)
    probabilities = foretold.probabilities[:, :number]
    contained = 1.0 - probabilities <= bound
    return ColumnPrediction(column.name, value, None, None, column.levels, probabilities, contained, coverage, count)


def _conformal_quantile(misses: np.ndarray, coverage: float) -> float:
    """The smallest miss that the share `coverage` of n + 1 rows does not exceed; inf where n is too small for it."""
    rank = int(np.ceil(coverage * (len(misses) + 1)))
    return np.inf if rank > len(misses) else float(np.sort(misses)[rank - 1])


def _in_units(column: ColumnSchema, values: np.ndarray) -> np.ndarray:
    """Values in the column's own units: words for words, moments as datetime64."""
    decoded = column.decode(values)
    if column.temporal:
        # An end of an interval may be infinite: no moment.
        finite = np.isfinite(decoded.values)
        micro = np.round(np.where(finite, decoded.values, 0.0) * 1e6).astype("datetime64[us]")
        return np.where(finite, micro, np.datetime64("NaT"))
    return decoded.plain()
