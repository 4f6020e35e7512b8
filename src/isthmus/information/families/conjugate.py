"""Conjugate priors over the members of a family, and what rows make of them."""

from typing import Any, Self

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import Array
from numpyro.distributions import Beta, Dirichlet, Distribution, Gamma

from isthmus.information.families.counts import Geometric, Poisson
from isthmus.information.families.family import ExponentialFamily
from isthmus.information.families.finite import Bernoulli, Binomial, Categorical
from isthmus.information.families.normal import DiagonalNormal, MultivariateNormal, Normal
from isthmus.information.families.parameters import floating
from isthmus.information.families.positive import Exponential


class ConjugatePrior(eqx.Module):
    """The density, up to a factor, exp(statistics . theta - strength A(theta)) of a family's natural coordinates theta.

    It is as if `strength` rows had been seen, of which `statistics` [parameter] is the sum of T(x). Diaconis and
    Ylvisaker 1979, Conjugate priors for exponential families.
    """

    family: ExponentialFamily
    statistics: Array
    strength: Array

    def log_density(self, natural: Array) -> Array:
        """The log density at theta [parameter] with respect to theta, up to a constant, in nats."""
        return self.statistics @ natural - self.strength * self.family.log_normaliser(natural)

    def update(self, rows: Any) -> Self:
        """The posterior after rows [row, ...] of independent x."""
        seen = jnp.sum(jax.vmap(self.family.sufficient_statistics)(rows), axis=0)
        return type(self)(self.family, self.statistics + seen, self.strength + len(rows))

    def predictive_mean(self) -> Array:
        """E[T(x)] of the next x, [parameter]; where the strength is not positive there is none, and it is nan."""
        return jnp.where(self.strength > 0, self.statistics / self.strength, jnp.nan)

    @classmethod
    def from_numpyro(cls, family: ExponentialFamily, distribution: Any) -> Self:
        """The prior that a numpyro beta, Dirichlet or gamma of the family's probability, probabilities or rate is."""
        match family, distribution:
            case Bernoulli() | Binomial(), Beta():
                successes, failures = floating(distribution.concentration1), floating(distribution.concentration0)
                return cls(family, successes[None], (successes + failures) / _trials(family))
            case Geometric(), Beta():
                return cls(
                    family, floating(distribution.concentration0)[None], floating(distribution.concentration1) - 1
                )
            case Categorical(), Dirichlet():
                concentration = floating(distribution.concentration)
                return cls(family, concentration[:-1], jnp.sum(concentration))
            case Poisson(), Gamma():
                return cls(family, floating(distribution.concentration)[None], floating(distribution.rate))
            case Exponential(), Gamma():
                return cls(family, floating(distribution.rate)[None], floating(distribution.concentration) - 1)
        raise _unknown(family, type(distribution).__name__)

    def to_numpyro(self) -> Distribution:
        """The numpyro distribution of the probability, probabilities or rate of the family's members."""
        match self.family:
            case Bernoulli() | Binomial():
                successes = self.statistics[0]
                return Beta(successes, _trials(self.family) * self.strength - successes)
            case Geometric():
                return Beta(self.strength + 1, self.statistics[0])
            case Categorical():
                return Dirichlet(jnp.append(self.statistics, self.strength - jnp.sum(self.statistics)))
            case Poisson():
                return Gamma(self.statistics[0], self.strength)
            case Exponential():
                return Gamma(self.strength + 1, self.statistics[0])
        raise _unknown(self.family, "distribution")


class NormalInverseGamma(eqx.Module):
    """variance ~ InverseGamma(concentration, rate), mean ~ Normal(location, sqrt(variance / strength)).

    location, concentration and rate are numbers, or arrays [size] for independent normals; strength is a number.
    """

    location: Array
    strength: Array
    concentration: Array
    rate: Array

    def update(self, rows: Array) -> "NormalInverseGamma":
        """The posterior after rows [row] or [row, size] of normal x."""
        rows, centre = floating(rows), jnp.mean(rows, axis=0)
        family = DiagonalNormal(rows.shape[1]) if rows.ndim == 2 else Normal()
        first = self.strength * (self.location - centre)
        second = first**2 / self.strength + 2 * self.rate
        prior = ConjugatePrior(family, jnp.stack([first, second]).ravel(), floating(self.strength))
        posterior = prior.update(rows - centre)
        first, second = posterior.statistics.reshape(2, *rows.shape[1:])
        location, strength = first / posterior.strength, posterior.strength
        rate = 0.5 * (second - first * location)
        return NormalInverseGamma(centre + location, strength, self.concentration + len(rows) / 2, rate)


class NormalInverseWishart(eqx.Module):
    """covariance ~ InverseWishart(degrees, scale), mean ~ MultivariateNormal(location, covariance / strength).

    location [size], scale [size, size]; strength and degrees are numbers, the latter above size - 1.
    """

    location: Array
    strength: Array
    degrees: Array
    scale: Array

    def update(self, rows: Array) -> "NormalInverseWishart":
        """The posterior after rows [row, size] of normal x."""
        rows, centre = floating(rows), jnp.mean(rows, axis=0)
        family = MultivariateNormal(rows.shape[1])
        first = self.strength * (self.location - centre)
        statistics = family.from_moments(first, jnp.outer(first, first) / self.strength + self.scale)
        posterior = ConjugatePrior(family, statistics, floating(self.strength)).update(rows - centre)
        first, second = family.to_moments(posterior.statistics)
        location, strength = first / posterior.strength, posterior.strength
        scale = second - jnp.outer(first, location)
        return NormalInverseWishart(centre + location, strength, self.degrees + len(rows), scale)


def _trials(family: ExponentialFamily) -> Any:
    return family.total_count if isinstance(family, Binomial) else 1


def _unknown(family: ExponentialFamily, distribution: str) -> TypeError:
    return TypeError(
        f"no numpyro {distribution} is conjugate to {type(family).__name__}; expected a Beta for Bernoulli, Binomial "
        "and Geometric, a Dirichlet for Categorical, a Gamma for Poisson and Exponential; for normals use "
        "NormalInverseGamma or NormalInverseWishart"
    )
