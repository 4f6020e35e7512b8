"""Both remedies against posteriors that are known: means, variances and evidence."""

import warnings

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest

from graphical_models import EFFECTS, ERRORS, KNOWN, ROWS, eight_schools, two_modes
from isthmus.inference import (
    ForwardKL,
    ImportanceWeighted,
    MeanFieldNormal,
    PosteriorWarning,
    ReverseKL,
    as_problem,
    fit_posterior,
    log_joint,
    sample_posterior,
)

CASES = pytest.mark.parametrize("case", KNOWN, ids=lambda case: case.name)
REGRESSION, ROWS_OF_A_MODEL = KNOWN[0], KNOWN[2]


def by_row(array, case):
    """With a first axis over rows, whether or not the result has one."""
    return np.asarray(array) if len(case.mean) > 1 else np.asarray(array)[None]


def assert_recovered(posterior, case, effective, evidence_tolerance=0.0):
    """Means within 4 Monte Carlo standard errors, variances within 5 % and theirs, evidence within 4."""
    u = by_row(posterior.unconstrained, case)
    u = u.reshape(len(u), -1, u.shape[-1])
    variances = np.diag(case.covariance)
    off = np.abs(u.mean(1) - case.mean) / np.sqrt(variances / effective)
    assert off.max() < 4
    assert np.abs(u.var(1) / variances - 1).max() < 0.05 + 4 * np.sqrt(2 / effective)
    evidence, error = (by_row(part, case) for part in (posterior.evidence.value, posterior.evidence.stderr))
    assert posterior.evidence.direction == "lower"
    assert (np.abs(evidence - case.log_evidence) < 4 * error + 1e-3 + evidence_tolerance).all()


@CASES
def test_a_full_covariance_becomes_the_posterior(case):
    posterior = fit_posterior(case.model, case.data, family="full_covariance")
    elbo = by_row(posterior.elbo.value, case)
    np.testing.assert_allclose(elbo, case.log_evidence, atol=2e-3)
    q = posterior.approximation
    rows = range(len(case.mean)) if len(case.mean) > 1 else [slice(None)]
    for row, mean in zip(rows, case.mean, strict=True):
        normal = jax.tree.map(lambda leaf, row=row: leaf[row], q).distribution
        scale = np.sqrt(np.diag(case.covariance))
        assert (np.abs(normal.mean - mean) < 0.02 * scale).all()
        assert (np.abs(normal.covariance_matrix - case.covariance) < 0.05 * scale[:, None] * scale).all()


@CASES
def test_a_mean_field_has_the_variances_of_the_conditionals(case):
    # The best independent normal has the precision matrix's diagonal, where the posterior has the inverse's.
    posterior = fit_posterior(case.model, case.data, samples=64)
    shrunk = np.exp(2 * by_row(posterior.approximation.log_scale, case))
    np.testing.assert_allclose(
        shrunk, np.broadcast_to(1 / np.diag(np.linalg.inv(case.covariance)), shrunk.shape), rtol=0.01
    )


@pytest.mark.parametrize("family", ["low_rank", "flow"])
def test_richer_families_recover_the_posterior(family):
    posterior = fit_posterior(REGRESSION.model, REGRESSION.data, family=family, draws=4000)
    assert_recovered(posterior, REGRESSION, 4000)


def test_chains_without_u_turns_recover_the_posteriors_of_rows():
    case = ROWS_OF_A_MODEL
    posterior = sample_posterior(case.model, case.data, draws=1000, warm_up=500)
    found = posterior.diagnostics
    assert np.max(found.r_hat) < 1.02
    assert np.all(found.divergences == 0)
    assert_recovered(posterior, case, np.min(found.effective_sample_size))


def test_plain_hamiltonian_chains_recover_the_posterior():
    posterior = sample_posterior(REGRESSION.model, REGRESSION.data, method="hmc", draws=1000, warm_up=500)
    # Its draws are anticorrelated, and their squares are not: the means' effective size is not the variances'.
    assert_recovered(posterior, REGRESSION, 1000)


def test_importance_resampling_recovers_the_posterior_from_a_fitted_proposal():
    proposal = fit_posterior(REGRESSION.model, REGRESSION.data, family="full_covariance", objective="renyi")
    posterior = sample_posterior(REGRESSION.model, REGRESSION.data, method="importance", proposal=proposal)
    assert_recovered(posterior, REGRESSION, 1000)
    with pytest.raises(ValueError, match="same model and rows"):
        sample_posterior(KNOWN[1].model, KNOWN[1].data, method="importance", proposal=proposal)
    with pytest.raises(ValueError, match="no density"):
        sample_posterior(REGRESSION.model, REGRESSION.data, method="importance", proposal=posterior)


def test_a_model_of_rows_is_resampled_from_its_own_posterior():
    case = ROWS_OF_A_MODEL
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        posterior = sample_posterior(case.model, case.data, method="importance", draws=2000, candidates=20000)
    assert_recovered(posterior, case, 1000)


def test_a_row_has_the_same_posterior_alone_and_among_others():
    case = ROWS_OF_A_MODEL
    together = fit_posterior(case.model, case.data, steps=50)
    alone = fit_posterior(case.model, case.data[1:2], steps=50)
    again = fit_posterior(case.model, case.data, steps=50)
    np.testing.assert_array_equal(together.unconstrained, again.unconstrained)
    np.testing.assert_allclose(together.unconstrained[1], alone.unconstrained[0], rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(together.elbo.value[1], alone.elbo.value[0], rtol=1e-4)
    assert together.log_density(together.unconstrained).shape == (ROWS, 1, 1000)


def test_the_reverse_divergence_seeks_a_mode_and_the_forward_one_covers_both():
    model = two_modes()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PosteriorWarning)
        reverse = fit_posterior(model, objective="reverse_kl", samples=64)
        forward = fit_posterior(model, objective="forward_kl", samples=64)
    seeking, covering = (np.exp(p.approximation.log_scale)[0] for p in (reverse, forward))
    assert abs(abs(reverse.approximation.mean[0]) - 4) < 0.05
    assert abs(seeking - 0.5) < 0.02
    # The best covering normal has the mixture's own moments: mean 0, variance 16 + 0.25.
    assert abs(forward.approximation.mean[0]) < 0.4
    assert abs(covering / np.sqrt(16.25) - 1) < 0.1


def test_chains_in_two_modes_do_not_mix_and_quote_no_evidence():
    with pytest.warns(PosteriorWarning, match="do not mix"):
        posterior = sample_posterior(two_modes(8.0), draws=200, warm_up=200, method="hmc")
    assert posterior.evidence is None
    assert posterior.diagnostics.r_hat.max() > 1.5


def test_weights_that_do_not_cover_quote_no_evidence():
    correlated = dist.MultivariateNormal(jnp.zeros(5), 0.02 * jnp.eye(5) + 0.98)
    with pytest.warns(PosteriorWarning, match="Pareto k"):
        posterior = fit_posterior(log_joint(correlated, lambda x, z: 0.0 * z[0]), steps=500)
    assert posterior.evidence is None
    # The ELBO remains what it is, a bound; the evidence is exactly 0.
    assert posterior.elbo.value < 0


def _gradients(divergence, q, keys, samples=8):
    problem = as_problem(REGRESSION.model, REGRESSION.data)
    x = jax.tree.map(lambda leaf: leaf[0], problem.data)

    def gradient(key):
        return jax.grad(lambda q: divergence(problem.joint, q, x, key, samples))(q)

    found = jax.jit(jax.vmap(gradient))(keys)
    return np.concatenate([found.mean, found.log_scale], axis=1)


def test_gradients_that_leave_out_the_score_agree_and_have_less_noise():
    with jax.enable_x64(True):
        shrunk = 1 / np.sqrt(np.diag(np.linalg.inv(REGRESSION.covariance)))
        q = MeanFieldNormal(jnp.asarray(REGRESSION.mean[0]), jnp.log(1.3 * jnp.asarray(shrunk)))
        keys = jax.random.split(jax.random.key(0), 4000)
        pairs = [(ReverseKL(False), ReverseKL()), (ImportanceWeighted(False), ImportanceWeighted())]
        for plain, better in pairs:
            first, second = (_gradients(divergence, q, keys) for divergence in (plain, better))
            error = np.sqrt((first.var(0) + second.var(0)) / len(keys))
            assert (np.abs(first.mean(0) - second.mean(0)) < 4.5 * error).all()
            assert second.var(0).sum() < first.var(0).sum()


def test_the_gradient_has_no_noise_where_q_is_the_posterior():
    case = KNOWN[1]
    problem = as_problem(case.model, case.data)
    x = problem.data[0]
    with jax.enable_x64(True):
        q = MeanFieldNormal(jnp.asarray(case.mean[0]), 0.5 * jnp.log(jnp.diag(jnp.asarray(case.covariance))))
        gradient = jax.grad(lambda q: ReverseKL()(problem.joint, q, x, jax.random.key(0), 1))(q)
        np.testing.assert_allclose(gradient.mean, 0.0, atol=1e-10)
        forward = ForwardKL()(problem.joint, q, x, jax.random.key(0), 4)
    assert np.isfinite(forward)


def test_famous_schools_go_through_both_remedies_and_out_to_arviz():
    data = {"schools": 8, "errors": ERRORS, "effects": EFFECTS}
    sampled = sample_posterior(eight_schools, data, draws=1000)
    fitted = fit_posterior(eight_schools, data, family="full_covariance", draws=4000)
    # Known from long runs elsewhere: mean 4.4, spread 3.6.
    assert abs(sampled.samples["mean"].mean() - 4.4) < 0.4
    assert abs(sampled.samples["spread"].mean() - 3.6) < 0.4
    assert abs(fitted.samples["mean"].mean() - 4.4) < 0.5
    assert fitted.elbo.value < sampled.evidence.value + 4 * sampled.evidence.stderr
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        arviz = pytest.importorskip("arviz")
        assert sampled.to_arviz().posterior["effect"].shape == (4, 1000, 8)
        assert float(arviz.rhat(sampled.to_arviz())["mean"]) < 1.02
