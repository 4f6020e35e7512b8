"""Families of p(x | z) for tables of mixed columns: one member of each kind, columns of one kind together.

Thirty normal columns in one group compile seven times as fast as thirty groups. Every density is that of the column in
its own units; every column has weight one.
"""

from abc import abstractmethod
from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import Array
from numpyro.distributions import BernoulliLogits, CategoricalLogits, NegativeBinomial2, Normal, Poisson, StudentT

from isthmus.information.estimate import Measure
from isthmus.models.distributions import ColumnDistribution, CumulativeLogit
from isthmus.models.likelihoods import LOG_SCALE_LIMIT, Likelihood
from isthmus.models.observation import Product
from isthmus.models.parameters import Fixed

LOG_RATE_LIMIT = 15.0
"""Rates of counts stay within e^15 of the column's mean: beyond it float32 counts nothing."""
LOG_PLAIN_POISSON, LOG_LARGEST_CONCENTRATION = 7.0, 10.3


class ColumnFamily(eqx.Module):
    """A family of distributions of some columns of one kind, indexed by decoder outputs [output, column]."""

    measure: ClassVar[Measure]
    told_apart: ClassVar[bool] = False
    """Whether values are levels, which have probabilities of their own."""

    @abstractmethod
    def __call__(self, outputs: Array) -> ColumnDistribution:
        """The member that `outputs` choose."""

    @abstractmethod
    def initial_outputs(self) -> Array:
        """Outputs, [output, column], of the member that ignores z and fits each column alone."""


class NormalColumns(ColumnFamily):
    """Real numbers; output: the location of u. The scale of each column is learned, and the same for every z: one that
    follows z shrinks onto values that recur, and ranks a row by how many of these it has.

    log_scale: of the learned scale.  floor: half the smallest gap between values of u.
    """

    measure: ClassVar[Measure] = "lebesgue"
    log_unit: Fixed
    floor: Fixed
    log_scale: Array

    def __call__(self, outputs: Array) -> ColumnDistribution:
        return ColumnDistribution(Normal(outputs[0], _scale(self.log_scale, self.floor)), self.log_unit.value)

    def initial_outputs(self) -> Array:
        return jnp.zeros((1, self.floor.value.shape[0]))


class StudentTColumns(ColumnFamily):
    """Real numbers with heavy tails; output: the location of u. Scale and degrees of freedom are learned."""

    measure: ClassVar[Measure] = "lebesgue"
    log_unit: Fixed
    floor: Fixed
    log_scale: Array
    log_degrees: Array

    def __call__(self, outputs: Array) -> ColumnDistribution:
        degrees = 1.0 + jnp.exp(jnp.clip(self.log_degrees, -LOG_SCALE_LIMIT, LOG_SCALE_LIMIT))
        base = StudentT(degrees, outputs[0], _scale(self.log_scale, self.floor))
        return ColumnDistribution(base, self.log_unit.value)

    def initial_outputs(self) -> Array:
        return jnp.zeros((1, self.floor.value.shape[0]))


class LogNormalColumns(ColumnFamily):
    """Positive numbers; u is the standardised logarithm, and the density is that of x, not of its logarithm."""

    measure: ClassVar[Measure] = "lebesgue"
    log_unit: Fixed
    log_slope: Fixed
    floor: Fixed
    log_scale: Array

    def __call__(self, outputs: Array) -> ColumnDistribution:
        base = Normal(outputs[0], _scale(self.log_scale, self.floor))
        return ColumnDistribution(base, self.log_unit.value, self.log_slope.value)

    def initial_outputs(self) -> Array:
        return jnp.zeros((1, self.floor.value.shape[0]))


class PoissonColumns(ColumnFamily):
    """Counts; output: log of the rate over the column's mean."""

    measure: ClassVar[Measure] = "counting"
    log_mean: Fixed

    def __call__(self, outputs: Array) -> ColumnDistribution:
        return ColumnDistribution(Poisson(_rate(outputs[0], self.log_mean)))

    def initial_outputs(self) -> Array:
        return jnp.zeros((1, self.log_mean.value.shape[0]))


class NegativeBinomialColumns(ColumnFamily):
    """Counts that scatter more than a Poisson; outputs: log of the mean over the column's, log of the concentration.

    log_concentration: that of the column alone, by moments.
    """

    measure: ClassVar[Measure] = "counting"
    log_mean: Fixed
    log_concentration: Fixed

    def __call__(self, outputs: Array) -> ColumnDistribution:
        # Beyond a thousand times the mean it is as good as a Poisson, and its log-gammas only lose digits.
        largest = jnp.minimum(self.log_mean.value + LOG_PLAIN_POISSON, LOG_LARGEST_CONCENTRATION)
        concentration = jnp.exp(jnp.clip(self.log_concentration.value + outputs[1], -LOG_RATE_LIMIT, largest))
        return ColumnDistribution(NegativeBinomial2(_rate(outputs[0], self.log_mean), concentration))

    def initial_outputs(self) -> Array:
        return jnp.zeros((2, self.log_mean.value.shape[0]))


class BernoulliColumns(ColumnFamily):
    """Two levels; output: the log-odds of the second, from those of the column alone.  log_unseen: of other values."""

    measure: ClassVar[Measure] = "counting"
    told_apart: ClassVar[bool] = True
    logits: Fixed
    log_unseen: Fixed

    def __call__(self, outputs: Array) -> ColumnDistribution:
        base = BernoulliLogits(self.logits.value + outputs[0])
        return ColumnDistribution(base, log_outside=self.log_unseen.value)

    def initial_outputs(self) -> Array:
        return jnp.zeros((1, self.logits.value.shape[0]))


class CategoricalColumns(ColumnFamily):
    """Levels without order; outputs: logits, [level, column], from those of the column alone.

    logits: [column, level], -1e30 where a column has fewer levels than its neighbours.  log_unseen: of other values.
    """

    measure: ClassVar[Measure] = "counting"
    told_apart: ClassVar[bool] = True
    logits: Fixed
    log_unseen: Fixed

    def __call__(self, outputs: Array) -> ColumnDistribution:
        base = CategoricalLogits(self.logits.value + outputs.T)
        return ColumnDistribution(base, log_outside=self.log_unseen.value)

    def initial_outputs(self) -> Array:
        return jnp.zeros(self.logits.value.T.shape)


class CumulativeLogitColumns(ColumnFamily):
    """Ordered levels; outputs: location and log-scale. The cutpoints are learned, [column, level - 1]: the first, and
    the logarithms of the steps from each to the next.

    top: the last level of each column.  log_unseen: of other values.
    """

    measure: ClassVar[Measure] = "counting"
    told_apart: ClassVar[bool] = True
    first_cutpoint: Array
    log_steps: Array
    top: Fixed
    log_unseen: Fixed

    def __call__(self, outputs: Array) -> ColumnDistribution:
        steps = jnp.exp(jnp.clip(self.log_steps, -LOG_SCALE_LIMIT, LOG_SCALE_LIMIT))
        scale = jnp.exp(jnp.clip(outputs[1], -LOG_SCALE_LIMIT, LOG_SCALE_LIMIT))
        base = CumulativeLogit(outputs[0], scale, self.first_cutpoint, steps, self.top.value)
        return ColumnDistribution(base, log_outside=self.log_unseen.value)

    def initial_outputs(self) -> Array:
        return jnp.zeros((2, self.top.value.shape[0]))


class ColumnLikelihoods(Likelihood):
    """Mixed columns: a Product of one distribution for each group.

    places: the columns of each group.  In the decoder's outputs each group's stand together.
    """

    groups: tuple[ColumnFamily, ...]
    places: tuple[tuple[int, ...], ...] = eqx.field(static=True)

    @property
    def measure(self) -> Measure:  # type: ignore[override]
        """That of all columns, "mixed" where they differ."""
        measures: set[Measure] = {group.measure for group in self.groups}
        return next(iter(measures)) if len(measures) == 1 else "mixed"

    def __call__(self, outputs: Array) -> Product:
        shapes = [jax.eval_shape(group.initial_outputs).shape for group in self.groups]
        parts, first = [], 0
        for group, (rows, columns) in zip(self.groups, shapes, strict=True):
            parts.append(group(outputs[first : first + rows * columns].reshape(rows, columns)))
            first += rows * columns
        return Product(tuple(parts), self.places)

    def initial_outputs(self) -> Array:
        return jnp.concatenate([group.initial_outputs().ravel() for group in self.groups])


def _scale(log_scale: Array, floor: Fixed) -> Array:
    return floor.value + jnp.exp(jnp.clip(log_scale, -LOG_SCALE_LIMIT, LOG_SCALE_LIMIT))


def _rate(output: Array, log_mean: Fixed) -> Array:
    return jnp.exp(log_mean.value + jnp.clip(output, -LOG_RATE_LIMIT, LOG_RATE_LIMIT))
