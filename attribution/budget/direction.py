"""Direction: where other attribution models would move money the other way."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from attribution.arrays import Float64
from attribution.budget.planning import Planning
from attribution.errors import ConvergenceError

LITTLE = 0.01  # of the spend that moves are counted from: a smaller one has no direction


def directions(planning: Planning, spend: Float64) -> Float64:
    """Return 1 where a spend [C] moves money to a channel, -1 where from it, else 0 [C]."""
    change, start = spend - planning.start, planning.start
    return np.where(np.abs(change) > LITTLE * np.maximum(start, 1.0), np.sign(change), 0.0)


def disagreements(planning: Planning, spend: Float64, others: Mapping[str, Planning]) -> list[str | None]:
    """Return, for each channel, the models that would move it the other way than a spend [C] does.

    A channel that is held has no way; what other models would do is told of plans that hold nothing.
    """
    told, ours = list[list[str]]([] for _ in planning.start), directions(planning, spend)
    for name, other in others.items():
        try:
            free = other.best(np.zeros(len(other.start), np.bool_)).spend
        except ConvergenceError:
            continue  # without a plan there is no direction
        theirs = dict(zip(other.response.past.channels, directions(other, free), strict=True))
        for c, channel in enumerate(planning.response.past.channels):
            if ours[c] * theirs[channel] < 0:
                told[c].append(f"{name}: {'up' if theirs[channel] > 0 else 'down'}")
    return ["; ".join(each) or None for each in told]
