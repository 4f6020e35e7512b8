"""From whatever a user calls a model to a log joint and its data, checked once at the door."""

from collections.abc import Callable, Iterator
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.flatten_util import ravel_pytree
from numpyro.distributions import ImproperUniform, MaskedDistribution, constraints

from isthmus.inference.graphical.data import as_arguments, as_arrays, count_rows, first_row, with_rows
from isthmus.inference.graphical.log_joint import (
    LogJoint,
    ModelJoint,
    PriorAndLikelihood,
    is_distribution,
    sample_unconstrained,
)
from isthmus.inference.graphical.numpyro_model import NumpyroJoint, check_sites, unconstrained_sites
from isthmus.inference.importance import content_key
from isthmus.models import ProbabilisticModel
from isthmus.models.rows import chunk_size, chunks

PROBES = 16
"""Prior draws at which a log joint is looked at before any work begins."""


class Problem(eqx.Module):
    """A log joint and the data [row, ...] (a pytree) at each of which a posterior is wanted.

    each_row: whether rows were asked for; where not, there is one, and results lose its axis.
    """

    joint: LogJoint
    data: Any
    each_row: bool = eqx.field(static=True)

    @property
    def rows(self) -> int:
        return count_rows(self.data)

    @property
    def start(self) -> str | None:
        """Whether the model brings a q(z | x) to start from: "posterior", or None."""
        return "posterior" if isinstance(self.joint, ModelJoint) else None

    def precision(self) -> Any:
        """The context in which the log joint's arithmetic is done."""
        return jax.enable_x64(self.joint.double_precision)

    def chunks(self, copies: int) -> Iterator[Any]:
        """The data in chunks of rows whose `copies` versions fit in memory; the last is padded with its last row."""
        if not self.each_row:
            yield self.data
            return
        arrays, rest = eqx.partition(self.data, eqx.is_array)
        size = min(chunk_size(arrays, copies), 1 << (self.rows - 1).bit_length())
        for chunk in chunks(arrays, size):
            yield eqx.combine(chunk, rest)

    def keys(self, chunk: Any, key: Array, stream: int) -> Array:
        """A key for each row of a chunk, which follows from the row's content and the stream alone."""
        arrays = eqx.filter(chunk, eqx.is_array)
        if not jax.tree.leaves(arrays):
            return jax.random.fold_in(key, stream)[None]
        return _content_keys(arrays, key, jnp.int32(stream))

    def latents(self, chunk: Any, u: Array) -> Any:
        """z in the model's own terms at u [row, ..., size], arrays [row, ..., ...]."""
        return _latents(self.joint, chunk, u)

    def result(self, tree: Any) -> Any:
        """A result [row, ...] as it is handed out: without its first axis where no rows were asked for."""
        if self.each_row:
            return tree
        return jax.tree.map(lambda leaf: leaf[0] if eqx.is_array(leaf) else leaf, tree)


@jax.jit
def _content_keys(rows: Any, key: Array, stream: Array) -> Array:
    return jax.vmap(lambda row: content_key(key, row, stream))(rows)


@eqx.filter_jit
def _latents(joint: LogJoint, data: Any, u: Array) -> Any:
    def of_row(x, u):
        flat = jax.vmap(lambda one: joint.latents(x, one))(u.reshape(-1, u.shape[-1]))
        return jax.tree.map(lambda leaf: leaf.reshape(u.shape[:-1] + leaf.shape[1:]), flat)

    return eqx.filter_vmap(of_row)(data, u)


def as_problem(model: Any, data: Any = None, *, each_row: bool | None = None) -> Problem:
    """The log joint of a model at its data.

    model: a three-method model, with data its rows [row, ...]; a numpyro model, with data the tuple of its arguments or
        the dict of its keyword arguments; or `log_joint(prior, log_likelihood)`, with data what log_likelihood takes.
    each_row: whether the arrays in data have a first axis over data sets, each with a posterior of its own; a
        three-method model's always have.

    Raises TypeError for something else, ValueError for discrete or improper sites, for shapes that disagree, and for a
    log joint that is nowhere finite.
    """
    if isinstance(model, ProbabilisticModel):
        if data is None:
            raise ValueError("data is None; a three-method model needs rows x, arrays [row, ...], to have a posterior")
        problem = Problem(_model_joint(model), as_arrays(data, np.float32), True)
        _check_rows(problem)
    elif isinstance(model, LogJoint):
        problem = Problem(model, with_rows(as_arrays(data, np.float64), bool(each_row)), bool(each_row))
    elif callable(model):
        problem = _numpyro_problem(model, data, bool(each_row))
    else:
        raise TypeError(
            f"model is a {type(model).__name__}; expected a three-method model, a numpyro model (a function), or "
            "log_joint(prior, log_likelihood)"
        )
    _probe(problem)
    return problem


def log_joint(prior: Any, log_likelihood: Callable[[Any, Any], Array]) -> PriorAndLikelihood:
    """A graphical model of one's own: a prior over z, and log p(x | z) as a function of (x, z).

    prior: a numpyro distribution, or {name: distribution} of independent parts of a z that is such a dict.
    log_likelihood: (x, z) -> a number in nats, in JAX; x is what is passed as data, None where nothing is.

    Raises ValueError for a prior that is improper or discrete.
    """
    for part in jax.tree.leaves(prior, is_leaf=is_distribution):
        if not is_distribution(part):
            raise TypeError(f"prior holds a {type(part).__name__}; expected numpyro distributions")
        if isinstance(part, MaskedDistribution):
            raise ValueError("the prior is masked, and does not integrate to one; leave out what is masked")
        if isinstance(part, ImproperUniform):
            raise ValueError("the prior is improper, and the evidence does not exist under it; give it a proper one")
        if getattr(part.support, "is_discrete", False):
            raise ValueError(f"the prior is discrete ({type(part).__name__}); sum z out of the likelihood")
    with jax.enable_x64(True):
        vector, unravel = ravel_pytree(sample_unconstrained(prior, jax.random.key(0)))
        return PriorAndLikelihood(prior=prior, function=log_likelihood, size=vector.size, unravel=unravel)


def _model_joint(model: ProbabilisticModel) -> ModelJoint:
    with jax.enable_x64(False):
        prior = model.prior()
        support = getattr(prior, "support", None)
        if getattr(support, "is_discrete", False):
            raise ValueError(
                f"the prior over z is discrete ({type(prior).__name__}); sum z out, or, where it takes few values, use "
                "isthmus.evidence.exact_evidence"
            )
        while hasattr(support, "base_constraint"):
            support = support.base_constraint  # type: ignore[union-attr]
        if support not in (None, constraints.real):
            raise ValueError(
                f"the prior over z ({type(prior).__name__}) is bounded: {support}. Expected a density over all real "
                "numbers; map them to the bounded ones in the likelihood, or give log_joint(prior, log_likelihood)"
            )
        vector, unravel = ravel_pytree(prior.sample(jax.random.key(0)))
        return ModelJoint(model=model, size=vector.size, unravel=unravel)


def _numpyro_problem(model: Callable[..., Any], data: Any, each_row: bool) -> Problem:
    arguments = with_rows(as_arguments(data), each_row)
    with jax.enable_x64(True):
        vector, unravel = ravel_pytree(unconstrained_sites(check_sites(model, first_row(arguments))))
    return Problem(NumpyroJoint(function=model, size=vector.size, unravel=unravel), arguments, each_row)


def _check_rows(problem: Problem) -> None:
    """Rows that the model could not have made would be broadcast to those that it could."""
    leaves = jax.tree.leaves(problem.data)
    if not leaves or any(np.ndim(leaf) < 1 for leaf in leaves) or problem.rows < 1:
        raise ValueError(f"the data have shape {[np.shape(leaf) for leaf in leaves]}; expected rows, arrays [row, ...]")
    if isinstance(problem.data, np.ndarray) and np.isnan(problem.data).any():
        raise ValueError(
            f"row {int(np.argwhere(np.isnan(problem.data))[0][0])} of the data holds NaN: its density is not finite; "
            "leave it out, or use a model of observed parts"
        )
    joint: Any = problem.joint
    with problem.precision():
        made = jax.eval_shape(
            lambda u: joint.model.likelihood(joint.unravel(u)).sample(jax.random.key(0)), np.zeros(joint.size)
        )
    expected, given = [leaf.shape for leaf in jax.tree.leaves(made)], [leaf.shape[1:] for leaf in leaves]
    if len(expected) == len(given) and expected != given:
        raise ValueError(f"a row has shape {given}, and the model makes rows of {expected}; expected the same columns")


def _probe(problem: Problem) -> None:
    """Look at the log joint at draws from the prior, so that what is wrong with it is said before any work."""
    joint = problem.joint
    first = first_row(problem.data)
    with jax.enable_x64(joint.double_precision):
        keys = jax.random.split(jax.random.key(1), PROBES)
        draws = jax.vmap(lambda key: joint.sample_prior(first, key))(keys)
        parts = {"prior": joint.log_prior, "likelihood": joint.log_likelihood}
        for name, part in parts.items():
            _check_values(name, _evaluate(name, part, first, draws))


def _evaluate(name: str, part: Callable[[Any, Array], Array], x: Any, draws: Array) -> np.ndarray:
    try:
        values = jax.vmap(lambda u: part(x, u))(draws)
    except (TypeError, ValueError, AttributeError) as error:
        raise ValueError(
            f"the {name} cannot be evaluated at the data ({str(error).rstrip('.')}); expected data in the shapes that "
            "the model takes"
        ) from error
    if jnp.shape(values) != (PROBES,):
        raise ValueError(
            f"the {name}'s log-density has shape {jnp.shape(values)[1:]} at one z; expected one number: sum over "
            "what is independent, or call .to_event on the distribution"
        )
    return np.asarray(values)


def _check_values(name: str, values: np.ndarray) -> None:
    if np.isnan(values).any() or np.isposinf(values).any() or not np.isfinite(values).any():
        shown = ", ".join(f"{value:g}" for value in values[:4])
        raise ValueError(
            f"the {name}'s log-density is not finite at draws from the prior ({shown}, ...); expected finite numbers, "
            "or -inf at some; look for logarithms of 0, for data outside the support, and for NaN in the data"
        )
