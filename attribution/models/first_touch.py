"""First touch: the first touchpoint takes the whole journey."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from attribution.arrays import Float64
from attribution.journeys import Journeys
from attribution.models.model import TouchpointRule


@dataclass(frozen=True)
class FirstTouch(TouchpointRule):
    """All credit goes to the touchpoint that opened the journey.

    Formula: w_1 = 1, w_i = 0 for i > 1.

    Example: on ``ads > mail`` ads takes all.

    >>> from attribution.journeys import Journeys
    >>> path = Journeys(("ads", "mail"), ("leads",), [0, 2], [0, 1], None, [1], [[1]])
    >>> FirstTouch().weights(path).tolist()
    [1.0, 0.0]

    Source: Google Analytics, "First click" attribution model; the textbook case.
    """

    name: str = field(default="first_touch", kw_only=True, compare=False)

    def weigh(self, journeys: Journeys) -> Float64:
        """Return 1 at the first touchpoint of each journey."""
        raw = np.zeros(journeys.touchpoints)
        first = journeys.offsets[:-1]
        raw[first[first < journeys.offsets[1:]]] = 1.0
        return raw
