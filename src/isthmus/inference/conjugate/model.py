"""What coordinate ascent and natural gradients climb: the evidence lower bound of a conjugate model, derived once."""

from abc import abstractmethod
from typing import Any, NamedTuple, final

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import Array

Parameters = Any
"""Natural coordinates of q over the global variables: an array, or a pytree of arrays."""


class LocalStep(NamedTuple):
    """What rows say once their local variables are at their best.

    statistics: the expected sufficient statistics, summed over rows; a pytree like the parameters.
    bounds: of each row, E_q[log p(x, z | globals)] + H(q(z)) in nats, [row].
    local: the state of q over the local variables, from which the next step goes on.
    """

    statistics: Parameters
    bounds: Array
    local: Any


class Sweep(NamedTuple):
    """The next parameters and local state, and the ELBO, in nats, of the parameters that came in."""

    parameters: Parameters
    local: Any
    bound: Array


class VariationalModel(eqx.Module):
    """A model whose ELBO has closed-form optima, one group of variables at a time.

    starts: how many ascents, from different starts, its local maxima ask for.
    """

    starts: eqx.AbstractClassVar[int]

    @abstractmethod
    def check_rows(self, rows: Any) -> None:
        """Raise ValueError, saying what was expected, for rows, arrays [row, ...], that are none of this model's."""

    @abstractmethod
    def initialise(self, rows: Any, key: Array) -> Parameters:
        """Where the ascent starts."""

    @abstractmethod
    def initial_local(self, rows: Any) -> Any:
        """Where the local variables of rows start; () where their optimum has a closed form."""

    @abstractmethod
    def sweep(self, parameters: Parameters, rows: Any, local: Any) -> Sweep:
        """Every group of variables to its optimum in turn, so that the ELBO never falls."""


class ConjugateModel(VariationalModel):
    """Global variables with a conjugate prior in natural coordinates, rows independent given them.

    The optimum of q(globals) given the local variables is the prior plus the expected sufficient statistics, and the
    natural gradient of the ELBO is the way there (Hoffman, Blei, Wang and Paisley 2013, Stochastic variational
    inference). The local step takes all rows at once, because its products of matrices do.
    """

    @property
    @abstractmethod
    def prior(self) -> Parameters:
        """Natural coordinates of p(globals)."""

    @abstractmethod
    def local_step(self, parameters: Parameters, rows: Any, local: Any) -> LocalStep:
        """The local variables of rows to their optimum given q(globals), from the state `local`."""

    @abstractmethod
    def divergence(self, parameters: Parameters) -> Array:
        """KL(q(globals) || p(globals)) in nats."""

    @final
    def optimum(self, statistics: Parameters, scale: float = 1.0) -> Parameters:
        """The prior plus `scale` times the statistics: the best q(globals) for the local variables behind them."""
        return jax.tree.map(lambda prior, seen: prior + scale * seen, self.prior, statistics)

    @final
    def sweep(self, parameters: Parameters, rows: Any, local: Any) -> Sweep:
        step = self.local_step(parameters, rows, local)
        bound = jnp.sum(step.bounds) - self.divergence(parameters)
        return Sweep(self.optimum(step.statistics), step.local, bound)


def count_rows(rows: Any) -> int:
    """The length that all arrays of rows share; raises ValueError where there is none, or it is 0."""
    lengths = {len(leaf) for leaf in jax.tree.leaves(rows)}
    if len(lengths) != 1 or 0 in lengths:
        raise ValueError(f"rows have lengths {sorted(lengths)}; expected arrays of one length, at least 1")
    return lengths.pop()
