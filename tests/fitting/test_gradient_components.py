"""Gradient descent on the squared error ends in the plane of the principal axes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.linalg import subspace_angles

from isthmus.fitting import components_of_moments, gradient_components, moments_of
from isthmus.fitting.gradient_components import LinearMap, _squared_error

GENERATOR = np.random.default_rng(0)
ROWS = GENERATOR.normal(size=(300, 6)) @ GENERATOR.normal(size=(6, 6)) + 5.0
MOMENTS = moments_of(ROWS)


def test_the_loss_is_the_squared_error_over_all_rows_less_what_no_map_changes():
    encoder, decoder = (jnp.asarray(GENERATOR.normal(size=(6, 2)), jnp.float32) for _ in range(2))
    order = GENERATOR.permutation(6)
    covariance = MOMENTS.covariance()
    given = (jnp.asarray(order), jnp.asarray(covariance[order], jnp.float32))
    loss = 6 * _squared_error(LinearMap(encoder, decoder), given, jax.random.key(0), jnp.int32(0))
    centred = ROWS - ROWS.mean(0)
    errors = ((centred - centred @ np.asarray(encoder) @ np.asarray(decoder).T) ** 2).sum(1).mean()
    assert float(loss) + np.trace(covariance) == pytest.approx(errors, rel=1e-5)


@pytest.mark.parametrize("size", [1, 3, 6])
def test_it_ends_in_the_plane_of_the_principal_axes(size):
    exact = components_of_moments(MOMENTS, size)
    found, fit = gradient_components(MOMENTS, size)
    assert subspace_angles(found.axes, exact.axes).max() < 1e-4
    np.testing.assert_allclose(found.eigenvalues, exact.eigenvalues, rtol=1e-6)
    np.testing.assert_allclose(found.axes.T @ found.axes, np.eye(size), atol=1e-12)
    assert fit.verdict == "finished"


def test_a_size_out_of_range_is_refused():
    with pytest.raises(ValueError, match="k is 7; expected 1 to 6 columns"):
        gradient_components(MOMENTS, 7)
