"""What an encoder is shown of a row."""

from abc import abstractmethod
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from isthmus.models.observation import Observation
from isthmus.models.parameters import Fixed

INPUT_LIMIT = 30.0
"""Encoder inputs are kept within this many spreads of the mean. Any q gives a valid bound, so nothing is lost but
tightness on such a row, and a value of 1e30 cannot drive the network out of float32."""


class Inputs(eqx.Module):
    """From a row to the numbers that a network takes."""

    @abstractmethod
    def __call__(self, x: Any) -> Array:
        """[feature] of one row."""

    @property
    @abstractmethod
    def size(self) -> int:
        """The number of features."""


class MatrixInputs(Inputs):
    """A row of numbers, each from its centre in its spread.  centre, spread: [column]."""

    centre: Fixed
    spread: Fixed

    def __call__(self, x: Array) -> Array:
        return jnp.clip((x - self.centre.value) / self.spread.value, -INPUT_LIMIT, INPUT_LIMIT)

    @property
    def size(self) -> int:
        return self.centre.array.shape[0]


class TableInputs(Inputs):
    """A row of mixed columns with holes: numbers from their mean in their spread, an indicator for each level of a
    column without order, and the mask; all of it 0 in a hole.

    counted: [column], 1 where log(1 + x) is shown in place of x.  mean, spread: [column].
    log_shares: [column with many levels, level], shown in place of the level's number; many_levels: these columns.
    indicators: (column, number of levels) of the columns that have indicators.
    """

    counted: Fixed
    mean: Fixed
    spread: Fixed
    log_shares: Fixed
    indicators: tuple[tuple[int, int], ...] = eqx.field(static=True)
    many_levels: tuple[int, ...] = eqx.field(static=True)

    def __call__(self, x: Observation) -> Array:
        values = jnp.where(x.observed, x.values, 0.0)
        if self.many_levels:
            places = np.array(self.many_levels)
            levels = jnp.clip(values[places].astype(jnp.int32), 0, self.log_shares.array.shape[1] - 1)
            values = values.at[places].set(jnp.take_along_axis(self.log_shares.value, levels[:, None], axis=1)[:, 0])
        numbers = jnp.where(self.counted.value > 0, jnp.log1p(jnp.maximum(values, 0.0)), values)
        numbers = jnp.clip((numbers - self.mean.value) / self.spread.value, -INPUT_LIMIT, INPUT_LIMIT)
        indicators = [jax.nn.one_hot(values[i].astype(jnp.int32), size) * x.observed[i] for i, size in self.indicators]
        return jnp.concatenate([jnp.where(x.observed, numbers, 0.0), x.observed.astype(numbers.dtype), *indicators])

    @property
    def size(self) -> int:
        return 2 * self.mean.array.shape[0] + sum(size for _, size in self.indicators)
