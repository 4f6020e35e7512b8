"""What one column was taken for, and the way of its values to a model and back."""

import warnings
from dataclasses import dataclass

import numpy as np
from scipy import optimize, stats

from isthmus.data.dataset import DataError
from isthmus.data.kinds import TOLD_APART, ColumnKind, Kind
from isthmus.data.likelihood_names import LIKELIHOODS, ColumnLikelihood, kind_of_likelihood
from isthmus.data.standardisation import LARGEST
from isthmus.data.table import Column

UNSEEN = -1
"""The code of a value that the training rows did not hold, in columns whose values are told apart."""
HEAVY_TAILS = 20.0
"""Excess kurtosis beyond which a real column gets Student's t. A normal has 0 and a Laplace distribution 3, but a
mixture of normals over the latent has tails of its own; Student's t pays off where single values are far out."""
MOST_LEVELS = 2**14
"""More values than this are not told apart, even where that is asked for."""
LARGEST_COUNT = 10_000
"""Whole numbers beyond it are measured, not counted: the mass of one of them is below what float32 resolves."""


@dataclass(frozen=True)
class ColumnSchema:
    """One column of a training table.

    offset, scale: u = (t(x) - offset) / scale, with t the logarithm for positive numbers, else the identity; 0 and 1
        for counts and for values that are told apart, which a model takes as they are or by their number.
    levels: the values that are told apart, in their order: words, or numbers. None for measured and counted ones.
    words: whether the levels are words.
    resolution: half the smallest gap between distinct values of u; no density is known at a finer one.
    observed_count: values seen.  mean, spread: of u; of log(1 + x) for counts; of the level's number for levels.
    shares: how often each level was seen, as a share.  dispersion: of counts, variance over mean.
    tail: scale and degrees of freedom of the Student's t that fits u, where that is the likelihood.
    """

    name: str
    kind: Kind
    likelihood: ColumnLikelihood
    reason: str
    offset: float
    scale: float
    resolution: float
    observed_count: int
    mean: float
    spread: float
    count_mean: float = 0.0
    dispersion: float = 0.0
    tail: tuple[float, float] = (1.0, 1.0)
    levels: tuple[str | float, ...] | None = None
    shares: tuple[float, ...] | None = None
    words: bool = False
    ordered: bool = False
    temporal: bool = False

    def encode(self, column: Column) -> tuple[np.ndarray, np.ndarray]:
        """(values in the model's units, observed), each [row]; the value of a hole is 0."""
        self._require_type(column)
        if self.levels is not None:
            values = self._numbered(column)
        elif self.kind == "count":
            values = column.values
        else:
            with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
                raw = np.log(column.values) if self.kind == "positive" else column.values
                # Off the support: no logarithm, hence a density of zero.
                raw = np.where(np.isnan(raw), -np.inf, raw)
                scaled = (raw - self.offset) / self.scale
            values = np.where(np.isinf(scaled), scaled, np.clip(scaled, -LARGEST, LARGEST))
        return np.where(column.observed, values, 0.0).astype(np.float32), column.observed

    def decode(self, values: np.ndarray) -> Column:
        """The column of values in the model's units, [row]."""
        values = np.asarray(values, np.float64)
        observed = np.ones(len(values), bool)
        if self.levels is None:
            raw = values if self.kind == "count" else values * self.scale + self.offset
            raw = np.exp(raw) if self.kind == "positive" else raw
            return Column(self.name, raw, observed, temporal=self.temporal)
        codes = np.clip(np.round(values), 0, len(self.levels) - 1).astype(np.int64)
        if self.words:
            return Column(self.name, codes, observed, tuple(map(str, self.levels)), self.ordered)
        return Column(self.name, np.asarray(self.levels, np.float64)[codes], observed, temporal=self.temporal)

    def _require_type(self, column: Column) -> None:
        if not column.observed.any():
            return
        if column.temporal != self.temporal and not self.words:
            given, fitted = ("dates", "numbers") if column.temporal else ("no dates", "dates")
            raise DataError(
                f"column {self.name!r} holds {given}; the model was fitted to {fitted} there: convert the column"
            )
        if column.categories is not None and not self.words:
            raise DataError(
                f"column {self.name!r} holds words such as {column.categories[0][:40]!r}; the model was fitted to "  # type: ignore[index]
                "numbers there: convert the column"
            )

    def _numbered(self, column: Column) -> np.ndarray:
        """The number of each value among the levels; UNSEEN, with a warning, for any other."""
        assert self.levels is not None
        if self.words:
            names = column.categories
            if names is None:
                numbers = np.unique(column.values)
                names, places = tuple(f"{x:.15g}" for x in numbers), np.searchsorted(numbers, column.values)
            else:
                places = np.asarray(column.values, np.int64)
            known = {name: i for i, name in enumerate(self.levels)}
            codes = np.array([known.get(name, UNSEEN) for name in names] or [UNSEEN])[places]
        else:
            levels = np.asarray(self.levels, np.float64)
            order = np.argsort(levels)
            places = np.clip(np.searchsorted(levels[order], column.values), 0, len(levels) - 1)
            codes = np.where(levels[order][places] == column.values, order[places], UNSEEN)
        self._warn_of_unseen(column, codes)
        return codes

    def _warn_of_unseen(self, column: Column, codes: np.ndarray) -> None:
        strange = (codes == UNSEEN) & column.observed
        if strange.any():
            value = column.values[int(np.argmax(strange))]
            shown = f"{value:g}" if column.categories is None else repr(column.categories[int(value)])
            warnings.warn(
                f"column {self.name!r} holds {shown}, which the training rows did not ({int(strange.sum())} such "
                f"values): each has the mass of unseen values, 1 in {self.observed_count + 1}",
                UserWarning,
                stacklevel=5,
            )


def inspect_column(column: Column, found: ColumnKind, requested: str | None = None) -> ColumnSchema:
    """The schema of a training column with at least one observed value, as it was found or as requested.

    A column that never varies has one level, whatever its type: all that can be known is whether a value is that one.
    Raises DataError, naming the column, where its values cannot be of the requested kind.
    """
    seen = np.asarray(column.values[column.observed], np.float64)
    if requested is None:
        kind = found.kind
        if kind == "count" and seen.max() > LARGEST_COUNT:
            found = ColumnKind("positive" if seen.min() > 0 else "real", f"whole numbers beyond {LARGEST_COUNT}")
            kind = found.kind
        if column.constant:
            found = ColumnKind("categorical", "it never varies")
            kind = found.kind
        reason = found.reason
    else:
        kind, reason = kind_of_likelihood(requested, found.kind), "requested"
        _require_possible(column, seen, kind)
    likelihood = requested if requested in LIKELIHOODS else _likelihood(kind, seen)
    if kind not in TOLD_APART:
        return _measured(column, seen, kind, likelihood, reason)
    schema = _with_levels(column, seen, kind, likelihood, reason)
    if len(schema.levels or ()) > MOST_LEVELS:
        raise DataError(
            f"column {column.name!r} has {len(schema.levels or ())} levels, and at most {MOST_LEVELS} are told apart; "
            "leave its kind to inspection, or set it aside as an identifier"
        )
    return schema


def _likelihood(kind: Kind, seen: np.ndarray) -> ColumnLikelihood:
    if kind in ("real", "datetime"):
        return "student_t" if _excess_kurtosis(seen) > HEAVY_TAILS else "normal"
    if kind == "count":
        return "negative_binomial" if seen.var() > seen.mean() else "poisson"
    return next(name for name, of in LIKELIHOODS.items() if of == kind)


def _measured(column: Column, seen: np.ndarray, kind: Kind, likelihood, reason: str) -> ColumnSchema:
    if kind == "count":
        logs = np.log1p(seen)
        mean, spread = float(logs.mean()), float(logs.std()) or 1.0
        count_mean, dispersion = float(seen.mean()), float(seen.var() / max(seen.mean(), 1e-12))
        return ColumnSchema(
            column.name, kind, likelihood, reason, 0.0, 1.0, 0.5, len(seen), mean, spread, count_mean, dispersion
        )
    raw = np.log(seen) if kind == "positive" else seen
    offset, scale = _moments(raw)
    gaps = np.diff(np.unique((raw - offset) / scale))
    resolution = 0.5 * float(gaps.min()) if len(gaps) else 0.0
    return ColumnSchema(
        column.name,
        kind,
        likelihood,
        reason,
        offset,
        scale,
        resolution,
        len(seen),
        mean=0.0,
        spread=1.0,
        tail=_tail((raw - offset) / scale) if likelihood == "student_t" else (1.0, 1.0),
        temporal=column.temporal,
    )


def _with_levels(column: Column, seen: np.ndarray, kind: Kind, likelihood, reason: str) -> ColumnSchema:
    if column.categories is not None and column.ordered and kind == "ordinal":
        codes, levels = seen.astype(np.int64), tuple(column.categories)
        counts = np.bincount(codes, minlength=len(levels))
    else:
        distinct, counts = np.unique(seen, return_counts=True)
        words = column.categories
        levels = tuple(float(v) for v in distinct) if words is None else tuple(words[int(v)] for v in distinct)
        codes = np.searchsorted(distinct, seen)
    shares = tuple(float(share) for share in (counts + 1) / (counts.sum() + len(counts)))
    return ColumnSchema(
        column.name,
        kind,
        likelihood,
        reason,
        offset=0.0,
        scale=1.0,
        resolution=0.5,
        observed_count=len(seen),
        mean=float(codes.mean()),
        spread=float(codes.std()) or 1.0,
        levels=levels,
        shares=shares,
        words=column.categories is not None,
        ordered=column.ordered,
        temporal=column.temporal,
    )


def _require_possible(column: Column, seen: np.ndarray, kind: Kind) -> None:
    if kind in TOLD_APART:
        distinct = len(np.unique(seen))
        if kind == "binary" and distinct != 2:
            raise DataError(f"column {column.name!r} cannot be binary: it holds {distinct} different values, not 2")
        if kind == "ordinal" and distinct < 2:
            raise DataError(f"column {column.name!r} cannot be ordinal: it never varies")
        return
    if column.categories is not None:
        raise DataError(
            f"column {column.name!r} cannot be {kind}: it holds words such as {column.categories[0][:40]!r}"
        )
    if kind == "datetime" and not column.temporal:
        raise DataError(f"column {column.name!r} cannot be datetime: it holds numbers; write its dates as 2024-01-31")
    if column.constant:
        raise DataError(f"column {column.name!r} cannot be {kind}: it never varies; leave its kind to inspection")
    if kind == "positive" and seen.min() <= 0:
        raise DataError(f"column {column.name!r} cannot be positive: it holds {seen.min():g}")
    if kind == "count" and (seen.min() < 0 or (seen != np.round(seen)).any() or seen.max() > LARGEST_COUNT):
        wrong = seen[(seen < 0) | (seen != np.round(seen)) | (seen > LARGEST_COUNT)][0]
        raise DataError(
            f"column {column.name!r} cannot be a count: it holds {wrong:g}; counts are whole numbers from 0 to "
            f"{LARGEST_COUNT}"
        )


def _moments(values: np.ndarray) -> tuple[float, float]:
    """Mean and standard deviation, found in [-1, 1]: an offset of 1e9 or a size of 1e200 loses nothing there."""
    low, high = float(values.min()), float(values.max())
    centre, half_range = low / 2 + high / 2, (high / 2 - low / 2) or 1.0
    scaled = (values - centre) / half_range
    return centre + float(scaled.mean()) * half_range, (float(scaled.std()) or 1.0) * half_range


def _tail(u: np.ndarray) -> tuple[float, float]:
    """Scale and degrees of freedom, above 1, of the centred Student's t that makes u most likely; of 10,000 of many."""
    u = u[:: max(len(u) // 10_000, 1)]

    def loss(parameters: np.ndarray) -> float:
        scale, degrees = np.exp(parameters[0]), 1.0 + np.exp(parameters[1])
        return -float(stats.t.logpdf(u, degrees, 0.0, scale).mean())

    found = optimize.minimize(loss, np.array([-0.5, np.log(4.0)]), method="L-BFGS-B", bounds=[(-12, 4), (-7, 7)])
    return float(np.exp(found.x[0])), float(1.0 + np.exp(found.x[1]))


def _excess_kurtosis(values: np.ndarray) -> float:
    offset, scale = _moments(values)
    return float((((values - offset) / scale) ** 4).mean()) - 3.0
