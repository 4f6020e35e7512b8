"""Mutual information from nearest neighbours: each row's own term, whose mean over the rows is the estimate."""

from functools import cache

import numpy as np
from scipy.special import digamma

from isthmus.information.samples.neighbours import (
    count_within,
    digamma_of_counts,
    neighbour_distances,
    neighbour_indices,
    rounding,
)

Terms = np.ndarray


def ksg1_terms(x: np.ndarray, y: np.ndarray, neighbours: tuple[int, ...]) -> Terms:
    """psi(k) - psi(n_x + 1) - psi(n_y + 1) for each k and row, [k, row]: the counts inside the joint distance to the
    k-th neighbour. With psi(n) added, the first estimator of Kraskov, Stogbauer and Grassberger 2004."""
    radii = neighbour_distances(np.hstack([x, y]), neighbours)
    return (digamma(neighbours) - _psi_within(x, radii) - _psi_within(y, radii)).T


def ksg2_terms(x: np.ndarray, y: np.ndarray, k: int) -> Terms:
    """psi(k) - 1/k - psi(n_x) - psi(n_y) for each row, [row]: the counts within the extents in x and in y of its k
    nearest neighbours. The second estimator of Kraskov, Stogbauer and Grassberger 2004."""
    nearest = neighbour_indices(np.hstack([x, y]), k)
    terms = np.full(len(x), digamma(k) - 1 / k)
    for variable in (x, y):
        extent = np.abs(variable[nearest] - variable[:, None]).max(axis=(1, 2))
        # The count leaves the row itself out, and always holds the neighbours that made the extent.
        terms -= digamma_of_counts(count_within(variable, extent[:, None], closed=True)[:, 0] - 1)
    return terms


def mixed_terms(x: np.ndarray, y: np.ndarray, neighbours: tuple[int, ...]) -> Terms:
    """The terms of `ksg1_terms`, and where several rows lie at the distance of the k-th neighbour, those of the table
    that the ties make: psi(n_xy) - psi(n_x) - psi(n_y), all at most that far, [k, row].

    After Gao, Kannan, Oh and Viswanath 2017, Estimating mutual information for discrete-continuous mixtures.
    """
    joint = np.hstack([x, y])
    radii, tied = _distances_and_ties(joint, neighbours)
    terms = digamma(neighbours) - _psi_within(x, radii) - _psi_within(y, radii)
    if tied.any():
        of_joint, of_x, of_y = (_psi_within(v, radii, closed=True) for v in (joint, x, y))
        terms = np.where(tied, of_joint - of_x - of_y, terms)
    return terms.T


def conditional_terms(x: np.ndarray, y: np.ndarray, given: np.ndarray, k: int) -> Terms:
    """psi(k) - psi(n_xz + 1) - psi(n_yz + 1) + psi(n_z + 1) for each row, [row]; where rows tie, the first is
    psi(n_xyz) and all counts reach as far. Their mean is I(X;Y | Z). Frenzel and Pompe 2007; Mesner and Shalizi 2021.
    """
    joint, *subspaces = [*(np.hstack(columns) for columns in ((x, y, given), (x, given), (y, given))), given]
    radii, tied = _distances_and_ties(joint, (k,))
    of_xz, of_yz, of_z = (_psi_within(v, radii) for v in subspaces)
    terms = digamma(k) - of_xz - of_yz + of_z
    if tied.any():
        of_xyz, of_xz, of_yz, of_z = (_psi_within(v, radii, closed=True) for v in (joint, *subspaces))
        terms = np.where(tied, of_xyz - of_xz - of_yz + of_z, terms)
    return terms[:, 0]


def local_gaussian_terms(x: np.ndarray, y: np.ndarray, k: int) -> Terms:
    """The terms of `ksg2_terms`, corrected where the neighbours lie along a line or a plane, [row].

    There the box that holds them is mostly empty: its volume is replaced by that of the box along their principal axes,
    if that is smaller than neighbours spread evenly would make it one time in 200. After Gao, Ver Steeg and Galstyan
    2015, Efficient estimation of mutual information for strongly dependent variables.
    """
    joint = np.hstack([x, y])
    offsets = joint[neighbour_indices(joint, k)] - joint[:, None]
    shrinkage = _log_box_ratio(offsets)
    correction = np.where(shrinkage < _even_log_ratio(k, joint.shape[1]), -shrinkage, 0.0)
    return ksg2_terms(x, y, k) + correction


def _psi_within(points: np.ndarray, radii: np.ndarray, closed: bool = False) -> np.ndarray:
    return digamma_of_counts(count_within(points, radii, closed))


def _distances_and_ties(points: np.ndarray, neighbours: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Distances to the k-th neighbours, and whether they are 0 or the next lies no farther: two of [row, k]."""
    distances = neighbour_distances(points, neighbours)
    next_distances = neighbour_distances(points, tuple(k + 1 for k in neighbours))
    slack = rounding(points)
    return distances, (next_distances <= distances + slack) | (distances <= slack)


def _log_box_ratio(offsets: np.ndarray) -> np.ndarray:
    """log volume of the box along the principal axes of offsets [row, k, d], less that of the box along ours: [row]."""
    tiny = np.finfo(float).tiny
    axes = np.linalg.eigh(np.swapaxes(offsets, 1, 2) @ offsets)[1]
    along, ours = (np.log(np.abs(o).max(axis=1) + tiny).sum(axis=1) for o in (offsets @ axes, offsets))
    return along - ours


@cache
def _even_log_ratio(k: int, dimension: int) -> float:
    """The log ratio that k neighbours spread evenly over a cube fall below one time in 200."""
    cube = np.random.default_rng(0).uniform(-1.0, 1.0, (20_000, k, dimension))
    return float(np.quantile(_log_box_ratio(cube), 1 / 200))
