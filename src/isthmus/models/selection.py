"""Which likelihood suits the columns, and why."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from isthmus.data import Columns, DataError, Standardisation

LikelihoodKind = Literal["bernoulli", "binomial", "discretised_logistic", "normal"]
ScaleChoice = Literal["per_feature", "global"] | float

LARGEST_MAXIMUM = 4095
"""Whole numbers beyond it are taken for real: a table of more probabilities a column is not worth its memory."""
KINDS = ("bernoulli", "binomial", "discretised_logistic", "normal")


@dataclass(frozen=True)
class LikelihoodChoice:
    """A likelihood for all columns, and one sentence on why it was chosen.

    maximum: the largest value, for binomial and discretised_logistic.  scale: how the normal's standard deviation is
    set: learned per feature, learned once, or a fixed number in the columns' own units.
    """

    kind: LikelihoodKind
    reason: str
    maximum: int | None = None
    scale: ScaleChoice | None = None


def choose_likelihood(
    columns: Columns, requested: str = "auto", maximum: int | None = None, scale: ScaleChoice = "per_feature"
) -> LikelihoodChoice:
    """The likelihood that was requested, checked against the columns; for "auto", the one that suits them.

    "auto" takes Bernoulli for zeros and ones, discretised logistic for integers with a known maximum (given, that of
    the type for bytes, or one that most columns reach), and normal otherwise.
    Raises DataError, naming the column, where the values cannot come from the requested likelihood; ValueError for a
    likelihood that does not exist, and for a maximum or a scale that the likelihood does not take.
    """
    if requested not in ("auto", *KINDS):
        raise ValueError(f"no likelihood is named {requested!r}; expected 'auto' or one of {', '.join(KINDS)}")
    if scale not in ("per_feature", "global") and (isinstance(scale, str) or not scale > 0):
        raise ValueError(f"scale is {scale!r}; expected 'per_feature', 'global', or a number above 0")
    choice = _choose(columns, maximum, scale) if requested == "auto" else _grant(columns, requested, maximum, scale)
    if choice.maximum is None and maximum is not None and (choice.kind, maximum) != ("bernoulli", 1):
        raise ValueError(f"maximum={maximum} is for binomial and discretised_logistic; the likelihood is {choice.kind}")
    if choice.kind != "normal" and scale != "per_feature":
        raise ValueError(f"scale={scale!r} is for the normal likelihood; this one is {choice.kind}: {choice.reason}")
    return choice


def choose_standardisation(choice: LikelihoodChoice, columns: Columns) -> Standardisation:
    """Zero mean and unit spread for densities; counts stay as they are, because their mass sits on the integers."""
    if choice.kind != "normal":
        return Standardisation.identity(len(columns.names))
    return Standardisation(columns.mean, np.where(columns.constant, 1.0, columns.spread))


def _grant(columns: Columns, requested: str, maximum: int | None, scale: ScaleChoice) -> LikelihoodChoice:
    reason = "requested"
    if requested == "normal":
        return LikelihoodChoice("normal", reason, scale=scale)
    if requested == "bernoulli":
        _require_integers(columns, "bernoulli", 1)
        return LikelihoodChoice("bernoulli", reason)
    if maximum is None:
        known = _known_maximum(columns)
        maximum = int(columns.maximum.max()) if known is None else known[0]
        reason += f"; its maximum is {maximum}, " + ("the largest value seen" if known is None else known[1])
    _require_integers(columns, requested, maximum)
    kind: LikelihoodKind = "binomial" if requested == "binomial" else "discretised_logistic"
    return LikelihoodChoice(kind, reason, maximum=maximum)


def _choose(columns: Columns, maximum: int | None, scale: ScaleChoice) -> LikelihoodChoice:
    whole = bool(columns.integer.all()) and bool((columns.minimum >= 0).all())
    if whole and columns.maximum.max() == 1 and maximum in (None, 1):
        return LikelihoodChoice("bernoulli", "every value is 0 or 1")
    if maximum is not None:
        _require_integers(columns, "a maximum", maximum)
        return LikelihoodChoice("discretised_logistic", f"integers up to the given maximum {maximum}", maximum)
    known = _known_maximum(columns) if whole else None
    if known is not None:
        return LikelihoodChoice("discretised_logistic", f"integers from 0 to {known[0]}, {known[1]}", known[0])
    reason = "integers without a known maximum (pass maximum=)" if whole else "real numbers"
    return LikelihoodChoice("normal", reason, scale=scale)


def _known_maximum(columns: Columns) -> tuple[int, str] | None:
    if columns.values.dtype == np.uint8:
        return 255, "the largest byte"
    largest = columns.maximum.max()
    reach = columns.maximum[~columns.constant] == largest
    # One column always reaches the largest value of all; that two do, and most, is a bound of the scale.
    if reach.sum() >= 2 and reach.mean() >= 0.5 and 1 <= largest <= LARGEST_MAXIMUM:
        return int(largest), f"which {reach.sum()} of {reach.size} varying columns reach"
    return None


def _require_integers(columns: Columns, likelihood: str, maximum: int) -> None:
    if maximum > LARGEST_MAXIMUM:
        raise DataError(
            f"{likelihood} knows whole numbers up to {LARGEST_MAXIMUM}, not {maximum}: use likelihood='normal'"
        )
    for i, name in enumerate(columns.names):
        if not columns.integer[i] or columns.minimum[i] < 0 or columns.maximum[i] > maximum:
            raise DataError(
                f"column {name!r} holds values from {columns.minimum[i]:g} to {columns.maximum[i]:g}"
                f"{'' if columns.integer[i] else ', not all whole'}; {likelihood} expects whole numbers from 0 to "
                f"{maximum}: use likelihood='normal'" + ("" if likelihood == "bernoulli" else " or a larger maximum")
            )
