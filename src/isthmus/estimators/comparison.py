"""The whole ladder on one data set: every model fitted to the same rows and measured on the same others."""

import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from isthmus.data import Dataset
from isthmus.estimators.baselines import MOST_ROWS
from isthmus.estimators.corrupted_rows import choose_test_corruption, corrupt_once, describe_corruption, of_columns
from isthmus.estimators.ladder import Plan, Rung, make_ladder, make_plan
from isthmus.estimators.parts import as_record
from isthmus.estimators.rung_measures import COLUMNS, NO_PRIOR, Measured, Task, measure_model, trained_numbers
from isthmus.estimators.runs import Rows, numbers_of, row_count, rows_as_text, split_test_rows
from isthmus.estimators.splits import COPY_STREAM, some_rows
from isthmus.evidence import mean_difference
from isthmus.models import Corruption

RULING_SHARE = 0.9
"""A column with this share of all variance decides alone what is measured in squared units."""
IS_BEST = "it is the best"
FAILURES = (ValueError, ArithmeticError, RuntimeError, MemoryError)


@dataclass(frozen=True)
class Comparison:
    """record: JSON values of everything measured.  exhibits: a few held-out rows, clean and corrupted, and what each
    model made of them: arrays [row, column], or texts [row][column] for tables that hold words."""

    record: dict[str, Any]
    exhibits: dict[str, Any]


def compare(
    data: Rows,
    latent: int | None = None,
    seed: int = 0,
    epochs: int | None = None,
    on_model: Callable[[str, int, int], None] | None = None,
    names: Sequence[str] | None = None,
) -> Comparison:
    """Fit every rung to four fifths of the rows and measure it on the rest (at most 2,000 rows).

    latent: the size of all but the over-complete one; None chooses by the number of columns.  epochs: of networks, at
    most.  names: of the rungs to fit, all where None.
    on_model: told of each fit before it begins: what, how many before it, how many in all.
    A model that cannot be fitted is a row with its reason; ValueError where none can.
    """
    training, test = split_test_rows(data, seed)
    plan = make_plan(training, latent)
    training, test = (of_columns(rows, plan.names) for rows in (training, test))
    corruption = choose_test_corruption(plan.rows)
    task = _make_task(plan, corruption, training, test)
    ladder = [r for r in make_ladder(plan, corruption, seed, epochs) if names is None or r.name in names]
    models = []
    for done, rung in enumerate(ladder):
        if on_model is not None:
            on_model(rung.title, done, len(ladder))
        models.append(_fit_and_measure(rung, training, task))
    if all(model.error is not None for model in models):
        raise ValueError(f"no model can be fitted to {data.source}: {models[-1].error}")
    best = _take_differences(models)
    record = {
        "data": data.source,
        "latent": plan.latent,
        "seed": seed,
        "epochs": epochs,
        "columns": len(plan.names),
        "training_rows": row_count(training),
        "test_rows": row_count(test),
        "measure": _measure(plan),
        "corruption": {**as_record(corruption), "description": describe_corruption(corruption)},
        "best_log_likelihood": best,
        "notes": [*plan.notes, *_notes_on_units(plan, training, task)],
        "models": {model.rung.name: model.to_dict() for model in models},
    }
    return Comparison(record, _exhibits(models, task))


def _make_task(plan: Plan, corruption: Corruption, training: Rows, test: Rows) -> Task:
    numbers = numbers_of(training, plan.names)
    spread = np.nanstd(numbers, axis=0)
    numeric = isinstance(test, Dataset) or not any(c.categories is not None or c.temporal for c in test.columns)
    whole = numeric and not np.isnan(numbers).any() and not np.isnan(numbers_of(test, plan.names)).any()
    corrupted = corrupt_once(corruption, test, plan.names, spread)
    return Task(plan, test, corrupted, numeric, some_rows(numbers, MOST_ROWS, COPY_STREAM) if whole else None)


def _fit_and_measure(rung: Rung, training: Rows, task: Task) -> Measured:
    measured = Measured(rung)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        try:
            started = time.perf_counter()
            rung.estimator.fit(training)
            measured.seconds = time.perf_counter() - started
            measured.parameters = trained_numbers(rung.estimator)
            measure_model(measured, task)
        except FAILURES as error:
            measured.error = " ".join(str(error).split())
            measured.blank(measured.error, *COLUMNS)
    told = [" ".join(str(warning.message).split()) for warning in caught if issubclass(warning.category, UserWarning)]
    measured.warnings = list(dict.fromkeys(told))
    return measured


def _take_differences(models: list[Measured]) -> str | None:
    """Set each model's paired difference to the best log-likelihood; the name of that model, None without any."""
    scored = [model for model in models if model.scores is not None]
    for model in models:
        if model.scores is None and model.error is None:
            model.blanks.setdefault("log_likelihood_to_best", model.blanks.get("log_likelihood", NO_PRIOR))
    if not scored:
        return None
    best = max(scored, key=lambda model: float(model.columns["log_likelihood"] or -np.inf))
    for model in scored:
        key = "log_likelihood_to_best"
        if model is best:
            model.blank(IS_BEST, key)
            continue
        ours, theirs = model.columns["log_likelihood"], best.columns["log_likelihood"]
        assert ours is not None
        assert theirs is not None
        model.columns[key] = mean_difference(ours, theirs, model.scores - best.scores)  # type: ignore[operator]
        if model.columns[key] is None:
            model.blank("a row is impossible under one of the two", key)
    return best.rung.name


def _exhibits(models: list[Measured], task: Task) -> dict[str, Any]:
    shape = task.clean.image_shape if isinstance(task.clean, Dataset) else None
    fitted = [model for model in models if model.clean is not None]
    found: dict[str, Any] = {"columns": list(task.plan.names), "image_shape": shape, "numeric": task.numeric}
    for kind, data in (("clean", task.clean), ("corrupted", task.corrupted)):
        rows: Any = data.rows(task.shown)
        given = numbers_of(rows, task.plan.names) if task.numeric else rows_as_text(rows, task.plan.names)
        found[kind] = {"originals": given, **{model.rung.label: getattr(model, kind) for model in fitted}}
    return found


def _measure(plan: Plan) -> str:
    kinds = set(plan.measures.values())
    return kinds.pop() if len(kinds) == 1 else "mixed"


def _notes_on_units(plan: Plan, training: Rows, task: Task) -> list[str]:
    """Whose units rule the squared errors, where spreads differ much."""
    if not task.numeric:
        return []
    spread = np.nanstd(numbers_of(training, plan.names), axis=0)
    share = float(spread.max() ** 2 / (spread**2).sum())
    if len(spread) < 3 or share < RULING_SHARE:
        return []
    widest = plan.names[int(spread.argmax())]
    return [
        f"Column {widest!r} has {100 * share:.1f} % of all columns' variance in their own units, and so rules squared "
        "errors, R^2, copy indices and PCA; standardise the columns to have each count."
    ]
