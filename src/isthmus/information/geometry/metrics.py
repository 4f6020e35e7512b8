"""Metrics as squared speeds: the Fisher information of a family, and that pulled back through z -> p(. | z).

v . G(z) v, with G(z) = E[score score^T] and score = grad_z log p(x | z), is the second derivative in t, at 0, of
KL(p(. | z) || p(. | z + t v)).
"""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpyro.distributions import Distribution, ExpandedDistribution, Independent, TransformedDistribution

from isthmus.information.distributions.structure import simplified
from isthmus.information.distributions.supports import ends, is_bijection, log_density, measure_of, transforms_of
from isthmus.information.families.family import ExponentialFamily
from isthmus.information.families.registry import family_of
from isthmus.information.geometry.curves import SquaredSpeed
from isthmus.information.geometry.known_families import KNOWN_FAMILIES
from isthmus.information.geometry.manifolds import Manifold
from isthmus.information.tables import is_traced

Decoder = Callable[[Array], Any]
Divergence = Callable[[Any, Any], Any]

_LARGEST_SUPPORT = 4096


class FamilyMetric(eqx.Module):
    """The Fisher information of an exponential family in its natural coordinates; infinite off their domain."""

    family: ExponentialFamily

    def __call__(self, natural: Array, velocity: Array) -> Array:
        def log_normaliser(time: Array) -> Array:
            return self.family.log_normaliser(natural + time * velocity)

        return jnp.where(self.family.in_domain(natural), _second_derivative(log_normaliser, natural.dtype), jnp.inf)


class ManifoldMetric(eqx.Module):
    """The metric of a decoder into distributions whose geometry is known: J^T F J, in the coordinates of a manifold."""

    decoder: Decoder

    def __call__(self, z: Array, velocity: Array) -> Array:
        component = _plain_components(self.decoder(z))
        manifold = _manifold_of(component)
        assert manifold is not None
        assert manifold.squared_speed is not None

        def coordinates(z: Array) -> Any:
            return manifold.coordinates(_unexpanded(_plain_components(self.decoder(z))))

        speeds = manifold.squared_speed(*jax.jvp(coordinates, (z,), (velocity,)))
        return jnp.sum(jnp.broadcast_to(speeds, component.batch_shape))


class EnumeratedMetric(eqx.Module):
    """The metric of a decoder into independent variables that take a few values, [value, ...]: the sum of p score^2."""

    decoder: Decoder
    values: np.ndarray

    def __call__(self, z: Array, velocity: Array) -> Array:
        def log_probs(z: Array) -> Array:
            return log_density(components(self.decoder(z)), self.values)

        log_prob, score = jax.jvp(log_probs, (z,), (velocity,))
        return jnp.sum(jnp.exp(log_prob) * jnp.where(log_prob > -jnp.inf, score, 0.0) ** 2)


class DivergenceMetric(eqx.Module):
    """The metric of a decoder by KL in closed form, its second derivative in the distribution's own parameters.

    The decoder's own second derivative counts nothing, because KL has no first derivative where p and q are one.
    """

    decoder: Decoder
    kl: Divergence

    def __call__(self, z: Array, velocity: Array) -> Array:
        origin = self.decoder(z)
        others = eqx.filter(origin, eqx.is_inexact_array, inverse=True)

        def parameters(z: Array) -> Any:
            return eqx.filter(self.decoder(z), eqx.is_inexact_array)

        at, tangents = jax.jvp(parameters, (z,), (velocity,))

        def divergence(time: Array) -> Array:
            moved = jax.tree.map(lambda parameter, tangent: parameter + time * tangent, at, tangents)
            kl = self.kl(origin, eqx.combine(moved, others))
            return jnp.asarray(getattr(kl, "value", kl))

        return _second_derivative(divergence, z.dtype)


def metric_of(decoder: Decoder, z: Array, closed_kl: Divergence | None) -> SquaredSpeed | None:
    """The metric of a decoder where it is known without draws: by the KL that is given, by the geometry of its
    distributions, or by enumeration. Raises TypeError, ValueError where decoder(z) is not one distribution."""
    distribution = decoder(z)
    if closed_kl is not None:
        return DivergenceMetric(decoder, closed_kl)
    if as_numpyro(distribution) is None:
        return None
    if _manifold_of(_plain_components(distribution)) is not None:
        return ManifoldMetric(decoder)
    values = _finite_support(components(distribution))
    return None if values is None else EnumeratedMetric(decoder, values)


def as_numpyro(distribution: Any) -> Distribution | None:
    """One numpyro distribution: the product of the columns of a `base`; None for what has log_prob and sample only."""
    base = getattr(distribution, "base", None)
    if isinstance(base, Distribution):
        return simplified(base.to_event(len(base.batch_shape)))
    if isinstance(distribution, Distribution):
        if distribution.batch_shape:
            raise ValueError(
                f"decoder(z) is a batch of distributions, of shape {distribution.batch_shape}; expected one: if they "
                f"are parts of one datum, use .to_event({len(distribution.batch_shape)})"
            )
        return simplified(distribution)
    if not (hasattr(distribution, "log_prob") and hasattr(distribution, "sample")):
        raise TypeError(
            f"decoder(z) is {type(distribution).__name__}; expected a numpyro distribution, or an object with "
            "log_prob(x) and sample(key)"
        )
    return None


def components(distribution: Any) -> Distribution:
    """The independent components, as a batch, of a distribution that `as_numpyro` knows."""
    component: Any = as_numpyro(distribution)
    while isinstance(component, Independent):
        component = component.base_dist
    return component


def _plain_components(distribution: Any) -> Distribution:
    """The components without the changes of variable that no z alters, which no metric notices."""
    component: Any = components(distribution)
    while isinstance(component, Independent) or _is_fixed_image(component):
        component = component.base_dist
    return component


def _is_fixed_image(distribution: Distribution) -> bool:
    if not isinstance(distribution, TransformedDistribution) or (type(distribution), None) in KNOWN_FAMILIES:
        return False
    transforms = transforms_of(distribution)
    return is_bijection(transforms) and not jax.tree.leaves(transforms)


def _manifold_of(component: Distribution) -> Manifold | None:
    """The manifold of a plain distribution or of what it expands, where the squared speed on it is known."""
    plain = _unexpanded(component)
    known = KNOWN_FAMILIES.get((type(plain), None))
    if known is not None and known.manifold.squared_speed is not None:
        return known.manifold
    member = family_of(plain)
    if member is None:
        return None
    return Manifold(_natural_coordinates, None, jnp.vectorize(FamilyMetric(member[0]), signature="(k),(k)->()"))


def _natural_coordinates(distribution: Distribution) -> Array:
    member = family_of(distribution)
    assert member is not None
    return member[1]


def _unexpanded(distribution: Distribution) -> Distribution:
    return distribution.base_dist if isinstance(distribution, ExpandedDistribution) else distribution


def _finite_support(component: Distribution) -> np.ndarray | None:
    """The values, [value, ...], of independent integers that take few of them; None for any other component."""
    if component.event_shape or measure_of(component) != "counting":
        return None
    bounds = ends(component)
    if bounds is None or is_traced(*bounds) or not all(np.all(np.isfinite(bound)) for bound in bounds):
        return None
    lower, upper = int(np.min(bounds[0])), int(np.max(bounds[1]))
    if upper - lower >= _LARGEST_SUPPORT:
        return None
    return np.arange(lower, upper + 1).reshape(-1, *(1 for _ in component.batch_shape))


def _second_derivative(function: Callable[[Array], Array], dtype: Any) -> Array:
    """f''(0)."""
    zero, one = jnp.zeros((), dtype), jnp.ones((), dtype)
    return jax.jvp(lambda time: jax.jvp(function, (time,), (one,))[1], (zero,), (one,))[1]
