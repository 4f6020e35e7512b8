"""Two models on the same rows: the difference of their means, which is known better than either mean."""

import math

import numpy as np

from isthmus.information import Estimate
from isthmus.information.estimate import Direction, mean_over_rows

_DIRECTIONS: dict[tuple[str, str], Direction] = {
    ("exact", "exact"): "exact",
    ("lower", "exact"): "lower",
    ("exact", "lower"): "upper",
    ("exact", "upper"): "lower",
    ("upper", "exact"): "upper",
    ("lower", "upper"): "lower",
    ("upper", "lower"): "upper",
}
"""What a difference is, by what its two parts are; of two bounds of one kind it is neither."""


def mean_difference(first: Estimate, second: Estimate, differences: np.ndarray) -> Estimate | None:
    """`first` less `second`, two means over the same rows; None where a row is infinite in one of them.

    differences: first less second of each row, [row], for the standard error over rows: what makes a row hard for both
    cancels.
    """
    if not np.isfinite(differences).all():
        return None
    sampling = math.hypot(*(float(np.asarray(part.stderr or 0.0)) for part in (first, second)))
    over_rows = mean_over_rows(differences).stderr_rows
    direction = _DIRECTIONS.get((first.direction, second.direction), "estimate")
    return Estimate(float(first) - float(second), first.unit, direction, sampling, over_rows)
