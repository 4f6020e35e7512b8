"""Families of p(x | z) over the columns of x, each member chosen by a decoder's outputs.

One density serves training and reporting: constants are kept, every column has weight one. Each family names its
reference measure: counting (its values are log-probabilities) or Lebesgue (log-densities, in the columns' own units).
"""

from abc import abstractmethod
from collections.abc import Callable
from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpyro.distributions import BernoulliLogits, Normal
from scipy.special import gammaln

from isthmus.data import Columns, Standardisation
from isthmus.information.estimate import Measure
from isthmus.models.distributions import ColumnDistribution, DiscretisedLogistic, TabulatedBinomial
from isthmus.models.parameters import Fixed
from isthmus.models.selection import LikelihoodChoice

SCALE_RESOLUTION = 1e-6
"""No learned scale falls below this share of a column's spread: float32 does not resolve finer differences."""
LOG_SCALE_LIMIT = 12.0


class Likelihood(eqx.Module):
    """A family of distributions of one row, indexed by decoder outputs."""

    measure: ClassVar[Measure]

    @abstractmethod
    def __call__(self, outputs: Array) -> ColumnDistribution:
        """The member that decoder outputs, [n_outputs], choose."""

    @abstractmethod
    def initial_outputs(self) -> Array:
        """Outputs, [n_outputs], of the member that ignores z and fits each column's mean: where training starts."""


class BernoulliLikelihood(Likelihood):
    """0 or 1 in each column; the outputs are logits. mean: [column], of the training rows."""

    measure: ClassVar[Measure] = "counting"
    mean: Fixed

    def __call__(self, outputs: Array) -> ColumnDistribution:
        return ColumnDistribution(BernoulliLogits(outputs))

    def initial_outputs(self) -> Array:
        return _logit(self.mean.value)


class BinomialLikelihood(Likelihood):
    """0 ... maximum in each column, as successes in `maximum` trials; the outputs are logits.

    mean: [column], of the training rows.  log_coefficients: [maximum + 1].
    """

    measure: ClassVar[Measure] = "counting"
    mean: Fixed
    log_coefficients: Fixed
    maximum: int = eqx.field(static=True)

    def __call__(self, outputs: Array) -> ColumnDistribution:
        return ColumnDistribution(TabulatedBinomial(outputs, self.log_coefficients.value))

    def initial_outputs(self) -> Array:
        return _logit(self.mean.value / self.maximum)


class DiscretisedLogisticLikelihood(Likelihood):
    """0 ... maximum in each column, as a rounded logistic; the outputs are its locations, then its log-scales.

    Both are counted from the column's own mean and spread, so that outputs of size one are sensible everywhere.
    mean, spread: [column], of the training rows.
    """

    measure: ClassVar[Measure] = "counting"
    mean: Fixed
    spread: Fixed
    maximum: int = eqx.field(static=True)

    def __call__(self, outputs: Array) -> ColumnDistribution:
        shift, log_scale = jnp.split(outputs, 2)
        # A scale far below the spacing of the integers changes no probability and only starves the gradient.
        scale = 0.05 + self.spread.value * jnp.exp(jnp.clip(log_scale, -LOG_SCALE_LIMIT, LOG_SCALE_LIMIT))
        location = self.mean.value + self.spread.value * shift
        return ColumnDistribution(DiscretisedLogistic(location, scale, self.maximum))

    def initial_outputs(self) -> Array:
        # A logistic's standard deviation is pi / sqrt(3) times its scale.
        columns = self.mean.value.shape[0]
        return jnp.concatenate([jnp.zeros(columns), jnp.full(columns, jnp.log(jnp.sqrt(3.0) / jnp.pi))])


class NormalLikelihood(Likelihood):
    """A real number in each column; the outputs are the means of the standardised values u.

    scale: the standard deviation of u, fixed or learned.  log_unit: log of the unit s of each column, u = (x - m) / s.
    With a fixed standard deviation of sqrt(1/2) in the columns' own units, -log p(x | z) is |x - x_hat|^2 +
    (columns / 2) log pi: the autoencoder's squared error.
    """

    measure: ClassVar[Measure] = "lebesgue"
    scale: "FixedScale | LearnedScale"
    log_unit: Fixed

    def __call__(self, outputs: Array) -> ColumnDistribution:
        return ColumnDistribution(Normal(outputs, self.scale()), self.log_unit.value)

    def initial_outputs(self) -> Array:
        return jnp.zeros(self.log_unit.value.shape[0])


class FixedScale(eqx.Module):
    """A standard deviation of u that is given, [column]."""

    value: Fixed

    def __call__(self) -> Array:
        return self.value.value


class LearnedScale(eqx.Module):
    """A standard deviation of u that is learned: floor + unit exp(log_scale), [column].

    log_scale: [column], or [1] for one standard deviation, in the columns' own units, that all columns share.
    floor: half the smallest gap between distinct values; without it the likelihood has no maximum.
    constant: columns that never vary, whose scale stays 1: nothing could be learned but how small it may be.
    """

    log_scale: Array
    unit: Fixed
    floor: Fixed
    constant: Fixed

    def __call__(self) -> Array:
        learned = jnp.exp(jnp.clip(self.log_scale, -LOG_SCALE_LIMIT, LOG_SCALE_LIMIT))
        scale = self.floor.value + self.unit.value * learned
        return jnp.where(self.constant.value > 0, 1.0, scale)


def make_likelihood(choice: LikelihoodChoice, columns: Columns, standardisation: Standardisation) -> Likelihood:
    """The likelihood that was chosen for the columns, started at their means."""
    return _LIKELIHOODS[choice.kind](choice, columns, standardisation)


def _make_bernoulli(choice: LikelihoodChoice, columns: Columns, standardisation: Standardisation) -> Likelihood:
    return BernoulliLikelihood(_fixed(columns.mean))


def _make_binomial(choice: LikelihoodChoice, columns: Columns, standardisation: Standardisation) -> Likelihood:
    maximum = choice.maximum
    assert maximum is not None
    successes = np.arange(maximum + 1)
    coefficients = gammaln(maximum + 1) - gammaln(successes + 1) - gammaln(maximum - successes + 1)
    return BinomialLikelihood(_fixed(columns.mean), _fixed(coefficients), maximum)


def _make_discretised_logistic(
    choice: LikelihoodChoice, columns: Columns, standardisation: Standardisation
) -> Likelihood:
    assert choice.maximum is not None
    spread = np.where(columns.constant, 1.0, columns.spread)
    return DiscretisedLogisticLikelihood(_fixed(columns.mean), _fixed(spread), choice.maximum)


def _make_normal(choice: LikelihoodChoice, columns: Columns, standardisation: Standardisation) -> Likelihood:
    return NormalLikelihood(_make_scale(choice, columns, standardisation), _fixed(np.log(standardisation.scale)))


_LIKELIHOODS: dict[str, Callable[[LikelihoodChoice, Columns, Standardisation], Likelihood]] = {
    "bernoulli": _make_bernoulli,
    "binomial": _make_binomial,
    "discretised_logistic": _make_discretised_logistic,
    "normal": _make_normal,
}


def _make_scale(choice: LikelihoodChoice, columns: Columns, standardisation: Standardisation):
    unit = 1.0 / standardisation.scale
    if choice.scale is not None and not isinstance(choice.scale, str):
        return FixedScale(_fixed(choice.scale * unit))
    resolution = np.maximum(0.5 * columns.smallest_gap * unit, SCALE_RESOLUTION)
    constant = _fixed(columns.constant)
    if choice.scale == "per_feature":
        start = np.zeros(len(unit))
        return LearnedScale(jnp.asarray(start, jnp.float32), _fixed(np.ones_like(unit)), _fixed(resolution), constant)
    # One scale in the columns' own units. Its reference is the pooled spread, so that log_scale starts at 0, and its
    # floor is that of the finest column.
    varying = ~columns.constant
    pooled = float(np.sqrt(np.mean(columns.spread[varying] ** 2)))
    floor = float(np.min((resolution * standardisation.scale)[varying]))
    return LearnedScale(jnp.zeros(1), _fixed(pooled * unit), _fixed(floor * unit), constant)


def _fixed(values: np.ndarray) -> Fixed:
    return Fixed(jnp.asarray(values, jnp.float32))


def _logit(probability: Array) -> Array:
    clipped = jnp.clip(probability, 0.001, 0.999)
    return jnp.log(clipped) - jnp.log1p(-clipped)
