"""Variational inference of a posterior: a family of q, a divergence, and an optimiser for each row.

families       mean-field, full-covariance and low-rank normals; flows
divergences    reverse and forward KL, Renyi's, the importance-weighted bound
optimisation   the compiled scan, vectorised over rows
fit            the front: fit_posterior
"""

from isthmus.inference.approximation.divergences import (
    Divergence,
    ForwardKL,
    ImportanceWeighted,
    Renyi,
    ReverseKL,
)
from isthmus.inference.approximation.families import (
    FlowFamily,
    FullCovarianceNormal,
    LowRankNormal,
    MeanFieldNormal,
    PosteriorFamily,
)
from isthmus.inference.approximation.fit import fit_posterior

__all__ = [
    "Divergence",
    "FlowFamily",
    "ForwardKL",
    "FullCovarianceNormal",
    "ImportanceWeighted",
    "LowRankNormal",
    "MeanFieldNormal",
    "PosteriorFamily",
    "Renyi",
    "ReverseKL",
    "fit_posterior",
]
