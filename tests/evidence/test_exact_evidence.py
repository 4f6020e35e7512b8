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
from isthmus.evidence.exact_evidence import exact_evidence
from isthmus.inference import log_joint
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
