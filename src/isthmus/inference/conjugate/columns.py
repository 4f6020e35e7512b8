"""Rows of independent columns of one family, each with a conjugate prior that numpyro holds."""

from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from isthmus.inference.conjugate.likelihood import ConjugateLikelihood
from isthmus.information import families
from isthmus.information.families import ExponentialFamily
from isthmus.information.precision import in_float64

_COUNTS = "whole numbers of at least 0"


class _Conjugacy(NamedTuple):
    """The family of priors, what a value x adds to its natural coordinates, and what values there are, in words."""

    prior: ExponentialFamily
    coordinates: Callable[[Array], Array]
    expected: str


def _conjugacy(family: ExponentialFamily) -> _Conjugacy:
    match family:
        case families.Bernoulli():
            return _Conjugacy(families.Beta(), lambda x: jnp.stack([x, 1.0 - x]), "0 or 1")
        case families.Poisson():
            return _Conjugacy(families.Gamma(), lambda x: jnp.stack([x, -jnp.ones_like(x)]), _COUNTS)
        case families.Geometric():
            return _Conjugacy(families.Beta(), lambda x: jnp.stack([jnp.ones_like(x), x]), _COUNTS)
        case families.Exponential():
            return _Conjugacy(families.Gamma(), lambda x: jnp.stack([jnp.ones_like(x), -x]), "numbers of at least 0")
        case families.Categorical(size=size):
            return _Conjugacy(
                families.Dirichlet(size),
                lambda x: jax.nn.one_hot(x.astype(int), size, dtype=x.dtype),
                f"whole numbers from 0 to {size - 1}",
            )
    raise TypeError(
        f"no conjugate prior is known here for {type(family).__name__}; expected Bernoulli, Categorical, Exponential, "
        "Geometric or Poisson, or NormalLikelihood for normals"
    )


class ColumnsLikelihood(ConjugateLikelihood):
    """Rows x [column] of independent members of `family`, each with a prior of its own.

    prior: a numpyro beta, Dirichlet or gamma of batch shape [column]: of the columns' probabilities or rates. Raises
    TypeError for a family without a conjugate prior, and ValueError for a prior that is not one for each column.
    """

    family: ExponentialFamily
    columns: int = eqx.field(static=True)
    prior: Array

    def __init__(self, family: ExponentialFamily, prior: Any):
        self.family = family
        natural = in_float64(_conjugacy(family).prior.natural_from_numpyro)(prior)
        if natural.ndim != 2:
            raise ValueError(
                f"a prior of batch shape {natural.shape[:-1]}; expected one prior for each column: [column]"
            )
        self.columns = len(natural)
        self.prior = natural.ravel()

    def log_normaliser(self, natural: Array) -> Array:
        return jnp.sum(jax.vmap(_conjugacy(self.family).prior.log_normaliser)(natural.reshape(self.columns, -1)))

    def row_coordinates(self, x: Array) -> Array:
        return jax.vmap(_conjugacy(self.family).coordinates)(x).ravel()

    def log_base_measure(self, x: Array) -> Array:
        return jnp.sum(jax.vmap(self.family.log_base_measure)(x))

    def check_rows(self, rows: Any) -> None:
        """Raise ValueError, naming a column, for rows that are not [row, column] or lie outside the support."""
        rows = np.asarray(rows)
        if rows.shape[1:] != (self.columns,):
            raise ValueError(f"rows of shape {rows.shape}; expected [row, {self.columns}], one column for each prior")
        wrong = ~_on_support(self.family, rows)
        if wrong.any():
            row, column = np.argwhere(wrong)[0]
            raise ValueError(
                f"column {column} holds {rows[row, column]:g} in row {row}; a {type(self.family).__name__} column is "
                f"expected to hold {_conjugacy(self.family).expected}"
            )

    def to_numpyro(self, natural: Array) -> Any:
        """The numpyro distribution, of batch shape [column], at natural coordinates [parameter]."""
        return _conjugacy(self.family).prior.to_numpyro(natural.reshape(self.columns, -1))


def _on_support(family: ExponentialFamily, rows: np.ndarray) -> np.ndarray:
    """Whether values, [...], are ones that members of the family give."""
    if isinstance(family, families.Exponential):
        return rows >= 0
    match family:
        case families.Bernoulli():
            most = 1
        case families.Categorical(size=size):
            most = size - 1
        case _:
            most = np.inf
    return (rows >= 0) & (rows <= most) & (rows == np.floor(rows))
