"""Last non-direct: the last touchpoint that was not a direct visit takes the whole journey."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from attribution.arrays import Bool, Float64, Int64, UInt16
from attribution.journeys import Journeys
from attribution.kernels import kernel
from attribution.models.model import TouchpointRule
from attribution.parameters import param


@dataclass(frozen=True)
class LastNonDirect(TouchpointRule):
    """All credit goes to the last touchpoint whose channel is not direct; if all are, to the last.

    Formula: w_l = 1 at l = max{i : channel_i not in direct}, or l = n where there is none.
    Names are compared whatever their case.

    Example: on ``ads > Direct`` ads takes all.

    >>> from attribution.journeys import Journeys
    >>> path = Journeys(("Direct", "ads"), ("leads",), [0, 2], [1, 0], None, [1], [[1]])
    >>> LastNonDirect().weights(path).tolist()
    [1.0, 0.0]

    Source: Google Analytics, "Last non-direct click" attribution model.
    """

    direct: tuple[str, ...] = param(
        ("direct", "(direct)", "(direct) / (none)"), "channels that are passed over"
    )
    name: str = field(default="last_non_direct", kw_only=True, compare=False)

    def weigh(self, journeys: Journeys) -> Float64:
        """Return 1 at the last touchpoint that is not direct."""
        direct = {name.casefold() for name in self.direct}
        passed = np.array([name.casefold() in direct for name in journeys.channels], dtype=np.bool_)
        return weigh_last_other(journeys.offsets, journeys.channel, passed)


@kernel
def weigh_last_other(offsets: Int64, channel: UInt16, passed: Bool) -> Float64:
    """Return 1 at the last touchpoint whose channel is not passed over, else at the last."""
    raw = np.zeros(channel.size)
    for j in range(offsets.size - 1):
        chosen = offsets[j + 1] - 1
        while chosen > offsets[j] and passed[channel[chosen]]:
            chosen -= 1
        if chosen >= offsets[j]:
            raw[offsets[j + 1] - 1 if passed[channel[chosen]] else chosen] = 1.0
    return raw
