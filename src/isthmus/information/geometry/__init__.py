"""Distances between distributions along their family, and the space of z as a decoder's distributions measure it.

In come numpyro distributions, or any callable z -> p(. | z); out come Fisher-Rao distances, lengths, geodesics, the
pull-back metric and its volume. The unit of length is the standard deviation: a normal moved by L of its own has moved
by about L, and neighbours at L are L^2 / 2 nats of KL apart, to second order.
"""

from isthmus.information.geometry.curves import Geodesic
from isthmus.information.geometry.fisher_rao import fisher_rao_distance
from isthmus.information.geometry.pull_back import (
    curve_length,
    fisher_rao_length,
    geodesic,
    pull_back_metric,
    volume_density,
)

__all__ = [
    "Geodesic",
    "curve_length",
    "fisher_rao_distance",
    "fisher_rao_length",
    "geodesic",
    "pull_back_metric",
    "volume_density",
]
