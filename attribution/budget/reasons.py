"""Reasons: why a plan spends on each channel what it does, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from attribution.arrays import Bool, Float64
from attribution.budget.bounds import Bounds
from attribution.budget.holding import GivenUp, is_move
from attribution.budget.optimum import Optimum
from attribution.budget.planning import Planning
from attribution.budget.response import Response
from attribution.budget.scenario import CENT, money

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
    moves, scaled = is_move(spend, planning.start), is_move(planning.start, past.now)
    one = past.outcome_name[:-1] if past.outcome_name.endswith("s") else f"unit of {past.outcome_name}"
    elsewhere = 1 / found.price if 0 < found.price < np.inf else np.inf
    lines, doubts = [], confirmed(planning.response)
    for c in range(len(spend)):
        stays = "held at its share of the total" if scaled[c] else "held"
        seen = f"{money(least[c])} to {money(most[c])}"
        if bounds.high_by[c] == "locked":
            line = "locked"
        elif held[c] and planning.response.steady[c]:
            line = f"{stays}: its spend never varied ({seen} a {past.unit}), "
            line += "so nothing tells what other spend would bring"
        elif c in given_up:
            move = given_up[c]
            line = f"{stays}: what a move to {money(move.spend)} is worth, "
            line += f"{amount(move.worth)} {past.outcome_name} a {past.unit} "
            line += f"({amount(move.low)} to {amount(move.high)}), cannot be told from zero"
        elif given_up and not moves.any():
            line = f"{stays}: there is no move to it or from it that can be told from zero"
        elif not moves[c]:
            line = f"one more {one} costs {cost(costs[1][c])}"
        else:
            line = f"one more {one} costs {cost(costs[0][c])} now and {cost(costs[1][c])} then"
        if line.startswith("one more"):
            if np.isfinite(elsewhere) and abs(costs[1][c] / elsewhere - 1) > NEAR:
                line += f"; elsewhere it costs {cost(elsewhere)}"
            line += at_bound(spend[c], bounds, c)
        if moves[c] and not least[c] <= spend[c] <= most[c]:
            line += f"; outside what was seen ({seen}) the curve is untested"
        lines.append(line + doubts[c])
    return lines


def cost(amount: float) -> str:
    """Return what one outcome costs in words."""
    return money(amount) if np.isfinite(amount) else "more than any sum (none comes)"


Ends = tuple[float, float, float]


def in_words(gain: Ends, of_mix: Ends, spend: Sequence[float], name: str, unit: str) -> str:
    """Return what the whole plan adds: with the same spend, or how much of it is not the new total's."""
    told = f"gain: {span(gain)} {name} a {unit}"
    more = spend[1] - spend[0]
    if abs(more) < CENT:
        return f"{told} for the same spend"
    told += f" for {money(abs(more))} {'more' if more > 0 else 'less'}"
    return told if gain == of_mix else f"{told}; against that total in the shares of now: {span(of_mix)}"


def span(figure: Ends) -> str:
    """Return a figure with the ends of its interval."""
    return f"{amount(figure[0])} ({amount(figure[1])} to {amount(figure[2])})"


def amount(outcomes: float) -> str:
    """Return outcomes in words: three digits, or all before the point.

    >>> amount(0.012345), amount(-12345.6)
    ('0.0123', '-12,346')
    """
    return f"{outcomes:,.0f}" if abs(outcomes) >= 100 else f"{outcomes:.3g}"


def at_bound(spend: float, bounds: Bounds, c: int) -> str:
    """Return which bound of a channel stops it, or nothing."""
    for end, by in ((bounds.low, bounds.low_by), (bounds.high, bounds.high_by)):
        if abs(spend - end[c]) < 0.015:
            return f"; stopped at {by[c]}"
    return ""


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
