"""Rows of real numbers in their own units, as linear models take them: float64, whole or with holes."""

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.utils.validation import validate_data

from isthmus.data import DataError, Dataset, RowSource, Table, anonymous_names
from isthmus.data.columns import all_finite, require_finite
from isthmus.data.outgoing import table_to_frame
from isthmus.data.table import table_from_array
from isthmus.estimators.rows import first_row, same_columns, stored_names
from isthmus.estimators.table_rows import as_table, brings_names
from isthmus.information.estimate import Measure
from isthmus.models import Observation

UNIT_INTERVAL_VARIANCE = 1.0 / 12.0
"""Of a uniform variable on an interval of length 1."""


@dataclass(frozen=True)
class RealRows:
    """How rows come to a linear model and back.

    names: of the columns.  whole: [column], which of them are whole numbers, each the centre of a unit interval; none
    unless that was asked for.  holes: whether the model takes missing values.
    """

    kind: ClassVar[str] = "real"
    names: tuple[str, ...]
    whole: tuple[bool, ...]
    holes: bool

    @classmethod
    def inspect(
        cls, estimator: Any, X: Any, dequantise: bool | tuple[str, ...], holes: bool
    ) -> tuple[Self, np.ndarray | Observation]:
        """From training rows; with it these rows. Sets `n_features_in_` and `feature_names_in_`.

        dequantise: all columns of whole numbers, or those that are named. Raises ValueError for rows that are no
        numbers, for holes where the model takes none, for columns without a value, and for named ones that are not
        whole or not there.
        """
        values, names = _training_values(estimator, X)
        seen = _observation(values, names, holes)
        if isinstance(seen, Observation) and not np.all(seen.observed.any(0)):
            raise DataError(f"column {names[int(np.argmin(seen.observed.any(0)))]!r} holds no value (all NaN); drop it")
        if not isinstance(dequantise, bool):
            require_whole(values, names, dequantise)
        asked = names if dequantise is True else dequantise or ()
        whole = [name in asked and _is_whole(values[:, i]) for i, name in enumerate(names)]
        rows = cls(names, tuple(whole), holes)
        return rows, seen

    def also(self, values: np.ndarray) -> Self:
        """The same for these rows too: a column is whole where all its rows are."""
        if not any(self.whole):
            return self
        whole = tuple(flag and _is_whole(values[:, i]) for i, flag in enumerate(self.whole))
        return replace(self, whole=whole)

    @property
    def given(self) -> tuple[str, ...]:
        return self.names

    @property
    def column_count(self) -> int:
        return len(self.names)

    @property
    def added_variance(self) -> np.ndarray:
        """Of what is added to each column to fill the intervals, [column]."""
        return np.where(self.whole, UNIT_INTERVAL_VARIANCE, 0.0)

    @property
    def measure(self) -> Measure:
        """Of log p: counting for whole-number columns, whose unit interval has a probability; else a density."""
        if not any(self.whole):
            return "lebesgue"
        return "counting" if all(self.whole) else "mixed"

    def encode(self, estimator: Any, X: Any) -> np.ndarray | Observation:
        return _observation(self.numbers(estimator, X), self.names, self.holes, first_row(X))

    def numbers(self, estimator: Any, X: Any) -> np.ndarray:
        """The columns of the fit as float64 [row, column], in order; what is in them is not looked at."""
        if isinstance(X, Dataset | Table):
            return np.asarray(same_columns(_numbers_of(X), self.names), np.float64)
        return _validated(estimator, X, reset=False)

    def decode(self, values: np.ndarray, like: Any = None) -> Any:
        values = np.asarray(values, np.float64)
        if not brings_names(like):
            return values
        table = table_from_array(values, self.names)
        return table if isinstance(like, Table) else table_to_frame(table, like)

    def assumptions(self) -> dict[str, Any]:
        whole = sum(self.whole)
        return {
            "likelihood": "normal",
            "likelihood_reason": "linear models are normal",
            "dequantised_columns": whole,
            "measure": self.measure,
        }

    def to_record(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        return {}, {"columns": list(self.names), "whole": list(self.whole), "holes": self.holes}

    @classmethod
    def from_record(cls, metadata: dict[str, Any]) -> Self:
        names, whole = stored_names(metadata["columns"]), tuple(flag is True for flag in metadata["whole"])
        if len(names) != len(whole):
            raise ValueError(f"there are {len(names)} columns and {len(whole)} flags of whole numbers")
        return cls(names, whole, metadata["holes"] is True)


def _training_values(estimator: Any, X: Any) -> tuple[np.ndarray, tuple[str, ...]]:
    if isinstance(X, RowSource):
        raise DataError(
            f"{type(estimator).__name__} takes rows in memory; of {X.source}, which streams, fit vae, autoencoder and "
            "denoising models, or read it whole with --no-stream"
        )
    if isinstance(X, Dataset | Table):
        data = _numbers_of(X)
        values = _validated(estimator, data.values, reset=True)
        return values, data.names
    try:
        values = _validated(estimator, X, reset=True)
    except (TypeError, ValueError):
        if brings_names(X):
            _numbers_of(as_table(X))  # which names the column that holds no numbers
        raise
    names = getattr(estimator, "feature_names_in_", anonymous_names(values.shape[1]))
    return values, tuple(str(name) for name in names)


def _validated(estimator: Any, X: Any, reset: bool) -> np.ndarray:
    least = 2 if reset else 1
    checked: Any = validate_data(
        estimator, X, dtype=np.float64, ensure_all_finite=False, reset=reset, ensure_min_samples=least
    )
    return checked


def _numbers_of(data: Dataset | Table) -> Dataset:
    """A table of numbers as a data set, NaN in its holes; DataError, naming the column, for words and moments."""
    if isinstance(data, Dataset):
        return data
    for column in data.columns:
        if column.categories is not None or column.temporal:
            what = "words" if column.categories is not None else "moments in time"
            raise DataError(
                f"column {column.name!r} of {data.source} holds {what}; a linear model takes numbers: leave it out, or "
                "use VAE, Autoencoder or DenoisingAutoencoder"
            )
    values = [np.where(column.observed, column.values, np.nan) for column in data.columns]
    return Dataset(data.source, np.column_stack(values), tuple(column.name for column in data.columns))


def _observation(values: np.ndarray, names: tuple[str, ...], holes: bool, first: int = 0) -> np.ndarray | Observation:
    """The rows, with their mask where any has a hole; DataError, naming the column, for what no such model takes."""
    if all_finite(values):
        return values
    if not holes:
        require_finite(values, names, first)
    elif np.isinf(values).any():
        column = int(np.argmax(np.isinf(values).any(0)))
        raise DataError(f"column {names[column]!r} contains infinity; expected finite numbers, or NaN for a hole")
    observed = ~np.isnan(values)
    return values if observed.all() else Observation(np.where(observed, values, 0.0), observed)


def require_whole(values: np.ndarray, names: tuple[str, ...], asked: tuple[str, ...]) -> None:
    """DataError, naming the column, where one that was asked for is not there or not whole."""
    for name in asked:
        if name not in names:
            raise DataError(f"dequantise names {name!r}, which is no column; there are {', '.join(names[:10])}")
        if not _is_whole(values[:, names.index(name)]):
            raise DataError(f"dequantise names {name!r}, whose values are not all whole numbers; leave it out")


def _is_whole(column: np.ndarray) -> bool:
    known = column[~np.isnan(column)]
    return bool((known == np.round(known)).all())
