"""The linear-Gaussian model as a three-method module: its posterior, its holes, its canonical form."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpyro.distributions import Normal
from scipy import stats

from isthmus.models import Observation
from isthmus.models.linear import LinearGaussian, canonical_form
from isthmus.models.terms import terms

GENERATOR = np.random.default_rng(2)
MODEL = LinearGaussian(
    mean=GENERATOR.normal(size=6), loadings=GENERATOR.normal(size=(6, 3)), noise_variance=GENERATOR.uniform(0.2, 2, 6)
)
WITH_HOLES = LinearGaussian(MODEL.mean, MODEL.loadings, MODEL.noise_variance, with_holes=True)
X = GENERATOR.normal(size=6)
SHOWN = np.array([True, False, True, True, False, True])


def covariance(model):
    return model.loadings @ model.loadings.T + np.diag(model.noise_variance)


def log_evidence(shown):
    joint = stats.multivariate_normal(MODEL.mean[shown], covariance(MODEL)[np.ix_(shown, shown)])
    return joint.logpdf(X[shown])


@pytest.mark.parametrize("shown", [np.ones(6, bool), SHOWN, np.zeros(6, bool)], ids=["whole", "holes", "nothing"])
def test_the_log_weight_is_the_evidence_wherever_z_is(shown):
    expected = log_evidence(shown) if shown.any() else 0.0
    with jax.enable_x64(True):
        for z in np.random.default_rng(0).normal(size=(4, 3)):
            weight = WITH_HOLES.log_weight(Observation(np.where(shown, X, np.nan), shown), jnp.asarray(z))
            np.testing.assert_allclose(weight, expected, rtol=1e-10, atol=1e-10)
            if shown.all():
                np.testing.assert_allclose(MODEL.log_weight(X, jnp.asarray(z)), expected, rtol=1e-10)


def test_columns_have_likelihoods_of_their_own():
    z = jnp.zeros(3)
    whole, holed = MODEL.likelihood(z).log_probs(X), WITH_HOLES.likelihood(z).log_probs(Observation(X, SHOWN))
    np.testing.assert_allclose(whole, Normal(MODEL.mean, np.sqrt(MODEL.noise_variance)).log_prob(X), rtol=1e-5)
    np.testing.assert_allclose(holed, jnp.where(SHOWN, whole, 0.0), rtol=1e-5)


def test_samples_have_the_model_s_moments():
    def draw(key):
        of_latent, of_row = jax.random.split(key)
        return MODEL.likelihood(MODEL.prior().sample(of_latent)).sample(of_row)

    rows = np.asarray(jax.vmap(draw)(jax.random.split(jax.random.key(0), 20000)))
    spread = np.sqrt(covariance(MODEL).diagonal() / 20000)
    assert (np.abs(rows.mean(0) - MODEL.mean) < 4.5 * spread).all()
    np.testing.assert_allclose(np.cov(rows.T), covariance(MODEL), atol=0.25)


def test_rows_of_a_batch_are_traced_with_the_arrays_of_numpy():
    rows = GENERATOR.normal(size=(5, 6)).astype(np.float32)
    batch = jax.jit(lambda model, rows: terms(model, rows, jax.random.key(0), samples=7).log_weights)(MODEL, rows)
    joint = stats.multivariate_normal(MODEL.mean, covariance(MODEL))
    np.testing.assert_allclose(batch, np.repeat(joint.logpdf(rows)[:, None], 7, axis=1), rtol=1e-4)


@pytest.mark.parametrize("shape", [(6, 3), (2, 4)], ids=["narrow", "wide"])
def test_the_canonical_form_is_the_same_distribution_with_independent_latents(shape):
    generator = np.random.default_rng(4)
    model = LinearGaussian(np.zeros(shape[0]), generator.normal(size=shape), generator.uniform(0.5, 2, shape[0]))
    canonical = canonical_form(model)
    np.testing.assert_allclose(covariance(canonical), covariance(model), atol=1e-12)
    precision = canonical.loadings.T @ (canonical.loadings / model.noise_variance[:, None])
    np.testing.assert_allclose(precision, np.diag(np.diag(precision)), atol=1e-12)
    assert (np.diff(np.diag(precision)) <= 1e-12).all()
    # Any rotation of the latent has the same form.
    rotation = np.linalg.qr(generator.normal(size=(shape[1], shape[1])))[0]
    rotated = canonical_form(LinearGaussian(model.mean, model.loadings @ rotation, model.noise_variance))
    np.testing.assert_allclose(rotated.loadings, canonical.loadings, atol=1e-12)
