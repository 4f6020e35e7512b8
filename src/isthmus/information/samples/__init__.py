"""Information from samples: entropies, divergences and dependence, estimated from rows, with a standard error.

In come rows as NumPy arrays, [row] or [row, dimension], continuous where they are floats and discrete otherwise; out
comes an `Estimate` in nats. Continuous quantities rest on nearest neighbours found by k-d trees, so nothing is
quadratic in the rows; and for one seed, the same rows give the same number.
"""

from isthmus.information.samples.conditional import conditional_mutual_information
from isthmus.information.samples.contrastive import info_nce
from isthmus.information.samples.divergence import kl_divergence
from isthmus.information.samples.entropy import entropy
from isthmus.information.samples.mutual_information import mutual_information
from isthmus.information.samples.permutation import permutation_p_value

__all__ = [
    "conditional_mutual_information",
    "entropy",
    "info_nce",
    "kl_divergence",
    "mutual_information",
    "permutation_p_value",
]
