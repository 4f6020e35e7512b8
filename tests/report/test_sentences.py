"""What a report says of a ledger: right whatever the model has."""

from isthmus.evidence import LEDGER_KEYS
from isthmus.information import Estimate
from isthmus.report.sentences import aggregate_sentences, gap_sentences, ledger_sentences

ROWS = 1000


def told(measure="lebesgue", gain=None, **entries):
    ledger = {key: entries.get(key) for key in LEDGER_KEYS}
    record = {
        "assumptions": {"measure": measure, "columns": 2, "test_rows": ROWS},
        "gain": None if gain is None else gain.to_dict(),
    }
    return " ".join(ledger_sentences(ledger, record))


def nats(value, direction="exact"):
    return Estimate(value, "nats", direction, 0.0, 0.1)


def share(value):
    return Estimate(value, "share", "exact", 0.0, 0.01)


def test_a_model_without_a_prior_has_a_distortion_and_no_price():
    text = told(distortion=nats(5.0))
    assert "5.00 nats of each row remain unsaid" in text
    assert "no rate and no log-likelihood" in text
    assert "ELBO" not in text


def test_an_exact_model_has_a_log_likelihood_and_a_bounded_one_an_elbo():
    exact = told(distortion=nats(5.0), rate=nats(1.0), log_likelihood_exact=nats(-6.0))
    assert "the negative log-likelihood, for the posterior is exact" in exact
    bounded = told("counting", distortion=nats(5.0), rate=nats(1.0), log_likelihood_lower=nats(-5.5, "lower"))
    assert "the negative ELBO" in bounded
    assert "at most 3.967 bits per column" in bounded


def test_copying_stands_beside_the_variance_and_principal_components():
    text = told(distortion=nats(5.0), copy_index=share(0.4), r_squared=share(0.8), copy_index_of_pca=share(0.3))
    assert "80 % of the columns' variance" in text
    assert "a share of 0.40 does (principal components of the same number: 0.30)" in text


def test_a_gain_is_a_bound_only_where_it_is_one():
    parts = {"distortion": nats(5.0), "rate": nats(1.0)}
    assert "row 2.00 ± 0.1 nats more" in told(**parts, gain=nats(2.0))
    assert "row at least 2.00 ± 0.1 nats more" in told(**parts, gain=nats(2.0, "lower"))
    assert "cannot be told from" in told(**parts, gain=nats(0.1))
    assert "does not earn its keep" in told(**parts, gain=nats(-2.0))


PARTS = {"distortion": nats(5.0), "rate": nats(3.0)}


def test_a_gap_is_told_with_its_parts_where_they_are_known():
    assert "below log p(x)" not in told(**PARTS, inference_gap=nats(0.0))
    gap = {"inference_gap": nats(1.6, "lower")}
    assert "at least 1.60 nats below log p(x)" in told(**PARTS, **gap)
    assert "amortising" not in told(**PARTS, **gap)
    split = {**gap, "approximation_gap": nats(0.4, "estimate"), "amortisation_gap": nats(1.2, "lower")}
    text = told(**PARTS, **split, lower_bound_error=nats(0.05, "estimate"))
    assert "The encoder loses at least 1.20 nats by amortising" in text
    assert "a richer posterior family could recover about 0.40" in text
    assert "off by about 0.05 nats" in text


def test_information_is_told_from_both_sides_unless_the_rows_are_too_few_to_tell():
    apart = {"mutual_information_upper": nats(2.6, "upper"), "marginal_kl": nats(0.6, "upper")}
    text = told(**PARTS, mutual_information=nats(2.4, "lower"), **apart)
    assert "between 2.40 and 2.60 nats tell rows apart" in text
    assert "vary together" not in text
    split = {"total_correlation": nats(0.5, "estimate"), "dimension_wise_kl": nats(0.1, "estimate")}
    assert "about 0.50 because dimensions vary together, 0.10" in told(
        **PARTS, mutual_information=nats(2.4, "lower"), **apart, **split
    )
    wide = {**apart, "mutual_information_upper": nats(3.0, "upper")}
    text = told(**PARTS, mutual_information=nats(2.4, "lower"), **wide, **split)
    assert "vary together" not in text
    assert "about 0.10 because single dimensions" in text
    assert "as much as so many rows can show" in told(**PARTS, mutual_information=nats(6.9, "lower"), **apart, **split)


def test_a_gap_within_its_error_is_none_and_old_records_have_no_information():
    noisy = Estimate(0.01, "nats", "lower", 0.02, 0.1)
    assert "no gap between q(z | x) and the posterior shows" in told(**PARTS, inference_gap=noisy)
    assert gap_sentences({}) == aggregate_sentences({}, {}) == []
