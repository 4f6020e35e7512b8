"""What a fit of a conjugate model hands back."""

import warnings
from typing import Any, NamedTuple

import numpy as np


class ConjugateFit(NamedTuple):
    """q over the globals, and how it was found.

    parameters: its natural coordinates, as the model lays them out. local: the local variables' state, None where only
    batches were seen. bounds: the ELBO in nats, of each iteration or, estimated from its batches, of each epoch.
    converged: whether the ELBO rose by less than the tolerance at the end.
    """

    parameters: Any
    local: Any
    bounds: Any
    converged: bool

    @property
    def bound(self) -> float:
        """The last ELBO, in nats."""
        return float(self.bounds[-1])


def warn_unless_converged(fit: ConjugateFit, limit: str, tolerance: float) -> ConjugateFit:
    """The fit itself; a UserWarning where it stopped at its limit."""
    if not fit.converged:
        rise = np.diff(fit.bounds[-2:])
        told = f"; the ELBO last rose by {rise[0]:.2g} nats" if len(rise) else ""
        warnings.warn(
            f"{limit} ended before the ELBO rose by less than {tolerance:g} nats a row{told}: raise the limit or the "
            "tolerance",
            UserWarning,
            stacklevel=3,
        )
    return fit
