"""Discrete rows: entropies from counts, by plugging frequencies in, and with the bias of that taken off."""

import numpy as np

from isthmus.information.estimate import Estimate, Measure

# A combination of joint entropies: (sign, the level numbers of the rows, [row]) for each.
Entropies = list[tuple[int, np.ndarray]]


def entropies(combination: Entropies, miller_madow: bool, measure: Measure | None = None) -> Estimate:
    """The sum of signed entropies of rows' levels, in nats, its standard error to second order in one over the rows.

    Miller 1955 adds (levels seen - 1) / (2 rows) to each entropy, the leading term of what plugging in loses.
    """
    rows = len(combination[0][1])
    counts = [np.bincount(codes) for _, codes in combination]
    signs = [sign for sign, _ in combination]
    terms = sum(s * np.log(rows / c[codes]) for s, c, (_, codes) in zip(signs, counts, combination, strict=True))
    excess = sum(s * (np.count_nonzero(c) - 1) for s, c in zip(signs, counts, strict=True))
    value = float(np.mean(terms)) + (excess / (2 * rows) if miller_madow else 0.0)
    # Where the truth is flat, as for independent or equally likely levels, what varies is of second order: a chi-square
    # over twice the rows, which makes the terms seem to vary by its degrees of freedom over the rows.
    of_first_order = max(np.var(terms) - abs(excess) / rows, 0.0)
    error = float(np.sqrt(of_first_order / rows + abs(excess) / (2 * rows**2)))
    return Estimate(value, "nats", "estimate", error, measure=measure)
