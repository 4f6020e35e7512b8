"""The loss's gradient, in float64 against central differences and in float32 against float64, for every likelihood."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

from cases import LIKELIHOODS
from isthmus.inference import elbo, importance_weighted
from isthmus.inference.variational import VariationalLoss
from isthmus.models import split_parameters


def loss_of_flat_parameters(case, model, dtype, objective):
    """The loss as a function of one vector, and where it is evaluated."""
    model = jax.tree.map(lambda leaf: leaf.astype(dtype) if eqx.is_inexact_array(leaf) else leaf, model)
    parameters, rest = split_parameters(model)
    flat, unravel = ravel_pytree(parameters)
    rows = jnp.asarray(case.standardised_rows[:8], dtype)
    loss = VariationalLoss(jnp.asarray(1.0, dtype), jnp.asarray(0.0, dtype), objective, 2)
    # Away from the start, where output weights that differ by little hide errors.
    start = flat + 0.1 * jnp.asarray(np.random.default_rng(0).normal(size=flat.shape), dtype)
    return lambda vector: loss(eqx.combine(unravel(vector), rest), rows, jax.random.key(0), jnp.int32(5)), start


@pytest.fixture
def same_noise(monkeypatch):
    """Noise drawn in float32 under any precision, so that precisions compare at the same draws."""
    draw = jax.random.normal
    monkeypatch.setattr(jax.random, "normal", lambda key, shape=(), dtype=None: draw(key, shape, jnp.float32))


@pytest.mark.parametrize("objective", [elbo, importance_weighted])
@pytest.mark.parametrize("name", LIKELIHOODS)
def test_float64_gradient_against_central_differences(name, objective):
    case = LIKELIHOODS[name]
    model = case.model()
    with jax.enable_x64(True):
        loss, start = loss_of_flat_parameters(case, model, jnp.float64, objective)
        value_and_gradient = jax.jit(jax.value_and_grad(loss))
        gradient = value_and_gradient(start)[1]
        directions = np.random.default_rng(1).normal(size=(5, len(start)))
        step = 1e-5
        for direction in directions:
            ahead, behind = (value_and_gradient(start + sign * step * direction)[0] for sign in (1, -1))
            difference = (ahead - behind) / (2 * step)
            assert abs(difference - gradient @ direction) < 1e-5 * abs(difference)


@pytest.mark.parametrize("name", LIKELIHOODS)
def test_float32_gradient_against_float64(name, same_noise):
    case = LIKELIHOODS[name]
    model = case.model()
    single, start = loss_of_flat_parameters(case, model, jnp.float32, elbo)
    gradient = np.asarray(jax.jit(jax.grad(single))(start), np.float64)
    with jax.enable_x64(True):
        double, start = loss_of_flat_parameters(case, model, jnp.float64, elbo)
        expected = np.asarray(jax.jit(jax.grad(double))(start))
    assert np.linalg.norm(gradient - expected) < 1e-3 * np.linalg.norm(expected)
