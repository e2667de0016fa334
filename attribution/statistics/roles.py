"""Roles: which channels open, assist and close journeys, and how many of their journeys convert."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from attribution.arrays import Float64, Int64, UInt16
from attribution.journeys import Journeys
from attribution.kernels import kernel
from attribution.statistics.mergeable import places, same_vocabulary
from attribution.statistics.stacked import Stacked, full

PLAYED = 8  # columns of the counts


@dataclass(frozen=True, eq=False)
class RoleCounts:
    """What each channel does in journeys; conversions are outcome 0, a journey counts once a channel.

    Columns of ``counts``: journeys that met the channel; conversions of these; of these conversions
    those that it opened (first touchpoint), closed (last touchpoint), and assisted (neither); and its
    credit under equal weights in the first quarter, the middle half and the last quarter of the
    journey, where touchpoint i of n lies from (i - 1) / n to i / n.
    """

    channels: tuple[str, ...]
    outcome_names: tuple[str, ...]
    counts: Float64  # [k, 8]

    def __add__(self, other: RoleCounts) -> RoleCounts:
        same_vocabulary(self, other)
        return RoleCounts(self.channels, self.outcome_names, self.counts + other.counts)

    def recode(self, channels: Sequence[str]) -> RoleCounts:
        """Return the same counts over another vocabulary that holds all channels."""
        counts = np.zeros((len(channels), PLAYED))
        counts[places(self.channels, channels)] = self.counts
        return RoleCounts(tuple(channels), self.outcome_names, counts)

    @staticmethod
    def stacked(parts: Sequence[RoleCounts]) -> Stacked:
        """Return the counts as vectors."""
        one = parts[0]

        def restored(vector: Float64) -> RoleCounts:
            return RoleCounts(one.channels, one.outcome_names, vector.reshape(-1, PLAYED))

        return full(np.stack([part.counts.ravel() for part in parts]), restored)


@dataclass(frozen=True)
class Roles:
    """Observes what each channel does in its journeys.

    >>> path = Journeys(("ads", "mail"), ("leads",), [0, 2], [0, 1], None, [1], [[1]])
    >>> Roles().observe(path).counts.tolist()[0]
    [1.0, 1.0, 1.0, 0.0, 0.0, 0.25, 0.25, 0.0]
    """

    def observe(self, journeys: Journeys) -> RoleCounts:
        """Return the counts, null journeys included."""
        counts = play(
            journeys.offsets,
            journeys.channel,
            journeys.count,
            np.ascontiguousarray(journeys.outcomes[:, 0]),
            len(journeys.channels),
        )
        return RoleCounts(journeys.channels, journeys.outcome_names, counts)


@kernel
def play(offsets: Int64, channel: UInt16, count: Float64, conversions: Float64, channels: int) -> Float64:
    """Return the counts of roles by channel [k, 8]."""
    counts = np.zeros((channels, 8))
    seen = np.full(channels, -1, np.int64)
    for j in range(offsets.size - 1):
        start, stop, won = offsets[j], offsets[j + 1], conversions[j]
        for t in range(start, stop):
            c = channel[t]
            if seen[c] != j:
                seen[c] = j
                counts[c, 0] += count[j]
        if won == 0.0:
            continue
        n = float(stop - start)
        for t in range(start, stop):
            c = channel[t]
            if seen[c] == j:
                seen[c] = -1
                counts[c, 1] += won
                if channel[start] != c and channel[stop - 1] != c:
                    counts[c, 4] += won
            since, until = (t - start) / n, (t - start + 1) / n
            early = max(0.0, min(until, 0.25) - since)
            late = max(0.0, until - max(since, 0.75))
            counts[c, 5] += won * early
            counts[c, 6] += won * (1.0 / n - early - late)
            counts[c, 7] += won * late
        if stop > start:
            counts[channel[start], 2] += won
            counts[channel[stop - 1], 3] += won
    return counts
