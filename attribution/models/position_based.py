"""Position based: fixed shares for the first and the last touchpoint, the rest for the middle."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from attribution.arrays import Float64, Int64
from attribution.errors import ParameterError
from attribution.journeys import Journeys
from attribution.kernels import kernel
from attribution.models.model import TouchpointRule
from attribution.parameters import param


@dataclass(frozen=True)
class PositionBased(TouchpointRule):
    """The opener and the closer of a journey get fixed shares, the touchpoints between share the rest.

    Formula: w_1 = first, w_n = last, w_i = (1 - first - last) / (n - 2) between; two touchpoints
    share as first : last, one takes all. 0 < first + last <= 1.

    Example: on ``ads > mail > mail > ads`` with the defaults: 0.4, 0.1, 0.1, 0.4.

    >>> from attribution.journeys import Journeys
    >>> path = Journeys(("ads", "mail"), ("leads",), [0, 4], [0, 1, 1, 0], None, [1], [[1]])
    >>> PositionBased().weights(path).round(12).tolist()
    [0.4, 0.1, 0.1, 0.4]

    Source: Google Analytics, "Position based" attribution model (40 / 20 / 40).
    """

    first: float = param(0.4, "share of the first touchpoint", low=0, high=1)
    last: float = param(0.4, "share of the last touchpoint", low=0, high=1)
    name: str = field(default="position_based", kw_only=True, compare=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.first + self.last <= 1 + 1e-12:
            total = f"{self.first} + {self.last} = {self.first + self.last:g}"
            raise ParameterError.out_of_range("first + last", total, "a sum > 0 and <= 1")

    def weigh(self, journeys: Journeys) -> Float64:
        """Return the shares by position."""
        middle = max(0.0, 1.0 - self.first - self.last)
        return weigh_positions(
            journeys.offsets, journeys.touchpoints, float(self.first), float(self.last), middle
        )


@kernel
def weigh_positions(offsets: Int64, touchpoints: int, first: float, last: float, middle: float) -> Float64:
    """Return first, middle / (n - 2) and last by position; 1 for a journey of one touchpoint."""
    raw = np.zeros(touchpoints)
    for j in range(offsets.size - 1):
        start, stop = offsets[j], offsets[j + 1]
        for t in range(start + 1, stop - 1):
            raw[t] = middle / (stop - start - 2)
        if stop - start >= 2:
            raw[start], raw[stop - 1] = first, last
        elif stop - start == 1:
            raw[start] = 1.0
    return raw
