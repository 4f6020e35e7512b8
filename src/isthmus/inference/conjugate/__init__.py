"""Variational inference in conjugate exponential families, by coordinate ascent and by natural gradients.

In come a model and rows; out comes q over the global variables, in natural coordinates, and the ELBO on the way, in
nats. What an update is, a model does not say: it is derived once from the log-normaliser.

    model, likelihood     the two interfaces: models of globals and locals; likelihoods with their conjugate priors
    normal, columns       likelihoods of rows: multivariate normal; independent columns of bits, categories, counts
    independent           rows without local variables: the exact posterior and evidence
    regression            linear regression, exact and mean-field
    mixture, seeding      mixtures of any likelihood, and where they start
    topics                latent Dirichlet allocation
    coordinate_ascent     all rows at a time, to a local maximum
    natural_gradient      minibatches
    result                what both hand back
"""

from isthmus.inference.conjugate.columns import ColumnsLikelihood
from isthmus.inference.conjugate.coordinate_ascent import coordinate_ascent
from isthmus.inference.conjugate.independent import IndependentRows
from isthmus.inference.conjugate.likelihood import ConjugateLikelihood
from isthmus.inference.conjugate.mixture import Mixture
from isthmus.inference.conjugate.model import ConjugateModel, LocalStep, Sweep, VariationalModel
from isthmus.inference.conjugate.natural_gradient import natural_gradient_step, stochastic_natural_gradient
from isthmus.inference.conjugate.normal import NormalLikelihood
from isthmus.inference.conjugate.regression import LinearLikelihood, MeanFieldRegression
from isthmus.inference.conjugate.result import ConjugateFit
from isthmus.inference.conjugate.topics import LatentDirichletAllocation

__all__ = [
    "ColumnsLikelihood",
    "ConjugateFit",
    "ConjugateLikelihood",
    "ConjugateModel",
    "IndependentRows",
    "LatentDirichletAllocation",
    "LinearLikelihood",
    "LocalStep",
    "MeanFieldRegression",
    "Mixture",
    "NormalLikelihood",
    "Sweep",
    "VariationalModel",
    "coordinate_ascent",
    "natural_gradient_step",
    "stochastic_natural_gradient",
]
