"""What keeps most of a latent silent, so that a large one cannot simply copy."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jax import Array


@dataclass(frozen=True)
class L1:
    """Each unit of |z| costs `weight` nats in training: the sparse coding of Olshausen and Field 1996, with an encoder
    (Ranzato et al. 2007)."""

    weight: float = 0.1


@dataclass(frozen=True)
class TopK:
    """The `kept` entries of largest |z| go on to the decoder, the others are 0: the k-sparse autoencoder (Makhzani and
    Frey 2014)."""

    kept: int = 8


Sparsity = L1 | TopK


def keep_largest(z: Array, kept: int) -> Array:
    """The latent with all but its `kept` entries of largest |z| set to 0."""
    places = jax.lax.top_k(jnp.abs(z), min(kept, z.shape[0]))[1]
    return jnp.zeros_like(z).at[places].set(z[places])
