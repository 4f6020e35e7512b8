"""What can be proved about log p(x), and the ledger that accounts for it.

In come a three-method model and rows; out go `Estimate`s with a direction and errors, and the `Ledger`.

    bounds         log p(x) from below: the ELBO and the importance-weighted bound
    independent    log p(x) when the columns are modelled independently: the baseline every model must beat
    collapse       latent dimensions that say nothing, and why
    ledger         all of it for one model and one set of rows
    dependence     what holds the columns of a table together, before any model
"""

from isthmus.evidence.bounds import elbo, importance_weighted_bound
from isthmus.evidence.collapse import COLLAPSED_RATE, diagnose_collapse
from isthmus.evidence.dependence import Dependence, PairInformation, measure_dependence
from isthmus.evidence.independent import IndependentColumns, empty_independent_columns, independent_columns
from isthmus.evidence.ledger import LEDGER_KEYS, Ledger, make_ledger

__all__ = [
    "COLLAPSED_RATE",
    "LEDGER_KEYS",
    "Dependence",
    "IndependentColumns",
    "Ledger",
    "PairInformation",
    "diagnose_collapse",
    "elbo",
    "empty_independent_columns",
    "importance_weighted_bound",
    "independent_columns",
    "make_ledger",
    "measure_dependence",
]
