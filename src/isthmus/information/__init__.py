"""What is known, in nats, and how well it is known.

In come distributions and numbers; out come information quantities and `Estimate`s. This room knows no model and no
data set.
"""

from isthmus.information.divergence import kl_divergence, kl_terms
from isthmus.information.estimate import Direction, Estimate

__all__ = ["Direction", "Estimate", "kl_divergence", "kl_terms"]
