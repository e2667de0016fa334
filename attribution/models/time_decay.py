"""Time decay: a touchpoint weighs the less, the older it is at the end of its journey."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from attribution.arrays import Float64, Int64
from attribution.journeys import Journeys
from attribution.kernels import kernel
from attribution.models.half_life import HalfLife, fit_half_life
from attribution.models.model import TouchpointRule
from attribution.parameters import param
from attribution.statistics import Resampling
from attribution.stitched import Stitched


@dataclass(frozen=True)
class TimeDecay(TouchpointRule):
    """Raw weights halve with every half-life of age.

    Formula: w_i = 2^(-age_i / half_life), taken relative to the last touchpoint, so that nothing
    underflows. half_life -> infinity is linear, -> 0 is last touch.

    Example: half-life 1 day, ages 2, 1 and 0 days: 1/7, 2/7, 4/7.

    >>> from attribution.journeys import Journeys
    >>> path = Journeys(("ads",), ("leads",), [0, 3], [0, 0, 0], [2.0, 1.0, 0.0], [1], [[7]])
    >>> (7 * TimeDecay(half_life=1).weights(path)).round(12).tolist()
    [1.0, 2.0, 4.0]

    Source: Adobe Analytics, "Time decay" attribution model (half-life of 7 days).
    """

    half_life: float = param(7.0, "age in days at which the raw weight halves", above=0)
    name: str = field(default="time_decay", kw_only=True, compare=False)
    needs_ages: ClassVar[bool] = True

    @classmethod
    def fit(
        cls,
        journeys: Stitched,
        *,
        intervals: float = Resampling.intervals,
        replicates: int = Resampling.replicates,
        seed: int = Resampling.seed,
        threads: int | None = None,
    ) -> HalfLife:
        """Return the half-life that makes the conversions most likely, with its interval.

        Raises:
            ParameterError: the journeys do not tell how long every touchpoint was watched.
            TableError: no journey with touchpoints converts.
        """
        return fit_half_life(journeys, Resampling(intervals, replicates, seed), threads)

    def weigh(self, journeys: Journeys) -> Float64:
        """Return the decayed weights."""
        return weigh_decay(journeys.offsets, journeys.age, float(self.half_life))


@kernel
def weigh_decay(offsets: Int64, age: Float64, half_life: float) -> Float64:
    """Return 2^(-(age - age of the last touchpoint) / half_life)."""
    raw = np.empty(age.size)
    for j in range(offsets.size - 1):
        for t in range(offsets[j], offsets[j + 1]):
            raw[t] = 2.0 ** (-(age[t] - age[offsets[j + 1] - 1]) / half_life)
    return raw
