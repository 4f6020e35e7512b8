"""The two remedies for an intractable posterior p(z | x) = p(x, z) / p(x).

In come a three-method model and rows; out go a fitted model (variational inference) and log-weights at posterior draws
(importance sampling).

    objectives     what variational inference maximises: short functions of Terms
    variational    fit a model by maximising an objective
    importance     log-weights of rows at any number of draws, streamed
    conditional    what the observed part of a row says of the rest
"""

from isthmus.inference.conditional import conditional_mean, sample_conditional
from isthmus.inference.importance import ImportanceSampling, sample_importance_weights
from isthmus.inference.objectives import Objective, elbo, free_bits, importance_weighted
from isthmus.inference.variational import fit

__all__ = [
    "ImportanceSampling",
    "Objective",
    "conditional_mean",
    "elbo",
    "fit",
    "free_bits",
    "importance_weighted",
    "sample_conditional",
    "sample_importance_weights",
]
