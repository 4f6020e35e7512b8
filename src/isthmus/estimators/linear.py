"""What the linear rungs have in common: real rows in their own units, weights, closed forms in float64."""

import warnings
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self, final

import numpy as np
from sklearn.utils.validation import _check_sample_weight, check_is_fitted

from isthmus.estimators.anomalies import MOST_CALIBRATION_ROWS, MOST_THRESHOLD_ROWS, weighted_percentile
from isthmus.estimators.configuration import LinearConfiguration
from isthmus.estimators.estimator import LatentEstimator
from isthmus.estimators.facts import checked_facts, checked_threshold
from isthmus.estimators.fitted import Fitted, calibration_rows
from isthmus.estimators.real_rows import RealRows
from isthmus.estimators.splits import CALIBRATION_STREAM, THRESHOLD_STREAM, split_indices, take_rows
from isthmus.evidence import ColumnMoments, diagnose_copying
from isthmus.fitting import Checkpoint, FitRecord
from isthmus.models.rows import row_count
from isthmus.storage import ModelFileError


@dataclass(frozen=True)
class LinearArchitecture:
    """The shape of a linear model."""

    latent_size: int


@dataclass(frozen=True)
class Solution:
    """What was found for some rows.

    model: the module.  size: of its latent.  axes: the principal ones of the rows, [column, k], where they are known
    beside it.  variance: of each column, [column].  facts: what else was seen, as JSON has it.  log_likelihoods: after
    each step, where there were steps: mean log p(x) of a row, or minus the squared error.
    """

    model: Any
    variance: np.ndarray
    facts: dict[str, Any]
    log_likelihoods: np.ndarray
    size: int
    axes: np.ndarray | None = None


class LinearEstimator(LatentEstimator):
    """A linear model of real rows."""

    configuration_type: ClassVar[type[LinearConfiguration]]
    takes_holes: ClassVar[bool]

    @abstractmethod
    def _solve(
        self, rows: RealRows, values: Any, weights: np.ndarray | None, size: int, configuration: Any
    ) -> Solution:
        """The best model of encoded rows, in their own units."""

    @classmethod
    @abstractmethod
    def _read_model(cls, arrays: dict[str, np.ndarray], columns: int, size: int, facts: dict[str, Any]) -> Any:
        """The model that a file keeps; ValueError or KeyError where its arrays do not fit."""

    @abstractmethod
    def _largest_size(self, rows: int, columns: int) -> int:
        """The largest latent that can be fitted."""

    def fit(
        self,
        X,
        y=None,
        sample_weight=None,
        *,
        on_record: Callable[[FitRecord], None] | None = None,
        checkpoint: Checkpoint | None = None,
    ) -> Self:
        """Fit to rows X, [row, column] of numbers; y is ignored.

        sample_weight: [row], how often each row counts; a weight of 2 is the row twice.  on_record: told of each step.
        checkpoint: nothing is kept there: what is solved at once, or climbed to in seconds, begins anew.
        Raises ValueError for rows, weights or arguments that cannot be used.
        """
        configuration = self.configuration_type.checked(self.get_params(deep=False))
        rows, values = RealRows.inspect(self, X, configuration.dequantise, self.takes_holes)
        weights = None if sample_weight is None else _check_sample_weight(sample_weight, _first(values))
        training, weights, calibration = _set_aside(values, weights, configuration)
        size = self._size(configuration.n_components, row_count(training), rows.column_count)
        solution = self._solve(rows, training, weights, size, configuration)
        self._finish(rows, solution, some_weighted(training, weights), calibration, configuration)
        if on_record is not None:
            for look in self.history_:
                on_record(look)
        return self

    @final
    def _finish(
        self,
        rows: RealRows,
        solution: Solution,
        some: tuple[Any, np.ndarray],
        calibration: Any,
        configuration: LinearConfiguration,
    ) -> None:
        """Keep what was found; some: rows, and their weights, whose scores stand for those of all."""
        size = solution.size
        fitted = Fitted(
            configuration,
            rows,
            LinearArchitecture(size),
            solution.model,
            {"variance": solution.variance} | ({} if solution.axes is None else {"axes": solution.axes}),
            0.0,
            calibration,
            solution.facts,
        )
        self._keep(fitted)
        threshold = weighted_percentile(self._scores(some[0]), some[1], 100.0 * configuration.contamination)
        self._keep(replace(fitted, threshold=threshold))
        if size >= rows.column_count:
            told = diagnose_copying(self._account(some[0], 0).entries, size, rows.column_count)
            if told:
                warnings.warn(" ".join(told), UserWarning, stacklevel=3)
        self.history_ = _history(solution.log_likelihoods)

    def _size(self, asked: int | None, rows: int, columns: int) -> int:
        """Half of the columns, at most 32, where no size is asked for."""
        largest = self._largest_size(rows, columns)
        size = max(min(columns // 2, 32, largest), 1) if asked is None else asked
        if size > largest:
            if largest == 0:
                raise ValueError(f"X has {columns} feature(s), and {type(self).__name__} needs at least 2")
            raise ValueError(
                f"latent size {size} is above {largest}, the largest for the n_samples={rows} row(s) of X, which has "
                f"{columns} feature(s); pass n_components <= {largest}"
            )
        return size

    @final
    def _transformed(self, X: Any) -> np.ndarray:
        check_is_fitted(self)
        with np.errstate(invalid="ignore", over="ignore"):
            latents = self._latents(self._rows.numbers(self, X))
        # A value that is no number leaves none, so that whole rows need no look at each of their values.
        return latents if np.isfinite(latents).all() else self._latents(self._encoded(X))

    @final
    @property
    def _rows(self) -> RealRows:
        rows = self._fitted.rows
        assert isinstance(rows, RealRows)
        return rows

    @final
    @property
    def _moments(self) -> ColumnMoments:
        return ColumnMoments(self.model_.mean, self._fitted.baseline["variance"])

    @final
    @property
    def mean_(self) -> np.ndarray:
        """[column]."""
        return self.model_.mean

    @final
    def _assumptions(self) -> dict[str, Any]:
        fitted = self._fitted
        parameters = fitted.configuration.model_dump(mode="json")
        return {
            **fitted.rows.assumptions(),
            "n_components": fitted.architecture.latent_size,
            **{name: value for name, value in parameters.items() if name not in ("n_components", "contamination")},
            **{name: value for name, value in fitted.facts.items() if isinstance(value, int | float | str | bool)},
        }

    @final
    @classmethod
    def _from_record(cls, arrays: dict[str, np.ndarray], metadata: dict[str, Any], modules: dict[str, Any]) -> Fitted:
        try:
            if modules:
                raise ValueError(f"it takes no modules of your own, and was given {', '.join(modules)}")
            size, rows = int(metadata["architecture"]["latent_size"]), RealRows.from_record(metadata)
            facts, columns = checked_facts(cls.__name__, metadata["facts"]), rows.column_count
            variance = array_of(arrays, "baseline.variance", (columns,))
            if not 1 <= size <= columns or not (variance >= 0).all():
                raise ValueError(f"the latent has {size} dimensions for {columns} columns, or a variance is below 0")
            return Fitted(
                cls.configuration_type.checked(metadata["parameters"]),
                rows,
                LinearArchitecture(size),
                cls._read_model(arrays, columns, size, facts),
                {"variance": variance} | _axes(arrays, columns),
                checked_threshold(metadata["threshold"]),
                calibration_rows(arrays, int(metadata["calibration_rows"]), columns, np.float64),
                facts,
            )
        except (LookupError, ArithmeticError, TypeError, ValueError) as error:
            raise ModelFileError(f"the model file does not describe a {cls.__name__}: {error}") from None

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = self.takes_holes
        return tags


def array_of(arrays: dict[str, np.ndarray], name: str, shape: tuple[int, ...]) -> np.ndarray:
    """A stored array, finite float64 of this shape; ValueError for any other."""
    found = arrays[name]
    if found.shape != shape or found.dtype != np.float64 or not np.isfinite(found).all():
        raise ValueError(f"array {name!r} is {found.dtype} {found.shape}; expected finite float64 {shape}")
    return found


def _axes(arrays: dict[str, np.ndarray], columns: int) -> dict[str, np.ndarray]:
    axes = arrays.get("baseline.axes")
    if axes is None:
        return {}
    if axes.ndim != 2 or axes.shape[1] > columns:
        raise ValueError(f"the principal axes are {axes.shape}; expected {columns} numbers each")
    return {"axes": array_of(arrays, "baseline.axes", (columns, axes.shape[1]))}


def _set_aside(
    values: Any, weights: np.ndarray | None, configuration: LinearConfiguration
) -> tuple[Any, np.ndarray | None, Any]:
    count = row_count(values)
    share = min(configuration.calibration_fraction, MOST_CALIBRATION_ROWS / count)
    if share > 0 and weights is not None:
        # A row of weight 0 is no row, and none to calibrate by.
        values, weights = take_rows(values, weights > 0), weights[weights > 0]
    kept, aside = split_indices(row_count(values), share, configuration.random_state, CALIBRATION_STREAM)
    if aside is None:
        return values, weights, None
    return take_rows(values, kept), None if weights is None else weights[kept], take_rows(values, aside)


def some_weighted(rows: Any, weights: np.ndarray | None) -> tuple[Any, np.ndarray]:
    """At most 2,000 rows that count, at random, and their weights."""
    count = row_count(rows)
    weights = np.ones(count) if weights is None else weights
    index = np.flatnonzero(weights > 0)
    if len(index) > MOST_THRESHOLD_ROWS:
        index = np.sort(np.random.default_rng(THRESHOLD_STREAM).permutation(index)[:MOST_THRESHOLD_ROWS])
    elif len(index) == count:
        return rows, weights
    return take_rows(rows, index), weights[index]


def _first(values: Any) -> np.ndarray:
    return values if isinstance(values, np.ndarray) else values.values


def _history(log_likelihoods: np.ndarray) -> tuple[FitRecord, ...]:
    """One look a step; a closed form takes one."""
    last = len(log_likelihoods)
    return tuple(
        FitRecord(i, last, float(i), -float(value), None, 0) for i, value in enumerate(log_likelihoods, start=1)
    )
