"""log p(x) where it can be had exactly, against loops and one-dimensional integrals."""

from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
import pytest
from scipy import stats

from isthmus import ProbabilisticModel
from isthmus.evidence.exact_evidence import ExactEvidence, exact_evidence
from isthmus.inference import log_joint
from isthmus.inference.posterior import PosteriorWarning
from isthmus.models import LinearGaussian, Observation
from linear_gaussian_model import random_model, simulated_rows
from oracles import evidence, linear_gaussian


@dataclass(frozen=True)
class KnownEvidence:
    name: str
    model: Any
    data: Any
    expected: np.ndarray
    method: str


class FiniteLatent(ProbabilisticModel):
    """x ~ N(the sum of z's parts, 1), z of any finite prior."""

    of_latent: Any

    def prior(self, c=None):
        return self.of_latent

    def likelihood(self, z, c=None, *, key=None):
        return dist.Normal(jnp.sum(z), 1.0)

    def posterior(self, x, c=None, *, key=None):
        return self.of_latent


def closed_form():
    generator = np.random.default_rng(0)
    mean, loadings, noise = generator.normal(size=5), generator.normal(size=(5, 2)), generator.uniform(0.2, 2, 5)
    x, observed = generator.normal(size=(6, 5)), generator.random((6, 5)) < 0.7
    expected = evidence.with_holes(x, observed, mean, loadings, noise)
    model = LinearGaussian(mean, loadings, noise, with_holes=True)
    return KnownEvidence("holes", model, Observation(np.where(observed, x, 0.0), observed), expected, "closed form")


ROWS = np.array([0.3, -1.0, 2.5])
RATES = np.array([0.1, 0.5, 0.8])
LEVELS = np.array([0.2, 0.3, 0.5])


def categorical():
    expected = [
        evidence.sum_over_states(lambda k: np.log(LEVELS[k]), lambda k, x=x: stats.norm.logpdf(x, k), range(3))
        for x in ROWS
    ]
    model = FiniteLatent(dist.Categorical(LEVELS))
    return KnownEvidence("categorical", model, ROWS, np.array(expected), "enumeration")


def bernoullis():
    expected = [
        evidence.sum_over_states(
            lambda *z: stats.bernoulli.logpmf(z, RATES).sum(),
            lambda *z, x=x: stats.norm.logpdf(x, sum(z)),
            *([(0, 1)] * 3),
        )
        for x in ROWS
    ]
    model = FiniteLatent(dist.Bernoulli(RATES).to_event(1))
    return KnownEvidence("bernoullis", model, ROWS, np.array(expected), "enumeration")


def two_sites(x):
    level = numpyro.sample("level", dist.Categorical(LEVELS))
    signs = numpyro.sample("signs", dist.Bernoulli(RATES).to_event(1))
    numpyro.sample("x", dist.Normal(level + signs[0] - 2.0 * signs[2], 1.0), obs=x)


def numpyro_sites():
    expected = evidence.sum_over_states(
        lambda level, *z: np.log(LEVELS[level]) + stats.bernoulli.logpmf(z, RATES).sum(),
        lambda level, *z: stats.norm.logpdf(0.3, level + z[0] - 2 * z[2]),
        range(3),
        *([(0, 1)] * 3),
    )
    return KnownEvidence("numpyro sites", two_sites, (np.array(0.3),), np.array([expected]), "enumeration")


def heavy_tail():
    x = np.array([0.5, -1.0, 2.0])
    model = log_joint(dist.HalfCauchy(1.0), lambda x, z: jnp.sum(dist.Normal(0.0, z).log_prob(x)))
    expected = evidence.integral(lambda z: stats.halfcauchy.pdf(z) * np.prod(stats.norm.pdf(x, 0, z)), 0, np.inf)
    return KnownEvidence("half-Cauchy scale", model, x, np.array([expected]), "quadrature")


def without_data():
    numpyro.sample("x", dist.Normal(numpyro.sample("sign", dist.Bernoulli(0.25)), 1.0), obs=0.3)


def numpyro_without_arguments():
    expected = np.log(0.75 * stats.norm.pdf(0.3) + 0.25 * stats.norm.pdf(0.3, 1.0))
    return KnownEvidence("no arguments", without_data, None, np.array([expected]), "enumeration")


def of_so_many(x, count):
    with numpyro.plate("signs", count):
        signs = numpyro.sample("sign", dist.Bernoulli(0.25))
    numpyro.sample("x", dist.Normal(jnp.sum(signs), 1.0), obs=x)


def static_argument():
    expected = np.log(sum(stats.binom.pmf(k, 3, 0.25) * stats.norm.pdf(0.3, k) for k in range(4)))
    return KnownEvidence("a static argument", of_so_many, (np.array(0.3), 3), np.array([expected]), "enumeration")


def scalar_datum():
    model = log_joint(dist.Normal(0.0, 1.0), lambda x, z: dist.Normal(z, 1.0).log_prob(x))
    expected = stats.norm.logpdf(1.0, 0.0, np.sqrt(2.0))
    return KnownEvidence("a Python scalar", model, 1.0, np.array([expected]), "quadrature")


def far_modes():
    def log_likelihood(x, z):
        return jnp.logaddexp(dist.Normal(z, 0.2).log_prob(x), dist.Normal(-z, 0.2).log_prob(x)) - jnp.log(2.0)

    expected = stats.norm.logpdf(4.0, 0, np.sqrt(9.04))
    return KnownEvidence(
        "modes 40 scales apart", log_joint(dist.Normal(0.0, 3.0), log_likelihood), np.array(4.0), expected, "quadrature"
    )


def normal_latents(latent):
    model = random_model(latent, latent=latent)
    rows = simulated_rows(model, 2)
    W, m = np.asarray(model.W, np.float64), np.asarray(model.m, np.float64)
    expected = linear_gaussian.log_evidence(rows.astype(np.float64), W, m, model.sigma)
    return KnownEvidence(f"{latent} latents", model, rows, expected, "quadrature")


KNOWN = [
    closed_form(),
    categorical(),
    bernoullis(),
    numpyro_sites(),
    numpyro_without_arguments(),
    static_argument(),
    scalar_datum(),
    heavy_tail(),
    far_modes(),
    normal_latents(2),
    normal_latents(3),
]


@pytest.mark.parametrize("known", KNOWN, ids=lambda known: known.name)
def test_evidence_is_exact(known):
    found = exact_evidence(known.model, known.data)
    assert found.method == known.method
    np.testing.assert_allclose(found.log_evidence, known.expected, rtol=0, atol=2e-7)
    assert (np.abs(found.log_evidence - known.expected) <= found.error + 1e-9).all()
    assert found.estimate.direction == "exact"


def many_modes():
    return log_joint(dist.Normal(0.0, 3.0), lambda x, z: dist.Normal(jnp.sin(5.0 * z), 0.05).log_prob(0.5))


def no_data(prior):
    return log_joint(prior, lambda x, z: 0.0 * z)


@pytest.mark.parametrize(
    "model",
    [many_modes(), no_data(dist.Beta(0.2, 0.2)), no_data(dist.Cauchy(0.0, 1.0))],
    ids=["modes that no climb found", "a bound reached too early", "a heavy tail"],
)
def test_what_the_quadrature_misses_is_no_exact_evidence(model):
    with pytest.warns(PosteriorWarning, match="1 of 1 rows did not settle"):
        found = exact_evidence(model)
    assert np.isfinite(found.log_evidence).all()
    assert (found.error == np.inf).all()
    assert (found.estimate.direction, found.estimate.stderr) == ("estimate", None)


def test_an_error_that_is_known_is_that_of_the_estimate():
    found = ExactEvidence(np.array([-1.0, -2.0]), np.array([1e-3, 1e-9]), "quadrature").estimate
    assert found.direction == "estimate"
    assert found.stderr == pytest.approx(5e-4, rel=1e-5)


def one_of_each(x):
    z = numpyro.sample("z", dist.Normal(0.0, 1.0))
    sign = numpyro.sample("sign", dist.Bernoulli(0.5))
    numpyro.sample("x", dist.Normal(z + sign, 1.0), obs=x)


@pytest.mark.parametrize(
    ("model", "data", "message"),
    [
        (FiniteLatent(dist.Bernoulli(jnp.full(17, 0.5)).to_event(1)), ROWS, "131,072 values in all.*up to 65,536"),
        (one_of_each, (np.array(0.3),), "'z' of the model has no finite list of values"),
        (random_model(1, latent=4), np.zeros((2, 5)), "4 continuous latents.*up to 3 by quadrature"),
    ],
    ids=["too many states", "one continuous site", "too many latents"],
)
def test_what_has_no_exact_evidence_is_refused(model, data, message):
    with pytest.raises(ValueError, match=message):
        exact_evidence(model, data)
