"""Up to three continuous latents: the evidence as an integral, by adaptive quadrature around the posterior's modes.

Around each mode coordinates v are whitened, u = mode + L v with L L^T the inverse of minus the Hessian (Laplace), and
the whole space is brought into a cube by v = 4 artanh(s), so that no tail is cut off and a normal needs one
subdivision. Where there are several modes, each integral takes the share of the integrand that a normal around its mode
has among the normals around all: the shares add up to 1 everywhere, and so the integrals to the evidence.
"""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
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
SUBDIVISIONS = {1: 1000, 2: 200, 3: 20}
"""By dimension, after which what error is left is reported."""


def integrate(joint: LogJoint, data: Any, modes: Modes) -> tuple[np.ndarray, np.ndarray]:
    """(log of the integral over u of p(x, u), the numerical error of that), [row] each, in nats."""
    parts = [_integrate_share(joint, data, modes, place) for place in range(modes.height.shape[1])]
    value, error = (np.sum([part[i] for part in parts], axis=0) for i in (0, 1))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.log(value) + np.asarray(modes.height[:, 0]), error / np.abs(value)


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
        def at(v):
            u = own.position[place] + own.factor[place] @ v
            density = joint.log_density(x, u) - own.height[0]
            normals = jnp.where(
                own.present, jax.vmap(_log_normal, (None, 0, 0))(u, own.position, own.inverse), -jnp.inf
            )
            share = normals[place] - jax.nn.logsumexp(normals)
            return jnp.where(jnp.isnan(density) | ~own.present[place], -jnp.inf, density + share)

        log_volume = jnp.linalg.slogdet(own.factor[place])[1]
        return jnp.exp(jax.vmap(at)(v) + log_stretch + log_volume)

    return eqx.filter_vmap(of_row)(data, modes).T


def _log_normal(u: Array, position: Array, inverse: Array) -> Array:
    """log of the density at u of the normal around a mode."""
    return jnp.sum(Normal(0.0, 1.0).log_prob(inverse @ (u - position))) + jnp.linalg.slogdet(inverse)[1]
