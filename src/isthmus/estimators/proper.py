"""Proper multiple imputation: versions that differ by what is unknown of the parameters too."""

from typing import Any

from isthmus.estimators.fitted import Fitted
from isthmus.estimators.imputation import impute_samples
from isthmus.estimators.table_rows import TableRows
from isthmus.estimators.training import refit_on_bootstrap
from isthmus.models import table_ends


def proper_imputations(fitted: Fitted, rows: TableRows, X: Any, n: int, seed: int) -> list[Any]:
    """`n` versions of X, each by a model of its own, fitted to rows of X drawn with replacement (Rubin 1987).

    The schema is that of the first fit: what a column is taken for is not drawn anew.
    """
    encoded = rows.encode(None, rows.table(X))
    versions = []
    for i in range(n):
        configuration: Any = fitted.configuration.model_copy(update={"random_state": (seed + i) % 2**32})
        model = refit_on_bootstrap(table_ends(rows.schema), fitted.architecture, encoded, configuration)
        versions += [rows.fill(X, values) for values in impute_samples(model, encoded, 1, seed + i)]
    return versions
