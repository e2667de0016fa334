"""Sums: every outcome and its size, credited or not, which credits have to add up to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from attribution.arrays import Float64
from attribution.journeys import Journeys
from attribution.kernels import kernel
from attribution.statistics.mergeable import places, same_vocabulary
from attribution.statistics.stacked import Stacked, full


@dataclass(frozen=True, eq=False)
class OutcomeSums:
    """The sum of m outcomes over journeys, and of their absolute values."""

    channels: tuple[str, ...]
    outcome_names: tuple[str, ...]
    outcomes: Float64  # [m]
    sizes: Float64  # [m]

    def __add__(self, other: OutcomeSums) -> OutcomeSums:
        same_vocabulary(self, other)
        outcomes, sizes = self.outcomes + other.outcomes, self.sizes + other.sizes
        return OutcomeSums(self.channels, self.outcome_names, outcomes, sizes)

    def recode(self, channels: Sequence[str]) -> OutcomeSums:
        """Return the same sums over another vocabulary that holds all channels."""
        places(self.channels, channels)
        return OutcomeSums(tuple(channels), self.outcome_names, self.outcomes, self.sizes)

    @staticmethod
    def stacked(parts: Sequence[OutcomeSums]) -> Stacked:
        """Return the vectors [outcomes, sizes]."""
        one, m = parts[0], len(parts[0].outcome_names)

        def restored(vector: Float64) -> OutcomeSums:
            return OutcomeSums(one.channels, one.outcome_names, vector[:m], vector[m:])

        return full(np.stack([np.append(part.outcomes, part.sizes) for part in parts]), restored)


@dataclass(frozen=True)
class Sums:
    """Observes every outcome and its size.

    >>> two = Journeys(("ads",), ("revenue",), [0, 1, 2], [0, 0], None, [1, 1], [[5.0], [-2.0]])
    >>> Sums().observe(two).outcomes.tolist(), Sums().observe(two).sizes.tolist()
    ([3.0], [7.0])
    """

    def observe(self, journeys: Journeys) -> OutcomeSums:
        """Return the sums over all journeys, those without touchpoints included."""
        outcomes, sizes = sums_of(journeys.outcomes)
        return OutcomeSums(journeys.channels, journeys.outcome_names, outcomes, sizes)


@kernel
def sums_of(outcomes: Float64) -> Float64:
    """Return the sum of each column, and of its absolute values: [2, m]."""
    sums = np.zeros((2, outcomes.shape[1]))
    for j in range(outcomes.shape[0]):
        for i in range(outcomes.shape[1]):
            sums[0, i] += outcomes[j, i]
            sums[1, i] += abs(outcomes[j, i])
    return sums
