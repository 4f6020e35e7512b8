"""A row of mixed columns with holes, and a distribution of such rows."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from isthmus.models.distributions import ColumnDistribution


class Observation(eqx.Module):
    """A row as far as it was observed: values, [column], in the model's units, and which of them were observed.

    The value of a hole is 0 and means nothing.
    """

    values: Array | np.ndarray
    observed: Array | np.ndarray


class Product(eqx.Module):
    """Columns of several kinds, independent of one another, so that a hole is left out of the sum and nothing more.

    parts: one distribution for each group of columns of one kind.  places: the columns of each group.
    """

    parts: tuple[ColumnDistribution, ...]
    places: tuple[tuple[int, ...], ...] = eqx.field(static=True)

    def log_probs(self, value: Observation) -> Array:
        """log p of each column, in nats, [column]; 0 in a hole."""
        # A value that every kind can take stands in the holes, or their gradient would be nan.
        values = jnp.where(value.observed, value.values, 0.0)
        pairs = zip(self.parts, self.places, strict=True)
        log_probs = self._in_order([part.log_probs(values[np.array(place)]) for part, place in pairs])
        return jnp.where(value.observed, log_probs, 0.0)

    def log_prob(self, value: Observation) -> Array:
        """log p of what was observed, in nats."""
        return jnp.sum(self.log_probs(value))

    def sample(self, key: Array) -> Observation:
        """A row without holes."""
        keys = jax.random.split(key, len(self.parts))
        values = self._in_order([part.sample(k) for part, k in zip(self.parts, keys, strict=True)])
        return Observation(values, jnp.ones(values.shape, bool))

    @property
    def mean(self) -> Array:
        """The location of each column, [column]: its mean, or the mode where values are told apart."""
        return self.from_expectation(self.expectation)

    @property
    def expectation(self) -> tuple[Array, ...]:
        """What a mean over z may be taken of, [column, width] for each group."""
        return tuple(part.expectation for part in self.parts)

    def from_expectation(self, averages: tuple[Array, ...]) -> Array:
        """The values, [column], that averages of `expectation` stand for: the likeliest level, or the mean."""
        pairs = zip(self.parts, averages, strict=True)
        return self._in_order([part.from_expectation(average) for part, average in pairs])

    def _in_order(self, values: list[Array]) -> Array:
        order = np.argsort(np.concatenate([np.array(place, np.int64) for place in self.places]))
        return jnp.concatenate(values)[order]
