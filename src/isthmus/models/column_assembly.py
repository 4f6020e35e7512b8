"""From the schema of a table to its likelihood and the inputs of its encoder."""

from collections import defaultdict
from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from isthmus.data import ColumnSchema, TableSchema
from isthmus.models.column_likelihoods import (
    BernoulliColumns,
    CategoricalColumns,
    ColumnFamily,
    ColumnLikelihoods,
    CumulativeLogitColumns,
    LogNormalColumns,
    NegativeBinomialColumns,
    NormalColumns,
    PoissonColumns,
    StudentTColumns,
)
from isthmus.models.inputs import TableInputs
from isthmus.models.likelihoods import SCALE_RESOLUTION
from isthmus.models.parameters import Fixed

Columns = list[ColumnSchema]
NO_LEVEL = -1e30
"""The logit of a level that a column does not have: finite, as numpyro asks, and of no mass in float32."""
MOST_INDICATORS = 64
"""A column of more levels than this enters the encoder by its level's log-share instead of by an indicator each."""


def make_independent_likelihoods(schema: TableSchema) -> ColumnLikelihoods:
    """The likelihood whose initial member is the best of its kind for each column alone: scales as wide as the columns,
    tails as heavy."""
    family = make_column_likelihoods(schema)
    fitted = [
        _fitted_alone(group, [schema.columns[i] for i in p])
        for group, p in zip(family.groups, family.places, strict=True)
    ]
    return eqx.tree_at(lambda f: f.groups, family, tuple(fitted))


def _fitted_alone(group: ColumnFamily, columns: Columns) -> ColumnFamily:
    if isinstance(group, NormalColumns | LogNormalColumns):
        return eqx.tree_at(lambda g: g.log_scale, group, _log_scale_above(group.floor, np.ones(len(columns))))
    if isinstance(group, StudentTColumns):
        scales, degrees = (np.array([column.tail[i] for column in columns]) for i in (0, 1))
        log_degrees = jnp.asarray(np.log(np.maximum(degrees - 1.0, 1e-3)), jnp.float32)
        log_scale = _log_scale_above(group.floor, scales)
        return eqx.tree_at(lambda g: (g.log_scale, g.log_degrees), group, (log_scale, log_degrees))
    return group


def _log_scale_above(floor: Fixed, scale: np.ndarray) -> jax.Array:
    """The log-scale which with the floor makes this scale."""
    return jnp.log(jnp.maximum(jnp.asarray(scale, jnp.float32) - floor.array, SCALE_RESOLUTION))


def make_column_likelihoods(schema: TableSchema) -> ColumnLikelihoods:
    """The likelihood of a table's columns, each started near the column's own distribution."""
    grouped: dict[tuple[str, int], list[int]] = defaultdict(list)
    for i, column in enumerate(schema.columns):
        grouped[column.likelihood, _level_bucket(column)].append(i)
    groups = tuple(
        _FAMILIES[name]([schema.columns[i] for i in places]) for (name, _), places in sorted(grouped.items())
    )
    return ColumnLikelihoods(groups, tuple(tuple(places) for _, places in sorted(grouped.items())))


def make_table_inputs(schema: TableSchema) -> TableInputs:
    """What the encoder is shown of a row: standardised numbers, indicators of levels, and the mask."""
    indicators = tuple(
        (i, len(column.levels or ()))
        for i, column in enumerate(schema.columns)
        if column.likelihood == "categorical" and 2 < len(column.levels or ()) <= MOST_INDICATORS
    )
    counted = np.array([column.kind == "count" for column in schema.columns])
    mean, spread = (np.array([getattr(column, of) for column in schema.columns]) for of in ("mean", "spread"))
    many = tuple(
        i
        for i, column in enumerate(schema.columns)
        if column.likelihood == "categorical" and len(column.levels or ()) > MOST_INDICATORS
    )
    log_shares = np.zeros((len(many), max([len(schema.columns[i].levels or ()) for i in many], default=0)))
    for row, i in zip(log_shares, many, strict=True):
        shares = np.array(schema.columns[i].shares)
        row[: len(shares)] = np.log(shares)
        # What is shown is the log-share, so it is what mean and spread are of: an average row's.
        mean[i] = shares @ np.log(shares)
        spread[i] = np.sqrt(shares @ (np.log(shares) - mean[i]) ** 2) or 1.0
    return TableInputs(_fixed(counted), _fixed(mean), _fixed(spread), _fixed(log_shares), indicators, many)


def _level_bucket(column: ColumnSchema) -> int:
    """Columns of levels share a group where their numbers of levels have the same power of four above them."""
    levels = len(column.levels or ())
    return 0 if column.likelihood == "bernoulli" or levels == 0 else max((levels - 1).bit_length() + 1, 2) // 2


def _make_normal(columns: Columns) -> ColumnFamily:
    return NormalColumns(_log_unit(columns), _floor(columns), jnp.zeros(len(columns)))


def _make_student_t(columns: Columns) -> ColumnFamily:
    # Heavy tails: the bulk is narrower than the standard deviation says.
    narrow, degrees = jnp.full(len(columns), -0.5), jnp.full(len(columns), jnp.log(4.0))
    return StudentTColumns(_log_unit(columns), _floor(columns), narrow, degrees)


def _make_log_normal(columns: Columns) -> ColumnFamily:
    offset = np.array([column.offset for column in columns])
    scale = np.array([column.scale for column in columns])
    return LogNormalColumns(_fixed(np.log(scale) + offset), _fixed(scale), _floor(columns), jnp.zeros(len(columns)))


def _make_poisson(columns: Columns) -> ColumnFamily:
    return PoissonColumns(_log_mean(columns))


def _make_negative_binomial(columns: Columns) -> ColumnFamily:
    # The variance is mean + mean^2 / concentration.
    excess = np.array([max(column.dispersion - 1.0, 0.05) for column in columns])
    mean = np.array([max(column.count_mean, 1e-6) for column in columns])
    return NegativeBinomialColumns(_log_mean(columns), _fixed(np.log(mean / excess)))


def _make_bernoulli(columns: Columns) -> ColumnFamily:
    share = np.array([column.shares[1] for column in columns if column.shares is not None])
    return BernoulliColumns(_fixed(np.log(share) - np.log1p(-share)), _log_unseen(columns))


def _make_categorical(columns: Columns) -> ColumnFamily:
    logits = np.full((len(columns), max(len(column.levels or ()) for column in columns)), NO_LEVEL)
    for row, column in zip(logits, columns, strict=True):
        row[: len(column.shares or ())] = np.log(column.shares or ())
    return CategoricalColumns(_fixed(logits), _log_unseen(columns))


def _make_cumulative_logit(columns: Columns) -> ColumnFamily:
    top = np.array([len(column.levels or ()) - 1 for column in columns])
    cutpoints = np.zeros((len(columns), int(top.max())))
    for row, column in zip(cutpoints, columns, strict=True):
        below = np.cumsum(column.shares or ())[:-1]
        row[: len(below)] = np.log(below) - np.log1p(-below)
        # Beyond the column's own levels: never used, but increasing.
        row[len(below) :] = row[len(below) - 1] + np.arange(1, len(row) - len(below) + 1)
    steps = jnp.asarray(np.log(np.diff(cutpoints, axis=1)), jnp.float32)
    first = jnp.asarray(cutpoints[:, :1], jnp.float32)
    return CumulativeLogitColumns(first, steps, _fixed(top), _log_unseen(columns))


_FAMILIES: dict[str, Callable[[Columns], ColumnFamily]] = {
    "normal": _make_normal,
    "student_t": _make_student_t,
    "log_normal": _make_log_normal,
    "poisson": _make_poisson,
    "negative_binomial": _make_negative_binomial,
    "bernoulli": _make_bernoulli,
    "categorical": _make_categorical,
    "cumulative_logit": _make_cumulative_logit,
}


def _log_unit(columns: Columns) -> Fixed:
    return _fixed(np.log([column.scale for column in columns]))


def _floor(columns: Columns) -> Fixed:
    return _fixed(np.maximum([column.resolution for column in columns], SCALE_RESOLUTION))


def _log_mean(columns: Columns) -> Fixed:
    return _fixed(np.log([max(column.count_mean, 1e-6) for column in columns]))


def _log_unseen(columns: Columns) -> Fixed:
    return _fixed(-np.log([column.observed_count + 1.0 for column in columns]))


def _fixed(values: np.ndarray) -> Fixed:
    return Fixed(jnp.asarray(values, jnp.float32))
