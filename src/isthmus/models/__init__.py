"""Latent-variable models, written for one datum, and the parts they are made of.

In come column facts and sizes; out go immutable equinox modules. A probabilistic model is three methods (prior,
likelihood, posterior); everything that trains, bounds or reports it follows from those, once, on the floors above.

    model            the three-method interface, and what follows from it for every model
    terms            the pieces of log p(x, z) - log q(z | x), from which every bound is made
    vae              the variational autoencoder
    linear, linear_posterior             the linear-Gaussian model; its posterior for many rows, in float64
    autoencoder      the deterministic one; sparsity: what keeps its latent from copying
    networks, convolutional      multilayer perceptrons, plain, tied and residual; convolutions
    priors, posteriors, likelihoods      the parts of a model; likelihoods of rows of one kind
    observation      a row of mixed columns with holes, and a distribution of such rows
    column_likelihoods                   likelihoods of mixed columns
    inputs           what an encoder is shown of a row
    corruptions      what is done to rows before a model sees them in training
    selection        which likelihood suits the columns, and why
    distributions    what numpyro's distributions lack
    assembly, column_assembly            from the facts of the columns to an untrained model
    parameters       what is trained and what is held fixed; arrays by name
    rows             a function of one row, over all rows
"""

from isthmus.models.assembly import (
    Architecture,
    Ends,
    assemble_autoencoder,
    assemble_vae,
    blank_matrix_ends,
    choose_hidden_sizes,
    choose_latent_size,
    matrix_ends,
    table_ends,
)
from isthmus.models.autoencoder import DeterministicAutoencoder
from isthmus.models.column_likelihoods import ColumnLikelihoods
from isthmus.models.corruptions import (
    Annealed,
    Constant,
    Corruption,
    FeatureSwap,
    GaussianNoise,
    Level,
    LogUniform,
    Masking,
    NoiseUnits,
    SaltAndPepper,
    Uniform,
    hide_values,
)
from isthmus.models.distributions import ColumnDistribution, DiscretisedLogistic, location
from isthmus.models.inputs import MatrixInputs
from isthmus.models.likelihoods import Likelihood, make_likelihood
from isthmus.models.linear import LinearGaussian, canonical_form
from isthmus.models.model import DeterministicModel, ProbabilisticModel
from isthmus.models.networks import ACTIVATIONS, MLP, ResidualMLP
from isthmus.models.observation import Observation, Product
from isthmus.models.parameters import Fixed, fill_arrays, named_arrays, split_parameters
from isthmus.models.projection import LinearProjection
from isthmus.models.selection import LikelihoodChoice, choose_likelihood, choose_standardisation
from isthmus.models.sparsity import L1, Sparsity, TopK
from isthmus.models.terms import Terms, terms
from isthmus.models.vae import VariationalAutoencoder

__all__ = [
    "ACTIVATIONS",
    "L1",
    "MLP",
    "Annealed",
    "Architecture",
    "ColumnDistribution",
    "ColumnLikelihoods",
    "Constant",
    "Corruption",
    "DeterministicAutoencoder",
    "DeterministicModel",
    "DiscretisedLogistic",
    "Ends",
    "FeatureSwap",
    "Fixed",
    "GaussianNoise",
    "Level",
    "Likelihood",
    "LikelihoodChoice",
    "LinearGaussian",
    "LinearProjection",
    "LogUniform",
    "Masking",
    "MatrixInputs",
    "NoiseUnits",
    "Observation",
    "ProbabilisticModel",
    "Product",
    "ResidualMLP",
    "SaltAndPepper",
    "Sparsity",
    "Terms",
    "TopK",
    "Uniform",
    "VariationalAutoencoder",
    "assemble_autoencoder",
    "assemble_vae",
    "blank_matrix_ends",
    "canonical_form",
    "choose_hidden_sizes",
    "choose_latent_size",
    "choose_likelihood",
    "choose_standardisation",
    "fill_arrays",
    "hide_values",
    "location",
    "make_likelihood",
    "matrix_ends",
    "named_arrays",
    "split_parameters",
    "table_ends",
    "terms",
]
