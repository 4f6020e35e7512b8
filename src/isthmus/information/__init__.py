"""What is known, in nats, and how well it is known.

In come probability tables, numpyro distributions, samples and numbers; out come information quantities, each an
`Estimate`. This room knows no model and no data set, and can be used alone.

    entropies       surprisal, entropy, cross-entropy
    divergence      KL and its kin: Jensen-Shannon, Renyi, f-divergences by generator
    dependence      mutual information and total correlation of a joint table or a multivariate normal
    families/       exponential families: everything that follows from a log-normaliser
    geometry/       the Fisher information metric: distances, geodesics, pull-back through z -> distribution
    samples/        the same quantities from samples, with standard errors
    estimate        the one type of all results
    tables, generators         how the verbs are computed for a table;  distributions/  for a distribution
"""

from isthmus.information import families, samples
from isthmus.information.dependence import conditional_mutual_information, mutual_information, total_correlation
from isthmus.information.divergence import (
    f_divergence,
    jensen_shannon,
    jensen_shannon_distance,
    kl_divergence,
    kl_terms,
    renyi_divergence,
)
from isthmus.information.entropies import cross_entropy, entropy, surprisal
from isthmus.information.estimate import Direction, Estimate
from isthmus.information.generators import CHI_SQUARED, SQUARED_HELLINGER, TOTAL_VARIATION, Generator
from isthmus.information.geometry import (
    curve_length,
    fisher_rao_distance,
    fisher_rao_length,
    geodesic,
    pull_back_metric,
    volume_density,
)

__all__ = [
    "CHI_SQUARED",
    "SQUARED_HELLINGER",
    "TOTAL_VARIATION",
    "Direction",
    "Estimate",
    "Generator",
    "conditional_mutual_information",
    "cross_entropy",
    "curve_length",
    "entropy",
    "f_divergence",
    "families",
    "fisher_rao_distance",
    "fisher_rao_length",
    "geodesic",
    "jensen_shannon",
    "jensen_shannon_distance",
    "kl_divergence",
    "kl_terms",
    "mutual_information",
    "pull_back_metric",
    "renyi_divergence",
    "samples",
    "surprisal",
    "total_correlation",
    "volume_density",
]
