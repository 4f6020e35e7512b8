"""Whether chance alone would explain a dependence."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from isthmus.information.samples.mutual_information import mutual_information


def permutation_p_value(
    x: ArrayLike,
    y: ArrayLike,
    *,
    permutations: int = 199,
    seed: int = 0,
    statistic: Callable[[Any, Any], Any] = mutual_information,
) -> float:
    """The chance, were x and y independent, of a statistic at least as large as theirs: an exact p-value.

    x, y: [row] or [row, dimension]; the rows of y are permuted. statistic(x, y): a number or an `Estimate`. The
    smallest value possible is 1 / (permutations + 1) (Phipson and Smyth 2010).
    """
    if permutations < 1:
        raise ValueError(f"permutations is {permutations}; expected at least 1, and 199 for a test at 5 %")
    x, y, rng = np.asarray(x), np.asarray(y), np.random.default_rng(seed)
    seen = float(statistic(x, y))
    as_large = sum(float(statistic(x, rng.permutation(y))) >= seen for _ in range(permutations))
    return (1 + as_large) / (1 + permutations)
