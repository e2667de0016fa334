"""Ages: how long after touchpoints conversions come, and how long touchpoints were watched without one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from attribution.arrays import Float64, Int64
from attribution.journeys import DAY, Journeys
from attribution.kernels import kernel
from attribution.statistics.mergeable import same_vocabulary
from attribution.statistics.stacked import Stacked, full

HALF_LIVES = np.geomspace(1 / 24, 3650, 129)  # days: an hour to ten years, in steps of 9 %
BINS = 1024  # of the time watched: each 2 % longer than the one before
SHORTEST = 1e-5  # days


@dataclass(frozen=True, eq=False)
class AgeCounts:
    """Evidence on the half-life h of a conversion rate that is a sum over touchpoints of 2^(-age / h).

    ``logs[g]`` is the sum over conversions of log(sum over touchpoints of 2^(-age / h_g)); time watched
    is kept in bins: touchpoints and days of each.
    """

    channels: tuple[str, ...]
    outcome_names: tuple[str, ...]
    conversions: float
    logs: Float64  # [G]
    watched: Float64  # [BINS] touchpoints
    days: Float64  # [BINS] days that they were watched, in sum

    def __add__(self, other: AgeCounts) -> AgeCounts:
        same_vocabulary(self, other)
        return AgeCounts(
            self.channels,
            self.outcome_names,
            self.conversions + other.conversions,
            self.logs + other.logs,
            self.watched + other.watched,
            self.days + other.days,
        )

    def recode(self, channels: Sequence[str]) -> AgeCounts:
        """Return the same evidence over another vocabulary."""
        return replace(self, channels=tuple(channels))

    @staticmethod
    def stacked(parts: Sequence[AgeCounts]) -> Stacked:
        """Return the vectors [conversions, logs, watched, days]."""
        one, size = parts[0], len(HALF_LIVES)

        def restored(vector: Float64) -> AgeCounts:
            logs, watched, days = np.split(vector[1:], [size, size + BINS])
            return AgeCounts(one.channels, one.outcome_names, float(vector[0]), logs, watched, days)

        rows = [np.concatenate([[p.conversions], p.logs, p.watched, p.days]) for p in parts]
        return full(np.stack(rows), restored)


@dataclass(frozen=True)
class Ages:
    """Observes conversions against the ages of touchpoints.

    A touchpoint of a converting journey is watched until the conversion, one of a null journey until
    the lookback window or the data end.
    """

    lookback_days: float
    until: int  # end of the data, microseconds UTC

    def observe(self, journeys: Journeys) -> AgeCounts:
        """Return the evidence; journeys have to have ages and ends."""
        assert journeys.ends_at is not None
        logs, watched, days = weigh_ages(
            journeys.offsets,
            journeys.age,
            journeys.count,
            np.ascontiguousarray(journeys.outcomes[:, 0]),
            (self.until - journeys.ends_at) / DAY,
            float(self.lookback_days),
            HALF_LIVES,
            BINS,
            SHORTEST,
        )
        touched = np.diff(journeys.offsets) > 0
        conversions = float(journeys.outcomes[touched, 0].sum())
        return AgeCounts(journeys.channels, journeys.outcome_names, conversions, logs, watched, days)


@kernel
def weigh_ages(
    offsets: Int64,
    age: Float64,
    count: Float64,
    conversions: Float64,
    later: Float64,
    lookback: float,
    half_lives: Float64,
    bins: int,
    shortest: float,
) -> tuple[Float64, Float64, Float64]:
    """Return the log rates of the conversions by half-life, and touchpoints and days watched by bin.

    ``later`` are the days from the end of each journey to the end of the data.
    """
    logs = np.zeros(half_lives.size)
    watched, days = np.zeros(bins), np.zeros(bins)
    for j in range(offsets.size - 1):
        start, stop = offsets[j], offsets[j + 1]
        if start == stop:
            continue
        if conversions[j] != 0.0:
            for g in range(half_lives.size):
                newest, rate = age[stop - 1], 0.0
                for t in range(start, stop):
                    rate += 2.0 ** (-(age[t] - newest) / half_lives[g])
                logs[g] += conversions[j] * (np.log(rate) - newest / half_lives[g] * np.log(2.0))
        lost = count[j] - conversions[j]
        for t in range(start, stop):
            if conversions[j] != 0.0:
                b = bin_of(age[t], bins, shortest)
                watched[b] += conversions[j]
                days[b] += conversions[j] * age[t]
            if lost > 0.0:
                seen = min(lookback, age[t] + later[j])
                b = bin_of(seen, bins, shortest)
                watched[b] += lost
                days[b] += lost * seen
    return logs, watched, days


@kernel
def bin_of(days: float, bins: int, shortest: float) -> int:
    """Return the bin of a time, on a logarithmic scale."""
    if days <= shortest:
        return 0
    return min(bins - 1, 1 + int(np.log(days / shortest) * 50.0))
