"""Latents that take finitely many values: the evidence as a sum over all of them."""

from collections.abc import Callable, Iterator
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpyro.infer.util import log_density

from isthmus.inference.graphical.numpyro_model import Arguments, is_latent, trace_model
from isthmus.models import ProbabilisticModel

MOST_STATES = 2**16
"""A sum over more is refused."""
STATES_AT_ONCE = 256

LogJointOfState = Callable[[Any, Any, Any], Array]


def is_enumerable(distribution: Any) -> bool:
    """Whether the values of a distribution can be listed."""
    return bool(getattr(distribution, "has_enumerate_support", False))


def states_of_model(model: ProbabilisticModel) -> Any:
    """All values of z, [state, ...]."""
    return _states([model.prior()])[0]


def states_of_numpyro_model(model: Callable[..., Any], arguments: Arguments) -> dict[str, Array]:
    """All joint values of the latent sites, arrays [state, ...] by name.

    Raises ValueError, naming it, for a site whose values cannot be listed.
    """
    trace = trace_model(model, arguments, jax.random.key(0))
    sites = {name: site["fn"] for name, site in trace.items() if is_latent(site)}
    for name, distribution in sites.items():
        if not is_enumerable(distribution):
            raise ValueError(
                f"site {name!r} of the model has no finite list of values ({type(distribution).__name__}), and another "
                "site is discrete; enumeration needs all of them finite: integrate this one out of the model"
            )
    return dict(zip(sites, _states(list(sites.values())), strict=True))


def log_joint_of_row(model: ProbabilisticModel, x: Any, z: Any) -> Array:
    """log p(x, z) of a three-method model."""
    return model.log_joint(x, z)


def log_joint_of_arguments(model: Callable[..., Any], x: Arguments, z: dict[str, Array]) -> Array:
    """log p(x, z) of a numpyro model."""
    return jnp.asarray(log_density(model, *x, z)[0])


def sum_over_states(log_joint: LogJointOfState, model: Any, data: Any, states: Any, rows: int) -> np.ndarray:
    """log of the sum over states of p(x, z), [row], in float64.

    log_joint: (model, x, z) -> log p(x, z), a module-level function, or it is compiled anew. data: of so many rows;
    what holds no arrays is one.
    """
    total = None
    for block, counted in _blocks(states):
        part = np.asarray(_sum_block(log_joint, model, data, block, counted, rows), np.float64)
        total = part if total is None else np.logaddexp(total, part)
    assert total is not None
    return total


@eqx.filter_jit
def _sum_block(log_joint: LogJointOfState, model: Any, data: Any, states: Any, counted: Any, rows: int) -> Array:
    def of_row(x):
        terms = jax.vmap(lambda z: log_joint(model, x, z))(states)
        return jax.nn.logsumexp(jnp.where(counted, terms, -jnp.inf))

    return eqx.filter_vmap(of_row, axis_size=rows)(data)


def _blocks(states: Any) -> Iterator[tuple[Any, np.ndarray]]:
    """The states in blocks of one size, the last filled up with states that do not count."""
    count = len(jax.tree.leaves(states)[0])
    size = min(STATES_AT_ONCE, 1 << (count - 1).bit_length())
    for first in range(0, count, size):
        places = np.arange(first, first + size)
        block = jax.tree.map(lambda leaf, places=places: leaf[np.minimum(places, count - 1)], states)
        yield block, places < count


def _states(distributions: list[Any]) -> list[Array]:
    """All joint values of independent distributions, [state, ...] of each."""
    values = [_values(distribution) for distribution in distributions]
    shape = [len(own) for own, (count, _) in zip(values, map(_size, distributions), strict=True) for _ in range(count)]
    total = int(np.prod(shape, dtype=object))
    if total > MOST_STATES:
        raise ValueError(
            f"the latents take {total:,} values in all; enumeration goes up to {MOST_STATES:,}: use fewer, or a bound "
            "such as importance_weighted_bound"
        )
    places = np.indices(shape).reshape(len(shape), total).T
    states, first = [], 0
    for own, (count, full) in zip(values, map(_size, distributions), strict=True):
        chosen = own[places[:, first : first + count]]
        states.append(chosen.reshape(total, *full))
        first += count
    return states


def _size(distribution: Any) -> tuple[int, tuple[int, ...]]:
    """(how many parts vary independently, the shape of a value)."""
    base = _innermost(distribution)
    return int(np.prod(base.batch_shape)), distribution.batch_shape + distribution.event_shape


def _values(distribution: Any) -> Array:
    """The values of one independent part, [value, ...]."""
    base = _innermost(distribution)
    listed = base.enumerate_support(expand=False)
    return listed.reshape(len(listed), *base.event_shape)


def _innermost(distribution: Any) -> Any:
    """What `to_event` and `expand` were called upon, in the shape they gave it."""
    while type(distribution).__name__ == "Independent":
        distribution = distribution.base_dist
    return distribution
