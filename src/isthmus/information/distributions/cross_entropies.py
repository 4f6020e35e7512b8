"""Cross-entropies from a few expectations: where log q is linear in statistics of x, H(p, q) needs their means under p.

One formula a distribution q, one row of expectations (`moments`) a distribution p, and every pair of them is known.
"""

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.scipy.special import gammaln
from numpyro.distributions import (
    Beta,
    Distribution,
    Exponential,
    Gamma,
    GeometricLogits,
    GeometricProbs,
    Gumbel,
    HalfNormal,
    Kumaraswamy,
    Laplace,
    Normal,
    Pareto,
    TwoSidedTruncatedDistribution,
    Uniform,
    Weibull,
    constraints,
)

from isthmus.information.distributions.moments import (
    MEAN_DEVIATION,
    MEAN_EXP,
    MEAN_LOG,
    MEAN_LOG_COMPLEMENT,
    MEAN_POWER,
    Expectation,
    power_of_kumaraswamy,
    row_of,
)


def cross_entropy_from_moments(p: Distribution, q: Distribution) -> Array | None:
    """E_p[-log q(x)], [batch], where p lies within the support of q; None where an expectation is not known."""
    # numpyro's mean and variance of an angle are those on the circle; of a Cauchy cut at both ends, nan.
    if p.support is constraints.circular or isinstance(p, TwoSidedTruncatedDistribution):
        return None
    try:
        return row_of(_TARGETS, q)(p, q)
    except NotImplementedError:
        return None


def _second_moment(p: Any, about: Any) -> Any:
    """E (x - about)^2; inf where p has no mean, or no variance."""
    if isinstance(p, Kumaraswamy):
        return power_of_kumaraswamy(p, 2) - 2 * about * power_of_kumaraswamy(p, 1) + about**2
    moment = p.variance + (p.mean - about) ** 2
    return jnp.where(jnp.isnan(moment), jnp.inf, moment)


def _mean(p: Any) -> Any:
    """E x; inf where p has none."""
    if isinstance(p, Kumaraswamy):
        return power_of_kumaraswamy(p, 1)
    return jnp.where(jnp.isnan(p.mean), jnp.inf, p.mean)


def _normal(p: Any, q: Any) -> Any:
    return jnp.log(q.scale) + 0.5 * np.log(2 * np.pi) + 0.5 * _second_moment(p, q.loc) / q.scale**2


def _half_normal(p: Any, q: Any) -> Any:
    return jnp.log(q.scale) + 0.5 * np.log(np.pi / 2) + 0.5 * _second_moment(p, 0.0) / q.scale**2


def _exponential(p: Any, q: Any) -> Any:
    return q.rate * _mean(p) - jnp.log(q.rate)


def _gamma(p: Any, q: Any) -> Any:
    log_normaliser = gammaln(q.concentration) - q.concentration * jnp.log(q.rate)
    return log_normaliser - (q.concentration - 1) * row_of(MEAN_LOG, p)(p) + q.rate * _mean(p)


def _beta(p: Any, q: Any) -> Any:
    a, b = q.concentration1, q.concentration0
    log_normaliser = gammaln(a) + gammaln(b) - gammaln(a + b)
    return log_normaliser - (a - 1) * row_of(MEAN_LOG, p)(p) - (b - 1) * row_of(MEAN_LOG_COMPLEMENT, p)(p)


def _uniform(p: Any, q: Any) -> Any:
    return jnp.broadcast_to(jnp.log(q.high - q.low), jnp.broadcast_shapes(p.batch_shape, q.batch_shape))


def _gumbel(p: Any, q: Any) -> Any:
    # E exp(-(x - m) / s), the m inside so that neither factor overflows alone.
    tail = row_of(MEAN_EXP, p)(p, -1 / q.scale, q.loc)
    return jnp.log(q.scale) + (_mean(p) - q.loc) / q.scale + tail


def _weibull(p: Any, q: Any) -> Any:
    k, scale = q.concentration, q.scale
    log_ratio = row_of(MEAN_LOG, p)(p) - jnp.log(scale)
    return jnp.log(scale / k) - (k - 1) * log_ratio + row_of(MEAN_POWER, p)(p, k, scale)


def _pareto(p: Any, q: Any) -> Any:
    return (q.alpha + 1) * row_of(MEAN_LOG, p)(p) - jnp.log(q.alpha) - q.alpha * jnp.log(q.scale)


def _laplace(p: Any, q: Any) -> Any:
    return jnp.log(2 * q.scale) + row_of(MEAN_DEVIATION, p)(p, q.loc) / q.scale


def _geometric(p: Any, q: Any) -> Any:
    return -jnp.log(q.probs) - _mean(p) * jnp.log1p(-q.probs)


_TARGETS: dict[type, Expectation] = {
    Normal: _normal,
    HalfNormal: _half_normal,
    Exponential: _exponential,
    Gamma: _gamma,
    Beta: _beta,
    Uniform: _uniform,
    Gumbel: _gumbel,
    Weibull: _weibull,
    Pareto: _pareto,
    Laplace: _laplace,
    GeometricProbs: _geometric,
    GeometricLogits: _geometric,
}
