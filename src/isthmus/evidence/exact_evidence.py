"""log p(x) itself, where it can be had: in closed form, as a finite sum, or as an integral over few latents."""

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import equinox as eqx
import jax
import numpy as np

from isthmus.evidence import enumeration, quadrature
from isthmus.evidence.modes import find_modes
from isthmus.inference.exact import infer_exactly
from isthmus.inference.graphical import as_problem
from isthmus.inference.graphical.data import as_arguments, as_arrays, count_rows, first_row, with_rows
from isthmus.inference.graphical.numpyro_model import is_latent, trace_model
from isthmus.inference.posterior import PosteriorWarning
from isthmus.information import Estimate
from isthmus.information.estimate import mean_over_rows
from isthmus.models import LinearGaussian, ProbabilisticModel
from isthmus.models.rows import chunks, row_count

ROWS_AT_ONCE = 64
LARGEST_ERROR = 1e-4
"""Of log p(x), in nats: a quadrature that says more is worth a warning."""


@dataclass(frozen=True)
class ExactEvidence:
    """log_evidence: log p(x), nats, float64, [row].  error: what numerical error it may have, in nats, [row]; 0 where
    there is none but rounding.  method: "closed form", "enumeration" or "quadrature"."""

    log_evidence: np.ndarray
    error: np.ndarray
    method: str

    @property
    def estimate(self) -> Estimate:
        """The mean over rows: exact, or an "estimate" where a row's error is above 1e-4 nats or unknown.

        An estimate's `stderr` is the mean of the rows' numerical errors, None where that is infinite.
        """
        found = mean_over_rows(self.log_evidence, direction="exact")
        if (self.error <= LARGEST_ERROR).all():
            return found
        error = float(np.mean(self.error))
        return replace(found, direction="estimate", stderr=error if np.isfinite(error) else None)


def exact_evidence(model: Any, X: Any = None, *, each_row: bool = False) -> ExactEvidence:
    """log p(x) of each row, by whatever makes it exact.

    model, X, each_row: a `LinearGaussian` and its rows, holes allowed (closed form); a three-method model whose prior
        has a finite support, such as a categorical or a product of Bernoullis, or a numpyro model of such sites
        (enumeration, up to 65,536 states); else what `isthmus.inference.as_problem` takes with at most three
        unconstrained continuous latents (adaptive quadrature around the modes).

    Raises ValueError for more states or latents than that, and as `as_problem` does; warns where the quadrature says
    that it is off by more than 1e-4 nats. It knows the modes that climbs from 32 prior draws find; where these are more
    than eight, or a tail goes on beyond the reach of float64, the error is infinite.
    """
    if isinstance(model, LinearGaussian):
        values = infer_exactly(model, as_arrays(X, np.float64)).log_evidence
        return ExactEvidence(values, np.zeros_like(values), "closed form")
    if has_finite_latents(model, X, each_row=each_row):
        with jax.enable_x64(True):
            values = _of_finite_prior(model, X) if isinstance(model, eqx.Module) else _of_sites(model, X, each_row)
        return ExactEvidence(values, np.zeros_like(values), "enumeration")
    return _by_quadrature(model, X, each_row)


def has_finite_latents(model: Any, X: Any, *, each_row: bool = False) -> bool:
    """Whether latents of the model take values that can be listed, so that its evidence is a sum and no integral."""
    if isinstance(model, ProbabilisticModel):
        return enumeration.is_enumerable(model.prior())
    if isinstance(model, eqx.Module) or not callable(model):
        return False
    trace = trace_model(model, first_row(with_rows(as_arguments(X), each_row)), jax.random.key(0))
    return any(is_latent(site) and enumeration.is_enumerable(site["fn"]) for site in trace.values())


def _of_finite_prior(model: Any, X: Any) -> np.ndarray:
    rows = as_arrays(X, np.float64)
    states = enumeration.states_of_model(model)
    size = min(ROWS_AT_ONCE, 1 << (row_count(rows) - 1).bit_length())
    parts = [
        enumeration.sum_over_states(enumeration.log_joint_of_row, model, chunk, states, row_count(chunk))
        for chunk in chunks(rows, size)
    ]
    return np.concatenate(parts)[: row_count(rows)]


def _of_sites(model: Callable[..., Any], X: Any, each_row: bool) -> np.ndarray:
    data = with_rows(as_arguments(X), each_row)
    states = enumeration.states_of_numpyro_model(model, first_row(data))
    return enumeration.sum_over_states(enumeration.log_joint_of_arguments, model, data, states, count_rows(data))


def _by_quadrature(model: Any, X: Any, each_row: bool) -> ExactEvidence:
    problem = as_problem(model, X, each_row=each_row)
    if problem.joint.size > quadrature.MOST_LATENTS:
        raise ValueError(
            f"the model has {problem.joint.size} continuous latents; exact evidence exists for a LinearGaussian, for "
            f"finite latents, and up to {quadrature.MOST_LATENTS} by quadrature: use sandwich or "
            "annealed_importance_sampling"
        )
    with jax.enable_x64(True):
        parts = [
            quadrature.integrate(problem.joint, chunk, find_modes(problem.joint, chunk, count_rows(chunk)))
            for chunk in _small_chunks(problem.data, problem.rows)
        ]
    log_evidence, error = (np.concatenate([part[i] for part in parts])[: problem.rows] for i in (0, 1))
    unsettled = ~(error <= LARGEST_ERROR)
    if unsettled.any():
        warnings.warn(
            f"the quadrature of {unsettled.sum()} of {problem.rows} rows did not settle: log p(x) may be off by "
            f"{np.max(error):.2g} nats. The posterior may have modes far apart, or corners",
            PosteriorWarning,
            stacklevel=3,
        )
    return ExactEvidence(log_evidence, error, "quadrature")


def _small_chunks(data: Any, rows: int) -> Iterator[Any]:
    """In float64, so few rows at a time that the points of a cube fit beside them."""
    arrays, rest = eqx.partition(as_arrays(data, np.float64), eqx.is_array)
    if not jax.tree.leaves(arrays):
        yield data
        return
    for chunk in chunks(arrays, min(ROWS_AT_ONCE, 1 << (rows - 1).bit_length())):
        yield eqx.combine(chunk, rest)
