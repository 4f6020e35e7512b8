"""What can be proved about log p(x), and the ledger that accounts for it.

In come a three-method model and rows; out go `Estimate`s with a direction and errors, and the `Ledger`.

    identity       log p(x) = ELBO + KL, each of the three by itself
    exact_evidence log p(x) where it can be had: closed forms, enumeration, quadrature
    bounds         log p(x) from below: the ELBO and the importance-weighted bound
    annealed/      log p(x) from below by annealing, and from above by annealing backwards
    sandwich       all of these bounds, and which one is quoted
    independent    log p(x) when the columns are modelled independently: the baseline every model must beat
    denoising      clean rows judged by what a model makes of corrupted ones
    copying        the trivial solution: a map that copies any row
    collapse       latent dimensions that say nothing, and why
    aggregate      q(z) over all rows: mutual information, and what the latents lie from the prior
    gaps           where the ELBO's gap went: to the family of q, or to the encoder
    ledger         all of it for one model and one set of rows
    exact_ledger   the same for linear models, where nothing is sampled
    paired         two models on the same rows
    dependence     what holds the columns of a table together, before any model
"""

from isthmus.evidence.aggregate import AGGREGATE_ROWS, AggregatePosterior, measure_aggregate
from isthmus.evidence.annealed import (
    AnnealedImportanceSampling,
    BidirectionalMonteCarlo,
    Schedule,
    Simulation,
    annealed_importance_sampling,
    bidirectional_monte_carlo,
    simulate,
)
from isthmus.evidence.bounds import elbo, importance_weighted_bound
from isthmus.evidence.collapse import COLLAPSED_RATE, diagnose_collapse
from isthmus.evidence.copying import COPY, diagnose_copying, measure_copying, projection
from isthmus.evidence.denoising import corrupted_distortion, squared_error
from isthmus.evidence.dependence import Dependence, PairInformation, measure_dependence
from isthmus.evidence.exact_evidence import ExactEvidence, exact_evidence
from isthmus.evidence.exact_ledger import ColumnMoments, make_exact_ledger, make_projection_ledger
from isthmus.evidence.gaps import Gaps, explain_gap, split_gap
from isthmus.evidence.identity import Identity, identity
from isthmus.evidence.independent import IndependentColumns, empty_independent_columns, independent_columns
from isthmus.evidence.ledger import LEDGER_KEYS, Ledger, make_ledger, make_reconstruction_ledger
from isthmus.evidence.paired import mean_difference
from isthmus.evidence.sandwich import Sandwich, sandwich

__all__ = [
    "AGGREGATE_ROWS",
    "COLLAPSED_RATE",
    "COPY",
    "LEDGER_KEYS",
    "AggregatePosterior",
    "AnnealedImportanceSampling",
    "BidirectionalMonteCarlo",
    "ColumnMoments",
    "Dependence",
    "ExactEvidence",
    "Gaps",
    "Identity",
    "IndependentColumns",
    "Ledger",
    "PairInformation",
    "Sandwich",
    "Schedule",
    "Simulation",
    "annealed_importance_sampling",
    "bidirectional_monte_carlo",
    "corrupted_distortion",
    "diagnose_collapse",
    "diagnose_copying",
    "elbo",
    "empty_independent_columns",
    "exact_evidence",
    "explain_gap",
    "identity",
    "importance_weighted_bound",
    "independent_columns",
    "make_exact_ledger",
    "make_ledger",
    "make_projection_ledger",
    "make_reconstruction_ledger",
    "mean_difference",
    "measure_aggregate",
    "measure_copying",
    "measure_dependence",
    "projection",
    "sandwich",
    "simulate",
    "split_gap",
    "squared_error",
]
