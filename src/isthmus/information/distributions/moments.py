"""Expectations under numpyro distributions that numpyro does not carry: a table for each statistic."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.scipy.special import digamma, gammaln, ndtr
from numpyro.distributions import (
    Beta,
    Exponential,
    Gamma,
    Gumbel,
    HalfNormal,
    InverseGamma,
    Kumaraswamy,
    Laplace,
    LogNormal,
    LogUniform,
    Normal,
    Pareto,
    Uniform,
    Weibull,
)

EULER = float(np.euler_gamma)
Expectation = Callable[..., Any]


def row_of(table: dict[type, Expectation], distribution: Any) -> Expectation:
    """The row of a distribution's kind; NotImplementedError, as of numpyro's own moments, where there is none."""
    for kind in type(distribution).__mro__:
        if kind in table:
            return table[kind]
    raise NotImplementedError


def _log_of_uniform(low: Any, high: Any) -> Any:
    """E log x, x uniform on [low, high] within the positive numbers."""
    low, high = jnp.maximum(low, 0.0), jnp.maximum(high, 0.0)
    inside = (low > 0) & (high > low)
    low, width = jnp.where(inside, low, 1.0), jnp.where(inside, high - low, 1.0)
    return jnp.log(jnp.where(high > 0, high, 1.0)) - 1 + jnp.where(inside, low / width * jnp.log1p(width / low), 0.0)


def _power_of_uniform(p: Any, k: Any, scale: Any) -> Any:
    low, width = p.low / scale, (p.high - p.low) / scale
    start = jnp.where(low > 0, low, 1.0)
    # The difference of two powers, which a narrow interval would leave few digits of.
    above = start ** (k + 1) * jnp.expm1((k + 1) * jnp.log1p(width / start)) / ((k + 1) * width)
    return jnp.where(low > 0, above, jnp.maximum(p.high / scale, 0.0) ** k / (k + 1))


def _exp_of_uniform(p: Any, t: Any, m: Any) -> Any:
    width = p.high - p.low
    return jnp.exp(t * (p.low - m)) * jnp.expm1(t * width) / (t * width)


def _normal_deviation(mean: Any) -> Any:
    """E |x|, x ~ N(mean, 1)."""
    return mean * (1 - 2 * ndtr(-mean)) + np.sqrt(2 / np.pi) * jnp.exp(-0.5 * mean**2)


def power_of_kumaraswamy(p: Any, k: Any, scale: Any = 1.0) -> Any:
    """E (x / scale)^k = b B(1 + k / a, b). numpyro's mean goes by jax's betaln, whose seventh digit is wrong."""
    a, b = p.concentration1, p.concentration0
    return b * jnp.exp(gammaln(1 + k / a) + gammaln(b) - gammaln(1 + k / a + b)) / scale**k


def _log_complement_of_kumaraswamy(p: Any) -> Array:
    """E log(1 - x), x = v^(1 / a), v = 1 - u^(1 / b), u uniform: E log(1 - v) + E log((1 - v^(1 / a)) / (1 - v)).

    The first is -1 / b; the second, which tends to -log a as v does to one, is integrated by the tanh-sinh rule.
    """
    a, b = (jnp.asarray(parameter)[..., None] for parameter in (p.concentration1, p.concentration0))
    log_complement = jnp.maximum(_LOG_NODES / b, -30.0)
    log_v = jax.nn.log1mexp(-log_complement)
    ratio = jnp.where(log_complement > -30.0, jax.nn.log1mexp(-log_v / a) - log_complement, -jnp.log(a))
    return ratio @ _WEIGHTS - 1 / b[..., 0]


def _tanh_sinh(points: int = 50, step: float = 0.07) -> tuple[np.ndarray, np.ndarray]:
    """log u and the weights of the integral over u in (0, 1) (Takahasi and Mori 1974)."""
    t = step * np.arange(-points, points + 1)
    angle = np.pi / 2 * np.sinh(t)
    return -np.logaddexp(0.0, -2 * angle), step * np.pi / 4 * np.cosh(t) / np.cosh(angle) ** 2


_LOG_NODES, _WEIGHTS = _tanh_sinh()

# E log x.
MEAN_LOG: dict[type, Expectation] = {
    Gamma: lambda p: digamma(p.concentration) - jnp.log(p.rate),
    Exponential: lambda p: -EULER - jnp.log(p.rate),
    InverseGamma: lambda p: jnp.log(p.rate) - digamma(p.concentration),
    Beta: lambda p: digamma(p.concentration1) - digamma(p.concentration1 + p.concentration0),
    Kumaraswamy: lambda p: -(digamma(p.concentration0 + 1) + EULER) / p.concentration1,
    LogNormal: lambda p: p.loc,
    LogUniform: lambda p: 0.5 * jnp.log(p.low * p.high),
    Weibull: lambda p: jnp.log(p.scale) - EULER / p.concentration,
    Pareto: lambda p: jnp.log(p.scale) + 1 / p.alpha,
    HalfNormal: lambda p: jnp.log(p.scale) - (EULER + np.log(2)) / 2,
    Uniform: lambda p: _log_of_uniform(p.low, p.high),
}
# E log(1 - x), x within the unit interval.
MEAN_LOG_COMPLEMENT: dict[type, Expectation] = {
    Beta: lambda p: digamma(p.concentration0) - digamma(p.concentration1 + p.concentration0),
    Kumaraswamy: _log_complement_of_kumaraswamy,
    Uniform: lambda p: _log_of_uniform(1 - p.high, 1 - p.low),
}
# E exp(t (x - m)), t negative.
MEAN_EXP: dict[type, Expectation] = {
    Normal: lambda p, t, m: jnp.exp(t * (p.loc - m) + 0.5 * (t * p.scale) ** 2),
    Gumbel: lambda p, t, m: jnp.exp(t * (p.loc - m) + gammaln(1 - t * p.scale)),
    Gamma: lambda p, t, m: jnp.exp(-t * m - p.concentration * jnp.log1p(-t / p.rate)),
    Exponential: lambda p, t, m: jnp.exp(-t * m - jnp.log1p(-t / p.rate)),
    Laplace: lambda p, t, m: jnp.where(
        -t * p.scale < 1, jnp.exp(t * (p.loc - m)) / jnp.where(-t * p.scale < 1, 1 - (t * p.scale) ** 2, 1.0), jnp.inf
    ),
    Uniform: _exp_of_uniform,
}
# E (x / scale)^k, k positive.
MEAN_POWER: dict[type, Expectation] = {
    Weibull: lambda p, k, scale: jnp.exp(k * jnp.log(p.scale / scale) + gammaln(1 + k / p.concentration)),
    Gamma: lambda p, k, scale: jnp.exp(
        gammaln(p.concentration + k) - gammaln(p.concentration) - k * jnp.log(p.rate * scale)
    ),
    Exponential: lambda p, k, scale: jnp.exp(gammaln(1 + k) - k * jnp.log(p.rate * scale)),
    LogNormal: lambda p, k, scale: jnp.exp(k * (p.loc - jnp.log(scale)) + 0.5 * (k * p.scale) ** 2),
    Uniform: _power_of_uniform,
    Kumaraswamy: power_of_kumaraswamy,
}
# E |x - m|.
MEAN_DEVIATION: dict[type, Expectation] = {
    Normal: lambda p, m: _normal_deviation((p.loc - m) / p.scale) * p.scale,
    Laplace: lambda p, m: jnp.abs(p.loc - m) + p.scale * jnp.exp(-jnp.abs(p.loc - m) / p.scale),
}
