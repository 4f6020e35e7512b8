"""The columns modelled independently of one another: the baseline that every model must beat."""

from abc import abstractmethod

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpyro.distributions import Normal

from isthmus.models import ColumnDistribution, Fixed, Likelihood
from isthmus.models.likelihoods import (
    BernoulliLikelihood,
    BinomialLikelihood,
    DiscretisedLogisticLikelihood,
    NormalLikelihood,
)


class IndependentColumns(eqx.Module):
    """p(x) = product over columns of p(x_column), under the measure of the model it stands beside."""

    @abstractmethod
    def log_prob(self, u: Array) -> Array:
        """log p(x) of one row, in nats, of the values that the model takes."""


class IndependentNormal(IndependentColumns):
    """Each column normal, with the mean and spread of the training rows: standard normal in standardised values."""

    log_unit: Fixed

    def log_prob(self, u: Array) -> Array:
        base = Normal(jnp.zeros_like(u), jnp.ones_like(u))
        return ColumnDistribution(base, self.log_unit.value).log_prob(u)


class IndependentTable(IndependentColumns):
    """Each column has its own table of probabilities of 0 ... maximum: the training rows' shares, with one count added
    to each value. log_probabilities: [column, maximum + 1]."""

    log_probabilities: Fixed

    def log_prob(self, u: Array) -> Array:
        table = self.log_probabilities.value
        index = jnp.clip(jnp.round(u), 0, table.shape[1] - 1)
        found = jnp.take_along_axis(table, index.astype(jnp.int32)[:, None], axis=1)[:, 0]
        return jnp.sum(jnp.where(index == u, found, -jnp.inf))


def independent_columns(family: Likelihood, training_rows: np.ndarray) -> IndependentColumns:
    """The baseline beside a model with this likelihood, fitted to its training rows [row, column]."""
    if isinstance(family, NormalLikelihood):
        return IndependentNormal(family.log_unit)
    if isinstance(family, BernoulliLikelihood):
        return _table(training_rows, 1)
    if isinstance(family, BinomialLikelihood | DiscretisedLogisticLikelihood):
        return _table(training_rows, family.maximum)
    raise TypeError(f"no independent baseline is known for {type(family).__name__}")


def empty_independent_columns(family: Likelihood, columns: int) -> IndependentColumns:
    """The baseline's shape without its content: what a stored one is read into."""
    return independent_columns(family, np.zeros((0, columns)))


def _table(rows: np.ndarray, maximum: int) -> IndependentTable:
    integers = np.asarray(rows).astype(np.int64)
    counts = np.stack([np.bincount(column, minlength=maximum + 1) for column in integers.T]) + 1
    log_probabilities = np.log(counts) - np.log(counts.sum(1, keepdims=True))
    return IndependentTable(Fixed(jnp.asarray(log_probabilities, jnp.float32)))
