"""Bayesian linear regression: the exact normal-gamma posterior, and the mean-field one beside it."""

from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.scipy.special import gammaln

from isthmus.inference.conjugate.likelihood import ConjugateLikelihood
from isthmus.inference.conjugate.model import Parameters, Sweep, VariationalModel
from isthmus.inference.conjugate.normal import half_log_inverse
from isthmus.information.families import Gamma, MultivariateNormal


class LinearLikelihood(ConjugateLikelihood):
    """Rows (x [column], y) with y ~ Normal(x . weights, 1 / precision).

    weights | precision ~ Normal(0, 1 / (strength precision)) each, precision ~ Gamma(concentration, rate): so that the
    variance of the noise is inverse-gamma. Raises ValueError unless the three are above 0.
    """

    columns: int = eqx.field(static=True)
    prior: Array

    def __init__(self, columns: int, strength: float = 1.0, concentration: float = 1.0, rate: float = 1.0):
        if not min(strength, concentration, rate) > 0:
            raise ValueError(
                f"strength {strength}, concentration {concentration} and rate {rate}; expected all three above 0"
            )
        self.columns = columns
        pairs = (strength * np.eye(columns))[np.triu_indices(columns)]
        ends = [2.0 * rate, 2.0 * (concentration - 1) + columns]
        natural: Any = np.concatenate([np.zeros(columns), pairs, ends])
        self.prior = natural

    def log_normaliser(self, natural: Array) -> Array:
        _, precision, concentration, rate = self.unpack(natural)
        normal = half_log_inverse(self.normal, precision) + 0.5 * self.columns * jnp.log(2 * jnp.pi)
        return gammaln(concentration) - concentration * jnp.log(rate) + normal

    def row_coordinates(self, x: tuple[Array, Array]) -> Array:
        row, y = x
        moments = self.normal.from_moments(row * y, jnp.outer(row, row))
        return jnp.append(moments, jnp.stack([y**2, jnp.ones_like(y)]))

    def log_base_measure(self, x: tuple[Array, Array]) -> Array:
        return jnp.asarray(-0.5 * jnp.log(2 * jnp.pi))

    def check_rows(self, rows: Any) -> None:
        shapes = [np.shape(leaf) for leaf in jax.tree.leaves(rows)]
        if len(shapes) != 2 or shapes[0][1:] != (self.columns,) or len(shapes[1]) != 1:
            raise ValueError(f"rows of shapes {shapes}; expected x [row, {self.columns}] and y [row]")

    @property
    def normal(self) -> MultivariateNormal:
        """The family of the weights."""
        return MultivariateNormal(self.columns)

    def unpack(self, natural: Array) -> tuple[Array, Array, Array, Array]:
        """Mean [column] of the weights, their precision in units of the noise's [column, column], and the
        concentration and rate of the noise's precision."""
        first, precision = self.normal.to_moments(natural[:-2])
        mean = jnp.linalg.solve(precision, first)
        concentration = 0.5 * (natural[-1] - self.columns) + 1
        return mean, precision, concentration, 0.5 * (natural[-2] - first @ mean)


class MeanFieldRegression(VariationalModel):
    """q(weights) q(precision) for the posterior of a `LinearLikelihood`, in which the two depend on each other.

    The parameters are natural coordinates, "weights" of a multivariate normal and "precision" of a gamma. The optimum
    is known: E[precision] is exact, variances of the weights are (a - 1) / a times the exact ones, the precision's a /
    (a + columns / 2) times, where a is the exact concentration.
    """

    starts: ClassVar[int] = 1
    likelihood: LinearLikelihood

    def initialise(self, rows: Any, key: Array) -> Parameters:
        _, _, concentration, rate = self.likelihood.unpack(jnp.asarray(self.likelihood.prior))
        return self._given_precision(jnp.asarray(self.likelihood.prior), jnp.stack([concentration - 1, -rate]))

    def check_rows(self, rows: Any) -> None:
        self.likelihood.check_rows(rows)

    def initial_local(self, rows: Any) -> Any:
        return ()

    def sweep(self, parameters: Parameters, rows: Any, local: Any) -> Sweep:
        seen, log_base = self.likelihood.coordinates(rows)
        posterior = self.likelihood.prior + jnp.sum(seen, axis=0)
        bound = self._bound(parameters, posterior) + jnp.sum(log_base)
        return Sweep(self._given_precision(posterior, self._given_weights(posterior, parameters)), local, bound)

    def _given_precision(self, posterior: Array, precision: Array) -> Parameters:
        """q(weights) at its optimum, which is the normal that the coordinates hold, times E[precision]."""
        normal = self.likelihood.normal
        first, second = normal.to_moments(posterior[:-2])
        scaled = normal.from_moments(first, -second * (1.0 - 0.5 * jnp.eye(normal.size)))
        return {"weights": Gamma().mean_from_natural(precision)[1] * scaled, "precision": precision}

    def _given_weights(self, posterior: Array, parameters: Parameters) -> Array:
        """q(precision) at its optimum: natural coordinates (concentration - 1, -rate)."""
        moments = self.likelihood.normal.mean_from_natural(parameters["weights"])
        residual = posterior[-2] - 2 * self._pairing(posterior, moments)
        return 0.5 * jnp.stack([posterior[-1], -residual])

    def _bound(self, parameters: Parameters, posterior: Array) -> Array:
        """E_q[log p(rows, weights, precision)] + H(q), less the rows' base measure."""
        log_precision, precision = Gamma().mean_from_natural(parameters["precision"])
        moments = self.likelihood.normal.mean_from_natural(parameters["weights"])
        quadratic = self._pairing(posterior, moments) - 0.5 * posterior[-2]
        expected = precision * quadratic + 0.5 * log_precision * posterior[-1]
        entropy = self.likelihood.normal.entropy(parameters["weights"]) + Gamma().entropy(parameters["precision"])
        return expected - self.likelihood.log_normaliser(self.likelihood.prior) + entropy

    def _pairing(self, posterior: Array, moments: Array) -> Array:
        """E[first . w - w . second w / 2]: of the posterior's coordinates with moments of the weights."""
        (first, second), (mean, square) = map(self.likelihood.normal.to_moments, (posterior[:-2], moments))
        return first @ mean - 0.5 * jnp.sum(second * square)
