"""The aggregate posterior against closed forms: mutual information from both sides, and the identities of its parts."""

import jax.numpy as jnp
import numpy as np
import pytest
from numpyro.distributions import MultivariateNormal

from isthmus.evidence import AGGREGATE_ROWS, make_ledger, measure_aggregate
from isthmus.evidence.aggregate import aggregate_of_normals
from isthmus.inference import sample_importance_weights
from linear_gaussian_model import LinearGaussian, random_model, simulated_rows, with_posterior


def measured(model, rows, seed=0):
    return measure_aggregate(model, rows, sample_importance_weights(model, rows, 4), seed)


def normal_truth(model):
    """(I, total correlation, sum of KL(q(z_j) || p(z_j))) where x is normal and q(z | x) = N(A x + b, S)."""
    W, A, b, m = (np.asarray(part, np.float64) for part in (model.W, model.A, model.b, model.m))
    noise = np.diag(np.asarray(model.scale, np.float64) ** 2)
    spread = A @ (W @ W.T + model.sigma**2 * np.eye(len(m))) @ A.T + noise
    mean, variances = A @ m + b, np.diag(spread)
    information = 0.5 * (np.linalg.slogdet(spread)[1] - np.linalg.slogdet(noise)[1])
    correlation = 0.5 * (np.log(variances).sum() - np.linalg.slogdet(spread)[1])
    return information, correlation, 0.5 * (variances + mean**2 - 1 - np.log(variances)).sum()


@pytest.mark.parametrize("exact_posterior", [True, False])
def test_information_lies_between_its_bounds(exact_posterior):
    model = random_model(3, latent=2)
    model = with_posterior(model) if exact_posterior else model
    found = measured(model, simulated_rows(model, 1000, seed=5))
    information, correlation, single = normal_truth(model)
    for entry, truth in (
        (found.mutual_information, information),
        (found.mutual_information_upper, information),
        (found.marginal_kl, correlation + single),
        (found.total_correlation, correlation),
        (found.dimension_wise_kl, single),
    ):
        error = np.hypot(entry.stderr, entry.stderr_rows)
        # Five errors, and what a mixture of 1,000 misses of a density.
        assert abs(entry.value - truth) < 5 * error + 0.08, (entry, truth)
    assert found.mutual_information.direction == "lower"
    assert found.mutual_information_upper.direction == "upper"
    assert found.mutual_information.value < found.mutual_information_upper.value + 0.05


def test_bounds_tighten_as_rows_are_added_and_hold_in_expectation():
    model = with_posterior(random_model(3, latent=2))
    information = normal_truth(model)[0]
    widths = []
    for rows in (8, 64):
        found = [measured(model, simulated_rows(model, rows, seed)) for seed in range(30)]
        lower, upper = (
            np.array([float(getattr(one, name)) for one in found])
            for name in ("mutual_information", "mutual_information_upper")
        )
        error = max(lower.std(ddof=1), upper.std(ddof=1)) / np.sqrt(len(found))
        assert (lower <= np.log(rows) + 1e-5).all()
        assert lower.mean() < information + 3 * error
        assert upper.mean() > information - 3 * error
        widths.append(upper.mean() - lower.mean())
    assert widths[1] < 0.5 * widths[0]


def test_the_parts_add_up_to_the_last_digit():
    model = random_model(1)
    rows = simulated_rows(model, 200)
    ledger = make_ledger(model, rows, draws=8)
    entry = {
        key: float(ledger[key]) for key in ledger.entries if ledger[key] is not None and key != "rate_per_dimension"
    }
    assert abs(entry["rate"] - entry["mutual_information"] - entry["marginal_kl"]) < 1e-9
    assert abs(entry["rate"] - entry["mutual_information_upper"] - entry["marginal_kl_lower"]) < 1e-9
    assert abs(entry["marginal_kl"] - entry["total_correlation"] - entry["dimension_wise_kl"]) < 1e-9
    assert abs(entry["inference_gap"] - entry["log_likelihood_lower"] + entry["elbo"]) < 1e-4


def test_many_rows_are_chosen_by_the_seed_and_one_says_nothing():
    model = random_model(2)
    rows = simulated_rows(model, AGGREGATE_ROWS + 100)
    first, again, other = (measured(model, rows, seed) for seed in (0, 0, 1))
    assert first == again
    assert first.rows == AGGREGATE_ROWS
    assert first.mutual_information != other.mutual_information
    assert measured(model, rows[:1]) is None


class JointNormalPosterior(LinearGaussian):
    """The same model with a posterior that numpyro does not write as a product."""

    def posterior(self, x, c=None, *, key=None):
        return MultivariateNormal(self.A @ x + self.b, scale_tril=jnp.diag(self.scale))


def test_a_posterior_of_another_form_has_information_and_no_split_by_dimension():
    plain = random_model(2)
    model = JointNormalPosterior(plain.W, plain.m, plain.sigma, plain.A, plain.b, plain.scale)
    rows = simulated_rows(model, 100)
    found, same = measured(model, rows), measured(plain, rows)
    assert found.total_correlation is None
    assert abs(float(found.mutual_information) - float(same.mutual_information)) < 0.1


def test_information_is_the_same_in_other_coordinates():
    generator = np.random.default_rng(4)
    mean, scale = generator.normal(size=(50, 3)), generator.uniform(0.2, 0.6, (50, 3))
    turn = np.tril(generator.normal(size=(3, 3))) + 2 * np.eye(3)
    rate = np.full(50, 5.0)
    straight = aggregate_of_normals(mean, scale, rate)
    turned = aggregate_of_normals(mean @ turn.T, turn * scale[:, None], rate)
    for name in ("mutual_information", "mutual_information_upper", "marginal_kl", "marginal_kl_lower"):
        assert abs(float(getattr(turned, name)) - float(getattr(straight, name))) < 1e-4
    assert turned.dimension_wise_kl is None
