"""The ELBO's gap split between family and encoder, against linear-Gaussian models where both parts are known."""

import numpy as np

from isthmus.evidence import explain_gap, gaps, make_ledger, split_gap
from isthmus.inference import sample_importance_weights
from linear_gaussian_model import random_model, simulated_rows, with_posterior
from oracles import linear_gaussian


def known_gaps(model, rows):
    """(approximation gap, amortisation gap) of each row: KL from the best diagonal normal, and what q is worse."""
    W, m = np.asarray(model.W, np.float64), np.asarray(model.m, np.float64)
    means, covariance = linear_gaussian.posterior(rows, W, m, model.sigma)
    best = 1 / np.sqrt(np.diag(np.linalg.inv(covariance)))
    A, b, scale = (np.asarray(part, np.float64) for part in (model.A, model.b, model.scale))
    own = [
        linear_gaussian.kl_from_diagonal(A @ x + b, scale, mean, covariance)
        for x, mean in zip(rows, means, strict=True)
    ]
    least = linear_gaussian.kl_from_diagonal(means[0], best, means[0], covariance)
    return np.full(len(rows), least), np.array(own) - least


def test_both_parts_of_the_gap_are_found():
    model = random_model(5)
    rows = simulated_rows(model, 16)
    exact = linear_gaussian.log_evidence(rows, np.asarray(model.W), np.asarray(model.m), model.sigma)
    sampled = sample_importance_weights(model, rows, 2000)
    nothing = np.zeros(len(rows))
    found = split_gap(model, rows, sampled.elbo, exact, (sampled.elbo_variance, nothing), steps=1500)
    approximation, amortisation = known_gaps(model, rows)
    assert amortisation.mean() > 0.5
    assert approximation.mean() > 0.01
    assert abs(float(found.amortisation) - amortisation.mean()) < 4 * found.amortisation.stderr + 0.02
    assert abs(float(found.approximation) - approximation.mean()) < 4 * found.approximation.stderr + 0.02
    directions = (found.inference.direction, found.approximation.direction, found.amortisation.direction)
    assert directions == ("lower", "estimate", "lower")
    total = found.by_row["approximation"] + found.by_row["amortisation"]
    np.testing.assert_allclose(found.by_row["inference"], total, atol=1e-12)


def test_an_encoder_that_is_best_already_loses_nothing():
    model = random_model(5)
    W, m = np.asarray(model.W, np.float64), np.asarray(model.m, np.float64)
    covariance = linear_gaussian.posterior(m[None], W, m, model.sigma)[1]
    best = with_posterior(model, widening=1 / np.sqrt(np.diag(np.linalg.inv(covariance)) * np.diag(covariance)))
    rows = simulated_rows(best, 16)
    sampled = sample_importance_weights(best, rows, 100)
    found = split_gap(best, rows, sampled.elbo, sampled.log_evidence, (sampled.elbo_variance, sampled.elbo_variance))
    assert found.amortisation.value + 4 * found.amortisation.stderr >= 0
    assert found.amortisation.value < 0.01


def test_some_rows_explain_the_ledger_of_all(monkeypatch):
    monkeypatch.setattr(gaps, "MOST_ROWS", 16)
    model = random_model(5)
    rows = simulated_rows(model, 24)
    ledger = make_ledger(model, rows, draws=2)
    explained, bounds = explain_gap(model, rows, ledger)
    # Two draws bound log p(x) badly: annealing is quoted, and raises the bound on all rows as it does that on some.
    assert bounds.quoted == "annealed"
    raised = np.mean(bounds.by_row["annealed"] - bounds.by_row["importance_weighted"])
    entry = {key: float(explained[key]) for key in ("log_likelihood_lower", "elbo", "inference_gap")}
    assert raised > 0.05
    assert len(bounds.by_row["annealed"]) == 16
    assert abs(entry["log_likelihood_lower"] - float(ledger["log_likelihood_lower"]) - raised) < 1e-9
    assert abs(entry["log_likelihood_lower"] - entry["elbo"] - entry["inference_gap"]) < 1e-4
    parts = float(explained["approximation_gap"]) + float(explained["amortisation_gap"])
    assert abs(parts - entry["inference_gap"]) < 1e-9
    assert explained["log_likelihood_lower"].stderr_rows > ledger["log_likelihood_lower"].stderr_rows


def test_a_ledger_is_explained_and_the_rest_of_it_kept():
    model = random_model(5)
    rows = simulated_rows(model, 16)
    ledger = make_ledger(model, rows, draws=100)
    assert ledger["amortisation_gap"] is None
    explained, bounds = explain_gap(model, rows, ledger)
    parts = [float(explained[key]) for key in ("inference_gap", "approximation_gap", "amortisation_gap")]
    assert abs(parts[0] - parts[1] - parts[2]) < 1e-9
    assert explained["log_likelihood_lower"] == bounds.lower
    assert explained["lower_bound_error"].direction == "estimate"
    for key in ("distortion", "rate", "elbo", "mutual_information", "active_units"):
        assert explained[key] == ledger[key]
