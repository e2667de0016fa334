"""Channel weights: each distinct channel has its figure; the rule in which learned models end."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from attribution.arrays import Float64, Int64, UInt16
from attribution.journeys import Journeys
from attribution.kernels import kernel
from attribution.models.model import TouchpointRule


@dataclass(frozen=True, eq=False)
class ChannelWeights(TouchpointRule):
    """A channel's weight is shared equally among its touchpoints in the journey.

    Formula: w_i = W_c / n_c for a touchpoint of channel c that the journey met n_c times; where all
    channels of a journey weigh 0, W_c = 1 for each.

    >>> from attribution.journeys import Journeys
    >>> path = Journeys(("ads", "mail"), ("leads",), [0, 3], [0, 1, 0], None, [1], [[1]])
    >>> ChannelWeights(np.array([1.0, 1.0])).weights(path).tolist()
    [0.25, 0.5, 0.25]
    """

    by_channel: Float64  # [k]
    name: str = field(default="channel_weights", kw_only=True, compare=False)

    def weigh(self, journeys: Journeys) -> Float64:
        """Return each channel's weight, shared over its touchpoints."""
        return weigh_distinct(journeys.offsets, journeys.channel, self.by_channel)


@kernel
def weigh_distinct(offsets: Int64, channel: UInt16, by_channel: Float64) -> Float64:
    """Return by_channel[c] / n_c at each touchpoint, or 1 / n_c where the journey's channels weigh 0."""
    raw = np.empty(channel.size)
    met = np.zeros(by_channel.size, np.int64)
    for j in range(offsets.size - 1):
        total = 0.0
        for t in range(offsets[j], offsets[j + 1]):
            met[channel[t]] += 1
            total += by_channel[channel[t]]
        for t in range(offsets[j], offsets[j + 1]):
            weight = by_channel[channel[t]] if total > 0.0 else 1.0
            raw[t] = weight / met[channel[t]]
        for t in range(offsets[j], offsets[j + 1]):
            met[channel[t]] = 0
    return raw
