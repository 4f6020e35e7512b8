"""The pieces of the log-weight log p(x, z) - log q(z | x), from which every bound and objective is made."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import Array

from isthmus.information import kl_terms
from isthmus.models.model import ProbabilisticModel


class Terms(eqx.Module):
    """Log-densities at k posterior draws of each row, in nats; axes [row, k].

    latent: the draws z ~ q(z | x), [row, k, ...] (a pytree).
    log_likelihood, log_prior, log_posterior: log p(x | z), log p(z), log q(z | x), [row, k].
    kl_terms: KL(q(z | x) || p(z)) of each latent dimension, [row, dimension]; None where no closed form is known.
    column_log_likelihood: log p(x | z) of each column, [row, k, column]; None where the likelihood has no columns.
    """

    latent: Any
    log_likelihood: Array
    log_prior: Array
    log_posterior: Array
    kl_terms: Array | None
    column_log_likelihood: Array | None = None

    @property
    def log_weights(self) -> Array:
        """log p(x, z) - log q(z | x), [row, k]."""
        return self.log_likelihood + self.log_prior - self.log_posterior


def terms(
    model: ProbabilisticModel, x: Any, key: Array, inputs: Any = None, *, samples: int = 1, c: Any = None
) -> Terms:
    """The Terms of a batch of rows x at `samples` posterior draws each.

    The posterior is that of `inputs` (corrupted rows, say; x itself where None), the score is that of x.
    """
    inputs = x if inputs is None else inputs
    keys = jax.random.split(key, jax.tree.leaves(x)[0].shape[0])

    def of_row(x, inputs, c, key):
        return terms_of_row(model, x, key, inputs, samples=samples, c=c)

    return jax.vmap(of_row)(x, inputs, c, keys)


def terms_of_row(
    model: ProbabilisticModel, x: Any, key: Array, inputs: Any = None, *, samples: int = 1, c: Any = None
) -> Terms:
    """The Terms of one row, axes [k]: `terms` without its first axis."""
    encoder_key, sample_key, decoder_key = jax.random.split(key, 3)
    posterior = model.posterior(x if inputs is None else inputs, c, key=encoder_key)
    prior = model.prior(c)
    latent = _over_draws(posterior.sample, samples)(jax.random.split(sample_key, samples))

    def log_likelihood(z, key):
        likelihood = model.likelihood(z, c, key=key)
        of_columns = getattr(likelihood, "log_probs", None)
        return likelihood.log_prob(x), None if of_columns is None else of_columns(x)

    decoder_keys = jax.random.split(decoder_key, samples)
    log_likelihoods, of_columns = _over_draws(log_likelihood, samples)(latent, decoder_keys)
    return Terms(
        latent=latent,
        log_likelihood=log_likelihoods,
        log_prior=_over_draws(prior.log_prob, samples)(latent),
        log_posterior=_over_draws(posterior.log_prob, samples)(latent),
        kl_terms=kl_terms(posterior, prior),
        column_log_likelihood=of_columns,
    )


def _over_draws(function: Callable[..., Any], samples: int) -> Callable[..., Any]:
    """`function` of each draw, along the first axis of its arguments."""
    if samples != 1:
        return jax.vmap(function)

    # With an axis of one draw the gradient of the decoder's weights sums over two axes, and XLA copies that of the
    # outputs for it.
    def of_the_only_draw(*arguments):
        found = function(*jax.tree.map(lambda array: array[0], arguments))
        return jax.tree.map(lambda array: jnp.asarray(array)[None], found)

    return of_the_only_draw
