"""The likelihoods that a column can have, by name, and the kind of quantity that each is for."""

from typing import Literal

from isthmus.data.kinds import Kind

ColumnLikelihood = Literal[
    "normal",
    "student_t",
    "log_normal",
    "poisson",
    "negative_binomial",
    "bernoulli",
    "categorical",
    "cumulative_logit",
]
LIKELIHOODS: dict[ColumnLikelihood, Kind] = {
    "normal": "real",
    "student_t": "real",
    "log_normal": "positive",
    "poisson": "count",
    "negative_binomial": "count",
    "bernoulli": "binary",
    "categorical": "categorical",
    "cumulative_logit": "ordinal",
}
"""Each likelihood and the kind it is for; a moment in time takes those of a real number."""


def kind_of_likelihood(name: str, found: Kind) -> Kind:
    """The kind that a request for a kind or a likelihood means, for a column that was found to be of some kind."""
    if name not in LIKELIHOODS:
        return name  # type: ignore[return-value]
    kind = LIKELIHOODS[name]  # type: ignore[index]
    return "datetime" if kind == "real" and found == "datetime" else kind
