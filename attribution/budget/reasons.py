"""Reasons: why a plan spends on each channel what it does, in words."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from attribution.arrays import Bool, Float64
from attribution.budget.bounds import Bounds
from attribution.budget.holding import GivenUp, is_move
from attribution.budget.optimum import Optimum
from attribution.budget.planning import Planning
from attribution.budget.response import Response
from attribution.budget.scenario import CENT, FixedBudget, money

NEAR = 0.01  # of a cost: no difference worth a word


def reasons_of(
    planning: Planning,
    found: Optimum,
    held: Bool,
    given_up: Mapping[int, GivenUp],
    costs: tuple[Float64, Float64],
) -> list[str]:
    """Return a sentence for each channel; ``costs`` are the marginal costs now and proposed [2, C]."""
    past, bounds, spend = planning.response.past, planning.bounds, found.spend
    least, most = past.seen
    moves, changes = is_move(spend, planning.start), is_move(spend, past.now)
    elsewhere = 1 / found.price if 0 < found.price < np.inf else np.inf
    lines, doubts = [], confirmed(planning.response)
    for c in range(len(spend)):
        seen = f"{money(least[c])} to {money(most[c])}"
        stopped = at_bound(spend[c], bounds, c, up=costs[1][c] < elsewhere)
        stays = "held at its share of the total" if changes[c] else "held"
        stays = f"stopped at {stopped}" if changes[c] and stopped else stays
        if bounds.high_by[c] == "locked":
            line = "locked"
        elif held[c] and planning.response.uncredited[c]:
            line = f"{stays}: nothing was ever credited to it, so nothing tells what its spend brings"
        elif held[c] and planning.response.steady[c]:
            line = f"{stays}: its spend never varied ({seen} a {past.unit}), "
            line += "so nothing tells what other spend would bring"
        elif c in given_up:
            move = given_up[c]
            worth = f"{amount(move.worth)} {past.outcome_name} a {past.unit}"
            ends = f"({amount(move.low)} to {amount(move.high)})"
            line = f"{stays}: what a move to {money(move.spend)} is worth, {worth} {ends}, "
            line += "cannot be told from zero"
        elif given_up and not moves.any():
            line = f"{stays}: there is no move to it or from it that can be told from zero"
        else:
            line = marginal(costs[0][c], costs[1][c], changes[c], past.outcome_name)
            if np.isfinite(elsewhere) and abs(costs[1][c] / elsewhere - 1) > NEAR:
                line += f"; elsewhere it costs {money(elsewhere)}"
            line += f"; stopped at {stopped}" if stopped else ""
            if planning.response.steady[c]:
                line += "; its spend never varied: the curve is that of the other channels"
        if changes[c] and not least[c] <= spend[c] <= most[c]:
            line += f"; outside what was seen ({seen}) the curve is untested"
        lines.append(line + doubts[c])
    return lines


def marginal(now: float, then: float, changes: Bool, name: str) -> str:
    """Return what one more outcome costs now and then, where that is a number.

    >>> marginal(2.0, 3.0, np.True_, "leads"), marginal(np.nan, np.inf, np.True_, "opportunities")
    ('one more lead costs 2.00 now and 3.00 then', 'one more opportunity costs no finite sum then')
    """
    told = f"one more {singular(name)} costs"
    ends = [(now, " now"), (then, " then")] if changes else [(then, "")]
    known = [
        f"{money(each) if np.isfinite(each) else 'no finite sum'}{when}"
        for each, when in ends
        if each == each
    ]
    return f"{told} {' and '.join(known)}" if known else "nothing is spent on it"


def singular(name: str) -> str:
    """Return what one of some outcomes is called.

    >>> singular("leads"), singular("opportunities"), singular("revenue")
    ('lead', 'opportunity', 'unit of revenue')
    """
    if name.endswith("ies"):
        return f"{name[:-3]}y"
    return name[:-1] if name.endswith("s") else f"unit of {name}"


Ends = tuple[float, float, float]


def in_words(planning: Planning, gain: Ends, of_mix: Ends, total: float) -> str:
    """Return what the whole plan adds, how much of that is not the new total's, and when now was."""
    past = planning.response.past
    ends = f"{past.resampling.intervals:.0%} interval {amount(gain[1])} to {amount(gain[2])}"
    told = f"gain: {amount(gain[0])} {past.outcome_name} a {past.unit} ({ends})"
    more = total - math.fsum(past.now)
    told += f" for {money(abs(more))} {'more' if more > 0 else 'less'}" if abs(more) >= CENT else ""
    if isinstance(planning.scenario, FixedBudget) and gain != of_mix:
        told += "; against that total shared as now, within the bounds: "
        told += f"{amount(of_mix[0])} ({amount(of_mix[1])} to {amount(of_mix[2])})"
    first, last = past.now_days
    if first == last:
        return f"{told}; now is the {past.unit} of {first}"
    return f"{told}; now is the mean of the {past.unit}s of {first} to {last}"


def amount(outcomes: float) -> str:
    """Return outcomes in words: three digits, or all before the point.

    >>> amount(0.012345), amount(-12345.6)
    ('0.0123', '-12,346')
    """
    return f"{outcomes:,.0f}" if abs(outcomes) >= 100 else f"{outcomes:.3g}"


def at_bound(spend: float, bounds: Bounds, c: int, up: bool) -> str:
    """Return what sets the bound that stops a channel, or nothing; the upper one where it wants more."""
    ends = [(bounds.low[c], bounds.low_by[c]), (bounds.high[c], bounds.high_by[c])]
    return next((by for end, by in (ends[::-1] if up else ends) if abs(spend - end) < CENT / 2), "")


def confirmed(response: Response) -> list[str]:
    """Return, for each channel, whether all outcomes move by less than its credit, by more, or nothing."""
    share = response.draws.share
    low, high = response.past.resampling.bounds(share)
    lines = []
    for mean, a, b in zip(share.mean(axis=0), low, high, strict=True):
        told = f"; all channels together confirm {mean:.0%} of its credit ({a:.0%} to {b:.0%})"
        if a > 1:
            told += ": does a season move its spend as well?"
        lines.append(told if a > 1 or b < 1 else "")
    return lines
