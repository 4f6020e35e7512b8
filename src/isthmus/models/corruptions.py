"""What is done to rows before a model sees them in training: noise that makes copying fail.

All noise is drawn afresh at every step. Levels are arrays once a fit begins, so that fits which differ only in them
share one compilation.
"""

from abc import abstractmethod
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import Array

from isthmus.models.observation import Observation
from isthmus.models.parameters import Fixed


class NoiseUnits(eqx.Module):
    """What noise is measured by, in the model's units, [column] each.

    spread: the unit of additive noise, 0 for columns that take none.  low, high: the ends of what was seen.
    """

    spread: Fixed
    low: Fixed
    high: Fixed


class Level(eqx.Module):
    """How strong noise is, drawn for each row of a batch."""

    @abstractmethod
    def __call__(self, key: Array, rows: int, progress: Array) -> Array:
        """[row, 1]; progress: the share of training that is over."""


class Constant(Level):
    """The same level always."""

    value: float | Array

    def __call__(self, key: Array, rows: int, progress: Array) -> Array:
        return jnp.full((rows, 1), self.value)


class Uniform(Level):
    """A level between two, drawn for each row."""

    low: float | Array
    high: float | Array

    def __call__(self, key: Array, rows: int, progress: Array) -> Array:
        return jax.random.uniform(key, (rows, 1), minval=self.low, maxval=self.high)


class LogUniform(Level):
    """A level between two, its logarithm drawn for each row: all orders of magnitude alike."""

    low: float | Array
    high: float | Array

    def __call__(self, key: Array, rows: int, progress: Array) -> Array:
        share = jax.random.uniform(key, (rows, 1))
        return self.low * (self.high / self.low) ** share


class Annealed(Level):
    """A level that goes from the first to the last in equal steps as training goes on (Geras and Sutton 2015)."""

    first: float | Array
    last: float | Array

    def __call__(self, key: Array, rows: int, progress: Array) -> Array:
        return jnp.full((rows, 1), self.first + (self.last - self.first) * progress)


class Corruption(eqx.Module):
    """A kind of noise, and how strong it is: a number, or a Level drawn for each row."""

    level: eqx.AbstractVar[Any]

    @abstractmethod
    def corrupt(
        self, values: Array, observed: Array, units: NoiseUnits, level: Array, key: Array
    ) -> tuple[Array, Array]:
        """(values as corrupted, which of them are hidden from an encoder that can be told), [row, column] both."""

    def __call__(self, rows: Any, units: NoiseUnits, key: Array, progress: Array) -> Any:
        """Corrupted rows, [row, column]; of rows with holes, only what is observed is corrupted."""
        level_key, noise_key = jax.random.split(key)
        values, observed = _parts(rows)
        level = self.level if isinstance(self.level, Level) else Constant(self.level)
        drawn = level(level_key, values.shape[0], progress)
        corrupted, hidden = self.corrupt(values, observed, units, drawn, noise_key)
        if isinstance(rows, Observation):
            return Observation(corrupted, rows.observed & ~hidden)
        return corrupted


class GaussianNoise(Corruption):
    """Normal noise of `level` spreads added to each column that is measured: the column's own spread, or for pixels
    the one they share (Vincent et al. 2008)."""

    level: Any = 0.3

    def corrupt(
        self, values: Array, observed: Array, units: NoiseUnits, level: Array, key: Array
    ) -> tuple[Array, Array]:
        noise = level * units.spread.value * jax.random.normal(key, values.shape)
        return values + noise, jnp.zeros(values.shape, bool)


class Masking(Corruption):
    """A share `level` of the values is hidden: a pixel is set to 0, a measured column to its mean, and in rows with
    holes the value becomes one (Vincent et al. 2008)."""

    level: Any = 0.3

    def corrupt(
        self, values: Array, observed: Array, units: NoiseUnits, level: Array, key: Array
    ) -> tuple[Array, Array]:
        hidden = jax.random.uniform(key, values.shape) < level
        return jnp.where(hidden, 0.0, values), hidden


class SaltAndPepper(Corruption):
    """A share `level` of the values is set to the least or the largest that their column was seen to take (Vincent et
    al. 2010)."""

    level: Any = 0.2

    def corrupt(
        self, values: Array, observed: Array, units: NoiseUnits, level: Array, key: Array
    ) -> tuple[Array, Array]:
        place_key, end_key = jax.random.split(key)
        chosen = jax.random.uniform(place_key, values.shape) < level
        ends = jnp.where(jax.random.bernoulli(end_key, 0.5, values.shape), units.high.value, units.low.value)
        return jnp.where(chosen, ends, values), jnp.zeros(values.shape, bool)


class FeatureSwap(Corruption):
    """A share `level` of the values is exchanged for the same column's value in another row of the batch: noise that
    every kind of column can take (Bahri et al. 2022, SCARF)."""

    level: Any = 0.15

    def corrupt(
        self, values: Array, observed: Array, units: NoiseUnits, level: Array, key: Array
    ) -> tuple[Array, Array]:
        place_key, row_key = jax.random.split(key)
        chosen = jax.random.uniform(place_key, values.shape) < level
        others = jax.random.randint(row_key, values.shape, 0, values.shape[0])
        # A hole has no value to give.
        chosen = chosen & jnp.take_along_axis(observed, others, axis=0)
        return jnp.where(chosen, jnp.take_along_axis(values, others, axis=0), values), jnp.zeros(values.shape, bool)


def _parts(rows: Any) -> tuple[Array, Array]:
    if isinstance(rows, Observation):
        return jnp.asarray(rows.values), jnp.asarray(rows.observed)
    return rows, jnp.ones(rows.shape, bool)


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
