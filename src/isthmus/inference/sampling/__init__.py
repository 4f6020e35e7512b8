"""Sampling a posterior: chains of HMC and NUTS for many rows at once, and importance resampling.

hamiltonian    the compiled chains
resampling     proposals, weights, and draws by weight
sample         the front: sample_posterior
"""

from isthmus.inference.sampling.sample import sample_posterior

__all__ = ["sample_posterior"]
