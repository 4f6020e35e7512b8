"""Curves of least energy under a Riemannian metric.

A metric is given by its squared speed (z, v) -> v . G(z) v. A curve is the straight line between its ends plus
integrals of Legendre polynomials of time, which vanish there: in a flat space their energies simply add up, so the
problem stays well conditioned as the degree grows, and where the metric is analytic the error falls faster than any
power of it. The energy is minimised rather than the length because, of all the ways of travelling one path, it is least
for that of constant speed (do Carmo 1992, Riemannian geometry, chapter 9).
"""

from collections.abc import Callable
from functools import cache, partial
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.scipy.linalg import cho_solve
from numpy.polynomial import legendre

from isthmus.information.estimate import Estimate
from isthmus.information.geometry.manifolds import root

SquaredSpeed = Callable[[Array, Array], Array]

UNIT = "standard deviations"
"""The unit of length: along normals of one scale s, |difference of the means| / s. Neighbours at a length L are L^2 / 2
nats of KL apart; a pure number, which no conversion between nats and bits touches."""

_ITERATIONS = 60
_SMALLEST_STRIDE = 2.0**-30
_LARGEST_SHIFT = 1e6


class Geodesic(eqx.Module):
    """A curve of least energy between two points.

    curve: [points, coordinate], at equal steps of time, which are equal steps of length.
    length: its length, an upper bound of the distance, for another curve may be shorter. Its standard error is no
        sampling error but the change from half the degree and half the nodes: a cautious measure of what is missing.
    converged: whether the energy is at a minimum, to rounding, and the error of the length within the tolerance.
    """

    curve: Array
    length: Estimate
    converged: Array


class _Nodes(NamedTuple):
    """Times from 0 to 1 with their quadrature weights, and there the polynomials and their derivatives."""

    time: np.ndarray  # [node]
    weight: np.ndarray  # [node]
    basis: np.ndarray  # [node, value or derivative, coefficient]


def shortest_curve(
    squared_speed: SquaredSpeed, start: Array, end: Array, degree: int, points: int, tolerance: Array | float
) -> Geodesic:
    """The geodesic from start to end, [coordinate] each, among polynomials of `degree`.

    tolerance: of the length's error, relative, for the verdict. Differentiable in start, end and the arrays of the
    metric: at a minimum the coefficients' own change counts nothing.
    """
    if degree < 2 or points < 2:
        raise ValueError(f"degree={degree}, points={points}: expected 2 or more of each")
    journey = _Journey(squared_speed, start, end)
    straight = jnp.zeros((degree - 1, start.size), start.dtype)
    descents = partial(_descend, _constant(journey))
    coefficients, (energies, settled) = jax.lax.scan(descents, _constant(straight), jnp.array([degree // 2, degree]))
    length = journey.length(coefficients, 4 * degree)
    # At constant speed the energy is the squared length, so these also show what the nodes miss.
    error = _constant(jnp.sum(jnp.abs(root(energies) - length)))
    curve = journey.path(coefficients, _nodes(np.linspace(0.0, 1.0, points), degree))[:, 0]
    return Geodesic(curve, Estimate(length, UNIT, "upper", error), settled[-1] & (error <= tolerance * length))


@cache
def _gauss_nodes(count: int, degree: int) -> _Nodes:
    x, weight = legendre.leggauss(count)
    return _nodes((1 + x) / 2, degree)._replace(weight=weight / 2)


def _nodes(time: np.ndarray, degree: int) -> _Nodes:
    polynomials = legendre.legvander(2 * time - 1, degree)
    order = 2 * np.arange(1, degree) + 1
    value = (polynomials[:, 2:] - polynomials[:, :-2]) / (2 * np.sqrt(order))
    basis = np.stack([value, np.sqrt(order) * polynomials[:, 1:-1]], axis=1)
    return _Nodes(time, np.zeros_like(time), basis)


class _Journey(eqx.Module):
    """The curves from start to end, [coordinate], by their coefficients, [coefficient, coordinate]."""

    squared_speed: SquaredSpeed
    start: Array
    end: Array

    def path(self, coefficients: Array, nodes: _Nodes) -> Array:
        """Position and velocity at the nodes, [node, position or velocity, coordinate]."""
        time = nodes.time[:, None]
        step = self.end - self.start
        straight = jnp.stack([self.start + time * step, jnp.ones_like(time) * step], axis=1)
        return straight + nodes.basis @ coefficients

    def length(self, coefficients: Array, nodes: int) -> Array:
        gauss = _gauss_nodes(nodes, len(coefficients) + 1)
        return jnp.asarray(gauss.weight) @ root(jax.vmap(self._squared_speed)(self.path(coefficients, gauss)))

    def energy(self, coefficients: Array) -> Array:
        gauss = self._energy_nodes(coefficients)
        return jnp.asarray(gauss.weight) @ jax.vmap(self._squared_speed)(self.path(coefficients, gauss))

    def expand(self, coefficients: Array) -> tuple[Array, Array, Array]:
        """The energy, its gradient and its Hessian in the ravelled coefficients.

        The path is linear in them, so the Hessian is that of the squared speed at each node between two bases.
        """
        gauss = self._energy_nodes(coefficients)
        values, slopes, curvatures = jax.vmap(self._expand_squared_speed)(self.path(coefficients, gauss))
        gradient = jnp.einsum("q,qak,qai->ki", gauss.weight, gauss.basis, slopes)
        hessian = jnp.einsum("q,qak,qaibj,qbl->kilj", gauss.weight, gauss.basis, curvatures, gauss.basis)
        return jnp.asarray(gauss.weight) @ values, gradient.ravel(), hessian.reshape(gradient.size, gradient.size)

    def _energy_nodes(self, coefficients: Array) -> _Nodes:
        degree = len(coefficients) + 1
        return _gauss_nodes(2 * degree, degree)

    def _squared_speed(self, state: Array) -> Array:
        return self.squared_speed(state[0], state[1])

    def _expand_squared_speed(self, state: Array) -> tuple[Array, Array, Array]:
        def slope(state: Array) -> tuple[Array, tuple[Array, Array]]:
            value, gradient = jax.value_and_grad(self._squared_speed)(state)
            return gradient, (value, gradient)

        curvature, (value, gradient) = jax.jacfwd(slope, has_aux=True)(state)
        return value, gradient, curvature


class _Descent(NamedTuple):
    coefficients: Array
    energy: Array
    settled: Array
    stuck: Array
    iteration: Array


def _descend(journey: _Journey, initial: Array, degree: Array) -> tuple[Array, tuple[Array, Array]]:
    """Coefficients of least energy, those above `degree` as they are; the energy, and whether it is least to rounding.

    Newton's steps, halved until the energy falls.
    """
    free = jnp.repeat(jnp.arange(len(initial)) < degree - 1, initial.shape[1])

    def step(state: _Descent) -> _Descent:
        value, gradient, hessian = journey.expand(state.coefficients)
        direction, decrement = _newton_direction(gradient, hessian, free)
        direction = direction.reshape(initial.shape)
        settled = decrement <= 1e3 * jnp.finfo(value.dtype).eps * value

        def too_long(stride: Array) -> Array:
            falls = journey.energy(state.coefficients + stride * direction) <= value - 1e-4 * stride * decrement
            return ~falls & ~settled & (stride > _SMALLEST_STRIDE)

        stride = jax.lax.while_loop(too_long, lambda stride: stride / 2, jnp.ones_like(value))
        stuck = stride <= _SMALLEST_STRIDE
        moved = jnp.where(settled | stuck, state.coefficients, state.coefficients + stride * direction)
        return _Descent(moved, value, settled, stuck, state.iteration + 1)

    def unfinished(state: _Descent) -> Array:
        return ~(state.settled | state.stuck) & (state.iteration < _ITERATIONS)

    no = jnp.array(False)
    begin = _Descent(initial, jnp.asarray(jnp.inf, initial.dtype), no, no, jnp.array(0))
    final = jax.lax.while_loop(unfinished, step, begin)
    return final.coefficients, (final.energy, final.settled)


def _newton_direction(gradient: Array, hessian: Array, free: Array) -> tuple[Array, Array]:
    """Newton's step over the free coefficients, and twice the fall it promises.

    Where the Hessian is not positive, enough of the identity is added to make it so: the step is downhill still.
    """
    gradient = jnp.where(free, gradient, 0.0)
    hessian = jnp.where(free[:, None] & free, hessian, jnp.diag(~free))
    unit = jnp.maximum(jnp.max(jnp.diagonal(hessian)), jnp.finfo(hessian.dtype).tiny) * jnp.eye(len(hessian))

    def factor(shift: Array) -> Array:
        return jnp.linalg.cholesky(hessian + shift * unit)

    def indefinite(state: tuple[Array, Array]) -> Array:
        return ~jnp.all(jnp.isfinite(state[1])) & (state[0] < _LARGEST_SHIFT)

    def raised(state: tuple[Array, Array]) -> tuple[Array, Array]:
        shift = jnp.maximum(30 * state[0], jnp.finfo(hessian.dtype).eps)
        return shift, factor(shift)

    none = jnp.zeros((), hessian.dtype)
    _, lower = jax.lax.while_loop(indefinite, raised, (none, factor(none)))
    direction = -cho_solve((lower, True), gradient)
    return direction, -gradient @ direction


def _constant(tree: Any) -> Any:
    return jax.tree.map(lambda leaf: jax.lax.stop_gradient(leaf) if eqx.is_inexact_array(leaf) else leaf, tree)
