"""A user's rows, checked."""

import warnings
from typing import Any

import numpy as np
from sklearn.utils.validation import validate_data

from isthmus.data import Columns, DataError, Dataset, Table, anonymous_names
from isthmus.data.columns import require_finite
from isthmus.data.standardisation import row_blocks
from isthmus.models import LikelihoodChoice


def training_rows(estimator: Any, X: Any) -> tuple[np.ndarray, tuple[str, ...]]:
    """X as a numeric array [row, column] and the columns' names; sets `n_features_in_` and `feature_names_in_`.

    Raises ValueError for anything but at least two rows of finite numbers.
    """
    values: Any = X.values if isinstance(X, Dataset) else X
    rows: Any = validate_data(estimator, values, dtype="numeric", ensure_all_finite=False, ensure_min_samples=2)
    if isinstance(X, Dataset):
        names = X.names
    else:
        names = tuple(str(name) for name in getattr(estimator, "feature_names_in_", anonymous_names(rows.shape[1])))
    require_finite(rows, names)
    return rows, names


def new_rows(estimator: Any, X: Any, names: tuple[str, ...]) -> np.ndarray:
    """X as a numeric array with the columns of the fit; ValueError where they differ or are not finite."""
    if isinstance(X, Dataset | Table):
        rows: Any = same_columns(matrix_of(X) if isinstance(X, Table) else X, names)
    else:
        rows = validate_data(estimator, X, dtype="numeric", ensure_all_finite=False, reset=False)
    require_finite(rows, names, first_row(X))
    return rows


def first_row(X: Any) -> int:
    """The number that messages give the first row."""
    return X.first_row if isinstance(X, Dataset) else 0


def same_columns(data: Dataset, names: tuple[str, ...]) -> np.ndarray:
    """The columns of the fit, by name where names are known; DataError where they are others."""
    if len(data.names) != len(names):
        raise DataError(f"{data.source} has {len(data.names)} columns; the model was fitted to {len(names)}")
    anonymous = anonymous_names(len(names))
    if set(data.names) == set(names):
        return data.values if data.names == names else data.values[:, [data.names.index(name) for name in names]]
    if data.names != names and anonymous not in (data.names, names):
        given, fitted = next(pair for pair in zip(data.names, names, strict=True) if pair[0] != pair[1])
        raise DataError(f"{data.source} has column {given!r} where the model was fitted to {fitted!r}; use its columns")
    return data.values


def matrix_of(table: Table) -> Dataset:
    """A table of numbers without holes as a data set; DataError, naming the column, for any other."""
    for column in table.columns:
        if column.categories is not None or not column.observed.all():
            what = "words" if column.categories is not None else "holes"
            raise DataError(
                f"column {column.name!r} of {table.source} holds {what}, which one likelihood for all columns does not "
                "take; fit with likelihood='columns'"
            )
    names = tuple(column.name for column in table.columns)
    return Dataset(table.source, np.column_stack([column.values for column in table.columns]), names)


def holds_numbers_only(table: Table) -> bool:
    """Whether all columns are numbers without holes."""
    return not any(c.categories is not None or c.temporal or not c.observed.all() for c in table.columns)


def holds_whole_numbers_only(table: Table) -> np.ndarray | None:
    """The columns as one array [row, column] where all are whole numbers without holes; else None."""
    # Column by column: of a large table of anything else no copy is made.
    if not holds_numbers_only(table):
        return None
    if any((c.values != np.round(c.values)).any() for c in table.columns):
        return None
    return np.column_stack([column.values for column in table.columns])


def has_holes(X: Any) -> bool:
    """Whether X is an array of numbers with NaN."""
    values = np.asarray(X.values if isinstance(X, Dataset) else X)
    if values.dtype.kind == "O":
        try:
            values = values.astype(np.float64)
        except (TypeError, ValueError):
            return False
    return values.ndim == 2 and values.dtype.kind == "f" and bool(np.isnan(values).any())


def warn_constant(columns: Columns) -> None:
    """Warn of columns that never vary: they carry no information, and no scale is learned for them."""
    if columns.constant.any():
        names = [repr(columns.names[i]) for i in np.flatnonzero(columns.constant)]
        shown = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
        verb = "is" if len(names) == 1 else "are"
        warnings.warn(
            f"{len(names)} of {len(columns.names)} columns {verb} constant: {shown}", UserWarning, stacklevel=3
        )


def warn_off_support(rows: np.ndarray, names: tuple[str, ...], choice: LikelihoodChoice) -> None:
    """Warn of the first column that holds a value to which the likelihood gives no probability."""
    if choice.kind == "normal":
        return
    maximum = 1 if choice.maximum is None else choice.maximum
    if any(_off_support(rows[block], maximum).any() for block in row_blocks(rows)):
        outside = _off_support(rows, maximum)
        column = int(np.argmax(outside.any(0)))
        count = int(outside.any(1).sum())
        value = rows[int(np.argmax(outside[:, column])), column]
        warnings.warn(
            f"column {names[column]!r} holds {value:g}, and the fitted {choice.kind} likelihood knows whole numbers "
            f"from 0 to {maximum} only: such rows have log-likelihood -inf ({count} of {len(rows)} rows)",
            UserWarning,
            stacklevel=4,
        )


def _off_support(rows: np.ndarray, maximum: int) -> np.ndarray:
    if rows.dtype.kind in "bu":  # neither negative nor a fraction
        return rows > maximum
    return (rows < 0) | (rows > maximum) | (rows != np.rint(rows))


def stored_names(found: Any) -> tuple[str, ...]:
    """The columns' names in a model file; ValueError where they are none, no texts, or not distinct."""
    if not isinstance(found, list) or not found or not all(isinstance(name, str) for name in found):
        raise ValueError("the names of the columns are none, or no texts")
    if len(set(found)) != len(found):
        raise ValueError("the names of the columns are not distinct")
    return tuple(found)


def require_numbers(arrays: dict[str, np.ndarray], least: int) -> None:
    """ValueError where a model file holds fewer numbers than its description needs, before any are made room for."""
    found = sum(array.size for array in arrays.values())
    if found < least:
        raise ValueError(f"the arrays hold {found} numbers, and its columns need at least {least}")
