"""What an untrained likelihood of a column is, by scipy in float64, from the facts of the column and its outputs."""

from typing import Any

import numpy as np
from scipy import stats
from scipy.special import expit, logit

FINEST = 1e-6
"""A learned scale starts at one spread, and the resolution of the column is added, at least this."""


def distribution(column, outputs) -> Any:
    """A frozen distribution of scipy, in the column's own units, or of the level's number.

    outputs: [output], those of this column.
    """
    outputs = np.asarray(outputs, np.float64)
    return _MAKERS[column.likelihood](column, outputs)


def log_prob(column, outputs, x):
    """log p(x), [row], of numbers in the column's own units or of levels' numbers, -1 for one that was never seen."""
    found = distribution(column, outputs)
    if column.levels is None:
        return found.logpmf(x) if column.kind == "count" else found.logpdf(x)
    count = column.observed_count
    return np.where(x < 0, -np.log(count + 1), found.logpmf(x) + np.log(count / (count + 1)))


def _spread(column, log_scale=0.0):
    return column.scale * (max(column.resolution, FINEST) + np.exp(log_scale))


def _normal(column, outputs):
    return stats.norm(column.offset + column.scale * outputs[0], _spread(column))


def _student_t(column, outputs):
    return stats.t(5.0, column.offset + column.scale * outputs[0], _spread(column, -0.5))


def _log_normal(column, outputs):
    return stats.lognorm(_spread(column), scale=np.exp(column.offset + column.scale * outputs[0]))


def _poisson(column, outputs):
    return stats.poisson(column.count_mean * np.exp(outputs[0]))


def _negative_binomial(column, outputs):
    mean = column.count_mean * np.exp(outputs[0])
    concentration = column.count_mean / max(column.dispersion - 1.0, 0.05) * np.exp(outputs[1])
    concentration = min(concentration, column.count_mean * np.exp(7.0), np.exp(10.3))
    return stats.nbinom(concentration, concentration / (concentration + mean))


def _bernoulli(column, outputs):
    return stats.bernoulli(expit(logit(column.shares[1]) + outputs[0]))


def _categorical(column, outputs):
    odds = column.shares * np.exp(outputs[: len(column.shares)])
    return _of_levels(odds / odds.sum())


def _cumulative_logit(column, outputs):
    cutpoints = logit(np.cumsum(column.shares)[:-1])
    below = expit((cutpoints - outputs[0]) / np.exp(outputs[1]))
    return _of_levels(np.diff(below, prepend=0.0, append=1.0))


def _of_levels(probabilities):
    return stats.rv_discrete(values=(np.arange(len(probabilities)), probabilities))


_MAKERS = {
    "normal": _normal,
    "student_t": _student_t,
    "log_normal": _log_normal,
    "poisson": _poisson,
    "negative_binomial": _negative_binomial,
    "bernoulli": _bernoulli,
    "categorical": _categorical,
    "cumulative_logit": _cumulative_logit,
}
