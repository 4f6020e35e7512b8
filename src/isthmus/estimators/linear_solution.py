"""From axes, or the moments of rows, to a linear autoencoder."""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from isthmus.estimators.linear import Solution
from isthmus.estimators.real_rows import RealRows
from isthmus.fitting import Moments, PrincipalComponents, components_of_moments, gradient_components
from isthmus.models import LinearProjection
from isthmus.models.likelihoods import SCALE_RESOLUTION

ARRIVED = 1e-3
"""Gradient descent has found the axes where what they leave of S U is less than this share of the least eigenvalue."""


@dataclass(frozen=True)
class Gathered:
    """What is kept of rows that came in batches; some: a few of the first batch, and their weights."""

    rows: RealRows
    moments: Moments
    some: tuple[Any, np.ndarray]


def solution_of_moments(rows: RealRows, moments: Moments, size: int, configuration: Any) -> Solution:
    """The first axes of rows whose moments are known."""
    path = None
    if configuration.solver == "gradient":
        found, fit = gradient_components(moments, size, configuration.random_state, ddof=1)
        _warn_of_other_axes(moments, found)
        # The loss is that of columns of unit variance, less what no map changes.
        path = -found.total_variance * (1.0 + np.array([look.loss for look in fit.history]))
    else:
        found = components_of_moments(moments, size, ddof=1)
    variance = np.diagonal(moments.scatter) / moments.count
    return solution_of_components(rows, found, variance, configuration, path)


def _warn_of_other_axes(moments: Moments, found: PrincipalComponents) -> None:
    """Where descent has not arrived: S U is then not in the plane of U."""
    image = moments.scatter @ found.axes
    outside = np.linalg.norm(image - found.axes @ (found.axes.T @ image), axis=0)
    scale = found.eigenvalues[found.rank - 1] * (moments.count - 1.0)
    if found.rank and outside.max() > ARRIVED * scale:
        warnings.warn(
            "gradient descent has not arrived at the principal axes: their variances differ too much for its steps; "
            "standardise the columns, or pass solver='full'",
            ConvergenceWarning,
            stacklevel=5,
        )


def solution_of_components(
    rows: RealRows,
    found: PrincipalComponents,
    variance: np.ndarray,
    configuration: Any,
    path: np.ndarray | None = None,
) -> Solution:
    """The model that these axes are; variance: of each column."""
    if configuration.n_components is None:
        # Which way an axis without variance points is chance.
        found = found.first(max(found.rank, 1))
    columns, size = found.axes.shape
    # Of the rows themselves, and not of the population they come from: what a distortion is measured by.
    over_rows = (found.count - 1.0) / found.count
    left = max(found.total_variance - float(found.eigenvalues.sum()), 0.0) * over_rows / columns
    floor = SCALE_RESOLUTION**2 * max(found.total_variance / columns, np.finfo(float).tiny)
    noise = max(left, floor) + float(rows.added_variance.mean())
    varying = np.arange(size) < found.rank
    spread = np.sqrt(np.where(varying, found.eigenvalues, 1.0))
    scale = spread if configuration.whiten else np.ones(size)
    facts = {
        "explained_variance": found.eigenvalues.tolist(),
        "total_variance": found.total_variance,
        "count": found.count,
        "whitened": bool(configuration.whiten),
    }
    steps = -np.array([left * columns]) if path is None else path
    return Solution(
        LinearProjection(found.mean, np.ascontiguousarray(found.axes), scale, np.array(noise)),
        variance,
        facts,
        steps,
        size,
    )
