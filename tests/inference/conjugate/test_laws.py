"""What holds for every conjugate model."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from conjugate_cases import ALL, CONJUGATE, EXACT, MIXTURES, TOPICS
from isthmus.inference.conjugate import coordinate_ascent, natural_gradient_step, stochastic_natural_gradient
from isthmus.inference.conjugate.coordinate_ascent import start_at


@eqx.filter_jit
def sweep(model, parameters, rows):
    return model.sweep(parameters, rows, model.initial_local(rows))


@pytest.fixture(scope="module")
def fits():
    return {name: coordinate_ascent(case.model, case.rows, tolerance=1e-9) for name, case in ALL.items()}


@pytest.mark.parametrize("name", ALL)
def test_the_bound_never_falls_until_it_stands(fits, name):
    fit = fits[name]
    assert fit.converged
    assert len(fit.bounds) > 1
    assert np.min(np.diff(fit.bounds)) >= -1e-12 * abs(fit.bound)


@pytest.mark.parametrize("name", EXACT)
def test_without_locals_the_bound_is_the_evidence(fits, name):
    case = EXACT[name]
    assert fits[name].bound == pytest.approx(case.model.log_evidence(case.rows), rel=1e-12)


@pytest.mark.parametrize("name", CONJUGATE)
def test_a_step_of_rate_one_on_all_rows_is_coordinate_ascent(name):
    case = CONJUGATE[name]
    with jax.enable_x64(True):
        start = start_at(case.model, case.rows, None, 0, 0)
        swept = sweep(case.model, start, case.rows)
    moved, bound = natural_gradient_step(case.model, start, case.rows, jnp.asarray(1.0), 1.0)
    assert bound == pytest.approx(float(swept.bound), rel=1e-12)
    jax.tree.map(lambda ours, theirs: np.testing.assert_allclose(ours, theirs, rtol=1e-9), moved, swept.parameters)


@pytest.mark.parametrize("name", EXACT)
def test_steps_of_rate_one_over_t_average_the_batches_to_the_exact_posterior(fits, name):
    case = EXACT[name]
    with pytest.warns(UserWarning, match="epochs=1"):
        fit = stochastic_natural_gradient(case.model, case.rows, batch_size=24, epochs=1, forgetting=1.0)
    np.testing.assert_allclose(fit.parameters, fits[name].parameters, rtol=1e-10, atol=1e-9)


@pytest.mark.parametrize("name", MIXTURES | TOPICS)
def test_minibatches_reach_the_bound_of_coordinate_ascent(fits, name):
    """Seed 0; within .02 nats a row, where the start is hundreds of nats below."""
    case = CONJUGATE[name]
    fit = stochastic_natural_gradient(case.model, case.rows, batch_size=60, epochs=40, delay=2.0, forgetting=0.9)
    assert fit.converged
    with jax.enable_x64(True):
        bound = float(sweep(case.model, fit.parameters, case.rows).bound)
    assert abs(fits[name].bound - bound) < 0.02 * len(case.rows)


@pytest.mark.parametrize("name", MIXTURES)
def test_the_order_of_components_changes_nothing(fits, name):
    case, parameters = MIXTURES[name], fits[name].parameters
    permuted = jax.tree.map(lambda leaf: leaf[[2, 0, 1]], parameters)
    responsibilities = case.model.responsibilities(parameters, case.rows)
    np.testing.assert_allclose(case.model.responsibilities(permuted, case.rows), responsibilities[:, [2, 0, 1]])
    with jax.enable_x64(True):
        bounds = [sweep(case.model, each, case.rows).bound for each in (parameters, permuted)]
    assert bounds[0] == pytest.approx(float(bounds[1]), rel=1e-13)


@pytest.mark.parametrize("name", MIXTURES)
def test_mixtures_find_the_components_that_rows_came_from(fits, name):
    case = MIXTURES[name]
    found = np.argmax(case.model.responsibilities(fits[name].parameters, case.rows), axis=1)
    agreement = np.array([[np.sum((found == i) & (case.members == j)) for j in range(3)] for i in range(3)])
    assert agreement.max(axis=1).sum() > 0.9 * len(found)
