"""What is done to rows before a model sees them in training."""

import jax
from jax import Array

from isthmus.models.observation import Observation


def hide_values(rows: Observation, key: Array) -> Observation:
    """Half of the rows as they are; of each other row a share of its values, drawn uniformly from 0 to 1, is hidden.

    What is hidden is neither shown to the encoder nor scored, so the objective stays a bound on the log-likelihood of
    what is left. The encoder so learns p(z | any part of x).
    """
    share_key, row_key, value_key = jax.random.split(key, 3)
    count = rows.values.shape[0]
    share = jax.random.uniform(share_key, (count, 1)) * jax.random.bernoulli(row_key, 0.5, (count, 1))
    kept = jax.random.uniform(value_key, rows.values.shape) >= share
    return Observation(rows.values, rows.observed & kept)
