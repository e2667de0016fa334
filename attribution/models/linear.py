"""Linear: every touchpoint of a journey has the same share."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from attribution.arrays import Float64
from attribution.journeys import Journeys
from attribution.models.model import TouchpointRule


@dataclass(frozen=True)
class Linear(TouchpointRule):
    """Credit is shared equally among the touchpoints.

    Formula: w_i = 1, so that s_i = 1 / n.

    Example: on ``ads > mail`` each takes a half.

    >>> from attribution.journeys import Journeys
    >>> path = Journeys(("ads", "mail"), ("leads",), [0, 2], [0, 1], None, [1], [[1]])
    >>> Linear().weights(path).tolist()
    [0.5, 0.5]

    Source: Google Analytics, "Linear" attribution model; the textbook case.
    """

    name: str = field(default="linear", kw_only=True, compare=False)

    def weigh(self, journeys: Journeys) -> Float64:
        """Return 1 everywhere."""
        return np.ones(journeys.touchpoints)
