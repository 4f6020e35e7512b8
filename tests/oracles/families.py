"""The table of exponential families, each beside scipy's density and a grid that sums or integrates it.

`statistics` writes out T(x) again; `nodes` are points of the support [node, ...] and weights that integrate over it:
the integers themselves, or the trapezoidal rule after a change of variable, whose error is far below rounding.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import jax
import numpy as np
import numpyro.distributions as dist
from scipy import special, stats

from isthmus.information import families

Parameters = tuple[Any, ...]
# Options of jax.jit for what is compiled for a few members: compiling takes longer than running there.
QUICKLY: Any = {"xla_backend_optimization_level": 0, "xla_cpu_use_fusion_emitters": False}


@dataclass(frozen=True)
class FamilyCase:
    """A family, two pairs of members by numpyro's parameters, and a law of random members."""

    family: families.ExponentialFamily
    numpyro: Callable[..., dist.Distribution]
    log_density: Callable[..., np.ndarray]
    statistics: Callable[[np.ndarray], np.ndarray]
    nodes: Callable[[], tuple[np.ndarray, np.ndarray]]
    draw: Callable[[np.random.Generator, int], Parameters]
    pairs: list[tuple[Parameters, Parameters]]

    @cached_property
    def natural(self) -> Callable[..., Any]:
        """Natural coordinates [..., parameter] of numpyro's parameters."""
        return jax.jit(
            lambda *parameters: self.family.natural_from_numpyro(self.numpyro(*parameters)), compiler_options=QUICKLY
        )


class Quadrature:
    """Expectations under p, by brute force."""

    def __init__(self, case: FamilyCase, p: Parameters):
        self.x, self.weights = case.nodes()
        self.log_p = case.log_density(self.x, *p)
        self.mass = self.weights * np.exp(self.log_p)

    def mean(self, values: np.ndarray) -> np.ndarray:
        """The expectation of values [node, ...], none of which counts where p has no mass."""
        return np.tensordot(self.mass[self.mass > 0], values[self.mass > 0], axes=1)

    def covariance(self, values: np.ndarray) -> np.ndarray:
        centred = values[self.mass > 0] - self.mean(values)
        return centred.T @ (self.mass[self.mass > 0][:, None] * centred)

    def renyi(self, log_q: np.ndarray, alpha: float) -> float:
        exponents = alpha * self.log_p + (1 - alpha) * log_q
        return special.logsumexp(exponents, b=self.weights) / (alpha - 1)


def integers(size: int) -> Callable[[], tuple[np.ndarray, np.ndarray]]:
    return lambda: (np.arange(size), np.ones(size))


def line(reach: float, step: float) -> tuple[np.ndarray, np.ndarray]:
    t = np.arange(-reach, reach + step / 2, step)
    return t, np.full(len(t), step)


def positive_line() -> tuple[np.ndarray, np.ndarray]:
    t, weights = line(90.0, 0.02)
    return np.exp(t), weights * np.exp(t)


def unit_interval() -> tuple[np.ndarray, np.ndarray]:
    t, weights = line(36.0, 0.02)
    x = special.expit(t)
    return x, weights * x * special.expit(-t)


def simplex() -> tuple[np.ndarray, np.ndarray]:
    """Three proportions, by the logarithms of the first two over the third."""
    t, weights = line(36.0, 0.2)
    first, second = np.meshgrid(t, t)
    x = special.softmax(np.stack([first.ravel(), second.ravel(), np.zeros(first.size)], axis=-1), axis=-1)
    return x, np.outer(weights, weights).ravel() * np.prod(x, axis=-1)


def plane() -> tuple[np.ndarray, np.ndarray]:
    t, weights = line(18.0, 0.1)
    return np.stack(np.meshgrid(t, t), axis=-1).reshape(-1, 2), np.outer(weights, weights).ravel()


def circle() -> tuple[np.ndarray, np.ndarray]:
    return np.linspace(-np.pi, np.pi, 2000, endpoint=False), np.full(2000, np.pi / 1000)


def itself(x: np.ndarray) -> np.ndarray:
    return x[:, None].astype(float)


def with_square(x: np.ndarray) -> np.ndarray:
    return np.stack([x, x**2], axis=-1)


def spread(low: float, high: float) -> Callable[[np.random.Generator, int], np.ndarray]:
    """Numbers even in their logarithm."""
    return lambda generator, n: np.exp(generator.uniform(np.log(low), np.log(high), n))


def two_spread(
    first: tuple[float, float], second: tuple[float, float]
) -> Callable[[np.random.Generator, int], Parameters]:
    return lambda generator, n: (spread(*first)(generator, n), spread(*second)(generator, n))


def random_covariances(generator: np.random.Generator, n: int) -> np.ndarray:
    factor = generator.normal(size=(n, 2, 2))
    return factor @ np.swapaxes(factor, 1, 2) + 0.1 * np.eye(2)


CORRELATED = np.array([[1.0, 0.6], [0.6, 1.5]])
FAMILIES = {
    "Bernoulli": FamilyCase(
        families.Bernoulli(),
        lambda logits: dist.BernoulliLogits(logits),
        lambda x, logits: stats.bernoulli.logpmf(x, special.expit(logits)),
        itself,
        integers(2),
        lambda generator, n: (generator.uniform(-8, 8, n),),
        [((0.3,), (-2.0,)), ((4.0,), (-1.0,))],
    ),
    "Binomial": FamilyCase(
        families.Binomial(20),
        lambda logits: dist.BinomialLogits(logits, 20),
        lambda x, logits: stats.binom.logpmf(x, 20, special.expit(logits)),
        itself,
        integers(21),
        lambda generator, n: (generator.uniform(-8, 8, n),),
        [((0.3,), (-2.0,)), ((4.0,), (-1.0,))],
    ),
    "Categorical": FamilyCase(
        families.Categorical(4),
        lambda logits: dist.CategoricalLogits(logits),
        lambda x, logits: special.log_softmax(logits)[x],
        lambda x: np.eye(4)[x][:, :3],
        integers(4),
        lambda generator, n: (1.5 * generator.normal(size=(n, 4)),),
        [(([0.0, 1.0, -2.0, 0.5],), ([1.0, 0.0, 3.0, 2.0],)), (([5.0, 0.0, 0.0, 0.0],), ([0.0, 0.0, 0.0, 6.0],))],
    ),
    "Poisson": FamilyCase(
        families.Poisson(),
        dist.Poisson,
        lambda x, rate: stats.poisson.logpmf(x, rate),
        itself,
        integers(300),
        lambda generator, n: (spread(1e-2, 1e3)(generator, n),),
        [((0.4,), (3.0,)), ((30.0,), (21.0,))],
    ),
    "Geometric": FamilyCase(
        families.Geometric(),
        dist.GeometricProbs,
        lambda x, probability: stats.geom.logpmf(x + 1, probability),
        itself,
        integers(1500),
        lambda generator, n: (generator.uniform(0.01, 0.99, n),),
        [((0.3,), (0.1,)), ((0.05,), (0.9,))],
    ),
    "Exponential": FamilyCase(
        families.Exponential(),
        dist.Exponential,
        lambda x, rate: stats.expon.logpdf(x, scale=1 / rate),
        itself,
        positive_line,
        lambda generator, n: (spread(1e-2, 1e2)(generator, n),),
        [((0.5,), (3.0,)), ((2.0,), (0.2,))],
    ),
    "Gamma": FamilyCase(
        families.Gamma(),
        dist.Gamma,
        lambda x, concentration, rate: stats.gamma.logpdf(x, concentration, scale=1 / rate),
        lambda x: np.stack([np.log(x), x], axis=-1),
        positive_line,
        two_spread((0.05, 50.0), (0.1, 10.0)),
        [((2.0, 3.0), (1.5, 0.7)), ((0.5, 1.0), (4.0, 2.0))],
    ),
    "InverseGamma": FamilyCase(
        families.InverseGamma(),
        dist.InverseGamma,
        lambda x, concentration, rate: stats.invgamma.logpdf(x, concentration, scale=rate),
        lambda x: np.stack([np.log(x), 1 / x], axis=-1),
        positive_line,
        two_spread((0.05, 50.0), (0.1, 10.0)),
        [((2.0, 3.0), (1.5, 0.7)), ((0.5, 1.0), (4.0, 2.0))],
    ),
    "Beta": FamilyCase(
        families.Beta(),
        dist.Beta,
        lambda x, first, second: stats.beta.logpdf(x, first, second),
        lambda x: np.stack([np.log(x), np.log1p(-x)], axis=-1),
        unit_interval,
        two_spread((0.05, 50.0), (0.05, 50.0)),
        [((2.0, 3.0), (1.5, 4.0)), ((7.0, 1.2), (1.0, 1.0))],
    ),
    "Dirichlet": FamilyCase(
        families.Dirichlet(3),
        dist.Dirichlet,
        lambda x, concentration: stats.dirichlet.logpdf(x.T, concentration),
        np.log,
        simplex,
        lambda generator, n: (spread(0.05, 50.0)(generator, 3 * n).reshape(n, 3),),
        [(([2.0, 3.0, 1.5],), ([1.5, 4.0, 1.0],)), (([1.0, 1.0, 1.0],), ([5.0, 1.2, 3.0],))],
    ),
    "Normal": FamilyCase(
        families.Normal(),
        dist.Normal,
        lambda x, mean, scale: stats.norm.logpdf(x, mean, scale),
        with_square,
        lambda: line(60.0, 0.01),
        lambda generator, n: (3 * generator.normal(size=n), spread(0.05, 20.0)(generator, n)),
        [((0.5, 2.0), (-1.0, 1.0)), ((3.0, 0.5), (3.0, 1.5))],
    ),
    "DiagonalNormal": FamilyCase(
        families.DiagonalNormal(2),
        lambda mean, scale: dist.Normal(mean, scale).to_event(1),
        lambda x, mean, scale: np.sum(stats.norm.logpdf(x, mean, scale), axis=-1),
        lambda x: np.concatenate([x, x**2], axis=-1),
        plane,
        lambda generator, n: (3 * generator.normal(size=(n, 2)), spread(0.05, 20.0)(generator, 2 * n).reshape(n, 2)),
        [(([0.5, 1.0], [2.0, 1.0]), ([-1.0, 0.0], [1.0, 1.5])), (([0.0, 0.0], [0.5, 0.7]), ([1.0, 0.0], [1.0, 0.8]))],
    ),
    "MultivariateNormal": FamilyCase(
        families.MultivariateNormal(2),
        dist.MultivariateNormal,
        lambda x, mean, covariance: stats.multivariate_normal.logpdf(x, mean, covariance),
        lambda x: np.stack([x[:, 0], x[:, 1], x[:, 0] ** 2, x[:, 0] * x[:, 1], x[:, 1] ** 2], axis=-1),
        plane,
        lambda generator, n: (3 * generator.normal(size=(n, 2)), random_covariances(generator, n)),
        [
            (([0.5, 1.0], CORRELATED), ([-1.0, 0.0], np.diag([0.5, 2.0]))),
            (([0.0, 0.0], np.eye(2)), ([1.0, 0.0], CORRELATED)),
        ],
    ),
    "VonMises": FamilyCase(
        families.VonMises(),
        dist.VonMises,
        lambda x, location, concentration: stats.vonmises.logpdf(x, concentration, loc=location),
        lambda x: np.stack([np.cos(x), np.sin(x)], axis=-1),
        circle,
        lambda generator, n: (generator.uniform(-np.pi, np.pi, n), spread(0.01, 100.0)(generator, n)),
        [((0.5, 2.0), (-1.0, 0.3)), ((3.0, 1e-3), (-3.0, 15.0))],
    ),
}
