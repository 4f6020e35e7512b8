"""What a ledger says, in sentences that hold whatever the model is."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from isthmus.evidence import AGGREGATE_ROWS
from isthmus.information import Estimate

SATURATED = 0.1
"""Nats from the logarithm of the number of rows, within which a bound from below says nothing of what lies above."""
WELL_HELD = 0.5
"""Of the total correlation: it is told where the bounds on the information, whose distance it shares, lie nearer."""
Entries = Mapping[str, Estimate | None]


def ledger_sentences(ledger: Entries, record: dict[str, Any]) -> list[str]:
    """What the latent carries and leaves unsaid, how it copies, and what the model gains over independent columns."""
    sentences = [_split(ledger), *gap_sentences(ledger), *aggregate_sentences(ledger, record), *_copying(ledger)]
    if record.get("gain") is not None:
        sentences.append(_verdict(Estimate.from_dict(record["gain"])))
    return sentences + _code(ledger, record["assumptions"])


def _split(ledger: Entries) -> str:
    distortion, rate = ledger["distortion"], ledger["rate"]
    if distortion is None:
        return "The model has no likelihood: it is judged by its squared error alone."
    if rate is None:
        return (
            f"Given the latent, {float(distortion):.2f} nats of each row remain unsaid. What the latent carries has no "
            "price: the model has no prior, and so no rate and no log-likelihood."
        )
    exact = ledger["log_likelihood_exact"] is not None
    total = "log-likelihood, for the posterior is exact" if exact else "ELBO"
    return (
        f"Of each row, the latent carries {float(rate):.2f} nats; given the latent, {float(distortion):.2f} nats "
        f"remain unsaid. Together they are the negative {total}."
    )


def gap_sentences(ledger: Entries) -> list[str]:
    """Where the ELBO's gap to log p(x) went, and how far the bound on log p(x) may be off; none where there is none."""
    gap, family, encoder = (ledger.get(key) for key in ("inference_gap", "approximation_gap", "amortisation_gap"))
    if gap is None or gap.direction == "exact" or not np.isfinite(float(gap)):
        return []
    if float(gap) < 2 * float(np.asarray(gap.stderr or 0.0)):
        return ["The ELBO cannot be told from the bound on log p(x): no gap between q(z | x) and the posterior shows."]
    told = [f"The ELBO lies at least {float(gap):.2f} nats below log p(x): so far is q(z | x) from the posterior."]
    if family is not None and encoder is not None:
        told.append(
            f"The encoder loses at least {max(float(encoder), 0.0):.2f} nats by amortising (a q optimised for each row "
            f"gains them); a richer posterior family could recover about {max(float(family), 0.0):.2f}."
        )
    error = ledger.get("lower_bound_error")
    if error is not None:
        told.append(
            f"On rows of the model's own making, where log p(x) is held from both sides, the bound on it is off by "
            f"about {max(float(error), 0.0):.2f} nats."
        )
    return told


def aggregate_sentences(ledger: Entries, record: dict[str, Any]) -> list[str]:
    """What the rate is spent on: telling rows apart, and the latents' distance from the prior."""
    # Records that were written before these were known have no such keys.
    lower, upper = ledger.get("mutual_information"), ledger.get("mutual_information_upper")
    beyond, shared, single = (ledger.get(key) for key in ("marginal_kl", "total_correlation", "dimension_wise_kl"))
    if lower is None or upper is None or beyond is None:
        return []
    most = math.log(min(record["assumptions"]["test_rows"], AGGREGATE_ROWS))
    if float(lower) > most - SATURATED:
        return [
            f"Of the rate, at least {float(lower):.2f} nats tell rows apart, as much as so many rows can show: they "
            "cannot tell how much of the rest the latents of all rows lie from the prior."
        ]
    told = (
        f"Of the rate, between {max(float(lower), 0.0):.2f} and {float(upper):.2f} nats tell rows apart, and at most "
        f"{max(float(beyond), 0.0):.2f} are what the latents of all rows lie from the prior"
    )
    if shared is None or single is None:
        return [told + "."]
    parts = f"{max(float(single), 0.0):.2f} because single dimensions are not as the prior has them."
    # What the information is uncertain by is counted among what dimensions share.
    if float(upper) - float(lower) < WELL_HELD * float(shared):
        return [f"{told}: about {max(float(shared), 0.0):.2f} because dimensions vary together, {parts}"]
    return [f"{told}, about {parts}"]


def _copying(ledger: Entries) -> list[str]:
    index, share, of_pca = (ledger[key] for key in ("copy_index", "r_squared", "copy_index_of_pca"))
    if index is None or share is None:
        return []
    beside = "" if of_pca is None else f" (principal components of the same number: {float(of_pca):.2f})"
    return [
        f"{100 * float(share):.0f} % of the columns' variance comes through; of rows whose columns were shuffled, "
        f"which share no structure, a share of {float(index):.2f} does{beside}: the more of it, the more the map "
        "copies."
    ]


def _code(ledger: Entries, assumptions: dict[str, Any]) -> list[str]:
    exact, lower = ledger["log_likelihood_exact"], ledger["log_likelihood_lower"]
    known = lower if exact is None else exact
    if known is None or assumptions["measure"] != "counting" or not np.isfinite(float(known)):
        return []
    bits = -float(known) / np.log(2) / assumptions["columns"]
    return [f"As a code, that is {'at most ' if exact is None else ''}{bits:.3f} bits per column."]


def _verdict(gain: Estimate) -> str:
    """What the paired difference to independent columns allows to be said at two standard errors."""
    sampling, rows = (float(np.asarray(error or 0.0)) for error in (gain.stderr, gain.stderr_rows))
    value, error = float(gain), math.hypot(sampling, rows)
    exact = gain.direction == "exact"
    subject = "The model's log-likelihood" if exact else "The bound on the model's log-likelihood"
    if value > 2 * error:
        return (
            f"The model gives a held-out row {'' if exact else 'at least '}{value:.2f} ± {error:.2g} nats more "
            "log-likelihood than independent columns do."
        )
    if value < -2 * error:
        return (
            f"{subject} lies {-value:.2f} ± {error:.2g} nats below that of independent columns: "
            f"{'' if exact else 'as far as it shows, '}the model does not earn its keep. Train longer, or use more "
            "rows."
        )
    return (
        f"{subject} cannot be told from that of independent columns (difference {value:.2f} ± {error:.2g} nats): no "
        "structure between the columns has been shown."
    )
