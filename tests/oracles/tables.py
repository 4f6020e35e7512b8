"""Quantities of probability tables, cell by cell in plain Python, with sums that do not round."""

import math
from itertools import product


def entropy(p):
    return -math.fsum(cell * math.log(cell) for cell in p if cell > 0)


def cross_entropy(p, q):
    if any(a > 0 and b == 0 for a, b in zip(p, q, strict=True)):
        return math.inf
    return -math.fsum(a * math.log(b) for a, b in zip(p, q, strict=True) if a > 0)


def kl_divergence(p, q):
    if any(a > 0 and b == 0 for a, b in zip(p, q, strict=True)):
        return math.inf
    return math.fsum(a * (math.log(a) - math.log(b)) for a, b in zip(p, q, strict=True) if a > 0)


def jensen_shannon(p, q):
    middle = [(a + b) / 2 or a + b for a, b in zip(p, q, strict=True)]
    return (kl_divergence(p, middle) + kl_divergence(q, middle)) / 2


def renyi_divergence(p, q, alpha):
    cells = list(zip(p, q, strict=True))
    if alpha == 1:
        return kl_divergence(p, q)
    if alpha > 1 and any(a > 0 and b == 0 for a, b in cells):
        return math.inf
    shared = [(a, b) for a, b in cells if a > 0 and b > 0]
    if not shared:
        return math.inf
    if alpha == math.inf:
        return max(math.log(a) - math.log(b) for a, b in shared)
    return math.log(math.fsum(a**alpha * b ** (1 - alpha) for a, b in shared)) / (alpha - 1)


def total_variation(p, q):
    return math.fsum(abs(a - b) for a, b in zip(p, q, strict=True)) / 2


def squared_hellinger(p, q):
    return math.fsum((math.sqrt(a) - math.sqrt(b)) ** 2 for a, b in zip(p, q, strict=True)) / 2


def chi_squared(p, q):
    if any(a > 0 and b == 0 for a, b in zip(p, q, strict=True)):
        return math.inf
    return math.fsum((a - b) ** 2 / b for a, b in zip(p, q, strict=True) if b > 0)


def marginal(joint, axes):
    """The table of some axes, as a dictionary from their values to probabilities."""
    cells = {}
    for index in product(*map(range, joint.shape)):
        cells.setdefault(tuple(index[a] for a in axes), []).append(joint[index])
    return {value: math.fsum(probabilities) for value, probabilities in cells.items()}


def mutual_information(joint, x, y, given=()):
    """I(X; Y | Z) as the expectation of log p(x, y, z) p(z) / p(x, z) p(y, z)."""
    xyz, xz, yz, z = (marginal(joint, axes) for axes in (x + y + given, x + given, y + given, given))
    terms = []
    for value, probability in xyz.items():
        a, b, c = value[: len(x)], value[len(x) : len(x) + len(y)], value[len(x) + len(y) :]
        if probability > 0:
            terms.append(probability * math.log(probability * z[c] / (xz[a + c] * yz[b + c])))
    return math.fsum(terms)


def total_correlation(joint):
    marginals = [marginal(joint, (axis,)) for axis in range(joint.ndim)]
    return math.fsum(entropy(m.values()) for m in marginals) - entropy(joint.ravel())
