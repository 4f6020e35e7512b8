"""Families of q(u) over one real vector, which variational inference chooses from."""

from abc import abstractmethod
from typing import Any, ClassVar, Self, final

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import Array
from jax.scipy.linalg import solve_triangular
from numpyro.distributions import Distribution, LowRankMultivariateNormal, MultivariateNormal, Normal

NORMAL_RATE = 0.03


class PosteriorFamily(eqx.Module):
    """A density q(u) of one real vector u [size], whose arrays are its parameters.

    learning_rate: Adam's, where none is asked for.
    """

    learning_rate: eqx.AbstractClassVar[float]

    @abstractmethod
    def sample(self, key: Array) -> Array:
        """u ~ q, [size], differentiable in the parameters."""

    @abstractmethod
    def log_prob(self, u: Array) -> Array:
        """log q(u), in nats."""


class NormalFamily(PosteriorFamily):
    """A family of normals, each a numpyro distribution."""

    @property
    @abstractmethod
    def distribution(self) -> Distribution:
        """The normal itself."""

    @classmethod
    @abstractmethod
    def around(cls, mean: Array, scale: Array) -> Self:
        """The member with this mean and these scales [size], without correlations."""

    @final
    def sample(self, key: Array) -> Array:
        return jnp.asarray(self.distribution.sample(key))

    @final
    def log_prob(self, u: Array) -> Array:
        return jnp.asarray(self.distribution.log_prob(u))


class MeanFieldNormal(NormalFamily):
    """Independent normals: the cheapest, and blind to every correlation, so that its variances are too small."""

    learning_rate: ClassVar[float] = NORMAL_RATE
    mean: Array
    log_scale: Array

    @property
    def distribution(self) -> Distribution:
        return Normal(self.mean, jnp.exp(self.log_scale)).to_event(1)

    @classmethod
    def around(cls, mean: Array, scale: Array) -> "MeanFieldNormal":
        return cls(mean, jnp.log(scale))


class FullCovarianceNormal(NormalFamily):
    """A normal with any covariance L L^T: `scaled` [size, size] holds L's rows over its diagonal exp(log_diagonal)."""

    learning_rate: ClassVar[float] = NORMAL_RATE
    mean: Array
    log_diagonal: Array
    scaled: Array

    @property
    def scale_tril(self) -> Array:
        """L."""
        return jnp.exp(self.log_diagonal)[:, None] * (jnp.tril(self.scaled, -1) + jnp.eye(self.mean.shape[0]))

    @property
    def distribution(self) -> Distribution:
        return MultivariateNormal(self.mean, scale_tril=self.scale_tril)

    @classmethod
    def around(cls, mean: Array, scale: Array) -> "FullCovarianceNormal":
        return cls(mean, jnp.log(scale), jnp.zeros((mean.shape[0], mean.shape[0])))


class LowRankNormal(NormalFamily):
    """A normal of covariance D (I + F F^T) D, D = diag(exp(log_scale)), F [size, rank] (Ong, Nott and Smith 2018)."""

    learning_rate: ClassVar[float] = NORMAL_RATE
    rank: ClassVar[int] = 4
    mean: Array
    log_scale: Array
    factor: Array

    @property
    def distribution(self) -> Distribution:
        scale = jnp.exp(self.log_scale)
        return LowRankMultivariateNormal(self.mean, scale[:, None] * self.factor, scale**2)

    @classmethod
    def around(cls, mean: Array, scale: Array) -> "LowRankNormal":
        # Not exactly zero, where the gradient of F vanishes by symmetry.
        size = mean.shape[0]
        ramp = 0.01 * jnp.cos(jnp.arange(size)[:, None] * (1.0 + jnp.arange(min(cls.rank, size))))
        return cls(mean, jnp.log(scale), ramp)


class FlowFamily(PosteriorFamily):
    """A full-covariance normal bent by an autoregressive flow of its standardised variable.

    The normal is fitted first, and the flow, which starts near the identity, with it after that.
    Kingma et al. 2016, Improved variational inference with inverse autoregressive flow; flowjax's flows.
    """

    learning_rate: ClassVar[float] = NORMAL_RATE
    slowing: ClassVar[float] = 0.1
    flow: Any
    normal: FullCovarianceNormal

    def sample(self, key: Array) -> Array:
        return self.normal.mean + self.normal.scale_tril @ self.flow.sample(key)

    def log_prob(self, u: Array) -> Array:
        standardised = solve_triangular(self.normal.scale_tril, u - self.normal.mean, lower=True)
        return self.flow.log_prob(standardised) - jnp.sum(self.normal.log_diagonal)

    @classmethod
    def bending(cls, normal: FullCovarianceNormal) -> "FlowFamily":
        """The member that is nearly this normal."""
        return cls(_autoregressive_flow(normal.mean.shape[0]), normal)


def _autoregressive_flow(size: int) -> Any:
    try:
        from flowjax.distributions import StandardNormal
        from flowjax.flows import masked_autoregressive_flow
    except ImportError as error:
        raise ImportError("family='flow' needs flowjax: pip install 'isthmus[flows]'") from error
    return masked_autoregressive_flow(
        # One key: every row starts from the same bend.
        jax.random.key(0),
        base_dist=StandardNormal((size,)),
        flow_layers=4,
        nn_width=32,
        # Draws and their densities are what training needs: inverse autoregressive.
        invert=False,
    )


FAMILIES: dict[str, Any] = {
    "mean_field": MeanFieldNormal,
    "full_covariance": FullCovarianceNormal,
    "low_rank": LowRankNormal,
    "flow": FlowFamily,
}
"""By the name under which `fit_posterior` knows them."""
