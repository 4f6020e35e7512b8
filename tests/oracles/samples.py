"""Information from samples by the obvious route: every distance between every two rows."""

import math
from collections import Counter

import numpy as np
from scipy.special import digamma

ROUNDING = 1e-12


def distances(points, others=None):
    """Maximum-norm distances, [row, other row]."""
    points = np.asarray(points, float)
    others = points if others is None else np.asarray(others, float)
    return np.abs(points[:, None] - others[None]).max(axis=2)


def to_neighbour(matrix, k):
    """The distance of each row to its k-th neighbour among the others: the first is the row itself."""
    return np.sort(matrix, axis=1)[:, k]


def standardised(values):
    return (values - values.mean(axis=0)) / values.std(axis=0)


def ksg1(x, y, k):
    x, y = distances(standardised(x)), distances(standardised(y))
    radius = to_neighbour(np.maximum(x, y), k)[:, None]
    counts = [(matrix < radius).sum(axis=1) for matrix in (x, y)]
    return digamma(k) + digamma(len(x)) - sum(digamma(count).mean() for count in counts)


def ksg2(x, y, k):
    x, y = distances(standardised(x)), distances(standardised(y))
    nearest = np.argsort(np.maximum(x, y), axis=1)[:, 1 : k + 1]
    value = digamma(k) - 1 / k + digamma(len(x))
    for matrix in (x, y):
        extent = np.take_along_axis(matrix, nearest, axis=1).max(axis=1)[:, None]
        value -= digamma((matrix <= extent).sum(axis=1) - 1).mean()
    return value


def information_of_spaces(joint, subspaces, signs, k, constant):
    """psi(k) + sum of signed psi(counts) in subspaces, or where rows tie, with psi(the joint count) for psi(k)."""
    terms = []
    for row in range(len(joint)):
        away = np.sort(joint[row])
        tied = away[k] <= ROUNDING or away[k + 1] <= away[k] + ROUNDING
        radius = away[k] + ROUNDING if tied else away[k] - ROUNDING
        first = digamma(np.sum(joint[row] <= radius)) if tied else digamma(k)
        counts = [np.sum(matrix[row] <= radius) for matrix in subspaces]
        terms.append(first + sum(sign * digamma(count) for sign, count in zip(signs, counts, strict=True)))
    return np.mean(terms) + constant


def mixed(x, y, k):
    """x: level numbers as floats [row, 1], or a continuous variable; distances as given."""
    x, y = distances(x), distances(y)
    return information_of_spaces(np.maximum(x, y), [x, y], [-1, -1], k, digamma(len(x)))


def conditional(x, y, z, k):
    x, y, z = distances(x), distances(y), distances(z)
    xz, yz = np.maximum(x, z), np.maximum(y, z)
    return information_of_spaces(np.maximum(xz, y), [xz, yz, z], [-1, -1, 1], k, 0.0)


def differential_entropy(x, k):
    d = x.shape[1]
    away = to_neighbour(distances(x / x.std(axis=0)), k)
    return digamma(len(x)) - digamma(k) + d * np.mean(np.log(2 * away)) + np.log(x.std(axis=0)).sum()


def kl_divergence(x, y, k):
    scale = np.concatenate([x, y]).std(axis=0)
    own = to_neighbour(distances(x / scale), k)
    other = np.sort(distances(x / scale, y / scale), axis=1)[:, k - 1]
    return x.shape[1] * np.mean(np.log(other / own)) + math.log(len(y) / (len(x) - 1))


def entropy_of_counts(levels):
    n, counts = len(levels), Counter(levels)
    return -sum(count / n * math.log(count / n) for count in counts.values())


def miller_madow(levels):
    return entropy_of_counts(levels) + (len(set(levels)) - 1) / (2 * len(levels))
