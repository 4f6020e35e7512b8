"""With a Gaussian p(x | z) of scale^2 = 1/2 the VAE's loss is the autoencoder's squared error plus a KL."""

import jax
import jax.numpy as jnp
import numpy as np

from cases import COLUMNS
from isthmus.data import inspect_columns
from isthmus.inference import elbo
from isthmus.models import (
    Architecture,
    assemble_vae,
    choose_likelihood,
    choose_standardisation,
    matrix_ends,
    terms,
)


def linear_vae():
    """A VAE with linear networks and the fixed scale sqrt(1/2), on columns of many units; its standardised rows."""
    rows = np.random.default_rng(0).normal(size=(32, COLUMNS)) * [1, 2, 3, 0.5, 0.1, 10] + 3
    columns = inspect_columns(rows, tuple("abcdef"))
    choice = choose_likelihood(columns, "normal", scale=float(np.sqrt(0.5)))
    standardisation = choose_standardisation(choice, columns)
    model = assemble_vae(matrix_ends(choice, columns, standardisation), Architecture(2, (), "tanh"), jax.random.key(0))
    return rows, standardisation, model


def test_the_loss_is_squared_error_plus_rate_plus_a_constant():
    rows, standardisation, model = linear_vae()
    parts = terms(model, jnp.asarray(standardisation.apply(rows)), jax.random.key(1), samples=3)
    decoded = standardisation.invert(jax.vmap(jax.vmap(model.decode))(parts.latent))
    squared_error = ((rows[:, None] - decoded) ** 2).sum(-1)
    expected = squared_error.mean() + parts.kl_terms.sum(-1).mean() + COLUMNS / 2 * np.log(np.pi)
    np.testing.assert_allclose(-elbo(parts), expected, rtol=1e-5)


def test_a_linear_decoder_adds_the_trace_of_the_spread():
    """E_q |x - x_hat(z)|^2 = |x - x_hat(mu)|^2 + tr(W Sigma W^T)."""
    rows, standardisation, model = linear_vae()
    row = jnp.asarray(standardisation.apply(rows[:1]))
    q = model.posterior(row[0]).base_dist
    W = np.asarray(model.decoder.layers[0].weight).T * standardisation.scale[:, None]
    at_mean = standardisation.invert(np.asarray(model.decode(q.loc)))
    expected = ((rows[0] - at_mean) ** 2).sum() + np.trace(W @ np.diag(np.asarray(q.scale) ** 2) @ W.T)
    draws = -np.asarray(terms(model, row, jax.random.key(1), samples=40_000).log_likelihood[0]) - COLUMNS / 2 * np.log(
        np.pi
    )
    assert abs(draws.mean() - expected) < 4 * draws.std() / np.sqrt(len(draws))
