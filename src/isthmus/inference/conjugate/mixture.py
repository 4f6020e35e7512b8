"""Mixtures of any conjugate likelihood: normals, bits, counts, regressions."""

from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import Array
from jax.scipy.special import logsumexp

from isthmus.inference.conjugate.likelihood import ConjugateLikelihood, family_divergence
from isthmus.inference.conjugate.model import ConjugateModel, LocalStep, Parameters
from isthmus.inference.conjugate.seeding import assign
from isthmus.information.families import Dirichlet
from isthmus.information.precision import in_float64


class Mixture(ConjugateModel):
    """Rows of `size` components, each with its own theta from the likelihood's prior, and Dirichlet weights.

    concentration: of the weights' symmetric Dirichlet, 1 / size where None. The parameters are natural coordinates:
        "weights" [component] and "components" [component, parameter]. Attias 2000, A variational Bayesian framework
        for graphical models. Raises ValueError for a size below 1 or a concentration that is not above 0.
    """

    starts: ClassVar[int] = 10
    likelihood: ConjugateLikelihood
    size: int = eqx.field(static=True)
    concentration: float = eqx.field(static=True)

    def __init__(self, likelihood: ConjugateLikelihood, size: int, concentration: float | None = None):
        if size < 1:
            raise ValueError(f"size is {size}; expected at least 1 component")
        if concentration is not None and not concentration > 0:
            raise ValueError(f"concentration is {concentration}; expected a number above 0")
        self.likelihood = likelihood
        self.size = size
        self.concentration = 1.0 / size if concentration is None else float(concentration)

    @property
    def prior(self) -> Parameters:
        weights = jnp.full(self.size, self.concentration - 1.0)
        return {"weights": weights, "components": jnp.asarray(self.likelihood.prior)}

    def check_rows(self, rows: Any) -> None:
        self.likelihood.check_rows(rows)

    def initialise(self, rows: Any, key: Array) -> Parameters:
        """The optimum for rows assigned by k-means, on the rows' values or all of a row's arrays side by side."""
        values = [jnp.reshape(leaf, (len(leaf), -1)) for leaf in jax.tree.leaves(rows)]
        assignments = assign(jnp.concatenate(values, axis=1), self.size, key)
        return self.optimum(_statistics(assignments, self.likelihood.coordinates(rows)[0]))

    def initial_local(self, rows: Any) -> Any:
        return ()

    def local_step(self, parameters: Parameters, rows: Any, local: Any) -> LocalStep:
        seen, log_base = self.likelihood.coordinates(rows)
        scores = self._log_weights(parameters) + seen @ self.likelihood.expectations(parameters["components"]).T
        bounds = logsumexp(scores, axis=1)
        return LocalStep(_statistics(jnp.exp(scores - bounds[:, None]), seen), bounds + log_base, local)

    def divergence(self, parameters: Parameters) -> Array:
        weights = family_divergence(Dirichlet(self.size), parameters["weights"], self.prior["weights"])
        return weights + jnp.sum(self.likelihood.divergence(parameters["components"]))

    @in_float64
    @eqx.filter_jit
    def responsibilities(self, parameters: Parameters, rows: Any) -> Array:
        """q(component) of each row, [row, component]."""
        seen, _ = self.likelihood.coordinates(rows)
        scores = seen @ self.likelihood.expectations(parameters["components"]).T
        return jax.nn.softmax(scores + self._log_weights(parameters), axis=1)

    @in_float64
    @eqx.filter_jit
    def log_predictive(self, parameters: Parameters, rows: Any) -> Array:
        """log of E_q[p(row | weights, components)] in nats, [row]: for normals a mixture of Student's t."""
        concentrations = parameters["weights"] + 1.0
        log_weights = jnp.log(concentrations) - jnp.log(jnp.sum(concentrations))
        of_components = jax.vmap(self.likelihood.log_predictive, in_axes=(0, None))
        return jax.vmap(lambda x: logsumexp(log_weights + of_components(parameters["components"], x)))(rows)

    def _log_weights(self, parameters: Parameters) -> Array:
        """E[log weights], [component]."""
        return Dirichlet(self.size).mean_from_natural(parameters["weights"])


def _statistics(responsibilities: Array, seen: Array) -> Parameters:
    return {"weights": jnp.sum(responsibilities, axis=0), "components": responsibilities.T @ seen}
