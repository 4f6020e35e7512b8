"""The variational autoencoder."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import Array
from numpyro.distributions import Distribution

from isthmus.models.distributions import ColumnDistribution
from isthmus.models.likelihoods import Likelihood
from isthmus.models.model import ProbabilisticModel
from isthmus.models.networks import MLP
from isthmus.models.parameters import Fixed
from isthmus.models.posteriors import diagonal_normal
from isthmus.models.priors import standard_normal

INPUT_LIMIT = 30.0
"""Encoder inputs are kept within this many spreads of the mean. Any q gives a valid bound, so nothing is lost but
tightness on such a row, and a value of 1e30 cannot drive the network out of float32."""


class VariationalAutoencoder(ProbabilisticModel):
    """z ~ N(0, I), x ~ likelihood(decoder(z)), with q(z | x) a diagonal normal from the encoder.

    centre, spread: [column], what the encoder's inputs are measured from and in.
    Kingma and Welling 2014, Auto-encoding variational Bayes; Rezende, Mohamed and Wierstra 2014.
    """

    encoder: MLP
    decoder: MLP
    family: Likelihood
    centre: Fixed
    spread: Fixed
    latent_size: int = eqx.field(static=True)

    def prior(self, c: Any = None) -> Distribution:
        return standard_normal(self.latent_size)

    def likelihood(self, z: Array, c: Any = None, *, key: Array | None = None) -> ColumnDistribution:
        return self.family(self.decoder(z))

    def posterior(self, x: Array, c: Any = None, *, key: Array | None = None) -> Distribution:
        inputs = (x - self.centre.value) / self.spread.value
        return diagonal_normal(self.encoder(jnp.clip(inputs, -INPUT_LIMIT, INPUT_LIMIT)))


def make_vae(
    family: Likelihood,
    centre: Array,
    spread: Array,
    *,
    latent_size: int,
    hidden_sizes: tuple[int, ...],
    activation: str,
    key: Array,
) -> VariationalAutoencoder:
    """A variational autoencoder whose decoder mirrors its encoder and starts at the columns' means.

    family: the likelihood.  centre, spread: [column], for the encoder's inputs.  hidden_sizes: the encoder's, from x to
    z; the decoder has them in reverse.
    """
    encoder_key, decoder_key = jax.random.split(key)
    start = family.initial_outputs()
    return VariationalAutoencoder(
        encoder=MLP((centre.shape[0], *hidden_sizes, 2 * latent_size), activation, encoder_key),
        decoder=MLP((latent_size, *reversed(hidden_sizes), start.shape[0]), activation, decoder_key, start),
        family=family,
        centre=Fixed(centre),
        spread=Fixed(spread),
        latent_size=latent_size,
    )
