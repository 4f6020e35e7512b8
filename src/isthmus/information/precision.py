"""Float64 for what is computed on the spot, float32 for networks, without changing any global setting."""

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


def in_float64(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """`function`, its floating-point arguments raised to float64 and its arrays returned as NumPy.

    Under a transformation of jax (jit, grad, vmap) the function is traced as it stands, in the precision around it.
    """

    @wraps(function)
    def wrapped(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        if any(isinstance(leaf, Tracer) for leaf in jax.tree.leaves((args, kwargs))):
            return function(*args, **kwargs)
        with jax.enable_x64(True):
            args, kwargs = jax.tree.map(_double, (args, kwargs))
            return jax.tree.map(_plain, function(*args, **kwargs))

    return wrapped


def in_float32(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """`function`, run in single precision whatever the setting around it: the same key then draws the same noise.

    Matrix products too, on devices that would by themselves round their factors to fewer digits.
    """

    @wraps(function)
    def wrapped(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        with jax.enable_x64(False), jax.default_matmul_precision("float32"):
            return function(*args, **kwargs)

    return wrapped


def _double(leaf: Any) -> Any:
    if isinstance(leaf, np.ndarray | np.floating) and np.issubdtype(leaf.dtype, np.floating):
        return np.asarray(leaf, np.float64)
    if isinstance(leaf, jax.Array) and jnp.issubdtype(leaf.dtype, jnp.floating):
        return np.asarray(leaf, np.float64)
    return leaf


def _plain(leaf: Any) -> Any:
    if isinstance(leaf, jax.Array) and not jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
        return np.asarray(leaf)[()]
    return leaf
