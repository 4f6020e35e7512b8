"""Up to three continuous latents: the evidence as an integral, by adaptive quadrature around the posterior's modes.

Around each mode coordinates v are whitened, u = mode + L v with L L^T the inverse of minus the Hessian (Laplace), and
the whole space is brought into a cube by v = 4 artanh(s), so that a normal needs one subdivision. In float64 that
reaches 72 of the mode's widths, and a bounded latent's coordinate only as far as the latent differs from its bound: an
integrand that still holds something there has a tail too heavy to be integrated so, and is told apart. Where there are
several modes, each integral takes the share of the integrand that a normal around its mode has among the normals around
all: the shares add up to 1 everywhere, and so the integrals to the evidence.
"""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.flatten_util import ravel_pytree
from numpyro.distributions import Normal
from scipy.integrate import cubature

from isthmus.evidence.modes import Modes
from isthmus.inference.graphical import LogJoint

MOST_LATENTS = 3
POINTS_AT_ONCE = 512
RELATIVE_ERROR = 1e-7
NOTHING = 1e-30
"""An integral, in units of the highest mode, of which no digit is asked for."""
STRETCH = 4.0
REACH = 72.0
"""Of the cube, in widths: 4 artanh of the largest float64 below 1 is little more."""
RAY_POINTS = 144
MOST_UNREACHED = 1e-6
"""Share of the integral beyond reach that is let pass, as an error."""
SUBDIVISIONS = {1: 1000, 2: 200, 3: 20}
"""By dimension, after which what error is left is reported."""


def integrate(joint: LogJoint, data: Any, modes: Modes) -> tuple[np.ndarray, np.ndarray]:
    """(log of the integral over u of p(x, u), the numerical error of that), [row] each, in nats.

    The error is infinite where modes are left out, or tails beyond what float64 reaches.
    """
    parts = [_integrate_share(joint, data, modes, place) for place in range(modes.height.shape[1])]
    value, error = (np.sum([part[i] for part in parts], axis=0) for i in (0, 1))
    unreached = np.asarray(_unreached(joint, data, modes))
    whole = np.asarray(modes.complete) & (value > 0) & (unreached <= MOST_UNREACHED * value)
    with np.errstate(divide="ignore", invalid="ignore"):
        relative_error = (error + unreached) / np.abs(value)
        return np.log(value) + np.asarray(modes.height[:, 0]), np.where(whole, relative_error, np.inf)


def _integrate_share(joint: LogJoint, data: Any, modes: Modes, place: int) -> tuple[np.ndarray, np.ndarray]:
    """(integral, error), [row] each, of one mode's share, in units of the density at the highest."""
    size = joint.size

    def integrand(points: np.ndarray) -> np.ndarray:
        padded = np.pad(points, [(0, -len(points) % POINTS_AT_ONCE), (0, 0)])
        blocks = padded.reshape(-1, POINTS_AT_ONCE, size)
        values = [np.asarray(_share(joint, data, modes, jnp.int32(place), block)) for block in blocks]
        return np.concatenate(values)[: len(points)]

    cube = -np.ones(size), np.ones(size)
    tolerances: Any = {"rtol": RELATIVE_ERROR, "atol": NOTHING}
    found = cubature(integrand, *cube, rule="gk21", max_subdivisions=SUBDIVISIONS[size], **tolerances)
    return found.estimate, found.error


@eqx.filter_jit
def _share(joint: LogJoint, data: Any, modes: Modes, place: Array, points: Any) -> Array:
    """A mode's share of exp(log p(x, u) - height) |du / ds| at points s of the cube, [point, row]."""
    v = STRETCH * jnp.arctanh(points)
    log_stretch = jnp.sum(jnp.log(STRETCH) - jnp.log1p(-(points**2)), axis=-1)

    def of_row(x, own: Modes):
        log_values = jax.vmap(lambda v: _log_share(joint, x, own, place, v))(v) + log_stretch
        return jnp.exp(jnp.where(jnp.isnan(log_values), -jnp.inf, log_values))

    return eqx.filter_vmap(of_row)(data, modes).T


@eqx.filter_jit
def _unreached(joint: LogJoint, data: Any, modes: Modes) -> Array:
    """About what the integral lacks, [row]: integrand times distance where rays along the whitened axes leave off."""
    distances = jnp.linspace(0.0, REACH, RAY_POINTS + 1)[1:]
    axes = jnp.concatenate([jnp.eye(joint.size), -jnp.eye(joint.size)])

    def of_row(x, own: Modes):
        def at(place, axis, distance):
            u = own.position[place] + own.factor[place] @ (distance * axis)
            lost = (distance == REACH) | _is_saturated(joint, x, u)
            return jnp.where(lost, distance * jnp.exp(_log_share(joint, x, own, place, distance * axis)), 0.0)

        along = jax.vmap(jax.vmap(jax.vmap(at, (None, None, 0)), (None, 0, None)), (0, None, None))
        return jnp.sum(jnp.max(along(jnp.arange(len(own.height)), axes, distances), axis=-1))

    return eqx.filter_vmap(of_row)(data, modes)


def _is_saturated(joint: LogJoint, x: Any, u: Array) -> Array:
    """Whether a coordinate changes the latents no more: a bounded one is as near its bound as float64 allows."""
    change = jax.jacfwd(lambda u: ravel_pytree(joint.latents(x, u))[0])(u)
    return jnp.any(jnp.all(change == 0, axis=0))


def _log_share(joint: LogJoint, x: Any, own: Modes, place: Any, v: Array) -> Array:
    """log of a mode's share of p(x, u) |du / dv| at whitened coordinates v, in units of the highest mode."""
    u = own.position[place] + own.factor[place] @ v
    normals = jnp.where(own.present, jax.vmap(_log_normal, (None, 0, 0))(u, own.position, own.inverse), -jnp.inf)
    log_share = joint.log_density(x, u) - own.height[0] + normals[place] - jax.nn.logsumexp(normals)
    log_volume = jnp.linalg.slogdet(own.factor[place])[1]
    return jnp.where(jnp.isnan(log_share) | ~own.present[place], -jnp.inf, log_share + log_volume)


def _log_normal(u: Array, position: Array, inverse: Array) -> Array:
    """log of the density at u of the normal around a mode."""
    return jnp.sum(Normal(0.0, 1.0).log_prob(inverse @ (u - position))) + jnp.linalg.slogdet(inverse)[1]
