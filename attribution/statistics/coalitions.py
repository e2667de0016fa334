"""Coalitions: outcomes per set of channels that met in a journey."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from attribution.arrays import Float64, Int64, UInt16
from attribution.journeys import Journeys
from attribution.kernels import kernel
from attribution.statistics.interning import distinct
from attribution.statistics.mergeable import places, same_vocabulary, summed

BITS = 63  # channels a word: the sign stays out of it


@dataclass(frozen=True, eq=False)
class CoalitionOutcomes:
    """Outcomes of g coalitions; bit c % 63 of word c // 63 says that channel c is a member."""

    channels: tuple[str, ...]
    outcome_names: tuple[str, ...]
    members: Int64  # [g, w] bit sets, in lexical order
    outcomes: Float64  # [g, m]
    unattributed: Float64  # [m]

    def __add__(self, other: CoalitionOutcomes) -> CoalitionOutcomes:
        same_vocabulary(self, other)
        return gathered(
            self.channels,
            self.outcome_names,
            np.vstack([self.members, other.members]),
            np.vstack([self.outcomes, other.outcomes]),
            self.unattributed + other.unattributed,
        )

    def recode(self, channels: Sequence[str]) -> CoalitionOutcomes:
        """Return the same outcomes over another vocabulary that holds all channels."""
        members = np.zeros((len(self.members), words_of(len(channels))), np.int64)
        for old, new in enumerate(places(self.channels, channels)):
            bit = (self.members[:, old // BITS] >> (old % BITS)) & 1
            members[:, new // BITS] |= bit << (new % BITS)
        return gathered(tuple(channels), self.outcome_names, members, self.outcomes, self.unattributed)

    def shared(self, weights: Float64) -> Float64:
        """Return credit [k, m]: each coalition's outcomes shared in proportion to its members' weights.

        Members that all weigh 0 share equally.
        """
        return share(self.members, self.outcomes, np.ascontiguousarray(weights, dtype=np.float64))


@dataclass(frozen=True)
class Coalitions:
    """Observes outcomes by the set of distinct channels of the journey."""

    def observe(self, journeys: Journeys) -> CoalitionOutcomes:
        """Return the outcomes by coalition; only converting journeys are looked at."""
        converting = journeys.converting
        empty = converting.offsets[:-1] == converting.offsets[1:]
        met = converting.select(~empty)
        return gathered(
            journeys.channels,
            journeys.outcome_names,
            members_of(met.offsets, met.channel, words_of(len(journeys.channels))),
            met.outcomes,
            converting.outcomes[empty].sum(axis=0),
        )


def gathered(
    channels: tuple[str, ...],
    outcome_names: tuple[str, ...],
    members: Int64,
    outcomes: Float64,
    unattributed: Float64,
) -> CoalitionOutcomes:
    """Return the outcomes over distinct coalitions."""
    sets, place = distinct(members)
    return CoalitionOutcomes(channels, outcome_names, sets, summed(place, outcomes, len(sets)), unattributed)


def words_of(channels: int) -> int:
    """Return how many words hold a bit for each channel (at least one)."""
    return max(1, -(-channels // BITS))


@kernel
def members_of(offsets: Int64, channel: UInt16, words: int) -> Int64:
    """Return the set of channels of each journey as bits: [n, words]."""
    members = np.zeros((offsets.size - 1, words), np.int64)
    for j in range(offsets.size - 1):
        for t in range(offsets[j], offsets[j + 1]):
            code = np.int64(channel[t])
            members[j, code // 63] |= np.int64(1) << (code % 63)
    return members


@kernel
def share(members: Int64, outcomes: Float64, weights: Float64) -> Float64:
    """Return the outcomes of each coalition shared by its members' weights: [k, m]."""
    credit = np.zeros((weights.size, outcomes.shape[1]))
    for g in range(members.shape[0]):
        size, weight = 0, 0.0
        for c in range(weights.size):
            if (members[g, c // 63] >> (c % 63)) & 1:
                size += 1
                weight += weights[c]
        for c in range(weights.size):
            if (members[g, c // 63] >> (c % 63)) & 1:
                part = weights[c] / weight if weight > 0.0 else 1.0 / size
                for i in range(outcomes.shape[1]):
                    credit[c, i] += part * outcomes[g, i]
    return credit
