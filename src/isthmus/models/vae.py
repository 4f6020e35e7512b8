"""The variational autoencoder."""

from typing import Any

import equinox as eqx
from jax import Array
from numpyro.distributions import Distribution

from isthmus.models.distributions import DistributionLike
from isthmus.models.inputs import Inputs
from isthmus.models.likelihoods import Likelihood
from isthmus.models.model import ProbabilisticModel
from isthmus.models.networks import Network
from isthmus.models.posteriors import diagonal_normal
from isthmus.models.priors import standard_normal


class VariationalAutoencoder(ProbabilisticModel):
    """z ~ N(0, I), x ~ likelihood(decoder(z)), with q(z | x) a diagonal normal from the encoder.

    inputs: what the encoder is shown of x.
    Kingma and Welling 2014, Auto-encoding variational Bayes; Rezende, Mohamed and Wierstra 2014.
    """

    inputs: Inputs
    encoder: Network
    decoder: Network
    family: Likelihood
    latent_size: int = eqx.field(static=True)

    def prior(self, c: Any = None) -> Distribution:
        return standard_normal(self.latent_size)

    def likelihood(self, z: Array, c: Any = None, *, key: Array | None = None) -> DistributionLike:
        return self.family(self.decoder(z))

    def posterior(self, x: Any, c: Any = None, *, key: Array | None = None) -> Distribution:
        return diagonal_normal(self.encoder(self.inputs(x)))
