"""What numpyro's distributions lack: a location for each, columns in their own units, the discretised logistic, and a
binomial that float32 can hold."""

from typing import Any, Protocol

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import Array
from numpyro.distributions import (
    BinomialLogits,
    CategoricalLogits,
    CategoricalProbs,
    Distribution,
    ExpandedDistribution,
    Independent,
    TransformedDistribution,
    constraints,
)


class DistributionLike(Protocol):
    """What a model's methods return: numpyro distributions, and ours, satisfy it."""

    def log_prob(self, value: Any) -> Array: ...

    def sample(self, key: Array) -> Any: ...


class ColumnDistribution(eqx.Module):
    """Independent columns, each with a density in its own units, evaluated at standardised values u.

    base: numpyro distribution of u, batch shape [column].
    log_unit: log of each column's unit s, [column]; with u = (x - m) / s the density of x is that of u over s. None for
        counting measure, where u is x itself.

    Off the support a probability is 0, so its logarithm is -inf; numpyro's own formulas extrapolate there.
    """

    base: Distribution
    log_unit: Array | None = None

    def log_probs(self, u: Array) -> Array:
        """log p of each column, in nats, [column]."""
        support = self.base.support
        assert support is not None
        inside = support(u)
        log_probs = self.base.log_prob(jnp.where(inside, u, support.feasible_like(u)))
        log_probs = jnp.where(inside, log_probs, -jnp.inf)
        return log_probs if self.log_unit is None else log_probs - self.log_unit

    def log_prob(self, u: Array) -> Array:
        """log p of the row, in nats."""
        return jnp.sum(self.log_probs(u))

    def sample(self, key: Array) -> Array:
        """A row of standardised values, [column]."""
        return jnp.asarray(self.base.sample(key), jnp.result_type(float))

    @property
    def mean(self) -> Array:
        """The mean of u, [column]."""
        return jnp.asarray(self.base.mean)


class DiscretisedLogistic(Distribution):
    """A logistic variable rounded to the integers 0 ... maximum, the tails gathered at both ends.

    P(x) = F(x + 1/2) - F(x - 1/2) with the logistic F of location `loc` and scale `scale`; F(-1/2) counts as 0 and
    F(maximum + 1/2) as 1 (Kingma et al. 2016, Improved variational inference with inverse autoregressive flow).
    """

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive}  # noqa: RUF012
    pytree_aux_fields = ("maximum",)

    def __init__(self, loc: Array, scale: Array, maximum: int):
        self.loc, self.scale, self.maximum = loc, scale, maximum
        super().__init__(batch_shape=jnp.broadcast_shapes(jnp.shape(loc), jnp.shape(scale)))

    @property
    def support(self):
        return constraints.integer_interval(0, self.maximum)

    def log_prob(self, value: Array) -> Array:
        upper = (value + 0.5 - self.loc) / self.scale
        lower = (value - 0.5 - self.loc) / self.scale
        # F(upper) - F(lower) = F(upper) F(-lower) (1 - exp(lower - upper)): products only, so nothing cancels.
        log_upper = jnp.where(value >= self.maximum, 0.0, jax.nn.log_sigmoid(upper))
        log_lower = jnp.where(value <= 0, 0.0, jax.nn.log_sigmoid(-lower))
        inner = (value > 0) & (value < self.maximum)
        return log_upper + log_lower + jnp.where(inner, jnp.log(-jnp.expm1(-1.0 / self.scale)), 0.0)

    def sample(self, key: Array | None, sample_shape: tuple[int, ...] = ()) -> Array:
        assert key is not None
        noise = jax.random.logistic(key, (*sample_shape, *self.batch_shape))
        return jnp.clip(jnp.round(self.loc + self.scale * noise), 0, self.maximum)

    @property
    def mean(self) -> Array:
        # E x = sum over j >= 1 of P(x >= j), and P(x >= j) = 1 - F(j - 1/2).
        def add(threshold: Array, total: Array) -> Array:
            return total + jax.nn.sigmoid((self.loc - threshold + 0.5) / self.scale)

        # One after the other: all at once they would take maximum times the memory.
        return jax.lax.fori_loop(1, self.maximum + 1, add, jnp.zeros(self.batch_shape, jnp.result_type(self.loc)))


class TabulatedBinomial(Distribution):
    """Successes in `total_count` trials at the log odds `logits`, with log C(total_count, x) from a table.

    log_coefficients: [total_count + 1], made in float64. In float32 numpyro's formula takes it as a difference of
    log-factorials, which at 4095 trials leaves errors of a hundredth of a nat a column.
    """

    arg_constraints = {"logits": constraints.real}  # noqa: RUF012
    pytree_data_fields = ("log_coefficients",)

    def __init__(self, logits: Array, log_coefficients: Array):
        self.logits, self.log_coefficients = logits, log_coefficients
        super().__init__(batch_shape=jnp.shape(logits))

    @property
    def total_count(self) -> int:
        return self.log_coefficients.shape[-1] - 1

    @property
    def support(self):
        return constraints.integer_interval(0, self.total_count)

    def log_prob(self, value: Array) -> Array:
        failures = self.total_count - value
        odds = value * jax.nn.log_sigmoid(self.logits) + failures * jax.nn.log_sigmoid(-self.logits)
        return self.log_coefficients[value.astype(jnp.int32)] + odds

    def sample(self, key: Array | None, sample_shape: tuple[int, ...] = ()) -> Array:
        return BinomialLogits(self.logits, self.total_count).sample(key, sample_shape)

    @property
    def mean(self) -> Array:
        return self.total_count * jax.nn.sigmoid(self.logits)


def location(distribution: Any) -> Array:
    """One point that stands for a distribution: its mean; the mode for categories; for a transformed distribution, the
    image of its base's location, because numpyro has no mean there."""
    if isinstance(distribution, Independent | ExpandedDistribution):
        inner = location(distribution.base_dist)
        return jnp.broadcast_to(inner, distribution.batch_shape + distribution.event_shape)
    if isinstance(distribution, CategoricalLogits | CategoricalProbs):
        return jnp.argmax(jnp.asarray(distribution.probs), axis=-1)
    if isinstance(distribution, TransformedDistribution):
        value = location(distribution.base_dist)
        for transform in distribution.transforms:
            value = jnp.asarray(transform(value))
        return value
    return jnp.asarray(distribution.mean)
