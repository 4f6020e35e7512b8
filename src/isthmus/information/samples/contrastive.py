"""A lower bound on mutual information that holds whatever the distribution: InfoNCE, in nats."""

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import logsumexp, ndtri

from isthmus.information.estimate import Estimate, mean_over_rows
from isthmus.information.samples import copula
from isthmus.information.samples.rows import is_constant, normal_scores, paired, varying_columns


def info_nce(x: ArrayLike, y: ArrayLike, *, batch: int = 512, seed: int = 0) -> Estimate:
    """A lower bound on I(X;Y) from rows seen together, in nats; at most log(batch).

    x, y: [row] or [row, dimension] of floats. Half of the rows, by the seed, fit the critic f(x, y), the pointwise
    information of a normal or Student copula; the others are scored in batches, E[f(x, y) - log mean over the batch's
    y' of exp f(x, y')], which is at most the information for any critic (van den Oord, Li and Vinyals 2018; Poole et
    al. 2019). It is tight where the copula is elliptical and the information well below log(batch).
    `stderr` is over the batches. Raises ValueError for rows too few to fill two batches.
    """
    one, other = paired("xy", x, y)
    if one.discrete or other.discrete:
        raise ValueError("info_nce takes continuous variables; for discrete ones use mutual_information")
    if is_constant(one) or is_constant(other):
        return Estimate(0.0, "nats", "lower", 0.0)
    rows = np.random.default_rng(seed).permutation(len(one))
    batch = min(batch, len(rows) // 4)
    if batch < 8:
        raise ValueError(f"{len(rows)} rows are too few for a critic and two batches; pass at least 32")
    x, y = varying_columns(one), varying_columns(other)
    values, d = np.hstack([x, y])[rows], x.shape[1]
    seen, held_out = np.split(values, [len(rows) // 2])
    critic = copula.fit(normal_scores(seen), d)
    scores = copula.student_scores(_scores_among(seen, held_out), critic.degrees)
    batches = scores[: len(scores) // batch * batch].reshape(-1, batch, scores.shape[1])
    bounds = mean_over_rows(np.array([_bound(critic, z) for z in batches]), direction="lower")
    return Estimate(bounds.value, "nats", "lower", bounds.stderr_rows)


def _bound(critic: copula.EllipticalCopula, z: np.ndarray) -> float:
    logits = critic.pairwise_information(z)
    return float(np.mean(np.diag(logits) - logsumexp(logits, axis=1)) + np.log(len(z)))


def _scores_among(seen: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Normal scores of values [row, d] by their ranks among the rows seen."""
    ranks = [
        np.searchsorted(np.sort(s), v, "left") / 2 + np.searchsorted(np.sort(s), v, "right") / 2
        for s, v in zip(seen.T, values.T, strict=True)
    ]
    return ndtri((np.stack(ranks, axis=1) + 0.5) / (len(seen) + 1))
