"""Rows of one conjugate likelihood, without local variables: the posterior is exact, and the bound the evidence."""

from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
from jax import Array

from isthmus.inference.conjugate.likelihood import ConjugateLikelihood
from isthmus.inference.conjugate.model import ConjugateModel, LocalStep, Parameters
from isthmus.information.precision import in_float64


class IndependentRows(ConjugateModel):
    """Rows independent given one theta, with a conjugate prior; one sweep gives its exact posterior."""

    starts: ClassVar[int] = 1
    likelihood: ConjugateLikelihood

    @property
    def prior(self) -> Array:
        return jnp.asarray(self.likelihood.prior)

    def check_rows(self, rows: Any) -> None:
        self.likelihood.check_rows(rows)

    def initialise(self, rows: Any, key: Array) -> Parameters:
        return self.prior

    def initial_local(self, rows: Any) -> Any:
        return ()

    def local_step(self, parameters: Parameters, rows: Any, local: Any) -> LocalStep:
        seen, log_base = self.likelihood.coordinates(rows)
        return LocalStep(jnp.sum(seen, axis=0), seen @ self.likelihood.expectations(parameters) + log_base, local)

    def divergence(self, parameters: Parameters) -> Array:
        return self.likelihood.divergence(parameters)

    @in_float64
    def log_evidence(self, rows: Any) -> Array:
        """log p(rows) in nats, exact: the log-normaliser's rise from prior to posterior; ValueError as `check_rows`."""
        self.check_rows(rows)
        return self._log_evidence(rows)

    @eqx.filter_jit
    def _log_evidence(self, rows: Any) -> Array:
        seen, log_base = self.likelihood.coordinates(rows)
        posterior = self.prior + jnp.sum(seen, axis=0)
        normaliser = self.likelihood.log_normaliser
        return normaliser(posterior) - normaliser(self.prior) + jnp.sum(log_base)
