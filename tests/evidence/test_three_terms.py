"""log p(x) = ELBO(q) + KL(q || p(z | x)) for any q at all."""

import jax
import numpy as np
import pytest
from numpyro.distributions import MultivariateNormal

from isthmus.evidence.identity import identity
from isthmus.models import LinearGaussian
from oracles import linear_gaussian

CASES = 1000
GENERATOR = np.random.default_rng(0)
TABLES = np.log(GENERATOR.dirichlet(np.full(7, 0.5), CASES)) + 5.0 * GENERATOR.normal(size=(CASES, 1))
Q_TABLES = GENERATOR.dirichlet(np.full(7, 0.3), CASES)
MODEL = LinearGaussian(GENERATOR.normal(size=6), GENERATOR.normal(size=(6, 3)), np.full(6, 0.5))
ROWS = 2.0 * GENERATOR.normal(size=(CASES, 6))
MEANS, FACTORS = GENERATOR.normal(size=(CASES, 3)), GENERATOR.normal(size=(CASES, 3, 3))


def normals(covariances):
    with jax.enable_x64(True):
        return MultivariateNormal(MEANS, covariances)


@pytest.mark.parametrize("kind", ["finite", "linear-Gaussian"])
def test_identity_holds_for_arbitrary_q(kind):
    if kind == "finite":
        found = identity(TABLES, Q_TABLES)
    else:
        found = identity(MODEL, normals(FACTORS @ FACTORS.transpose(0, 2, 1) + 0.05 * np.eye(3)), ROWS)
    assert found.residual.shape == (CASES,)
    assert np.abs(found.residual).max() <= 1e-6
    # No q is near its posterior: what was tested is not 0 = 0.
    assert found.kl.min() > 1e-3


def test_terms_of_a_table_are_those_of_sums_in_a_loop():
    found = identity(TABLES[:3], Q_TABLES[:3])
    for case, (log_joint, q) in enumerate(zip(TABLES[:3], Q_TABLES[:3], strict=True)):
        evidence = sum(np.exp(log_joint))
        kl = sum(weight * np.log(weight / (np.exp(one) / evidence)) for weight, one in zip(q, log_joint, strict=True))
        np.testing.assert_allclose([found.log_evidence[case], found.kl[case]], [np.log(evidence), kl], rtol=1e-10)


def test_terms_of_normals_are_those_of_the_oracle():
    scales = GENERATOR.uniform(0.3, 1.5, (CASES, 3))
    found = identity(MODEL, normals(scales[:, :, None] ** 2 * np.eye(3)), ROWS)
    known = MODEL.loadings, MODEL.mean, np.sqrt(0.5)
    means, covariance = linear_gaussian.posterior(ROWS, *known)
    kl = [linear_gaussian.kl_from_diagonal(*case, covariance) for case in zip(MEANS, scales, means, strict=True)]
    np.testing.assert_allclose(found.log_evidence, linear_gaussian.log_evidence(ROWS, *known), rtol=1e-10)
    np.testing.assert_allclose(found.kl, kl, rtol=1e-9)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((TABLES, Q_TABLES[:, :3]), "expected one shape"),
        ((TABLES, 2.0 * Q_TABLES), "add up to 1"),
        ((MODEL, normals(np.eye(3)), ROWS[:5]), "one normal over 3 latents for each row"),
    ],
    ids=["shapes", "no distribution", "rows"],
)
def test_what_is_no_q_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        identity(*arguments)
