"""Coalitions: outcomes per set of channels that met in a journey."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from attribution.arrays import Float64, Int64, UInt16
from attribution.journeys import Journeys
from attribution.kernels import kernel
from attribution.statistics.interning import distinct
from attribution.statistics.mergeable import places, same_vocabulary, summed
from attribution.statistics.stacked import Stacked, cells

BITS = 63  # channels a word: the sign stays out of it


@dataclass(frozen=True, eq=False)
class Sets:
    """g sets of channels; bit c % 63 of word c // 63 says that channel c is a member."""

    members: Int64  # [g, w] in lexical order
    channels: int

    def __len__(self) -> int:
        return len(self.members)

    @cached_property
    def lists(self) -> tuple[Int64, Int64]:
        """The sets as lists: where each begins [g + 1], and the channels in them."""
        return list_members(self.members, self.channels)


@dataclass(frozen=True, eq=False)
class CoalitionOutcomes:
    """Outcomes of g coalitions."""

    channels: tuple[str, ...]
    outcome_names: tuple[str, ...]
    sets: Sets
    outcomes: Float64  # [g, m]
    unattributed: Float64  # [m]

    def __add__(self, other: CoalitionOutcomes) -> CoalitionOutcomes:
        same_vocabulary(self, other)
        return gathered(
            self.channels,
            self.outcome_names,
            np.vstack([self.sets.members, other.sets.members]),
            np.vstack([self.outcomes, other.outcomes]),
            self.unattributed + other.unattributed,
        )

    def recode(self, channels: Sequence[str]) -> CoalitionOutcomes:
        """Return the same outcomes over another vocabulary that holds all channels."""
        old_members = self.sets.members
        members = np.zeros((len(old_members), words_of(len(channels))), np.int64)
        for old, new in enumerate(places(self.channels, channels)):
            bit = (old_members[:, old // BITS] >> (old % BITS)) & 1
            members[:, new // BITS] |= bit << (new % BITS)
        return gathered(tuple(channels), self.outcome_names, members, self.outcomes, self.unattributed)

    @staticmethod
    def stacked(parts: Sequence[CoalitionOutcomes]) -> Stacked:
        """Return the vectors [outcomes of every coalition that any fold met, unattributed]."""
        one, m = parts[0], len(parts[0].outcome_names)
        members, place = distinct(np.vstack([part.sets.members for part in parts]))
        sets = Sets(members, len(one.channels))
        edges = np.cumsum([0, *(len(part.sets) for part in parts)])
        size = len(sets) * m
        rest = size + np.arange(m)

        def restored(vector: Float64) -> CoalitionOutcomes:
            outcomes = vector[..., :size].reshape(*vector.shape[:-1], len(sets), m)
            return CoalitionOutcomes(one.channels, one.outcome_names, sets, outcomes, vector[..., size:])

        return Stacked(
            size + m,
            [np.append(cells(place[a:b], m), rest) for a, b in pairwise(edges)],
            [np.append(part.outcomes, part.unattributed) for part in parts],
            restored,
        )

    def shared(self, weights: Float64) -> Float64:
        """Return credit [k, m]: each coalition's outcomes shared in proportion to its members' weights.

        Members that all weigh 0 share equally. R such outcomes are shared by weights [R, k] each.
        """
        by_channel = np.ascontiguousarray(np.atleast_2d(weights), dtype=np.float64)
        outcomes = self.outcomes.reshape(len(by_channel), len(self.sets), len(self.outcome_names))
        credit = share(*self.sets.lists, np.ascontiguousarray(outcomes), by_channel)
        return credit.reshape(*weights.shape, len(self.outcome_names))


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
    found, place = distinct(members)
    sums = summed(place, outcomes, len(found))
    return CoalitionOutcomes(channels, outcome_names, Sets(found, len(channels)), sums, unattributed)


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
def list_members(members: Int64, channels: int) -> tuple[Int64, Int64]:
    """Return the sets as lists: where each begins [g + 1], and the channels in them."""
    offsets = np.zeros(members.shape[0] + 1, np.int64)
    for g in range(members.shape[0]):
        size = 0
        for c in range(channels):
            size += (members[g, c // 63] >> (c % 63)) & 1
        offsets[g + 1] = offsets[g] + size
    channel = np.empty(offsets[-1], np.int64)
    for g in range(members.shape[0]):
        at = offsets[g]
        for c in range(channels):
            if (members[g, c // 63] >> (c % 63)) & 1:
                channel[at] = c
                at += 1
    return offsets, channel


@kernel
def share(offsets: Int64, channel: Int64, outcomes: Float64, weights: Float64) -> Float64:
    """Return R times the outcomes of each coalition shared by its members' weights: [R, k, m]."""
    replicates, channels = weights.shape
    credit = np.zeros((replicates, channels, outcomes.shape[2]))
    for r in range(replicates):
        for g in range(offsets.size - 1):
            weight = 0.0
            for e in range(offsets[g], offsets[g + 1]):
                weight += weights[r, channel[e]]
            for e in range(offsets[g], offsets[g + 1]):
                c = channel[e]
                part = weights[r, c] / weight if weight > 0.0 else 1.0 / (offsets[g + 1] - offsets[g])
                for i in range(outcomes.shape[2]):
                    credit[r, c, i] += part * outcomes[r, g, i]
    return credit
