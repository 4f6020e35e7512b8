"""Exponential families in natural and mean coordinates; all identities derived once from the log-normaliser.

In come natural coordinates, or numpyro's distributions through the registry; out come entropies, divergences, the
Fisher information, likeliest members and posteriors, in nats. A family is a leaf of `ExponentialFamily` and adds no
identity of its own; what two families have to do with each other is in `between`.
"""

from isthmus.information.families.circular import VonMises
from isthmus.information.families.conjugate import ConjugatePrior, NormalInverseGamma, NormalInverseWishart
from isthmus.information.families.counts import Geometric, Poisson
from isthmus.information.families.family import ExponentialFamily
from isthmus.information.families.finite import Bernoulli, Binomial, Categorical
from isthmus.information.families.normal import DiagonalNormal, MultivariateNormal, Normal
from isthmus.information.families.positive import Exponential, Gamma, InverseGamma
from isthmus.information.families.registry import (
    family_cross_entropy,
    family_divergence,
    family_entropy,
    family_of,
    family_renyi,
)
from isthmus.information.families.simplex import Beta, Dirichlet

__all__ = [
    "Bernoulli",
    "Beta",
    "Binomial",
    "Categorical",
    "ConjugatePrior",
    "DiagonalNormal",
    "Dirichlet",
    "Exponential",
    "ExponentialFamily",
    "Gamma",
    "Geometric",
    "InverseGamma",
    "MultivariateNormal",
    "Normal",
    "NormalInverseGamma",
    "NormalInverseWishart",
    "Poisson",
    "VonMises",
    "family_cross_entropy",
    "family_divergence",
    "family_entropy",
    "family_of",
    "family_renyi",
]
