"""What numpyro's distributions lack: a location for each, columns in their own units, the discretised logistic, ordered
categories and a binomial that float32 can hold."""

from typing import Any, Protocol

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import Array
from numpyro.distributions import (
    BernoulliLogits,
    BinomialLogits,
    CategoricalLogits,
    CategoricalProbs,
    Distribution,
    ExpandedDistribution,
    Independent,
    Normal,
    TransformedDistribution,
    constraints,
)

LARGEST_LOGARITHM = 10.0
"""The mean of a log-normal is kept within e^m times so many spreads of the logarithm: a wide one has a mean far beyond
any value that was ever seen."""
LARGEST_EXPONENT = 80.0
"""float32 holds e^88."""


class DistributionLike(Protocol):
    """What a model's methods return: numpyro distributions, and ours, satisfy it."""

    def log_prob(self, value: Any) -> Array: ...

    def sample(self, key: Array) -> Any: ...


class ColumnDistribution(eqx.Module):
    """Independent columns, each with a density in its own units, evaluated at standardised values u.

    base: numpyro distribution of u, batch shape [column].
    log_unit, log_slope: log |dx / du| = log_unit + log_slope * u, each [column]. With u = (x - m) / s the unit is s and
        the slope 0; with u = (log x - m) / s they are log s + m and s. None for counting measure, where u is x itself.
    log_outside: log of the mass, [column], that a value off the support is given, whichever it is; what is left goes to
        the support. None where a value off the support has probability 0.

    Where that mass is 0 its logarithm is -inf; numpyro's own formulas extrapolate off the support.
    """

    base: Distribution
    log_unit: Array | None = None
    log_slope: Array | None = None
    log_outside: Array | None = None

    def log_probs(self, value: Array) -> Array:
        """log p of each column, in nats, [column]."""
        support = self.base.support
        assert support is not None
        inside = support(value)
        u = jnp.where(inside, value, support.feasible_like(value))
        # numpyro looks a category up by its number, and takes no float for one.
        log_probs = self.base.log_prob(u.astype(jnp.int32) if isinstance(self.base, CategoricalLogits) else u)
        if self.log_unit is not None:
            log_probs = log_probs - self.log_unit
        if self.log_slope is not None:
            log_probs = log_probs - self.log_slope * u
        if self.log_outside is None:
            return jnp.where(inside, log_probs, -jnp.inf)
        return jnp.where(inside, log_probs + jnp.log1p(-jnp.exp(self.log_outside)), self.log_outside)

    def log_prob(self, value: Array) -> Array:
        """log p of the row, in nats."""
        return jnp.sum(self.log_probs(value))

    def sample(self, key: Array) -> Array:
        """A row of standardised values, [column], on the support."""
        return jnp.asarray(self.base.sample(key), jnp.result_type(float))

    @property
    def mean(self) -> Array:
        """The location of u: its mean, or the mode where values are told apart, [column]."""
        return jnp.asarray(location(self.base), jnp.result_type(float))

    @property
    def expectation(self) -> Array:
        """What a mean over z may be taken of, [column, width]: the probability of each level where values are told
        apart; else the mean, of x over e^m where u is a standardised logarithm, of u otherwise."""
        if isinstance(self.base, BernoulliLogits):
            success = jax.nn.sigmoid(self.base.logits)
            return jnp.stack([1.0 - success, success], axis=-1)
        if isinstance(self.base, CategoricalLogits | CumulativeLogit):
            return jnp.asarray(self.base.probs)
        if self.log_slope is None:
            return jnp.asarray(self.base.mean)[:, None]
        assert isinstance(self.base, Normal)
        mean, scale = jnp.asarray(self.base.loc), jnp.asarray(self.base.scale)
        exponent = self.log_slope * (mean + 0.5 * self.log_slope * scale**2)
        largest = jnp.minimum(LARGEST_LOGARITHM * self.log_slope, LARGEST_EXPONENT)
        return jnp.exp(jnp.clip(exponent, -LARGEST_EXPONENT, largest))[:, None]

    def from_expectation(self, average: Array) -> Array:
        """The u, [column], that an average of `expectation` stands for: the likeliest level, or the mean."""
        if isinstance(self.base, BernoulliLogits | CategoricalLogits | CumulativeLogit):
            return jnp.argmax(average, axis=-1).astype(average.dtype)
        return average[..., 0] if self.log_slope is None else jnp.log(average[..., 0]) / self.log_slope


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


class CumulativeLogit(Distribution):
    """Ordered categories 0 ... top: P(x <= j) = F((cutpoints[j] - loc) / scale), F the logistic (McCullagh 1980).

    first: [..., 1], the first cutpoint.  steps: [..., categories - 2], from each to the next, positive; those from
    `top` on are not used, so that columns with fewer categories than their neighbours may stand in one array. numpyro's
    OrderedLogistic takes differences of probabilities, which in float32 are zero in the tails; here only products are
    taken, and the width of a category is its step, not a difference of cutpoints.
    """

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive}  # noqa: RUF012
    pytree_data_fields = ("first", "steps", "top")

    def __init__(self, loc: Array, scale: Array, first: Array, steps: Array, top: Array):
        self.loc, self.scale, self.first, self.steps, self.top = loc, scale, first, steps, top
        super().__init__(batch_shape=jnp.shape(loc))

    @property
    def support(self):
        return constraints.integer_interval(0, self.top)

    def log_prob(self, value: Array) -> Array:
        index = value.astype(jnp.int32)
        upper = (self._cutpoint(index) - self.loc) / self.scale
        lower = (self._cutpoint(index - 1) - self.loc) / self.scale
        inner = (value > 0) & (value < self.top)
        log_upper = jnp.where(value >= self.top, 0.0, jax.nn.log_sigmoid(upper))
        log_lower = jnp.where(value <= 0, 0.0, jax.nn.log_sigmoid(-lower))
        # A category between two others is there only where there are steps.
        step = _at(self.steps, index - 1) if self.steps.shape[-1] else jnp.ones_like(self.scale)
        width = jnp.where(inner, step / self.scale, 1.0)
        return log_upper + log_lower + jnp.where(inner, jnp.log(-jnp.expm1(-width)), 0.0)

    @property
    def cutpoints(self) -> Array:
        """[..., categories - 1], increasing."""
        return jnp.concatenate([self.first, self.first + jnp.cumsum(self.steps, axis=-1)], axis=-1)

    def _cutpoint(self, index: Array) -> Array:
        return _at(self.cutpoints, index)

    @property
    def probs(self) -> Array:
        """P(x = j), [..., categories]; 0 beyond `top`."""
        grid = jnp.arange(self.cutpoints.shape[-1] + 1)
        log_probs = jax.vmap(lambda j: self.log_prob(jnp.full(jnp.shape(self.loc), j)), out_axes=-1)(grid)
        return jnp.where(grid <= self.top[..., None], jnp.exp(log_probs), 0.0)

    def sample(self, key: Array | None, sample_shape: tuple[int, ...] = ()) -> Array:
        assert key is not None
        shape = (*sample_shape, *self.batch_shape)
        noise = self.loc + self.scale * jax.random.logistic(key, shape)
        passed = jnp.sum(noise[..., None] > self.cutpoints, axis=-1)
        return jnp.minimum(passed, self.top)


def _at(values: Array, index: Array) -> Array:
    """The entry of each row's own number, [...], the nearest one beyond the ends."""
    index = jnp.clip(index, 0, values.shape[-1] - 1)
    return jnp.take_along_axis(values, index[..., None], axis=-1)[..., 0]


def location(distribution: Any) -> Array:
    """One point that stands for a distribution: its mean; the mode for categories; for a transformed distribution, the
    image of its base's location, because numpyro has no mean there."""
    if isinstance(distribution, Independent | ExpandedDistribution):
        inner = location(distribution.base_dist)
        return jnp.broadcast_to(inner, distribution.batch_shape + distribution.event_shape)
    if isinstance(distribution, CategoricalLogits | CategoricalProbs | CumulativeLogit):
        return jnp.argmax(jnp.asarray(distribution.probs), axis=-1)
    if isinstance(distribution, TransformedDistribution):
        value = location(distribution.base_dist)
        for transform in distribution.transforms:
            value = jnp.asarray(transform(value))
        return value
    return jnp.asarray(distribution.mean)
