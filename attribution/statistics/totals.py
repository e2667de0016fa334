"""Totals: credit per channel and outcome under a touchpoint rule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from attribution.arrays import Float64, Int64, UInt16
from attribution.journeys import Journeys
from attribution.kernels import kernel
from attribution.statistics.mergeable import places, same_vocabulary
from attribution.statistics.stacked import Stacked, full


class Rule(Protocol):
    """Anything that shares each journey among its touchpoints."""

    def weights(self, journeys: Journeys) -> Float64:
        """Return the weight of every touchpoint [t]; they sum to 1 in each journey that has any."""


@dataclass(frozen=True, eq=False)
class CreditTotals:
    """Credit of k channels for m outcomes, and the outcomes of journeys without touchpoints."""

    channels: tuple[str, ...]
    outcome_names: tuple[str, ...]
    credit: Float64  # [k, m]
    unattributed: Float64  # [m]

    def __add__(self, other: CreditTotals) -> CreditTotals:
        same_vocabulary(self, other)
        return CreditTotals(
            self.channels,
            self.outcome_names,
            self.credit + other.credit,
            self.unattributed + other.unattributed,
        )

    def recode(self, channels: Sequence[str]) -> CreditTotals:
        """Return the same totals over another vocabulary that holds all channels."""
        credit = np.zeros((len(channels), len(self.outcome_names)))
        credit[places(self.channels, channels)] = self.credit
        return CreditTotals(tuple(channels), self.outcome_names, credit, self.unattributed)

    @staticmethod
    def stacked(parts: Sequence[CreditTotals]) -> Stacked:
        """Return the vectors [credit, unattributed]."""
        one = parts[0]
        shape = one.credit.shape

        def restored(vector: Float64) -> CreditTotals:
            credit = vector[: one.credit.size].reshape(shape)
            return CreditTotals(one.channels, one.outcome_names, credit, vector[one.credit.size :])

        return full(np.stack([np.append(part.credit, part.unattributed) for part in parts]), restored)


@dataclass(frozen=True)
class Totals:
    """Observes credit per channel: sum over touchpoints of weight x outcome."""

    rule: Rule

    def observe(self, journeys: Journeys) -> CreditTotals:
        """Return the totals of the journeys; only converting ones are looked at."""
        converting = journeys.converting
        credit, unattributed = tally(
            converting.offsets,
            converting.channel,
            self.rule.weights(converting),
            converting.outcomes,
            len(journeys.channels),
        )
        return CreditTotals(journeys.channels, journeys.outcome_names, credit, unattributed)


@kernel
def tally(
    offsets: Int64, channel: UInt16, weight: Float64, outcomes: Float64, channels: int
) -> tuple[Float64, Float64]:
    """Return sum of weight x outcome per channel [k, m], and outcomes without touchpoints [m]."""
    n, m = outcomes.shape
    credit = np.zeros((channels, m))
    unattributed = np.zeros(m)
    for j in range(n):
        if offsets[j] == offsets[j + 1]:
            for i in range(m):
                unattributed[i] += outcomes[j, i]
        for t in range(offsets[j], offsets[j + 1]):
            for i in range(m):
                credit[channel[t], i] += weight[t] * outcomes[j, i]
    return credit, unattributed
