"""The two remedies for an intractable posterior p(z | x) = p(x, z) / p(x); and what a tractable one says.

In come a three-method model and rows; out go a fitted model (variational inference) and log-weights at posterior draws
(importance sampling).

    objectives     what variational inference maximises: short functions of Terms
    variational    fit a model by maximising an objective
    importance     log-weights of rows at any number of draws, streamed
    distortion     what deterministic models say of rows
    exact          the linear-Gaussian model: no sampling
    conditional    what the observed part of a row says of the rest
"""

from isthmus.inference.conditional import conditional_mean, sample_conditional
from isthmus.inference.distortion import log_likelihood_at_code, reconstruct
from isthmus.inference.exact import (
    ExactInference,
    conditional_values,
    infer_exactly,
    posterior_means,
    sample_conditional_values,
)
from isthmus.inference.importance import ImportanceSampling, sample_importance_weights
from isthmus.inference.objectives import Objective, elbo, free_bits, importance_weighted
from isthmus.inference.variational import fit

__all__ = [
    "ExactInference",
    "ImportanceSampling",
    "Objective",
    "conditional_mean",
    "conditional_values",
    "elbo",
    "fit",
    "free_bits",
    "importance_weighted",
    "infer_exactly",
    "log_likelihood_at_code",
    "posterior_means",
    "reconstruct",
    "sample_conditional",
    "sample_conditional_values",
    "sample_importance_weights",
]
