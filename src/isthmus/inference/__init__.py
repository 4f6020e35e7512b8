"""The two remedies for an intractable posterior p(z | x) = p(x, z) / p(x); and what a tractable one says.

In come a three-method model and rows, or any graphical model and its data; out go a fitted model, posteriors, and
log-weights at posterior draws.

    graphical/     what is called a model, as a log joint over one real vector
    sampling/      the first remedy: sample_posterior, by HMC, NUTS and importance resampling
    approximation/ the second: fit_posterior, normals and flows by several divergences
    conjugate/     the second where coordinates of exponential families make it exact steps
    posterior      what both return
    weights        what importance weights say, and whether they can be believed

    objectives     what variational inference maximises: short functions of Terms
    variational    fit a model by maximising an objective
    importance     log-weights of rows at any number of draws, streamed
    distortion     what deterministic models say of rows
    exact          the linear-Gaussian model: no sampling
    conditional    what the observed part of a row says of the rest
"""

from isthmus.inference.approximation import (
    Divergence,
    FlowFamily,
    ForwardKL,
    FullCovarianceNormal,
    ImportanceWeighted,
    LowRankNormal,
    MeanFieldNormal,
    PosteriorFamily,
    Renyi,
    ReverseKL,
    fit_posterior,
)
from isthmus.inference.conditional import conditional_mean, sample_conditional
from isthmus.inference.distortion import log_likelihood_at_code, reconstruct
from isthmus.inference.exact import (
    ExactInference,
    conditional_values,
    infer_exactly,
    posterior_means,
    sample_conditional_values,
)
from isthmus.inference.graphical import LogJoint, as_problem, log_joint
from isthmus.inference.importance import ImportanceSampling, sample_importance_weights
from isthmus.inference.objectives import Objective, elbo, free_bits, importance_weighted
from isthmus.inference.posterior import Diagnostics, Posterior, PosteriorWarning
from isthmus.inference.sampling import sample_posterior
from isthmus.inference.variational import fit
from isthmus.inference.weights import WeightSummary, summarise_weights

__all__ = [
    "Diagnostics",
    "Divergence",
    "ExactInference",
    "FlowFamily",
    "ForwardKL",
    "FullCovarianceNormal",
    "ImportanceSampling",
    "ImportanceWeighted",
    "LogJoint",
    "LowRankNormal",
    "MeanFieldNormal",
    "Objective",
    "Posterior",
    "PosteriorFamily",
    "PosteriorWarning",
    "Renyi",
    "ReverseKL",
    "WeightSummary",
    "as_problem",
    "conditional_mean",
    "conditional_values",
    "elbo",
    "fit",
    "fit_posterior",
    "free_bits",
    "importance_weighted",
    "infer_exactly",
    "log_joint",
    "log_likelihood_at_code",
    "posterior_means",
    "reconstruct",
    "sample_conditional",
    "sample_conditional_values",
    "sample_importance_weights",
    "sample_posterior",
    "summarise_weights",
]
