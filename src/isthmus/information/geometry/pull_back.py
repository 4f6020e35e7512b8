"""Lengths, volumes and geodesics in the space of z, as the distributions p(. | z) of a decoder measure them.

A decoder is any callable z [n] -> p(. | z): a numpyro distribution, or an object with log_prob(x) and sample(key), such
as a model's likelihood. Arvanitidis et al. 2022, Pulling back information geometry.
"""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from isthmus.information.estimate import Estimate
from isthmus.information.geometry.curves import UNIT, Geodesic, shortest_curve
from isthmus.information.geometry.manifolds import root
from isthmus.information.geometry.metrics import Decoder, Divergence, SquaredSpeed, as_numpyro, components, metric_of
from isthmus.information.precision import in_float64


@in_float64
def pull_back_metric(
    decoder: Decoder, z: ArrayLike, *, closed_kl: Divergence | None = None, key: Array | None = None, draws: int = 1000
) -> Estimate:
    """The pull-back metric G(z), [n, n]: the Hessian in z' of KL(p(. | z) || p(. | z')) at z' = z.

    A small step dz is sqrt(dz . G dz) standard deviations long. Exact where the distributions have a closed form or
    few values; otherwise the mean of score score^T over draws, with its standard error, for which a key is needed.

    z: [n]; use jax.vmap for a batch.  closed_kl: (p, q) -> KL(p || q) in nats, for distributions without a closed form
    here.  draws: of x at z.
    Raises ValueError for a batch where one z or one distribution is expected, and for a key that is needed.
    """
    z = _one_point(z, "z")
    metric = metric_of(decoder, z, closed_kl)
    if metric is not None:
        return Estimate(_tensor(metric, z), f"{UNIT}^2", "exact", 0.0)
    draws_of_metric = _sampled_tensors(decoder, z, _required(key), draws)
    return Estimate(jnp.mean(draws_of_metric, axis=0), f"{UNIT}^2", "estimate", _standard_error(draws_of_metric))


@in_float64
def volume_density(
    decoder: Decoder, z: ArrayLike, *, closed_kl: Divergence | None = None, key: Array | None = None, draws: int = 1000
) -> Estimate:
    """sqrt det G(z), the volume that a unit of z's own volume takes up among the distributions; 0 where G is singular.

    Arguments and errors as for `pull_back_metric`; a standard error is that of the linearised determinant.
    """
    z = _one_point(z, "z")
    metric, unit = metric_of(decoder, z, closed_kl), f"{UNIT}^{np.size(z)}"
    if metric is not None:
        return Estimate(_volume(_tensor(metric, z)), unit, "exact", 0.0)
    draws_of_metric = _sampled_tensors(decoder, z, _required(key), draws)
    mean = jnp.mean(draws_of_metric, axis=0)
    relative = 0.5 * jnp.trace(jnp.linalg.solve(mean, draws_of_metric), axis1=-2, axis2=-1)
    return Estimate(_volume(mean), unit, "estimate", _volume(mean) * _standard_error(relative))


@in_float64
def curve_length(decoder: Decoder, curve: ArrayLike, *, closed_kl: Divergence | None = None) -> Estimate:
    """The length of the straight lines through the points of a curve, [point, n], in the unit `standard deviations`.

    The standard error is no sampling error: it is the change from half the quadrature nodes on each line.
    Raises ValueError for fewer than two points, and where the metric is known from draws only.
    """
    curve = jnp.asarray(curve, jnp.result_type(float))
    if curve.ndim != 2 or len(curve) < 2:
        raise ValueError(f"curve is of shape {curve.shape}; expected [point, n], with two points or more")
    length, coarse = _polygon_lengths(_required_metric(decoder, curve[0], closed_kl), curve)
    return Estimate(length, UNIT, "estimate", jnp.abs(length - coarse))


def fisher_rao_length(
    path: Callable[[Array], Any], start: float = 0.0, end: float = 1.0, *, pieces: int = 32
) -> Estimate:
    """The length of a path of distributions t -> p(. | t) from one time to another, in the unit `standard deviations`.

    It does not depend on how fast the path is travelled, nor on the coordinates of distributions or of x. pieces: into
    which the time is cut for the quadrature; errors as for `curve_length`.
    """
    return curve_length(_AlongTime(path), start + (end - start) * np.linspace(0.0, 1.0, pieces + 1)[:, None])


@in_float64
def geodesic(
    decoder: Decoder,
    start: ArrayLike,
    end: ArrayLike,
    *,
    points: int = 65,
    degree: int = 16,
    tolerance: float = 1e-4,
    closed_kl: Divergence | None = None,
) -> Geodesic:
    """A shortest curve from start to end, [n] each, under the pull-back metric: `.curve`, `.length`, `.converged`.

    Its energy is minimised over polynomials of `degree`, from the straight line; deterministic. The length bounds the
    distance from above, for a curve on another way round may be shorter still; it is differentiable in start and end.
    A family's own geodesics, in natural coordinates, are those of the decoder `family.to_numpyro`.

    points: of the curve that is returned.  tolerance: relative error of the length below which it counts as converged.
    Raises ValueError for ends of unequal shapes, and where the metric is known from draws only. Shao, Kumar and
    Fletcher 2018, The Riemannian geometry of deep generative models.
    """
    start, end = _one_point(start, "start"), _one_point(end, "end")
    if start.shape != end.shape:
        raise ValueError(f"start is of shape {start.shape} and end of {end.shape}; expected two points of one space")
    metric = _required_metric(decoder, start, closed_kl)
    return eqx.filter_jit(shortest_curve)(metric, start, end, degree, points, jnp.asarray(tolerance))


class _AlongTime(eqx.Module):
    """A path as a decoder of one coordinate."""

    path: Callable[[Array], Any]

    def __call__(self, z: Array) -> Any:
        return self.path(z[0])


@eqx.filter_jit
def _tensor(metric: SquaredSpeed, z: Array) -> Array:
    """G, [n, n], from the quadratic form v . G v, whose gradient is 2 G v."""
    return 0.5 * jax.vmap(jax.grad(lambda velocity: metric(z, velocity)))(jnp.eye(len(z), dtype=z.dtype))


@eqx.filter_jit
def _polygon_lengths(metric: SquaredSpeed, curve: Array) -> tuple[Array, Array]:
    """By 8 and by 4 nodes on each line."""

    def by(nodes: int) -> Array:
        x, weight = np.polynomial.legendre.leggauss(nodes)
        steps = jnp.diff(curve, axis=0)
        at = curve[:-1, None] + (1 + x[:, None]) / 2 * steps[:, None]
        speeds = jax.vmap(lambda points, step: jax.vmap(lambda point: metric(point, step))(points))(at, steps)
        return jnp.sum(root(speeds) @ (weight / 2))

    return by(8), by(4)


@eqx.filter_jit
def _sampled_tensors(decoder: Decoder, z: Array, key: Array, draws: int) -> Array:
    """Sums over independent components of score score^T, [draw, n, n]: their expectation is G."""
    distribution = decoder(z)
    event = as_numpyro(distribution)
    keys = jax.random.split(key, draws)
    x = jax.vmap(distribution.sample)(keys) if event is None else event.sample(key, (draws,))

    def log_probs(z: Array) -> Array:
        moved = decoder(z)
        log_prob = jax.vmap(moved.log_prob)(x) if event is None else components(moved).log_prob(x)
        return jnp.reshape(log_prob, (draws, -1))

    scores = jax.jacfwd(log_probs)(z)
    return jnp.einsum("dci,dcj->dij", scores, scores)


def _volume(tensor: Array) -> Array:
    sign, log_determinant = jnp.linalg.slogdet(tensor)
    regular = sign > 0
    _, log_determinant = jnp.linalg.slogdet(jnp.where(regular, tensor, jnp.eye(len(tensor))))
    return jnp.where(regular, jnp.exp(0.5 * log_determinant), 0.0)


def _standard_error(draws: Array) -> Array:
    return jnp.std(draws, axis=0, ddof=1) / np.sqrt(len(draws))


def _one_point(z: ArrayLike, name: str) -> Array:
    z = jnp.asarray(z, jnp.result_type(float))
    if z.ndim != 1:
        raise ValueError(f"{name} is of shape {z.shape}; expected one point, [n]; use jax.vmap for a batch")
    return z


def _required(key: Array | None) -> Array:
    if key is None:
        raise ValueError(
            "no closed form of KL between these distributions is known; pass key= to estimate it, or closed_kl="
        )
    return key


def _required_metric(decoder: Decoder, z: Array, closed_kl: Divergence | None) -> SquaredSpeed:
    metric = metric_of(decoder, z, closed_kl)
    if metric is None:
        raise ValueError(
            "no closed form of KL between these distributions is known, nor are their values few; pass closed_kl="
        )
    return metric
