"""Bounds: the least and the most that a plan may spend on each channel, and why."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from attribution.arrays import Bool, Float64
from attribution.budget.scenario import CENT, FixedBudget, Scenario, listed, money
from attribution.errors import ParameterError, shown

BEYOND = 2.0  # times the highest spend seen, and of the lowest its inverse: as far a curve is believed


@dataclass(frozen=True, eq=False)
class Bounds:
    """The least and the most spend a period of each channel [C] in cents, and what sets them."""

    low: Float64
    high: Float64
    low_by: tuple[str, ...]
    high_by: tuple[str, ...]

    def held(self, at: Float64, where: Bool) -> Bounds:
        """Return the bounds with some channels held at a spend."""
        low, high = np.where(where, at, self.low), np.where(where, at, self.high)
        return Bounds(low, high, self.low_by, self.high_by)


def bounds_of(scenario: Scenario, channels: Sequence[str], now: Float64, seen: Float64) -> Bounds:
    """Return the bounds of channels that spend ``now`` [C]; ``seen`` is the least and the most so far [2, C].

    Raises:
        ParameterError: two bounds of a channel, or the bounds and the total, contradict each other.
    """
    ends = [bounds_of_one(scenario, *each) for each in zip(channels, now, *seen, strict=True)]
    low, low_by = zip(*(each[0] for each in ends), strict=True)
    high, high_by = zip(*(each[1] for each in ends), strict=True)
    found = Bounds(np.array(low), np.array(high), low_by, high_by)
    if isinstance(scenario, FixedBudget):
        check_total(scenario.total, channels, found)
    return found


def bounds_of_one(
    scenario: Scenario, channel: str, now: float, lowest: float, highest: float
) -> tuple[tuple[float, str], tuple[float, str]]:
    """Return the highest of the lower bounds of a channel, and the lowest of the upper ones."""
    floor, cap = scenario.floors.get(channel), scenario.caps.get(channel)
    least = (lowest / BEYOND, f"half the lowest spend seen, {money(lowest)}")
    most = (BEYOND * highest, f"twice the highest spend seen, {money(highest)}")
    lows = [min(least, (cap, "its cap")) if cap is not None else least]
    highs = [max(most, (floor, "its floor")) if floor is not None else most]
    lows = lows if floor is None else [(floor, "its floor")]
    highs = highs if cap is None else [(cap, "its cap")]
    for key, unit in (("largest_share", now), ("largest_amount", 1.0)):
        given = getattr(scenario, key)
        change = given.get(channel) if isinstance(given, Mapping) else given
        if change is not None:
            lows.append((max(0.0, now - change * unit), "the largest change down"))
            highs.append((now + change * unit, "the largest change up"))
    if channel in scenario.locked:
        lows.append((now, "locked"))
        highs.append((now, "locked"))
    low, high = max(lows, key=lambda each: each[0]), min(highs, key=lambda each: each[0])
    if ceil_cents(low[0]) > floor_cents(high[0]):
        raise ParameterError(
            f"scenario: {shown(channel)} cannot spend at least {money(low[0])} ({low[1]}) and at most "
            f"{money(high[0])} ({high[1]}); it spends {money(now)} now; relax one of the two"
        )
    return (ceil_cents(low[0]), low[1]), (floor_cents(high[0]), high[1])


def ceil_cents(amount: float) -> float:
    """Return the least whole cents that are not below an amount, of which more than a float knows is cut.

    >>> ceil_cents(0.1 + 0.2), ceil_cents(0.301)
    (0.3, 0.31)
    """
    return math.ceil(round(amount * 100, 3)) / 100


def floor_cents(amount: float) -> float:
    """Return the most whole cents that are not above an amount."""
    return math.floor(round(amount * 100, 3)) / 100


def check_total(total: float, channels: Sequence[str], bounds: Bounds) -> None:
    """Raise ParameterError where no spend within the bounds sums to the total."""
    for ends, by, is_short in ((bounds.low, bounds.low_by, False), (bounds.high, bounds.high_by, True)):
        reached = math.fsum(ends)
        if (total > reached + CENT / 2) if is_short else (total < reached - CENT / 2):
            most, below = ("most", "below") if is_short else ("least", "above")
            amounts = {f"{name} ({why})": end for name, why, end in zip(channels, by, ends, strict=True)}
            raise ParameterError(
                f"scenario: the {most} that the channels may spend, {money(reached)}, is {below} the total, "
                f"{money(total)}: {listed(amounts)}; relax these bounds (floors and caps stand in place of "
                "what was seen), or change the total"
            )
