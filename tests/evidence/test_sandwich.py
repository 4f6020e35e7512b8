"""log p(x) between bounds, with what is exact beside them."""

import json

import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest

from isthmus import ProbabilisticModel
from isthmus.evidence.sandwich import sandwich
from isthmus.models import LinearGaussian, Observation

ROWS = 8
GENERATOR = np.random.default_rng(0)
VALUES, OBSERVED = 2.0 * GENERATOR.normal(size=(ROWS, 5)), GENERATOR.random((ROWS, 5)) < 0.8
MODEL = LinearGaussian(
    GENERATOR.normal(size=5), GENERATOR.normal(size=(5, 2)), GENERATOR.uniform(0.2, 2.0, 5), with_holes=True
)


class Coin(ProbabilisticModel):
    """z is 0 or 1, x ~ N(2 z, 1), and q knows nothing."""

    rate: float = 0.3

    def prior(self, c=None):
        return dist.Bernoulli(self.rate)

    def likelihood(self, z, c=None, *, key=None):
        return dist.Normal(2.0 * z, 1.0)

    def posterior(self, x, c=None, *, key=None):
        return dist.Bernoulli(0.5 * jnp.ones(()))


@pytest.fixture(scope="module")
def held():
    rows = Observation(np.where(OBSERVED, VALUES, 0.0), OBSERVED)
    return sandwich(MODEL, rows, temperatures=100, k=20, simulated_rows=ROWS)


def test_exact_evidence_lies_between_the_bounds(held):
    assert held.method == "closed form"
    truth = float(held.exact)
    for below in (held.elbo, held.importance_weighted, held.annealed, held.lower):
        assert float(below) - 4.0 * below.stderr - 1e-4 < truth
    assert truth < float(held.upper) + 4.0 * held.upper.stderr
    assert np.abs(held.by_row["upper"] - held.by_row["exact"]).max() < 0.2
    assert {"elbo", "importance_weighted", "annealed", "upper", "exact"} <= set(held.by_row)


def test_gap_on_simulated_data_is_marked_an_estimate(held):
    assert held.gap_on_simulated.direction == "estimate"
    assert abs(float(held.gap_on_simulated)) < 0.2
    assert held.gap_on_simulated.stderr is None
    assert held.gap_on_simulated.stderr_rows > 0


def test_it_is_printed_and_kept(held):
    record = json.loads(json.dumps(held.to_dict()))
    assert record["lower"] == record[held.quoted]
    assert record["upper"]["direction"] == "upper"
    text = str(held)
    assert f"({held.quoted})" in text
    assert "(closed form)" in text
    assert "gap_on_simulated" in text


def test_finite_latents_are_summed_and_not_annealed():
    found = sandwich(Coin(), np.array([0.5, -1.0, 2.0]), k=2000)
    assert found.annealed is None
    assert found.upper is None
    assert found.method == "enumeration"
    assert found.quoted == "importance_weighted"
    assert float(found.elbo) < float(found.exact)
    assert abs(float(found.lower) - float(found.exact)) < 4.0 * found.lower.stderr
