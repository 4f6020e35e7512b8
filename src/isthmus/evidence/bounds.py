"""log p(x) from below."""

from typing import Any

from isthmus.inference import sample_importance_weights
from isthmus.information import Estimate
from isthmus.information.estimate import mean_over_rows
from isthmus.models import ProbabilisticModel


def elbo(model: ProbabilisticModel, X: Any, *, draws: int = 100, seed: int = 0) -> Estimate:
    """The evidence lower bound E_q[log p(x | z)] - KL(q(z | x) || p(z)), the mean over rows, in nats.

    X: arrays [row, ...] (a pytree), in the model's units.  draws: of z for each row.  The same rows give the same
    figure from call to call. Kingma and Welling 2014.
    """
    sampled = sample_importance_weights(model, X, draws, seed)
    return mean_over_rows(sampled.elbo, direction="lower", variances=sampled.elbo_variance)


def importance_weighted_bound(model: ProbabilisticModel, X: Any, *, k: int = 1000, seed: int = 0) -> Estimate:
    """log of the mean of k importance weights, whose expectation bounds log p(x) from below; the mean over rows, nats.

    The bound tightens as k grows (Burda, Grosse and Salakhutdinov 2016). Draws are streamed: memory does not grow with
    k. X, seed and determinism as for `elbo`.
    """
    sampled = sample_importance_weights(model, X, k, seed)
    return mean_over_rows(sampled.log_evidence, direction="lower", variances=sampled.log_evidence_variance)
