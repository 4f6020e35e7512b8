"""Rows of mixed columns with holes: frames, tables, arrays with NaN."""

import warnings
from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
from pydantic import TypeAdapter
from sklearn.utils.validation import _check_feature_names

from isthmus.data import DataError, Dataset, Table, TableSchema, anonymous_names, choose_schema, table_from_frame
from isthmus.data.column_schema import MOST_LEVELS
from isthmus.data.filling import fill_frame
from isthmus.data.likelihood_names import LIKELIHOODS
from isthmus.data.outgoing import table_to_frame
from isthmus.data.table import Column, table_from_array, table_from_dataset
from isthmus.estimators.rows import require_numbers, stored_names
from isthmus.evidence import IndependentColumns, independent_columns
from isthmus.information.precision import in_float32
from isthmus.models import Ends, Observation, table_ends
from isthmus.models.column_assembly import MOST_INDICATORS, make_independent_likelihoods
from isthmus.storage import ModelFileError, require_header_room

_SCHEMA = TypeAdapter(TableSchema)
_NUMBERS = ("offset", "scale", "resolution", "mean", "spread", "count_mean", "dispersion")
_LEVELS = {"binary": (2, 2), "categorical": (1, MOST_LEVELS), "ordinal": (2, MOST_LEVELS)}


@dataclass(frozen=True)
class TableRows:
    """How tables come to the model and back: the schema of the columns.

    given: the names of all columns that the fit was given, in order, set aside or not.
    strict: whether new frames must have the names of the fit in its order. So where the fit was given a frame of real
        numbers without holes, for which that is scikit-learn's contract; else columns are found by name.
    """

    kind: ClassVar[str] = "table"
    schema: TableSchema
    given: tuple[str, ...]
    strict: bool = False

    @classmethod
    def inspect(cls, table: Table, requested: dict[str, str] | None, frame: bool = False) -> tuple[Self, Ends]:
        """From a training table, made of a frame or not; with it both ends of a model for it."""
        schema = choose_schema(table, requested)
        names = tuple(column.name for column in table.columns)
        real = all(column.kind == "real" for column in schema.columns)
        complete = all(column.observed.all() for column in table.columns)
        rows = cls(schema, names, frame and real and complete)
        rows._require_storable(table.source)
        return rows, table_ends(schema)

    def _require_storable(self, source: str) -> None:
        """DataError where a model file cannot hold so many levels: said before the fit rather than after it."""
        try:
            require_header_room(self.to_record()[1])
        except ModelFileError as error:
            levels = sum(len(column.levels or ()) for column in self.schema.columns)
            raise DataError(
                f"{source} has {levels} levels in {self.column_count} columns, and a model of them could not be saved: "
                f"{error}; set columns aside, by columns={{name: 'identifier'}}"
            ) from None

    @property
    def names(self) -> tuple[str, ...]:
        return self.schema.names

    @property
    def column_count(self) -> int:
        return len(self.schema.columns)

    @property
    def scale(self) -> None:
        """Columns of several kinds have no squared error in common."""
        return None

    def encode(self, estimator: Any, X: Any) -> Observation:
        if self.strict and not isinstance(X, Table | Dataset):
            _check_feature_names(estimator, X, reset=False)
        return Observation(*self.schema.encode(self.table(X)))

    def table(self, X: Any) -> Table:
        """X as a table; DataError for an array of another width, which has no names to go by."""
        if isinstance(X, Dataset) or brings_names(X):
            return as_table(X)
        values = np.asarray(X)
        if values.ndim != 2 or values.shape[1] != len(self.given):
            raise DataError(
                f"X has {values.shape[1] if values.ndim == 2 else values.ndim} "
                f"{'features' if values.ndim == 2 else 'dimensions'}, but the model is expecting {len(self.given)} "
                "features as input; pass the columns of the fit, or a frame, whose columns are found by name"
            )
        return as_table(values, self.given)

    def decode(self, values: np.ndarray, like: Any = None) -> Any:
        """Values in the model's units, [row, column], as `like` is: a table for a table, a frame of modelled columns
        for a frame; else an array, of numbers, or of objects where a column holds words; NaN in columns set aside."""
        table = self.schema.decode(values)
        if isinstance(like, Table):
            return table
        if brings_names(like):
            return table_to_frame(table, like)
        by_name = {column.name: column for column in table.columns}
        words = any(column.categories is not None for column in table.columns)
        columns = [by_name[name].plain() if name in by_name else np.full(len(values), np.nan) for name in self.given]
        return np.column_stack([column.astype(object) for column in columns] if words else columns)

    def fill(self, X: Any, values: np.ndarray) -> Any:
        """X with its holes filled by `values`, [row, column], in the model's units."""
        filled = self.schema.decode(values)
        if isinstance(X, Table):
            return _filled_table(X, filled)
        if brings_names(X):
            return fill_frame(X, _fitting(as_table(X), filled))
        numbers = np.array(X.values if isinstance(X, Dataset) else X, np.float64)
        for column in filled.columns:
            place = self.given.index(column.name)
            numbers[:, place] = np.where(np.isnan(numbers[:, place]), column.values, numbers[:, place])
        return numbers

    def assumptions(self) -> dict[str, Any]:
        return {
            "likelihood": "columns",
            "likelihood_reason": "each column has its own",
            "columns_taken_as": [
                {"name": c.name, "kind": c.kind, "likelihood": c.likelihood, "reason": c.reason}
                for c in self.schema.columns
            ],
            "set_aside": [{"name": name, "reason": reason} for name, reason in self.schema.set_aside],
        }

    def to_record(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        return {}, {"columns": list(self.given), "strict": self.strict, "schema": asdict(self.schema)}

    @classmethod
    def from_record(cls, arrays: dict[str, np.ndarray], metadata: dict[str, Any]) -> Self:
        schema, given = _SCHEMA.validate_python(metadata["schema"]), stored_names(metadata["columns"])
        _check_schema(schema, given)
        many = [len(column.levels or ()) for column in schema.columns]
        many = [count for count in many if count > MOST_INDICATORS]
        require_numbers(arrays, len(many) * max(many, default=0))
        return cls(schema, given, metadata["strict"] is True)

    def blank(self) -> tuple[Ends, IndependentColumns]:
        """Ends and baseline of the same shape whose numbers mean nothing."""
        return table_ends(self.schema), self.baseline()

    @in_float32
    def baseline(self, family: Any = None, training: Any = None) -> IndependentColumns:
        """Each column modelled on its own."""
        return independent_columns(make_independent_likelihoods(self.schema), None)


def brings_names(X: Any) -> bool:
    """Whether X brings names for its columns, by which they are found: a table, or a frame of pandas or polars."""
    return isinstance(X, Table) or hasattr(X, "columns")


def as_table(X: Any, names: tuple[str, ...] | None = None) -> Table:
    """A table, data set, frame or array as a table."""
    if isinstance(X, Table):
        return X
    if isinstance(X, Dataset):
        return table_from_dataset(X)
    if hasattr(X, "columns"):
        return table_from_frame(X)
    values = np.asarray(X, np.float64)
    if values.ndim != 2:
        raise DataError(f"X has {values.ndim} dimensions; Expected 2D array, rows x columns")
    return table_from_array(values, anonymous_names(values.shape[1]) if names is None else names)


def _filled_table(table: Table, filled: Table) -> Table:
    by_name = {column.name: column for column in filled.columns}
    columns = [
        column if column.observed.all() or column.name not in by_name else _filled_column(column, by_name[column.name])
        for column in table.columns
    ]
    return Table(table.source, tuple(columns))


def _filled_column(column: Column, filled: Column) -> Column:
    everywhere = np.ones(len(column.values), bool)
    if not column.observed.any():
        # Nothing says how its values are written: moments as ISO text, all else as the model knows it.
        return filled if not filled.temporal else _as_words(filled)
    if filled.categories is None:
        return replace(column, values=np.where(column.observed, column.values, filled.values), observed=everywhere)
    if column.categories is None:
        numbers = np.array([_number(name) for name in filled.categories])[filled.values]
        values = np.where(column.observed, column.values, numbers)
        return replace(column, values=np.nan_to_num(values), observed=np.isfinite(values))
    # Numbered anew: the table may lack categories that the model knows.
    names = (*column.categories, *(name for name in filled.categories if name not in column.categories))
    place = np.array([names.index(name) for name in filled.categories])
    values = np.where(column.observed, column.values, place[filled.values])
    return replace(column, values=values, observed=everywhere, categories=names)


def _fitting(table: Table, filled: Table) -> Table:
    """What can fill the columns of a frame, whose types stay: words cannot fill a column of numbers."""
    given = {column.name: column for column in table.columns}
    columns = []
    for column in filled.columns:
        if column.name not in given or given[column.name].observed.all():
            continue
        fitting = _filled_column(given[column.name], column)
        if (fitting.categories is None) == (given[column.name].categories is None):
            columns.append(fitting)
        else:
            warnings.warn(
                f"column {column.name!r} holds no value here, and its type cannot take words: its holes stay",
                UserWarning,
                stacklevel=4,
            )
    return Table(filled.source, tuple(columns))


def _as_words(column: Column) -> Column:
    texts = column.as_text()
    names = sorted(set(texts))
    places = {name: i for i, name in enumerate(names)}
    return replace(column, values=np.array([places[t] for t in texts]), categories=tuple(names), temporal=False)


def _number(name: str) -> float:
    """A category's name as the number it spells; NaN where it spells none."""
    try:
        return float(name)
    except ValueError:
        return np.nan


def _check_schema(schema: TableSchema, given: tuple[str, ...]) -> None:
    """ValueError for a schema that no fit writes, before anything is made of it."""
    if len(set(schema.names)) != len(schema.columns) or not schema.columns:
        raise ValueError("the columns of the schema are none, or not distinct")
    for column in schema.columns:
        numbers = [getattr(column, name) for name in _NUMBERS] + list(column.tail)
        levels, shares = column.levels or (), column.shares or ()
        if not np.isfinite(numbers).all() or column.scale <= 0 or column.spread <= 0 or column.observed_count < 1:
            raise ValueError(f"the numbers of column {column.name!r} are out of range")
        if LIKELIHOODS[column.likelihood] != {"datetime": "real"}.get(column.kind, column.kind):
            raise ValueError(f"column {column.name!r} is {column.kind} and its likelihood {column.likelihood}")
        if len(levels) != len(shares) or len(levels) > MOST_LEVELS or not all(0 < share <= 1 for share in shares):
            raise ValueError(f"the levels of column {column.name!r} do not fit its shares")
        if not _LEVELS.get(column.kind, (0, 0))[0] <= len(levels) <= _LEVELS.get(column.kind, (0, 0))[1]:
            raise ValueError(f"column {column.name!r} is {column.kind} and has {len(levels)} levels")
        if not _are_levels(column.levels, column.words) or not np.isclose(sum(shares), 1.0 if shares else 0.0):
            raise ValueError(f"the levels of column {column.name!r} are not distinct words or numbers with shares")
        if column.name not in given:
            raise ValueError(f"column {column.name!r} is not among the columns given")


def _are_levels(levels: tuple[str | float, ...] | None, words: bool) -> bool:
    """Whether the levels are distinct, and words or finite numbers as the schema says."""
    if levels is None:
        return not words
    if words:
        return len(set(levels)) == len(levels) and all(isinstance(level, str) for level in levels)
    numbers = [level for level in levels if not isinstance(level, str)]
    return len(set(numbers)) == len(levels) and bool(np.isfinite(numbers).all())
