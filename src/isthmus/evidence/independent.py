"""The columns modelled independently of one another: the baseline that every model must beat."""

from abc import abstractmethod
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpyro.distributions import Normal
from scipy import stats

from isthmus.models import ColumnDistribution, ColumnLikelihoods, Fixed, Likelihood, Observation
from isthmus.models.likelihoods import (
    BernoulliLikelihood,
    BinomialLikelihood,
    DiscretisedLogisticLikelihood,
    NormalLikelihood,
)
from isthmus.models.rows import map_rows


class IndependentColumns(eqx.Module):
    """p(x) = product over columns of p(x_column), under the measure of the model it stands beside."""

    @abstractmethod
    def log_prob(self, u: Any) -> Array:
        """log p(x) of one row, in nats, of the values that the model takes."""


class IndependentNormal(IndependentColumns):
    """Each column normal, with the mean and spread of the training rows: standard normal in standardised values."""

    log_unit: Fixed

    def log_prob(self, u: Array) -> Array:
        base = Normal(jnp.zeros_like(u), jnp.ones_like(u))
        return ColumnDistribution(base, self.log_unit.value).log_prob(u)


class IndependentTable(IndependentColumns):
    """Each column has its own table of probabilities of 0 ... maximum. log_probabilities: [column, maximum + 1]."""

    log_probabilities: Fixed

    def log_prob(self, u: Array) -> Array:
        table = self.log_probabilities.value
        index = jnp.clip(jnp.round(u), 0, table.shape[1] - 1)
        found = jnp.take_along_axis(table, index.astype(jnp.int32)[:, None], axis=1)[:, 0]
        return jnp.sum(jnp.where(index == u, found, -jnp.inf))


class IndependentFamilies(IndependentColumns):
    """Each column of a table has its own distribution, of the same kind as in the model: the member of the likelihood
    that ignores z, with the moments and the shares of the training rows."""

    family: ColumnLikelihoods

    def log_prob(self, u: Observation) -> Array:
        return self.family(self.family.initial_outputs()).log_prob(u)


def independent_columns(family: Likelihood, training_rows: Any) -> IndependentColumns:
    """The baseline beside a model with this likelihood, fitted to its training rows [row, column].

    A ColumnLikelihoods must start at the columns' own distributions: the baseline is its initial member.
    """
    if isinstance(family, ColumnLikelihoods):
        return IndependentFamilies(family)
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
    counts = [np.bincount(column, minlength=maximum + 1) for column in integers.T]
    log_probabilities = np.log(np.stack([_smoothed_shares(column) for column in counts]))
    return IndependentTable(Fixed(jnp.asarray(log_probabilities, jnp.float32)))


def _smoothed_shares(counts: np.ndarray) -> np.ndarray:
    """Probabilities of 0 ... maximum from how often each was seen, [maximum + 1].

    Two values get one count more each. More values are taken as the posterior mean under a Dirichlet prior around a
    bell of the counts' mean and spread, its weight that under which each row is best foretold by all the others:
    bare shares of many values would be a baseline that is easy to beat, for they overfit.
    """
    if len(counts) == 2 or counts.sum() < 2:
        return (counts + 1) / (counts.sum() + len(counts))
    prior, weights = _bell(counts), 2.0 ** np.arange(0, 21)
    foretold = [counts @ np.log(np.maximum(counts - 1, 0) + weight * prior) for weight in weights]
    scores = np.array(foretold) - counts.sum() * np.log(counts.sum() - 1 + weights)
    weight = weights[np.argmax(scores)]
    return (counts + weight * prior) / (counts.sum() + weight)


def _bell(counts: np.ndarray) -> np.ndarray:
    """A normal of the counts' mean and spread, rounded to whole numbers, a hundredth of it spread over all of them."""
    values = np.arange(len(counts))
    mean = counts @ values / counts.sum()
    spread = max(np.sqrt(counts @ (values - mean) ** 2 / counts.sum()), 0.5)
    edges = stats.norm.cdf(np.arange(len(counts) + 1) - 0.5, mean, spread)
    return 0.99 * np.diff(edges) / (edges[-1] - edges[0]) + 0.01 / len(counts)


def log_likelihood_independent(baseline: IndependentColumns, rows: Any) -> np.ndarray:
    """log p(x) of each row under independent columns, nats, [row]."""
    return np.asarray(map_rows(_log_prob, baseline, rows), np.float64)


def _log_prob(baseline: IndependentColumns, row: Any) -> Any:
    return baseline.log_prob(row)
