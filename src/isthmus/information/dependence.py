"""How much variables tell of each other: mutual information, conditional mutual information, total correlation.

A joint distribution is a probability table, one axis a variable, or a multivariate normal of numpyro (dense or low
rank, independent normals, or an affine map of these), one component a variable. Groups of variables are given by
their axes or components, a number or a tuple. What is in no group is summed out. Results are exact, in nats.
"""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np
from numpyro.distributions import Distribution

from isthmus.information import tables
from isthmus.information.distributions.quantities import are_distributions, name_of
from isthmus.information.distributions.structure import as_multivariate_normal, simplified
from isthmus.information.estimate import Estimate
from isthmus.information.precision import in_float64
from isthmus.information.tables import Axes

Group = int | tuple[int, ...]
Entropy = Callable[[tuple[int, ...]], Any]


def mutual_information(joint: Any, x: Group | None = None, y: Group | None = None, *, axis: Axes = None) -> Estimate:
    """I(X; Y) = H(X) + H(Y) - H(X, Y) = KL(p(x, y) || p(x) p(y)), in nats: what one tells of the other.

    joint: a table that sums to one over `axis` (all axes where None; the others are a batch), or a multivariate normal.
    x, y: the variables of either group; they may be left out where the joint has two variables in all.
    Raises ValueError for a table that is no probability, and for groups that are missing, overlap, or lie outside the
    joint; TypeError for a distribution that is not normal. Shannon 1948.
    """
    return conditional_mutual_information(joint, x, y, (), axis=axis)


def conditional_mutual_information(
    joint: Any, x: Group | None = None, y: Group | None = None, given: Group | None = None, *, axis: Axes = None
) -> Estimate:
    """I(X; Y | Z) = H(X, Z) + H(Y, Z) - H(X, Y, Z) - H(Z), in nats: what one tells of the other to who knows Z.

    given: the variables of Z; where x, y and given are left out, they are the joint's three variables. Otherwise as in
    `mutual_information`.
    """

    def information(entropy: Entropy, variables: tuple[int, ...], ndim: int) -> Any:
        (a, b, c) = _groups((x, y, given), variables, ndim)
        return entropy(a + c) + entropy(b + c) - entropy(a + b + c) - entropy(c)

    return _of_joint(information, joint, axis)


def total_correlation(joint: Any, *, axis: Axes = None) -> Estimate:
    """sum H(X_i) - H(X_1, ..., X_n) = KL(joint || product of its marginals), in nats, of all the joint's variables
    (Watanabe 1960).

    joint, axis and errors as in `mutual_information`.
    """

    def correlation(entropy: Entropy, variables: tuple[int, ...], ndim: int) -> Any:
        return sum(entropy((variable,)) for variable in variables) - entropy(variables)

    return _of_joint(correlation, joint, axis)


def _of_joint(quantity: Callable[..., Any], joint: Any, axis: Axes) -> Estimate:
    """quantity(entropy of a group of variables, all variables, how many axes there are to count from)."""
    if are_distributions(joint, axis=axis):
        return _of_normal(quantity, joint)
    (table,), axes, xp = tables.as_tables(joint, axis=axis)

    def entropy(group: tuple[int, ...]) -> Any:
        marginal = table.sum(axis=tuple(a for a in axes if a not in group), keepdims=True)
        return tables.entropy(tables.Masses.of(marginal, xp), axes, xp)

    return Estimate(tables.nonnegative(quantity(entropy, axes, table.ndim), xp), "nats", "exact", 0.0)


@in_float64
def _of_normal(quantity: Callable[..., Any], joint: Distribution) -> Estimate:
    normal: Any = as_multivariate_normal(simplified(joint))
    if normal is None:
        raise TypeError(
            f"the entropies of the components of {name_of(joint)} are not known; expected a multivariate normal, or a "
            "probability table"
        )
    (size,), scale = normal.event_shape, normal.scale_tril
    xp: Any = jnp if tables.is_traced(scale) else np

    def entropy(group: Any) -> Any:
        """Up to a constant for each variable, which every quantity here cancels."""
        # The rows of the scale lose half as many digits as those of the covariance, its square.
        rows = xp.swapaxes(xp.asarray(scale)[..., group, :], -1, -2)
        factor = xp.linalg.qr(rows, mode="r")
        return xp.log(xp.abs(xp.diagonal(factor, axis1=-2, axis2=-1))).sum(axis=-1)

    value = tables.nonnegative(quantity(entropy, tuple(range(size)), size), xp)
    return Estimate(value, "nats", "exact", 0.0)


def _groups(groups: tuple[Group | None, ...], variables: tuple[int, ...], ndim: int) -> list[tuple[int, ...]]:
    """The groups' variables, counted from the front; one for each group where none is given and they are as many."""
    needed = [index for index, group in enumerate(groups) if group != ()]
    if all(groups[index] is None for index in needed) and len(needed) == len(variables):
        groups = tuple((variables[needed.index(i)],) if i in needed else () for i in range(len(groups)))
    if any(group is None for group in groups):
        raise ValueError(f"the joint has variables {variables}; say which make up each group: x=, y= (and given=)")
    chosen = [tables.event_axes(ndim, group) for group in groups]
    flat = [variable for group in chosen for variable in group]
    if len(set(flat)) < len(flat) or not set(flat) <= set(variables) or not (chosen[0] and chosen[1]):
        raise ValueError(f"groups {chosen} must be apart, not empty, and among the joint's variables {variables}")
    return chosen
