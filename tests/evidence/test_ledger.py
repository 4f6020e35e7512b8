"""The ledger: its identity, its baseline, its units, and what it refuses to say."""

import json

import jax
import numpy as np
import pytest
from scipy import stats

from cases import COLUMNS, LIKELIHOODS
from isthmus.evidence import (
    LEDGER_KEYS,
    elbo,
    importance_weighted_bound,
    independent_columns,
    make_ledger,
    make_reconstruction_ledger,
)
from isthmus.evidence.copying import measure_copying, projection
from isthmus.inference import log_likelihood_at_code, reconstruct
from isthmus.models import Architecture, assemble_autoencoder, matrix_ends
from isthmus.models.rows import map_rows
from linear_gaussian_model import random_model, simulated_rows, with_posterior
from oracles import linear_gaussian


def ledger_of(name, **kwargs):
    case = LIKELIHOODS[name]
    model, rows = case.model(), case.standardised_rows
    baseline = independent_columns(model.family, rows)
    return make_ledger(
        model, rows, baseline, scale=case.standardisation.scale, measure=model.family.measure, draws=64, **kwargs
    )


@pytest.mark.parametrize("name", LIKELIHOODS)
def test_the_elbo_is_minus_distortion_minus_rate_to_the_last_digit(name):
    ledger = ledger_of(name)
    assert ledger["elbo"].value == -(ledger["distortion"].value + ledger["rate"].value)
    np.testing.assert_allclose(sum(ledger["rate_per_dimension"].value), ledger["rate"].value, rtol=1e-6)
    assert ledger["elbo"].value <= ledger["log_likelihood_lower"].value
    assert set(ledger.to_dict()) == set(LEDGER_KEYS)


@pytest.mark.parametrize("name", LIKELIHOODS)
def test_directions_units_and_errors(name):
    ledger = ledger_of(name)
    directions = {key: entry.direction for key, entry in ledger.entries.items() if entry is not None}
    assert directions == {
        "distortion": "estimate",
        "rate": "exact",
        "elbo": "lower",
        "log_likelihood_lower": "lower",
        "log_likelihood_independent": "exact",
        "inference_gap": "lower",
        "mutual_information": "lower",
        "mutual_information_upper": "upper",
        "marginal_kl": "upper",
        "marginal_kl_lower": "lower",
        "total_correlation": "estimate",
        "dimension_wise_kl": "estimate",
        "distortion_per_column": "estimate",
        "rate_per_dimension": "exact",
        "active_units": "exact",
        "squared_error": "exact",
        "copy_index": "estimate",
        "r_squared": "exact",
    }
    assert ledger["copy_index"].unit == ledger["r_squared"].unit == "share"
    for key in ("distortion", "elbo", "log_likelihood_lower"):
        assert ledger[key].stderr > 0
        assert ledger[key].stderr_rows > 0
    assert ledger["rate"].stderr == 0


def test_the_same_rows_give_the_same_ledger_and_it_survives_json():
    one, other = (ledger_of("binomial").to_dict() for _ in range(2))
    assert json.loads(json.dumps(one, allow_nan=False)) == other


def test_bits_and_bits_per_dimension():
    ledger = ledger_of("bernoulli")
    bits = ledger.in_unit("bits")
    np.testing.assert_allclose(bits["rate"].value, ledger["rate"].value / np.log(2))
    assert bits["squared_error"] == ledger["squared_error"]
    code = ledger.bits_per_dimension()
    assert code.direction == "upper"
    np.testing.assert_allclose(code.value, -bits["log_likelihood_lower"].value / COLUMNS)
    assert ledger_of("normal, global scale").bits_per_dimension() is None


def test_independent_columns_of_a_density_in_the_columns_own_units():
    case = LIKELIHOODS["normal, per-feature scale"]
    rows = case.rows
    baseline = independent_columns(case.family, case.standardised_rows)
    expected = stats.norm(rows.mean(0), rows.std(0)).logpdf(rows).sum(1)
    found = map_rows(lambda b, row: b.log_prob(row), baseline, case.standardised_rows)
    np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_independent_columns_of_zeros_and_ones_are_add_one_shares():
    case = LIKELIHOODS["bernoulli"]
    rows = case.rows
    shares = [(np.sum(rows[:, i] == rows[0, i]) + 1) / (len(rows) + 2) for i in range(COLUMNS)]
    baseline = independent_columns(case.family, rows)
    np.testing.assert_allclose(baseline.log_prob(rows[0].astype(np.float32)), np.log(shares).sum(), rtol=1e-5)


@pytest.mark.parametrize("name", ["binomial", "discretised logistic, 255"])
def test_independent_columns_of_counts_are_probabilities(name):
    case = LIKELIHOODS[name]
    table = np.exp(independent_columns(case.family, case.rows).log_probabilities.array)
    np.testing.assert_allclose(table.sum(1), 1.0, rtol=1e-5)
    assert (table > 0).all()


@pytest.mark.parametrize("spread", [2.0, 20.0])
def test_on_independent_bytes_the_baseline_comes_near_the_truth(spread):
    """A baseline that overfits would credit a model with structure that is not there."""
    truth = stats.norm(128, spread)
    mass = np.diff(truth.cdf(np.arange(257) - 0.5))
    generator = np.random.default_rng(0)
    training, fresh = (np.clip(np.round(truth.rvs((rows, 4), generator)), 0, 255) for rows in (400, 4000))
    baseline = independent_columns(LIKELIHOODS["discretised logistic, 255"].family, training)
    lost = np.log(np.maximum(mass, 1e-300))[fresh.astype(int)].sum(1) - jax.vmap(baseline.log_prob)(
        fresh.astype(np.float32)
    )
    assert abs(np.mean(lost)) < 0.02 * fresh.shape[1]


def test_copying_is_measured_in_the_columns_own_units_and_beside_that_of_principal_components():
    case = LIKELIHOODS["normal, per-feature scale"]
    rows, model, units = case.rows, case.model(), case.standardisation
    axes = np.linalg.svd(rows - rows.mean(0), full_matrices=False)[2][:2].T
    ledger = ledger_of("normal, per-feature scale", centre=units.apply(rows.mean(0)[None])[0], principal_axes=axes)
    raw = measure_copying(lambda x: units.invert(reconstruct(model, units.apply(x))), rows, rows.mean(0))
    of_pca = measure_copying(projection(axes, rows.mean(0)), rows, rows.mean(0))
    for key, expected in {
        "copy_index": raw.copy_index,
        "r_squared": raw.r_squared,
        "copy_index_of_pca": of_pca.copy_index,
    }.items():
        for field in ("value", "stderr", "stderr_rows"):
            found = getattr(ledger[key], field)
            np.testing.assert_allclose(found, getattr(expected, field), rtol=1e-3, atol=1e-6)


def test_columns_without_a_unit_in_common_have_no_squared_error():
    case = LIKELIHOODS["binomial"]
    ledger = make_ledger(case.model(), case.standardised_rows, scale=None, draws=4)
    assert all(ledger[key] is None for key in ("squared_error", "copy_index", "r_squared", "copy_index_of_pca"))


def test_without_a_prior_a_ledger_holds_the_distortion_and_no_rate():
    case = LIKELIHOODS["binomial"]
    rows, ends = case.standardised_rows, matrix_ends(case.choice, case.columns, case.standardisation)
    model = assemble_autoencoder(ends, Architecture(2, (8,), "tanh"), jax.random.key(0))
    baseline = independent_columns(model.family, rows)
    ledger = make_reconstruction_ledger(model, rows, baseline, measure="counting")
    total, of_columns = log_likelihood_at_code(model, rows)
    assert (ledger["distortion"].value, ledger["distortion"].direction) == (-total.mean(), "exact")
    np.testing.assert_allclose(ledger["distortion_per_column"].value, -of_columns.mean(0))
    assert ledger["log_likelihood_independent"] == ledger_of("binomial")["log_likelihood_independent"]
    present = {key for key, entry in ledger.entries.items() if entry is not None}
    assert present & {"rate", "elbo", "log_likelihood_lower", "inference_gap", "active_units"} == set()
    assert set(ledger.to_dict()) == set(LEDGER_KEYS)
    assert ledger.bits_per_dimension() is ledger.gain is None


def test_bounds_of_a_users_model_bracket_nothing_but_stay_below():
    model = with_posterior(random_model(4), widening=1.4)
    rows = simulated_rows(model, 500)
    exact = linear_gaussian.log_evidence(rows, np.asarray(model.W), np.asarray(model.m), model.sigma).mean()
    lower, tighter = elbo(model, rows), importance_weighted_bound(model, rows, k=500)
    assert lower.direction == tighter.direction == "lower"
    assert lower.value < tighter.value < exact + 4 * tighter.stderr
    assert exact - tighter.value < 0.05
    ledger = make_ledger(model, rows, draws=100)
    assert ledger["log_likelihood_independent"] is None
    assert "elbo" in str(ledger)


def test_a_dimension_that_copies_the_prior_is_not_active():
    model = random_model(4)
    silent = type(model)(model.W, model.m, model.sigma, model.A.at[1].set(0.0), model.b, model.scale)
    ledger = make_ledger(silent, simulated_rows(model, 200), draws=10)
    assert ledger["active_units"].value == 1


def test_an_impossible_row_makes_the_ledger_infinite_not_nan():
    case = LIKELIHOODS["binomial"]
    rows = case.standardised_rows.copy()
    rows[3, 2] = 99
    model = case.model()
    ledger = make_ledger(model, rows, independent_columns(model.family, case.rows), draws=16)
    assert ledger["distortion"].value == np.inf
    assert ledger["elbo"].value == ledger["log_likelihood_lower"].value == -np.inf
    assert ledger["log_likelihood_independent"].value == -np.inf
    json.dumps(ledger.to_dict(), allow_nan=False)
