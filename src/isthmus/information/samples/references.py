"""Rows drawn from a distribution fitted to others: its information is known, so an estimator's bias shows on them."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from isthmus.information.samples import copula
from isthmus.information.samples.nearest import ksg1_terms
from isthmus.information.samples.rows import normal_scores

# Which columns belong together shows on this many rows, with neighbourhoods of this many.
_ROWS_TO_PAIR, _NEIGHBOURS_TO_PAIR = 1000, 12


@dataclass(frozen=True)
class Reference:
    """As many rows as were fitted, drawn: normal scores, or labels, x [row, d] and y [row, e].

    information: what x tells of y where the fit is the truth. excess: by how much fitting raises that, on average.
    of_rows, of_drawn: pointwise information, of the rows fitted and of those drawn, [row].
    """

    x: np.ndarray
    y: np.ndarray
    information: float
    excess: float
    of_rows: np.ndarray
    of_drawn: np.ndarray


def elliptical(x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> Reference:
    """From the likeliest normal or Student copula of normal scores x and y."""
    scores, d = np.hstack([x, y]), x.shape[1]
    fitted = copula.fit(scores, d)
    drawn = fitted.sample(rng, len(x))
    drawn_scores = copula.normal_scores(drawn, fitted.degrees)
    # Half a nat, over the rows, for each of its cross-correlations.
    excess = d * y.shape[1] / (2 * len(x))
    of_rows = fitted.pointwise_information(copula.student_scores(scores, fitted.degrees))
    of_drawn = fitted.pointwise_information(drawn)
    return Reference(drawn_scores[:, :d], drawn_scores[:, d:], fitted.information(), excess, of_rows, of_drawn)


def labelled(x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> Reference:
    """From normals, one for each label x [row, 1], that differ in their means and share their covariance.

    As in `copula.EllipticalCopula.sample`, means and covariance of what is drawn are those fitted, exactly.
    """
    codes = np.unique(x[:, 0], return_inverse=True)[1]
    counts = np.bincount(codes)

    def means(values: np.ndarray) -> np.ndarray:
        return np.stack([np.bincount(codes, column) / counts for column in values.T], axis=1)

    root = np.linalg.cholesky(copula.regular(np.cov((y - means(y)[codes]).T)))
    noise = rng.standard_normal(y.shape)
    drawn = means(y)[codes] + copula.whitened(noise - means(noise)[codes]) @ root.T
    centres = np.linalg.solve(root, means(y).T).T

    def pointwise(values: np.ndarray) -> np.ndarray:
        white = np.linalg.solve(root, values.T).T
        mixture = np.full(len(values), -np.inf)
        for centre, share in zip(centres, counts / len(codes), strict=True):
            mixture = np.logaddexp(mixture, np.log(share) - 0.5 * np.sum((white - centre) ** 2, axis=1))
        return -0.5 * np.sum((white - centres[codes]) ** 2, axis=1) - mixture

    of_drawn = pointwise(drawn)
    excess = (len(counts) - 1) * y.shape[1] / (2 * len(x))
    return Reference(x, normal_scores(drawn), float(of_drawn.mean()), excess, pointwise(y), of_drawn)


def by_columns(
    x: np.ndarray,
    y: np.ndarray,
    of_pair: Callable[[np.ndarray, np.ndarray], tuple[float, np.ndarray]],
    rng: np.random.Generator,
) -> Reference:
    """From pairs of a column of x and one of y, each pair's rows in an order of its own: the pairs are independent.

    of_pair(column of x, column of y) -> (information, pointwise information [row]); what all pairs hold is their sum.
    """
    rows, drawn_x, drawn_y = len(x), np.empty_like(x), np.empty_like(y)
    information, of_rows, of_drawn = 0.0, np.zeros(rows), np.zeros(rows)
    partners = dict(zip(*_partners(x, y, rng), strict=True))
    for i in range(x.shape[1]):
        order = rng.permutation(rows)
        drawn_x[:, i] = x[order, i]
        if i in partners:
            drawn_y[:, partners[i]] = y[order, partners[i]]
            value, terms = of_pair(x[:, [i]], y[:, [partners[i]]])
            information, of_rows, of_drawn = information + value, of_rows + terms, of_drawn + terms[order]
    for j in set(range(y.shape[1])) - set(partners.values()):
        drawn_y[:, j] = rng.permutation(y[:, j])
    return Reference(drawn_x, drawn_y, information, 0.0, of_rows, of_drawn)


def _partners(x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Columns of x, and the column of y that is each one's own: those that tell most of one another, in sum."""
    some, neighbours = rng.permutation(len(x))[:_ROWS_TO_PAIR], (_NEIGHBOURS_TO_PAIR,)
    told = [
        [ksg1_terms(x[some, i, None], y[some, j, None], neighbours).mean() for j in range(y.shape[1])]
        for i in range(x.shape[1])
    ]
    return linear_sum_assignment(np.array(told), maximize=True)
