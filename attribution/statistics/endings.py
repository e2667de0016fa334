"""Endings: where journeys ended, by group of customers, and the chance of a conversion that this teaches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from attribution.arrays import Bool, Float64, Int64
from attribution.statistics.interning import distinct
from attribution.statistics.mergeable import summed, total
from attribution.statistics.transitions import TransitionCounts

PRIOR_JOURNEYS = 1.0  # the weight of one journey is enough to keep every chance off 0 and 1


@dataclass(frozen=True, eq=False)
class Endings:
    """Conversions and null journeys of g groups, by the window of the last channels in which they ended."""

    windows: Int64  # [s, depth] channel code + 1, newest first, 0 where there is none
    conversions: Float64  # [g, s]
    nulls: Float64  # [g, s]

    @classmethod
    def of(cls, parts: Sequence[TransitionCounts]) -> Endings:
        """Return the endings of each part as a group, over the windows of all parts."""
        whole = total(parts)
        nothing = replace(whole, count=0 * whole.count, ends=0 * whole.ends, nulls=0 * whole.nulls)
        spread = [nothing + part for part in parts]
        return cls(
            whole.windows,
            np.stack([part.ends[:, 0] for part in spread]),
            np.stack([part.nulls for part in spread]),
        )

    def select(self, groups: Bool) -> Endings:
        """Return the endings of some of the groups."""
        return replace(self, conversions=self.conversions[groups], nulls=self.nulls[groups])

    def chances(self, order: int) -> list[Float64]:
        """Return the chance that a journey which ends in a window converts, for each order from 0: [s].

        p_k(w) = (conversions_w + p_{k-1}(w')) / (journeys_w + 1), where w is cut to its newest k channels
        and w' to k - 1, and p_0 = conversions / journeys. A window of fewer than k - 1 channels is a whole
        journey and was told from longer ones one order below: it keeps its chance.
        """
        conversions, nulls = self.conversions.sum(axis=0), self.nulls.sum(axis=0)
        journeys = conversions + nulls
        chance = np.full(len(journeys), conversions.sum() / journeys.sum())
        longer = np.ones(len(journeys), dtype=bool)
        found = [chance]
        for k in range(1, order + 1):
            if not longer.any():
                found += [chance] * (order + 1 - k)
                break
            windows, place = distinct(self.windows[:, :k])
            converting, ended = (summed(place, each, len(windows))[place] for each in (conversions, journeys))
            finer = (converting + PRIOR_JOURNEYS * chance) / (ended + PRIOR_JOURNEYS)
            chance = np.where(longer, finer, chance)
            found.append(chance)
            longer = self.windows[:, k - 1] > 0 if k <= self.windows.shape[1] else np.zeros_like(longer)
        return found
