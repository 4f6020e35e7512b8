"""How well a model undoes noise: what it makes of corrupted rows, judged by the rows before they were corrupted."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from isthmus.evidence.exact_ledger import projection_log_likelihood
from isthmus.inference.exact import infer_exactly
from isthmus.inference.importance import content_key
from isthmus.information import Estimate
from isthmus.information.estimate import mean_over_rows
from isthmus.models import DeterministicModel, LinearGaussian, LinearProjection, Observation, ProbabilisticModel
from isthmus.models.rows import map_rows

DRAWS = 64
"""Of z a row, where the posterior is sampled."""


def corrupted_distortion(
    model: ProbabilisticModel | DeterministicModel, rows: Any, corrupted: Any, added_variance: np.ndarray | None = None
) -> Estimate:
    """E_q(z | x~)[-log p(x | z)], the mean over rows x and what became of them, x~: the distortion where they agree.

    rows, corrupted: arrays [row, ...] in the model's units, with the same holes.  added_variance: [column], of linear
    models whose columns stand for unit intervals; the same noise fills x and x~.
    """
    if isinstance(model, LinearGaussian | LinearProjection):
        added = np.zeros(model.mean.shape) if added_variance is None else added_variance
        if isinstance(model, LinearGaussian):
            by_column = _of_gaussian(model, rows, corrupted, added)
        else:
            by_column = projection_log_likelihood(model, rows, added, shown=corrupted)
        return mean_over_rows(-by_column.sum(1), direction="upper" if added.any() else "exact")
    if isinstance(model, DeterministicModel):
        return mean_over_rows(-np.asarray(map_rows(_at_code, model, (rows, corrupted)), np.float64), direction="exact")
    means, variances = map_rows(_over_draws, model, (rows, corrupted))
    variances = np.asarray(variances, np.float64) / DRAWS
    return mean_over_rows(-np.asarray(means, np.float64), variances=variances)


def squared_error(rows: np.ndarray, reconstructions: np.ndarray) -> Estimate:
    """|x - x_hat|^2, the mean over rows [row, column]; NaN, a hole, is left out."""
    return mean_over_rows(np.nansum((rows - reconstructions) ** 2, axis=1), unit="squared units", direction="exact")


def _of_gaussian(model: LinearGaussian, rows: Any, corrupted: Any, added: np.ndarray) -> np.ndarray:
    """E_q log p of each column, [row, column]. The spread of z and of what fills the intervals does not depend on x, so
    only the squared residual is another than the corrupted rows' own."""
    found = infer_exactly(model, corrupted, added_variance=added, by_column=True)
    assert found.column_log_likelihood is not None
    location = model.mean + found.mean @ model.loadings.T
    clean, shown = (
        np.asarray(given.values if isinstance(given, Observation) else given) for given in (rows, corrupted)
    )
    change = ((clean - location) ** 2 - (shown - location) ** 2) / model.noise_variance
    observed = rows.observed if isinstance(rows, Observation) else True
    return found.column_log_likelihood - 0.5 * np.where(observed, change, 0.0)


def _at_code(model: DeterministicModel, pair: tuple[Any, Any]) -> jax.Array:
    row, corrupted = pair
    return model.likelihood(model.encode(corrupted)).log_prob(row)


def _over_draws(model: ProbabilisticModel, pair: tuple[Any, Any]) -> tuple[jax.Array, jax.Array]:
    """Mean and variance of log p(x | z) over draws of z from q(z | x~)."""
    row, corrupted = pair
    posterior = model.posterior(corrupted)
    keys = jax.random.split(content_key(jax.random.key(0, impl="threefry2x32"), row, jnp.int32(0)), DRAWS)
    # One draw at a time: all rows of a chunk are under way already.
    scores = jax.lax.map(partial(_at_draw, model, posterior, row), keys)
    return jnp.mean(scores), jnp.var(scores, ddof=1)


def _at_draw(model: ProbabilisticModel, posterior: Any, row: Any, key: jax.Array) -> jax.Array:
    return model.likelihood(posterior.sample(key)).log_prob(row)
