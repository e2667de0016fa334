"""Holding: which moves of money bring a gain that can be told from zero, and which do not."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from attribution.arrays import Bool, Float64
from attribution.budget.optimum import Optimum
from attribution.budget.response import Response
from attribution.budget.scenario import CENT

Best = Callable[[Bool], Optimum]  # the optimum where some channels [C] are held


def worth_of(response: Response, best: Optimum, start: Float64) -> Float64:
    """Return what the move of each channel is worth in every draw, against where the money goes [R, C].

    Formula: a channel that gains d is worth what it adds less d times what a unit of money adds where it
    is taken from; one that gives d is worth d times what a unit adds where it goes to, less what it
    loses. Money that is not of another channel is worth the price. At an optimum no mean is negative, and
    where the total is that of the start the worths of those that gain, and of those that give, sum to the
    gain.
    """
    change = best.spend - start
    added = response.draws.gained(best.spend) - response.draws.gained(start)
    up, down = np.maximum(change, 0.0), np.maximum(-change, 0.0)
    most, more = max(up.sum(), down.sum()), up.sum() - down.sum()
    if most < CENT:
        return np.zeros_like(added)
    outside = best.price * more if abs(more) >= CENT else 0.0
    taken = (np.maximum(-added, 0.0) * (down > 0)).sum(axis=1) + max(outside, 0.0)
    given = (np.maximum(added, 0.0) * (up > 0)).sum(axis=1) + max(-outside, 0.0)
    return np.asarray(added - up * taken[:, None] / most + down * given[:, None] / most)


def unsure(response: Response, best: Optimum, start: Float64) -> Bool:
    """Return whether the worth of a channel's move has an interval that holds zero [C]; of no move, no."""
    low, _ = response.past.resampling.bounds(worth_of(response, best, start))
    return np.asarray((low <= 0) & is_move(best.spend, start))


def is_move(spend: Float64, start: Float64) -> Bool:
    """Return whether spend differs from the start by a cent or more [C]."""
    return np.asarray(np.abs(spend - start) >= CENT)


class GivenUp(NamedTuple):
    """A move that was given up: the spend it went to, and its worth with the interval's ends."""

    spend: float
    worth: float
    low: float
    high: float


def held(
    response: Response, start: Float64, always: Bool, best: Best
) -> tuple[Optimum, Bool, dict[int, GivenUp]]:
    """Return the best plan in which every move can be told from zero, which channels it holds [C], and why.

    From the plan that moves all but those ``always`` held, the least certain move is given up and
    the rest planned anew, until every move can be told from zero.
    """
    stays, why = always.copy(), dict[int, GivenUp]()
    found = best(stays)
    while (doubtful := unsure(response, found, start) & ~stays).any():
        worth = worth_of(response, found, start)
        c = int(np.where(doubtful, (worth > 0).mean(axis=0), np.inf).argmin())
        low, high = response.past.resampling.bounds(worth[:, c : c + 1])
        why[c] = GivenUp(float(found.spend[c]), float(worth[:, c].mean()), float(low[0]), float(high[0]))
        stays[c] = True
        found = best(stays)
    return found, stays, why
