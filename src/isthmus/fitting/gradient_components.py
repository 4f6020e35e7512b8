"""Principal components by gradient descent: the linear autoencoder, trained as the deep ones are.

The squared error of a linear map depends on the rows through their covariance C alone,

    E|x - m - W V^T (x - m)|^2 = tr C - 2 tr(V^T C W) + tr(W^T W V^T C V),

so that every step takes the exact gradient over all rows. All minima span the principal axes, and no other point is a
minimum (Baldi and Hornik 1989, Neural networks and principal component analysis).
"""

from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax import Array

from isthmus.fitting.loop import Fit, TrainingSettings, train
from isthmus.fitting.moments import Moments, degrees_of_freedom
from isthmus.fitting.principal_components import PrincipalComponents
from isthmus.information.precision import in_float32
from isthmus.models.linear import with_fixed_signs

STEPS = 3000
LEARNING_RATE = 2e-2


class LinearMap(eqx.Module):
    """x_hat = decoder encoder^T x; both [column, k]."""

    encoder: Array
    decoder: Array


def gradient_components(
    moments: Moments,
    k: int,
    seed: int = 0,
    *,
    steps: int = STEPS,
    learning_rate: float = LEARNING_RATE,
    ddof: float = 0,
) -> tuple[PrincipalComponents, Fit]:
    """The first k principal components, by gradient descent on the squared error; with them the fit.

    What is trained is any pair of maps; their plane is then turned so that its axes are orthonormal and in order.
    Raises ValueError unless 1 <= k <= columns, and for rows that are all alike.
    """
    columns = len(moments.mean)
    if not 1 <= k <= columns:
        raise ValueError(f"k is {k}; expected 1 to {columns} columns")
    covariance = moments.scatter / degrees_of_freedom(moments.count, ddof)
    unit = np.trace(covariance) / columns
    if not unit > 0:
        raise ValueError("every column is constant; expected rows that differ")
    fit = _descend(covariance / unit, k, TrainingSettings(steps, columns, learning_rate, seed=seed))
    plane = np.linalg.qr(np.asarray(fit.model.decoder, np.float64))[0]
    values, rotation = np.linalg.eigh(plane.T @ covariance @ plane)
    axes = with_fixed_signs(plane @ rotation[:, ::-1])
    total = float(np.trace(covariance))
    return PrincipalComponents(moments.mean, axes, np.maximum(values[::-1], 0.0), total, moments.count), fit


@in_float32
def _descend(covariance: np.ndarray, k: int, settings: TrainingSettings) -> Fit:
    columns = len(covariance)
    start = np.random.default_rng(settings.seed).standard_normal((columns, k)) / np.sqrt(columns)
    model = LinearMap(jnp.asarray(start, jnp.float32), jnp.asarray(start, jnp.float32))
    data = (np.arange(columns, dtype=np.int32), covariance.astype(np.float32))
    return train(model, _squared_error, data, settings)


def _squared_error(model: LinearMap, rows: Any, key: Array, step: Array) -> Array:
    """Per column, less what no map changes; rows: (number, row of the covariance), all of them in any order."""
    places, covariance = rows
    encoder = model.encoder[places]
    through = jnp.sum(encoder * (covariance @ model.decoder))
    square = encoder.T @ (covariance @ model.encoder)
    return (jnp.sum((model.decoder.T @ model.decoder) * square) - 2.0 * through) / places.shape[0]
