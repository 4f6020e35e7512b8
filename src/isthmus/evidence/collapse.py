"""Collapse: latent dimensions that say nothing, why they may be silent, and what to do."""

from collections.abc import Mapping
from typing import Any

from isthmus.information import Estimate

COLLAPSED_RATE = 0.01
"""A latent dimension whose rate, in nats, is below this says nothing about x."""
FEWEST_ROWS_A_DIMENSION = 30
"""Fewer training rows than this for each latent dimension rarely teach what it is for."""


def diagnose_collapse(ledger: Mapping[str, Estimate | None], assumptions: Mapping[str, Any]) -> list[str]:
    """Sentences on the latent dimensions that carry nothing: how many, the likely cause, the remedy; one of praise
    where none is silent.

    ledger: with `rate_per_dimension`.  assumptions: of the fit, as `VAE.assumptions_` has them, and where known
    `training_rows` and `columns`. Lucas, Tucker, Grosse and Norouzi 2019, Don't blame the ELBO: in a linear model the
    silent dimensions are those whose eigenvalue lies below the noise variance.
    """
    entry = ledger["rate_per_dimension"]
    if entry is None:
        return []
    rates = [float(rate) for rate in entry.value]  # type: ignore[union-attr]
    silent = sum(rate < COLLAPSED_RATE for rate in rates)
    if silent == 0:
        return _all_speak(len(rates), assumptions)
    causes = _causes(len(rates), silent, assumptions)
    if silent == len(rates):
        return [
            "No dimension carries more than 0.01 nats: the latent says nothing, and the model is one of independent "
            "columns.",
            *causes,
        ]
    carrying = len(rates) - silent
    return [
        f"{silent} of {len(rates)} dimensions carry less than 0.01 nats: they copy the prior. That costs nothing; a "
        f"latent of {carrying} would do as well (n_components={carrying}, or n_components='auto').",
        *causes,
    ]


def _all_speak(size: int, assumptions: Mapping[str, Any]) -> list[str]:
    larger = min(2 * size, assumptions.get("columns", 0) - 1)
    if larger <= size:
        return ["Every dimension carries something."]
    return [
        f"Every dimension carries something. A larger latent may carry more: compare the log-likelihood with "
        f"n_components={larger}."
    ]


def _causes(size: int, silent: int, assumptions: Mapping[str, Any]) -> list[str]:
    causes = []
    rows, scale, spread = (assumptions.get(name) for name in ("training_rows", "scale", "typical_spread"))
    if rows is not None and rows < FEWEST_ROWS_A_DIMENSION * (size - silent + 1):
        causes.append(
            f"Too little data is the likely cause: {rows} training rows for {size} dimensions. Use more rows, or a "
            "smaller latent."
        )
    if isinstance(scale, float | int) and spread is not None and scale >= 0.5 * spread:
        causes.append(
            f"The fixed scale {scale:g} is a cause: a dimension speaks only where it explains more variance than the "
            f"scale's own, and the columns' spread is about {spread:.3g}. Pass a smaller scale, or let it be learned."
        )
    beta = assumptions.get("beta", 1.0)
    if beta > 1:
        causes.append(f"beta = {beta:g} is a cause: it makes every nat of rate cost {beta:g}. Lower it.")
    if silent == size and not causes:
        causes.append(
            "Train longer (max_epochs), or warm the rate up more slowly (warm_up); if it stays so, the columns may "
            "hold nothing in common."
        )
    return causes
