"""One corruption of held-out rows, the same for every model: what denoising is judged by."""

from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from isthmus.data import Dataset, Table
from isthmus.estimators.matrix_rows import MatrixRows
from isthmus.estimators.table_rows import TableRows
from isthmus.models import Corruption, FeatureSwap, Fixed, GaussianNoise, Masking, NoiseUnits, Observation

MASKED, NOISE, SWAPPED = 0.3, 0.5, 0.15
CORRUPTION_SEED = 11
MEASURED = ("normal", "student_t")


def choose_test_corruption(rows: MatrixRows | TableRows) -> Corruption:
    """Values set to 0 in pixels and other whole numbers on one scale; noise of half a spread for real columns; in
    tables of several kinds values swapped between rows, which every kind can take."""
    if isinstance(rows, MatrixRows):
        return GaussianNoise(NOISE) if rows.choice.kind == "normal" else Masking(MASKED)
    if all(column.kind == "real" and column.likelihood in MEASURED for column in rows.schema.columns):
        return GaussianNoise(NOISE)
    return FeatureSwap(SWAPPED)


def describe_corruption(corruption: Corruption) -> str:
    """What was done to the rows, in words."""
    if isinstance(corruption, GaussianNoise):
        return f"normal noise of {corruption.level} of each column's standard deviation"
    if isinstance(corruption, Masking):
        return f"{100 * corruption.level:.0f} % of the values set to 0"
    return f"{100 * corruption.level:.0f} % of the values taken from other rows"


def corrupt_once(corruption: Corruption, data: Any, names: tuple[str, ...], spread: np.ndarray) -> Any:
    """`data`, a Dataset or a Table, with its columns `names` corrupted in their own units; holes stay holes.

    spread: the standard deviation of each of these columns in training, [column].
    """
    values, observed = _values_and_mask(data, names)
    return with_values(data, names, _changed(corruption, values, observed, spread))


def with_values(data: Any, names: tuple[str, ...], values: np.ndarray) -> Any:
    """`data`, a Dataset or a Table, with other values, [row, column], in its columns `names`; holes stay holes."""
    if isinstance(data, Dataset):
        whole, order = np.array(data.values, np.float64), [data.names.index(name) for name in names]
        whole[:, order] = np.where(np.isnan(whole[:, order]), np.nan, values)
        return replace(data, values=whole)
    given = dict(zip(names, values.T, strict=True))
    columns = (replace(c, values=given[c.name].astype(c.values.dtype)) if c.name in given else c for c in data.columns)
    return Table(data.source, tuple(columns))


def of_columns(data: Any, names: tuple[str, ...]) -> Any:
    """A table with these columns only; a Dataset as it is."""
    if isinstance(data, Dataset):
        return data
    return Table(data.source, tuple(column for column in data.columns if column.name in names))


def _changed(corruption: Corruption, values: np.ndarray, observed: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """What the corruption does to a probe says what it does to values that float32 could not hold."""
    if isinstance(corruption, GaussianNoise):
        return values + _probed(corruption, np.zeros(values.shape)) * spread
    if isinstance(corruption, Masking):
        return values * _probed(corruption, np.ones(values.shape))
    numbers = np.broadcast_to(np.arange(len(values))[:, None], values.shape)
    taken = _probed(corruption, Observation(numbers.astype(np.float32), observed)).values
    return np.take_along_axis(values, np.asarray(taken).astype(np.int64), axis=0)


def _probed(corruption: Corruption, probe: Any) -> Any:
    columns = jax.tree.leaves(probe)[0].shape[1]
    units = NoiseUnits(*(Fixed(jnp.full(columns, number, jnp.float32)) for number in (1.0, 0.0, 1.0)))
    given = jax.tree.map(lambda a: jnp.asarray(a) if a.dtype == bool else jnp.asarray(a, jnp.float32), probe)
    key = jax.random.key(CORRUPTION_SEED, impl="threefry2x32")
    return jax.tree.map(np.asarray, corruption(given, units, key, jnp.float32(0.5)))


def _values_and_mask(data: Any, names: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
    if isinstance(data, Dataset):
        values = np.asarray(data.values, np.float64)[:, [data.names.index(name) for name in names]]
        return np.nan_to_num(values), ~np.isnan(values)
    by_name = {column.name: column for column in data.columns}
    chosen = [by_name[name] for name in names]
    return np.column_stack([c.values for c in chosen]).astype(np.float64), np.column_stack([c.observed for c in chosen])
