"""Direction: where other attribution models would move money the other way."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from attribution.arrays import Float64
from attribution.budget.planning import Planning
from attribution.errors import ConvergenceError

LITTLE = 0.01  # of the spend that moves are counted from: a smaller one has no direction


def directions(planning: Planning) -> Float64:
    """Return 1 where a plan that holds nothing moves money to a channel, -1 where from it, else 0 [C]."""
    start = planning.start
    change = planning.best(np.zeros(len(start), np.bool_)).spend - start
    return np.where(np.abs(change) > LITTLE * np.maximum(start, 1.0), np.sign(change), 0.0)


def disagreements(planning: Planning, others: Mapping[str, Planning]) -> list[str | None]:
    """Return, for each channel, the models whose plan moves it the other way, with their way."""
    told = list[list[str]]([] for _ in planning.start)
    ours = directions(planning) if others else np.zeros(len(told))
    for name, other in others.items():
        try:
            theirs = dict(zip(other.response.past.channels, directions(other), strict=True))
        except ConvergenceError:
            continue  # without a plan there is no direction
        for c, channel in enumerate(planning.response.past.channels):
            if ours[c] * theirs[channel] < 0:
                told[c].append(f"{name}: {'up' if theirs[channel] > 0 else 'down'}")
    return ["; ".join(each) or None for each in told]
