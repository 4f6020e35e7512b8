"""What tells one fit from another: a digest of all that its result follows from."""

import functools
import hashlib
import re
import types
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

_ADDRESS = re.compile(r" at 0x[0-9a-f]+")
_PLAIN = (bool, int, float, str, bytes, tuple, type(None))


def fingerprint(*parts: Any) -> str:
    """Equal for equal parts, in any process: arrays by their values, functions by their code and what they close over,
    all else by how it is written."""
    digest = hashlib.blake2b(digest_size=16)
    seen: set[int] = set()
    for part in parts:
        # Where in memory a function lies says nothing of what it does.
        digest.update(_ADDRESS.sub("", str(jax.tree.structure(part))).encode())
        for leaf in jax.tree.leaves(part):
            _add(digest, leaf, seen)
    return digest.hexdigest()


def _add(digest: Any, leaf: Any, seen: set[int]) -> None:
    if isinstance(leaf, jax.Array) and jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
        leaf = jax.random.key_data(leaf)
    if eqx.is_array_like(leaf) or isinstance(leaf, np.ndarray):
        array: Any = np.ascontiguousarray(leaf)
        digest.update(f"{array.dtype} {np.shape(leaf)}".encode())
        digest.update(memoryview(array.reshape(-1).view(np.uint8)))
    elif isinstance(leaf, types.FunctionType):
        _add_function(digest, leaf, seen)
    elif isinstance(leaf, functools.partial):
        for part in (leaf.func, *leaf.args, *leaf.keywords.values()):
            _add_tree(digest, part, seen)
    else:
        digest.update(repr(leaf).encode() if isinstance(leaf, _PLAIN) else type(leaf).__qualname__.encode())


def _add_tree(digest: Any, tree: Any, seen: set[int]) -> None:
    for leaf in jax.tree.leaves(tree):
        _add(digest, leaf, seen)


def _add_function(digest: Any, function: types.FunctionType, seen: set[int]) -> None:
    digest.update(f"{function.__module__} {function.__qualname__}".encode())
    if id(function) in seen:
        return
    seen.add(id(function))
    digest.update(function.__code__.co_code)
    for cell in function.__closure__ or ():
        try:
            content = cell.cell_contents
        except ValueError:
            continue  # a name that is not bound yet
        _add_tree(digest, content, seen)
