"""What variational inference of a posterior p(u | x) minimises over q: divergences that differ in what they forgive.

The reverse KL forgives a q that misses a mode, the forward KL one that is too wide; Renyi's order lies between. Each is
a value: called with a log joint, q, the datum and a key, it gives a number whose gradient in q is that of minus the
divergence, up to terms without q, from draws of q.
"""

import math
from abc import abstractmethod
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.scipy.special import logsumexp

from isthmus.inference.approximation.families import PosteriorFamily
from isthmus.inference.graphical import LogJoint


class Divergence(eqx.Module):
    """An objective of q, to be maximised, from `samples` draws.

    starts_wide: whether q should start as wide as the prior, to find what it must cover.
    """

    starts_wide: eqx.AbstractClassVar[bool]

    @abstractmethod
    def __call__(self, joint: LogJoint, q: PosteriorFamily, x: Any, key: Array, samples: int) -> Array: ...


class ReverseKL(Divergence):
    """KL(q || p(u | x)): the ELBO is log p(x) less it. It seeks a mode, and its variances err on the small side.

    sticking_the_landing: leave out the score of q, whose mean is zero and whose noise is not, so that the gradient's
        variance vanishes as q becomes the posterior (Roeder, Wu and Duvenaud 2017).
    """

    sticking_the_landing: bool = eqx.field(static=True, default=True)
    starts_wide: ClassVar[bool] = False

    def __call__(self, joint: LogJoint, q: PosteriorFamily, x: Any, key: Array, samples: int) -> Array:
        u = draw(q, key, samples)
        return jnp.mean(log_weights(joint, stopped(q) if self.sticking_the_landing else q, x, u))


class Renyi(Divergence):
    """Renyi's divergence of order alpha of q from the posterior, by the bound of Li and Turner 2016.

    The reverse KL at alpha = 1 (the limit), the importance-weighted bound at 0; it covers mass the more the nearer
    alpha is to 0. Below 0 it would bound log p(x) from above. At finite draws its gradient is biased.
    """

    alpha: float = eqx.field(static=True)
    starts_wide: ClassVar[bool] = False

    def __check_init__(self):
        if not 0 <= self.alpha < math.inf:
            raise ValueError(f"alpha is {self.alpha}; expected a finite order from 0 on, such as 0.5")

    def __call__(self, joint: LogJoint, q: PosteriorFamily, x: Any, key: Array, samples: int) -> Array:
        ratios = log_weights(joint, q, x, draw(q, key, samples))
        if self.alpha == 1:
            return jnp.mean(ratios)
        power = 1.0 - self.alpha
        return (logsumexp(power * ratios) - math.log(samples)) / power


class ImportanceWeighted(Divergence):
    """The importance-weighted bound at `samples` draws (Burda, Grosse and Salakhutdinov 2016).

    doubly_reparameterised: gradients of q by DReG, sum of w^2 (d log w / d u) (d u / d q) over normalised weights w,
        whose signal does not drown in noise as draws are added (Tucker, Lawson, Gu and Maddison 2019).
    """

    doubly_reparameterised: bool = eqx.field(static=True, default=True)
    starts_wide: ClassVar[bool] = False

    def __call__(self, joint: LogJoint, q: PosteriorFamily, x: Any, key: Array, samples: int) -> Array:
        u = draw(q, key, samples)
        if self.doubly_reparameterised:
            weights = jax.nn.softmax(log_weights(joint, q, x, u))
            # The bound's own gradient has one factor w; this gives u's part, the only one left, the second.
            u = scale_gradient(u, lax.stop_gradient(weights))
            q = stopped(q)
        return logsumexp(log_weights(joint, q, x, u)) - math.log(samples)


class ForwardKL(Divergence):
    """KL(p(u | x) || q), by draws of q reweighted to the posterior (Bornschein and Bengio 2015): it covers all mass.

    It learns of a mode only where q's draws reach it, so that q starts wide; self-normalised weights are biased at
    finite draws.
    """

    starts_wide: ClassVar[bool] = True

    def __call__(self, joint: LogJoint, q: PosteriorFamily, x: Any, key: Array, samples: int) -> Array:
        u = lax.stop_gradient(draw(q, key, samples))
        weights = lax.stop_gradient(jax.nn.softmax(log_weights(joint, q, x, u)))
        return weights @ jax.vmap(q.log_prob)(u)


DIVERGENCES: dict[str, Divergence] = {
    "reverse_kl": ReverseKL(),
    "forward_kl": ForwardKL(),
    "importance_weighted": ImportanceWeighted(),
    "renyi": Renyi(0.5),
}
"""By the name under which `fit_posterior` knows them."""


def draw(q: PosteriorFamily, key: Array, samples: int) -> Array:
    """Draws of q, [sample, size]."""
    return jax.vmap(q.sample)(jax.random.split(key, samples))


def log_weights(joint: LogJoint, q: PosteriorFamily, x: Any, u: Array) -> Array:
    """log p(x, u) - log q(u) at draws [sample, size], [sample]."""
    return jax.vmap(lambda one: joint.log_density(x, one) - q.log_prob(one))(u)


def stopped(q: PosteriorFamily) -> PosteriorFamily:
    """q without gradients in its parameters."""
    arrays, static = eqx.partition(q, eqx.is_array)
    return eqx.combine(lax.stop_gradient(arrays), static)


@jax.custom_vjp
def scale_gradient(u: Array, weights: Array) -> Array:
    """u [sample, size] itself, its gradient multiplied by weights [sample]."""
    return u


def _forward(u: Array, weights: Array) -> tuple[Array, Array]:
    return u, weights


def _backward(weights: Array, gradient: Array) -> tuple[Array, Array]:
    return weights[:, None] * gradient, jnp.zeros_like(weights)


scale_gradient.defvjp(_forward, _backward)
