"""Temperatures and step sizes, tuned on a pilot run and then frozen."""

from dataclasses import dataclass

import numpy as np

EVEN_SHARE = 0.1
"""Of the temperatures, spread evenly over beta, so that none lie far apart where the pilot saw little."""


@dataclass(frozen=True)
class Schedule:
    """betas: from 0 to 1, increasing, [temperatures + 1].  step_sizes: of the moves at each, in units of the start's
    scales, [temperatures + 1]; at both ends nothing moves."""

    betas: np.ndarray
    step_sizes: np.ndarray

    @property
    def temperatures(self) -> int:
        return len(self.betas) - 1

    @property
    def reversed(self) -> "Schedule":
        """From 1 to 0."""
        return Schedule(self.betas[::-1], self.step_sizes[::-1])

    def with_temperatures(self, temperatures: int) -> "Schedule":
        """The same schedule at another number of temperatures."""
        places = np.linspace(0, self.temperatures, temperatures + 1)
        own = np.arange(self.temperatures + 1)
        step_sizes = np.exp(np.interp(places, own, np.log(self.step_sizes)))
        return Schedule(np.interp(places, own, self.betas), step_sizes)

    def respaced(self, variances: np.ndarray) -> "Schedule":
        """The schedule whose intervals have equal thermodynamic length, given the variances of the contrast at each
        beta: the length of an interval is the integral of their square root (Gelman and Meng 1998; Crooks 2007)."""
        deviations = np.sqrt(variances)
        lengths = 0.5 * (deviations[1:] + deviations[:-1]) * np.diff(self.betas)
        total = lengths.sum()
        shares = lengths / total if total > 0 else np.diff(self.betas)
        shares = (1.0 - EVEN_SHARE) * shares + EVEN_SHARE * np.diff(self.betas)
        travelled = np.concatenate([[0.0], np.cumsum(shares)])
        betas = np.interp(np.linspace(0.0, travelled[-1], len(self.betas)), travelled, self.betas)
        return Schedule(betas, np.exp(np.interp(betas, self.betas, np.log(self.step_sizes))))


def initial_schedule(start: str, temperatures: int, size: int) -> Schedule:
    """Where the pilot begins: betas crowded near a prior, which the likelihood leaves at once; steps by dimension."""
    betas = np.linspace(0.0, 1.0, temperatures + 1) ** (1.0 if start == "posterior" else 4.0)
    # An acceptance that does not vanish with the dimension (Beskos et al. 2013).
    return Schedule(betas, np.full(temperatures + 1, 0.7 * size**-0.25))
