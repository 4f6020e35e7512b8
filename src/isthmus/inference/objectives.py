"""What variational inference maximises: functions of Terms, each a bound on log p(x) at beta = 1, or a variant of one.

Every objective takes Terms with axes [row, k] and the weight beta of the divergence from the prior, which warm-up
raises from near 0 to its final value; it returns the mean over rows, in nats.
"""

import math
from collections.abc import Callable

import jax.numpy as jnp
from jax import Array
from jax.scipy.special import logsumexp

from isthmus.models import Terms

Objective = Callable[[Terms, Array | float], Array]


def elbo(terms: Terms, beta: Array | float = 1.0) -> Array:
    """E_q[log p(x | z)] - beta KL(q(z | x) || p(z)), the KL in closed form where one is known.

    beta = 1 is the evidence lower bound (Kingma and Welling 2014); another beta makes the beta-VAE's objective (Higgins
    et al. 2017), which bounds log p(x) only for beta >= 1.
    """
    return jnp.mean(terms.log_likelihood) - beta * jnp.mean(rate(terms))


def importance_weighted(terms: Terms, beta: Array | float = 1.0) -> Array:
    """log of the mean of the k importance weights (Burda, Grosse and Salakhutdinov 2016): tighter as k grows."""
    return jnp.mean(_importance_weighted_rows(terms, beta))


def trimmed_importance_weighted(terms: Terms, beta: Array | float = 1.0, *, share: float = 0.1) -> Array:
    """The importance-weighted bound over all but the `share` of the batch's rows under which it is lowest.

    Rows that the model finds least likely teach it nothing, so that outliers among the training rows do not draw it to
    themselves (trimmed likelihood, Neykov and Neytchev 1990); it bounds the log-likelihood of the rows that are kept.
    """
    bounds = jnp.sort(_importance_weighted_rows(terms, beta))
    return jnp.mean(bounds[math.floor(share * bounds.shape[0]) :])


def _importance_weighted_rows(terms: Terms, beta: Array | float) -> Array:
    log_weights = terms.log_likelihood + beta * (terms.log_prior - terms.log_posterior)
    return logsumexp(log_weights, axis=-1) - math.log(log_weights.shape[-1])


def free_bits(terms: Terms, beta: Array | float = 1.0, *, nats: float = 0.05) -> Array:
    """The ELBO with each dimension's mean rate counted as at least `nats` (Kingma et al. 2016), against collapse.

    Raises ValueError where the divergence has no closed form per dimension.
    """
    if terms.kl_terms is None:
        raise ValueError("free_bits needs kl_terms, and this pair of posterior and prior has none in closed form")
    rates = jnp.maximum(jnp.mean(terms.kl_terms, axis=0), nats)
    return jnp.mean(terms.log_likelihood) - beta * jnp.sum(rates)


def rate(terms: Terms) -> Array:
    """KL(q(z | x) || p(z)) of each row, in closed form where one is known, [row, 1]; else at each draw, [row, k]."""
    if terms.kl_terms is not None:
        return jnp.sum(terms.kl_terms, axis=-1, keepdims=True)
    return terms.log_posterior - terms.log_prior
