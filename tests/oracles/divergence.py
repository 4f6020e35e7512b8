"""Kullback-Leibler divergence by numerical integration, of scipy.stats distributions of one continuous variable."""

from itertools import pairwise

import numpy as np
from scipy import integrate

TAIL = 1e-14


def kl_by_quadrature(p, q):
    """KL(p || q) in nats: the integral of p log(p / q) over all but TAIL of p at either end."""
    edges = p.ppf([TAIL, 1e-3, 0.5, 1 - 1e-3, 1 - TAIL])
    pieces = [
        integrate.quad(lambda x: np.exp(p.logpdf(x)) * (p.logpdf(x) - q.logpdf(x)), lower, upper, epsabs=1e-13)[0]
        for lower, upper in pairwise(edges)
    ]
    return sum(pieces)
