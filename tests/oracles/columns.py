"""What is known of a column of numbers, by exact arithmetic and by comparing every pair of neighbours."""

import statistics
from itertools import pairwise


def moments(column):
    """(mean, standard deviation) in exact rational arithmetic, rounded once."""
    values = [float(value) for value in column]
    return statistics.mean(values), statistics.pstdev(values)


def smallest_gap(column):
    distinct = sorted({float(value) for value in column})
    return min((upper - lower for lower, upper in pairwise(distinct)), default=0.0)
