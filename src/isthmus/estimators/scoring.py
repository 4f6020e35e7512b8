"""What is written of each row that is scored."""

from typing import Any

import numpy as np

from isthmus.estimators.anomalies import require_reachable
from isthmus.estimators.estimator import LatentEstimator
from isthmus.estimators.runs import score_name


def scored_columns(
    estimator: LatentEstimator, rows: Any, false_positive_rate: float | None = None
) -> dict[str, np.ndarray]:
    """By name, [row] of float64 each: the score; the p-value and with how many calibration rows it was found, where the
    estimator has any; whether the row is an anomaly at this rate, where one is given; what each column contributes.

    Which names there are does not depend on the rows. Raises ValueError where the rate cannot be reached.
    """
    if false_positive_rate is not None:
        require_reachable(false_positive_rate, estimator.calibration_counts(rows))
    found = {score_name(estimator): estimator.score_samples(rows)}
    if estimator._fitted.calibration is not None:
        found["p_value"] = estimator.anomaly_pvalue(rows)
        found["calibration_rows"] = estimator.calibration_counts(rows).astype(np.float64)
    if false_positive_rate is not None:
        found["anomaly"] = (found["p_value"] <= false_positive_rate).astype(np.float64)
    contributions = estimator.score_columns(rows)
    return found | {f"log_likelihood:{name}": contributions[:, i] for i, name in enumerate(estimator.column_names_)}
