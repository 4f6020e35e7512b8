"""The variational autoencoder."""

from typing import Any

import equinox as eqx
import jax
from jax import Array
from numpyro.distributions import Distribution

from isthmus.models.distributions import DistributionLike
from isthmus.models.inputs import Inputs
from isthmus.models.likelihoods import Likelihood
from isthmus.models.model import ProbabilisticModel
from isthmus.models.networks import MLP, ResidualMLP
from isthmus.models.posteriors import diagonal_normal
from isthmus.models.priors import standard_normal


class VariationalAutoencoder(ProbabilisticModel):
    """z ~ N(0, I), x ~ likelihood(decoder(z)), with q(z | x) a diagonal normal from the encoder.

    inputs: what the encoder is shown of x.
    Kingma and Welling 2014, Auto-encoding variational Bayes; Rezende, Mohamed and Wierstra 2014.
    """

    inputs: Inputs
    encoder: MLP | ResidualMLP
    decoder: MLP | ResidualMLP
    family: Likelihood
    latent_size: int = eqx.field(static=True)

    def prior(self, c: Any = None) -> Distribution:
        return standard_normal(self.latent_size)

    def likelihood(self, z: Array, c: Any = None, *, key: Array | None = None) -> DistributionLike:
        return self.family(self.decoder(z))

    def posterior(self, x: Any, c: Any = None, *, key: Array | None = None) -> Distribution:
        return diagonal_normal(self.encoder(self.inputs(x)))


def make_vae(
    family: Likelihood,
    inputs: Inputs,
    *,
    latent_size: int,
    hidden_sizes: tuple[int, ...],
    activation: str,
    key: Array,
    network: type[MLP] | type[ResidualMLP] = MLP,
) -> VariationalAutoencoder:
    """A variational autoencoder whose decoder mirrors its encoder and starts at the columns' own distributions.

    family: the likelihood.  inputs: what the encoder is shown.  hidden_sizes: the encoder's, from x to z; the decoder
    has them in reverse.
    """
    encoder_key, decoder_key = jax.random.split(key)
    start = family.initial_outputs()
    return VariationalAutoencoder(
        inputs=inputs,
        encoder=network((inputs.size, *hidden_sizes, 2 * latent_size), activation, encoder_key),
        decoder=network((latent_size, *reversed(hidden_sizes), start.shape[0]), activation, decoder_key, start),
        family=family,
        latent_size=latent_size,
    )
