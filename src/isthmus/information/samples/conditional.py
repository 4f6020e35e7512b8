"""Conditional mutual information of variables seen together, in nats."""

from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from isthmus.information.estimate import Estimate
from isthmus.information.samples.counts import entropies
from isthmus.information.samples.nearest import conditional_terms
from isthmus.information.samples.rows import coordinates, distinct, paired, require_rows
from isthmus.information.samples.uncertainty import subsampling_error

Method = Literal["auto", "nearest", "miller_madow", "plug_in"]


def conditional_mutual_information(
    x: ArrayLike,
    y: ArrayLike,
    given: ArrayLike,
    *,
    method: Method = "auto",
    k: int = 3,
    seed: int = 0,
    standard_error: bool = True,
) -> Estimate:
    """I(X;Y | Z) from rows seen together, in nats; Z is `given`.

    x, y, given: [row] or [row, dimension], told discrete from continuous as in `mutual_information`. "nearest" counts
    neighbours of normal scores in the three subspaces (Frenzel and Pompe 2007; where rows tie, Mesner and Shalizi
    2021); "miller_madow" and "plug_in" are for three discrete variables, and "auto" picks. In many dimensions the
    estimate by neighbours is drawn towards 0. Raises ValueError as `mutual_information` does.
    """
    if method not in get_args(Method):
        raise ValueError(f"method {method!r} is unknown; expected one of {', '.join(get_args(Method))}")
    variables = paired(("x", "y", "given"), x, y, given)
    discrete = all(variable.discrete for variable in variables)
    if method in ("miller_madow", "plug_in") and not discrete:
        raise ValueError(f"method {method!r} takes three discrete variables; pass integers, bools, strings or objects")
    if discrete and method != "nearest":
        one, other, z = (variable.values for variable in variables)
        xz, yz, xyz = (distinct(np.hstack(columns)) for columns in ((one, z), (other, z), (one, other, z)))
        return entropies([(1, xz), (1, yz), (-1, xyz), (-1, distinct(z))], miller_madow=method != "plug_in")
    require_rows(len(variables[0]), k)

    def estimate(*points: np.ndarray) -> float:
        of_x, of_y, of_given = points
        return float(conditional_terms(of_x, of_y, of_given, k).mean())

    points = [coordinates(variable) for variable in variables]
    error = subsampling_error(estimate, seed, k, *points) if standard_error else None
    return Estimate(estimate(*points), "nats", "estimate", error)
