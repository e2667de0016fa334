"""Last touch: the last touchpoint takes the whole journey."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from attribution.arrays import Float64
from attribution.journeys import Journeys
from attribution.models.model import TouchpointRule


@dataclass(frozen=True)
class LastTouch(TouchpointRule):
    """All credit goes to the touchpoint that closed the journey.

    Formula: w_n = 1, w_i = 0 for i < n.

    Example: on ``ads > mail`` mail takes all.

    >>> from attribution.journeys import Journeys
    >>> path = Journeys(("ads", "mail"), ("leads",), [0, 2], [0, 1], None, [1], [[1]])
    >>> LastTouch().weights(path).tolist()
    [0.0, 1.0]

    Source: Google Analytics, "Last click" attribution model; the textbook case.
    """

    name: str = field(default="last_touch", kw_only=True, compare=False)

    def weigh(self, journeys: Journeys) -> Float64:
        """Return 1 at the last touchpoint of each journey."""
        raw = np.zeros(journeys.touchpoints)
        end = journeys.offsets[1:]
        raw[end[end > journeys.offsets[:-1]] - 1] = 1.0
        return raw
