"""A user's rows, checked."""

import warnings
from typing import Any

import numpy as np
from sklearn.utils.validation import validate_data

from isthmus.data.columns import require_finite
from isthmus.models import LikelihoodChoice


def training_rows(estimator: Any, X: Any) -> tuple[np.ndarray, tuple[str, ...]]:
    """X as a numeric array [row, column] and the columns' names; sets `n_features_in_` and `feature_names_in_`.

    Raises ValueError for anything but at least two rows of finite numbers.
    """
    rows = validate_data(estimator, X, dtype="numeric", ensure_all_finite=False, ensure_min_samples=2)
    names = getattr(estimator, "feature_names_in_", [f"x{i}" for i in range(rows.shape[1])])
    names = tuple(str(name) for name in names)
    require_finite(rows, names)
    return rows, names


def new_rows(estimator: Any, X: Any, names: tuple[str, ...]) -> np.ndarray:
    """X as a numeric array with the columns of the fit; ValueError where they differ or are not finite."""
    rows = validate_data(estimator, X, dtype="numeric", ensure_all_finite=False, reset=False)
    require_finite(rows, names)
    return rows


def warn_off_support(rows: np.ndarray, names: tuple[str, ...], choice: LikelihoodChoice) -> None:
    """Warn of the first column that holds a value to which the likelihood gives no probability."""
    if choice.kind == "normal":
        return
    maximum = 1 if choice.maximum is None else choice.maximum
    outside = (rows < 0) | (rows > maximum) | (rows != np.round(rows))
    if outside.any():
        column = int(np.argmax(outside.any(0)))
        value = rows[int(np.argmax(outside[:, column])), column]
        warnings.warn(
            f"column {names[column]!r} holds {value:g}, and the fitted {choice.kind} likelihood knows whole numbers from "
            f"0 to {maximum} only: such rows have log-likelihood -inf ({int(outside.any(1).sum())} of {len(rows)} rows)",
            UserWarning,
            stacklevel=4,
        )
