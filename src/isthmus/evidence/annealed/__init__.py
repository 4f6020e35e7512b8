"""log p(x) by annealing: chains that travel from a start to the posterior, and back from exact draws of it.

In come a model and its data, and for the way back exact posterior draws; out go log-weights and bounds by row.

    path           the densities between a start and the posterior
    transitions    the compiled chains
    schedule       temperatures and step sizes
    pilot          the run from which they are learnt, before they are frozen
    sampling       forwards, from below
    bidirectional  and backwards, from above
    simulation     data and the latents that made them
"""

from isthmus.evidence.annealed.bidirectional import BidirectionalMonteCarlo, bidirectional_monte_carlo
from isthmus.evidence.annealed.sampling import AnnealedImportanceSampling, annealed_importance_sampling
from isthmus.evidence.annealed.schedule import Schedule
from isthmus.evidence.annealed.simulation import Simulation, simulate

__all__ = [
    "AnnealedImportanceSampling",
    "BidirectionalMonteCarlo",
    "Schedule",
    "Simulation",
    "annealed_importance_sampling",
    "bidirectional_monte_carlo",
    "simulate",
]
