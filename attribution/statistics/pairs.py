"""Pairs: the moves of a chain of order 1 counted in a table of channels, which is read off afterwards."""

from __future__ import annotations

import numpy as np

from attribution.arrays import Float64, Int64, UInt16
from attribution.kernels import kernel

CELLS = 65_536  # of a table that stays in cache


def fits(channels: int) -> bool:
    """Return whether the moves between so many channels have a table.

    >>> fits(254), fits(255)
    (True, False)
    """
    return (channels + 1) * (channels + 2) <= CELLS


@kernel
def count_pairs(
    offsets: Int64, channel: UInt16, count: Float64, outcomes: Float64, channels: int
) -> tuple[Float64, Float64, Float64]:
    """Return moves [k + 1, k], and of the journeys that end in a state outcomes [k + 1, m] and nulls [k + 1].

    Row 0 is the start, row c + 1 the channel c. Journeys of weight 0 are absent.
    """
    moves = np.zeros((channels + 1, channels))
    ends = np.zeros((channels + 1, outcomes.shape[1]))
    nulls = np.zeros(channels + 1)
    for j in range(offsets.size - 1):
        start, stop, weight = offsets[j], offsets[j + 1], count[j]
        if start == stop or not weight > 0.0:
            continue
        state = 0
        for t in range(start, stop):
            c = channel[t]
            moves[state, c] += weight
            state = c + 1
        for i in range(outcomes.shape[1]):
            ends[state, i] += outcomes[j, i]
        nulls[state] += weight - outcomes[j, 0]
    return moves, ends, nulls
