"""Quantities of numpyro distributions from draws: leaves of `over_components` that give an estimate and its variance,
each [batch]."""

from math import inf, log
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from numpyro.distributions import Distribution

from isthmus.information.distributions.structure import without_common_transforms
from isthmus.information.distributions.supports import leaves_support, log_density
from isthmus.information.generators import Generator


def entropy(p: Distribution, *, key: Array, draws: int) -> tuple[Array, Array]:
    """-E_p[log p(x)]."""
    return cross_entropy(p, p, key=key, draws=draws)


def cross_entropy(p: Distribution, q: Distribution, *, key: Array, draws: int) -> tuple[Array, Array]:
    """-E_p[log q(x)]."""
    estimate, variance = _average(-log_density(q, _sample(p, q, key, draws)))
    outside = leaves_support(p, q)
    return (estimate, variance) if outside is None else (jnp.where(outside, inf, estimate), variance)


def kl_divergence(p: Distribution, q: Distribution, *, key: Array, draws: int) -> tuple[Array, Array]:
    """KL(p || q), as E_m[a log(a / b) - a + b] with a = p / m and b = q / m: no term is negative, all are zero where
    p is q."""
    ratios = _Ratios.of(p, q, key, draws)
    a, b = ratios.a, ratios.b
    estimate, variance = ratios.average(jnp.where(a > 0, a * ratios.log, 0.0) - a + b)
    outside = leaves_support(p, q)
    return (estimate, variance) if outside is None else (jnp.where(outside, inf, estimate), variance)


def f_divergence(
    p: Distribution, q: Distribution, *, generator: Generator, key: Array, draws: int
) -> tuple[Array, Array]:
    """D_f(p || q) as E_m[b f(a / b)] with a = p / m and b = q / m."""
    ratios = _Ratios.of(p, q, key, draws)
    return ratios.average(generator.terms(ratios.a, ratios.b, jnp))


def renyi_divergence(p: Distribution, q: Distribution, *, alpha: float, key: Array, draws: int) -> tuple[Array, Array]:
    """log E_m[a^alpha b^(1 - alpha)] / (alpha - 1), and its error by the delta method.

    At alpha = inf the largest log ratio among the draws, which is no more than the supremum, with no known error.
    """
    ratios = _Ratios.of(p, q, key, draws)
    if alpha == inf:
        largest = ratios.log.max(axis=0)
        return largest, jnp.full_like(largest, inf)
    a, b = log(2) + jax.nn.log_sigmoid(ratios.log), log(2) + jax.nn.log_sigmoid(-ratios.log)
    weights = alpha * a + (1 - alpha) * b if alpha > 0 else jnp.where(ratios.log > -inf, b, -inf)
    top = jnp.where(jnp.isfinite(weights.max(axis=0)), weights.max(axis=0), 0.0)
    mean, variance = ratios.average(jnp.exp(weights - top))
    return (top + jnp.log(mean)) / (alpha - 1), variance / (mean * (alpha - 1)) ** 2


class _Ratios(NamedTuple):
    """log(p / q) at as many draws from p as from q, [draw, batch]: draws, by strata, from the mixture m = (p + q) / 2.

    Under m neither density ratio is above two, and estimates are tame that have no variance under p or q alone.
    """

    log: Array

    @classmethod
    def of(cls, p: Distribution, q: Distribution, key: Array, draws: int) -> "_Ratios":
        p, q = without_common_transforms(p, q)
        p_key, q_key = jax.random.split(key)
        return cls(
            jnp.concatenate([_log_ratio(p, q, _sample(*pair)) for pair in ((p, q, p_key, draws), (q, p, q_key, draws))])
        )

    @property
    def a(self) -> Array:
        """p / m."""
        return 2 * jax.nn.sigmoid(self.log)

    @property
    def b(self) -> Array:
        """q / m."""
        return 2 * jax.nn.sigmoid(-self.log)

    def average(self, values: Array) -> tuple[Array, Array]:
        """The mean of values [draw, batch] under m, and its variance."""
        (p_mean, p_variance), (q_mean, q_variance) = map(_average, jnp.split(values, 2))
        return (p_mean + q_mean) / 2, (p_variance + q_variance) / 4


def _average(values: Array) -> tuple[Array, Array]:
    """The mean of values [draw, batch] and the variance of that mean: inf where a value is infinite."""
    finite = jnp.isfinite(values)
    variance = jnp.where(finite, values, 0.0).var(axis=0, ddof=1) / len(values)
    return values.mean(axis=0), jnp.where(finite.all(axis=0), variance, inf)


def _sample(p: Any, q: Distribution, key: Array, draws: int) -> Array:
    """Draws from p, [draw, batch, event], with an axis for each of q's batch."""
    x = p.sample(key, (draws,))
    missing = max(len(q.batch_shape) - len(p.batch_shape), 0)
    return x.reshape(draws, *(1,) * missing, *x.shape[1:])


def _log_ratio(p: Distribution, q: Distribution, x: Array) -> Array:
    """log(p / q) at x, [draw, batch]."""
    log_p, log_q = log_density(p, x), log_density(q, x)
    same = log_p == log_q
    ratio = jnp.where(same, 0.0, log_p) - jnp.where(same, 0.0, log_q)
    return jnp.broadcast_to(ratio, (len(x), *jnp.broadcast_shapes(p.batch_shape, q.batch_shape)))
