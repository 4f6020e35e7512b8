"""Families whose Fisher-Rao distance has a closed form: a new one is one line, and inherits every law."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
from scipy import stats

EULER = np.euler_gamma


@dataclass(frozen=True)
class Case:
    """A family by its free parameters.

    numpyro, scipy: the distribution at parameters, arrays.  box: the range of each parameter in which cases are drawn.
    metric: the textbook's Fisher information, [parameter, parameter].  held: as fisher_rao_distance takes it.
    smooth: whether the density has two derivatives in the parameters.
    """

    numpyro: Callable[..., Any]
    scipy: Callable[..., Any]
    box: tuple[tuple[float, float], ...]
    metric: Callable[..., Any]
    held: str | None = None
    smooth: bool = True

    def draw(self, rows, seed):
        low, high = np.array(self.box).T
        return np.random.default_rng(seed).uniform(low, high, size=(rows, len(low)))

    def __call__(self, parameters):
        """The numpyro distributions of parameters [..., parameter], in float64."""
        with jax.enable_x64(True):
            return self.numpyro(*np.moveaxis(np.asarray(parameters), -1, 0))

    def fisher_information(self, parameters):
        return np.atleast_2d(self.metric(*parameters))


def location_scale(a, b, c=0.0):
    return lambda m, s: np.array([[a, c], [c, b]]) / s**2


def weibull_metric(scale, k):
    corner = (EULER - 1) / scale
    return np.array([[(k / scale) ** 2, corner], [corner, ((1 - EULER) ** 2 + np.pi**2 / 6) / k**2]])


def categorical_metric(first, second):
    return np.diag([1 / first, 1 / second]) + 1 / (1 - first - second)


def three_cells(first, second):
    return jnp.stack([first, second, 1 - first - second], axis=-1)


def numbered(first, second):
    return stats.rv_discrete(values=(range(3), (first, second, 1 - first - second)))()


PLANE = ((-2.0, 2.0), (0.3, 3.0))
POSITIVE = ((0.2, 5.0),)
SHARE = ((0.02, 0.98),)
TRIANGLE = ((0.05, 0.45), (0.05, 0.45))

CASES = {
    "normal": Case(dist.Normal, stats.norm, PLANE, location_scale(1, 2)),
    "log-normal": Case(
        dist.LogNormal, lambda m, s: stats.lognorm(s, scale=np.exp(m)), ((-1.0, 1.0), (0.3, 1.5)), location_scale(1, 2)
    ),
    "Laplace": Case(dist.Laplace, stats.laplace, PLANE, location_scale(1, 1), smooth=False),
    "Cauchy": Case(dist.Cauchy, stats.cauchy, PLANE, location_scale(0.5, 0.5)),
    "logistic": Case(dist.Logistic, stats.logistic, PLANE, location_scale(1 / 3, (3 + np.pi**2) / 9)),
    "Gumbel": Case(dist.Gumbel, stats.gumbel_r, PLANE, location_scale(1, np.pi**2 / 6 + (1 - EULER) ** 2, EULER - 1)),
    "Weibull": Case(
        dist.Weibull, lambda scale, k: stats.weibull_min(k, scale=scale), ((0.5, 3.0), (0.5, 3.0)), weibull_metric
    ),
    "Student, df held": Case(
        lambda m, s: dist.StudentT(3.0, m, s), lambda m, s: stats.t(3, m, s), PLANE, location_scale(4 / 6, 1), "df"
    ),
    "normal, loc held": Case(
        lambda s: dist.Normal(0.5, s), lambda s: stats.norm(0.5, s), POSITIVE, lambda s: 2 / s**2, "loc"
    ),
    "normal, scale held": Case(
        lambda m: dist.Normal(m, 0.5), lambda m: stats.norm(m, 0.5), ((-2.0, 2.0),), lambda m: 4.0, "scale"
    ),
    "half-normal": Case(dist.HalfNormal, lambda s: stats.halfnorm(0, s), POSITIVE, lambda s: 2 / s**2),
    "half-Cauchy": Case(dist.HalfCauchy, lambda s: stats.halfcauchy(0, s), POSITIVE, lambda s: 0.5 / s**2),
    "exponential": Case(dist.Exponential, lambda r: stats.expon(scale=1 / r), POSITIVE, lambda r: 1 / r**2),
    "Pareto, scale held": Case(
        lambda a: dist.Pareto(2.0, a), lambda a: stats.pareto(a, scale=2), POSITIVE, lambda a: 1 / a**2, "scale"
    ),
    "gamma, concentration held": Case(
        lambda r: dist.Gamma(2.5, r),
        lambda r: stats.gamma(2.5, scale=1 / r),
        POSITIVE,
        lambda r: 2.5 / r**2,
        "concentration",
    ),
    "inverse gamma, concentration held": Case(
        lambda r: dist.InverseGamma(2.5, r),
        lambda r: stats.invgamma(2.5, scale=r),
        POSITIVE,
        lambda r: 2.5 / r**2,
        "concentration",
    ),
    "Poisson": Case(dist.Poisson, stats.poisson, ((0.3, 20.0),), lambda r: 1 / r),
    "geometric": Case(dist.Geometric, lambda p: stats.geom(p, loc=-1), ((0.05, 0.95),), lambda p: 1 / (p**2 * (1 - p))),
    "negative binomial, concentration held": Case(
        lambda m: dist.NegativeBinomial2(m, 3.0),
        lambda m: stats.nbinom(3, 3 / (3 + m)),
        ((0.3, 20.0),),
        lambda m: 3 / (m * (m + 3)),
        "concentration",
    ),
    "Bernoulli": Case(dist.BernoulliProbs, stats.bernoulli, SHARE, lambda p: 1 / (p * (1 - p))),
    "binomial": Case(
        lambda p: dist.BinomialProbs(p, 7), lambda p: stats.binom(7, p), SHARE, lambda p: 7 / (p * (1 - p))
    ),
    "categorical": Case(
        lambda *shares: dist.CategoricalProbs(three_cells(*shares)), numbered, TRIANGLE, categorical_metric
    ),
}
