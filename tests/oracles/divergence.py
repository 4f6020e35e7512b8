"""Quantities of scipy.stats distributions of one continuous variable, by numerical integration."""

from functools import cache
from itertools import pairwise

import numpy as np
from scipy import integrate

TAIL = 1e-14
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(12)
_EDGES = np.concatenate([np.linspace(np.log(2), 8, 40), np.linspace(8, 100, 30)[1:]])


def kl_by_quadrature(p, q):
    """KL(p || q) in nats: the integral of p log(p / q) over all but TAIL of p at either end."""
    edges = p.ppf([TAIL, 1e-3, 0.5, 1 - 1e-3, 1 - TAIL])
    pieces = [
        integrate.quad(lambda x: np.exp(p.logpdf(x)) * (p.logpdf(x) - q.logpdf(x)), lower, upper, epsabs=1e-13)[0]
        for lower, upper in pairwise(edges)
    ]
    return sum(pieces)


def expectation(p, function, kink=None):
    """E_p[function(x)] as the integral over quantiles u = exp(-s) from either end, by Gauss and Legendre's rule in s.

    kink: a point where function has a corner. Where x is so near an end of the support that a logarithm of its
    distance to it is lost, it is left out: u is then far below 1e-10.
    """
    total = 0.0
    for x, du in _points(p, kink):
        with np.errstate(all="ignore"):
            values = function(x)
        total += du @ np.where(np.isfinite(values) | (du > 1e-10), values, 0.0)
    return total


@cache
def _points(p, kink):
    """x and the weight du of each node, from below and from above."""
    at = [] if kink is None else [p.cdf(kink), p.sf(kink)]
    sides = []
    for quantile, corner in ((p.ppf, at[:1]), (p.isf, at[1:])):
        edges = np.sort(np.concatenate([_EDGES, [-np.log(u) for u in corner if 0 < u < 0.5]]))
        s = ((edges[1:] + edges[:-1])[:, None] + np.diff(edges)[:, None] * _NODES).ravel() / 2
        sides.append((quantile(np.exp(-s)), np.exp(-s) * (np.diff(edges)[:, None] / 2 * _WEIGHTS).ravel()))
    return sides


def entropy(p):
    return -expectation(p, p.logpdf)


def cross_entropy(p, q, kink=None):
    return -expectation(p, q.logpdf, kink)


def kl_divergence(p, q, kink=None):
    return expectation(p, lambda x: p.logpdf(x) - q.logpdf(x), kink)
