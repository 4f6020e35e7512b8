"""One table with every kind of column, fitted once: it serves most laws, for compilation dominates."""

import functools

import jax
import numpy as np
import pandas as pd
import pytest

from isthmus import VAE
from isthmus.estimators import training
from isthmus.estimators.baselines import Baselines
from isthmus.estimators.configuration import VAEConfiguration
from isthmus.estimators.fitted import Fitted
from isthmus.estimators.imputation import INTERVAL_DRAWS
from isthmus.estimators.table_rows import TableRows, as_table
from isthmus.models import Architecture, assemble_vae

SMALL = {"hidden_sizes": (8,), "max_epochs": 5}
GRADES = ["low", "mid", "high"]
TOWNS = np.array(["Ely", "Rye", "Wem", "Ware"])


def complete_frame(rows, seed):
    """Columns of every kind, all of which follow one factor; in each row one column or none varies on its own."""
    generator = np.random.default_rng(seed)
    factor = generator.normal(size=rows)
    grade = np.digitize(factor + generator.normal(size=rows), [-0.5, 0.8])
    return pd.DataFrame(
        {
            "second": 1.7e9 + 3e4 * (factor + 0.5 * generator.normal(size=rows)),
            "visits": pd.array(generator.poisson(np.exp(0.5 * factor + 1.0)), dtype="Int64"),
            "town": TOWNS[np.digitize(factor + generator.normal(size=rows), [-1.0, 0.0, 1.0])],
            "price": np.exp(1.5 * factor + generator.normal(size=rows)),
            "grade": pd.Categorical.from_codes(grade, GRADES, ordered=True),
            "smoker": np.where(factor + generator.normal(size=rows) > 0.5, "yes", "no"),
            "day": pd.to_datetime(1_700_000_000 + 86_400 * np.round(99 * generator.normal(size=rows)), unit="s"),
            "card": [f"card {seed} {i}" for i in range(rows)],
        },
        index=pd.Index(np.arange(rows)[::-1] * 3, name="row"),
    ).astype({"day": "datetime64[s]"})


def with_holes(frame, seed):
    """Two rows in five lose a share of their cells; the eighth loses all."""
    generator = np.random.default_rng(seed)
    hole = (generator.random(frame.shape) < 0.3) & (generator.random((len(frame), 1)) < 0.4)
    hole[7] = True
    return frame.mask(pd.DataFrame(hole, frame.index, frame.columns))


FRAME = with_holes(complete_frame(150, 0), 1)
FRESH = complete_frame(96, 5)
LIKELIHOODS = {
    "second": "normal",
    "visits": "poisson",
    "town": "categorical",
    "price": "log_normal",
    "grade": "cumulative_logit",
    "smoker": "bernoulli",
    "day": "normal",
}
NAMES = list(LIKELIHOODS)
TOLD_APART = ["town", "grade", "smoker"]
COVERAGE = 0.8
HOLED = np.random.default_rng(0).normal(size=(30, 3))
HOLED[::4, 1], HOLED[3] = np.nan, np.nan


def fit(**arguments):
    with pytest.warns(UserWarning, match="'card' is set aside"):
        return VAE(2, columns={"visits": "poisson"}, calibration_fraction=0.3, **SMALL, **arguments).fit(FRAME)


@functools.cache
def fitted_and_seen():
    """(a fitted estimator, what its fit took for training and for early stopping)."""
    seen = []
    with pytest.MonkeyPatch.context() as patch:
        plain = training.fit
        patch.setattr(training, "fit", lambda *a, **k: seen.append((a[1], k["held_out"])) or plain(*a, **k))
        return fit(), seen


@functools.cache
def imputed_frame():
    return fitted_and_seen()[0].impute(FRAME)


@functools.cache
def imputed_versions():
    """As many as the intervals of a prediction take draws, so that both share one compilation."""
    return fitted_and_seen()[0].impute(FRAME[:24], INTERVAL_DRAWS)


@functools.cache
def predicted_columns():
    return fitted_and_seen()[0].predict_columns(FRESH, NAMES, coverage=COVERAGE)


def untrained(X, columns=None):
    """An estimator whose model was assembled for X, stored and loaded, but never trained."""
    rows, ends = TableRows.inspect(as_table(X), columns)
    architecture = Architecture(1, (8,), "elu", "residual")
    fitted = Fitted(
        VAEConfiguration(n_components=1, columns=columns),
        rows,
        architecture,
        assemble_vae(ends, architecture, jax.random.key(1)),
        Baselines(rows.baseline(), None),
        0.0,
        facts={"draws": 1},
    )
    return fitted, VAE.from_record(*fitted.to_record())
