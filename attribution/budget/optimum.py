"""Optimum: the spend at which no move of money between channels brings more."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from attribution.arrays import Float64
from attribution.budget.bounds import Bounds
from attribution.budget.scenario import CENT
from attribution.errors import ConvergenceError

Slope = Callable[[Float64], Float64]  # outcomes for one more unit of money, by spend [C]: falling
Gain = Callable[[Float64], float]  # outcomes a period at a spend [C]
EXACT = 1e-11  # of a spend: less than any plan can tell apart
PRICES = (-700.0, 700.0)  # log of the smallest and the largest price that a float can hold
STEP = 1e-12  # of the log of a price


@dataclass(frozen=True, eq=False)
class Optimum:
    """The best spend a period [C], and the outcomes that one more unit of money brings there."""

    spend: Float64
    price: float


def best_split(slope: Slope, bounds: Bounds, total: float) -> Optimum:
    """Return the spend within the bounds that sums to the total and brings the most outcomes.

    Formula: slope_c(x_c) = price for every channel between its bounds, at least the price at an upper
    bound, at most the price at a lower one (Karush, Kuhn, Tucker). Slopes fall, so these are sufficient.
    Where money is left that brings nothing, it is spread in proportion to what is spent without it.

    >>> bounds = Bounds(np.ones(2), np.array([90.0, 90.0]), ("", ""), ("", ""))
    >>> found = best_split(lambda x: np.array([1.0, 2.0]) / np.sqrt(x), bounds, 100.0)
    >>> found.spend.round(6).tolist(), round(found.price, 6)
    ([20.0, 80.0], 0.223607)
    """
    from scipy.optimize import brentq

    spend_at = demand(slope, bounds)

    def lacking(log_price: float) -> float:
        return total - math.fsum(spend_at(log_price))

    low, high = prices(slope, bounds)
    if lacking(low) >= 0:  # money is left where more of it brings nothing
        return Optimum(to_total(spend_at(low), bounds, total), 0.0)
    if lacking(high) <= 0:
        return Optimum(bounds.low, math.inf)
    log_price = float(brentq(lacking, low, high, xtol=1e-13, rtol=1e-15, maxiter=500))
    more, less = (spend_at(log_price + step) for step in (-STEP, STEP))
    # Where a slope is all but constant the spend jumps at its price: the best is in between.
    apart = math.fsum(more) - math.fsum(less)
    part = (total - math.fsum(less)) / apart if apart > 0 else 0.0
    return Optimum(less + min(max(part, 0.0), 1.0) * (more - less), math.exp(log_price))


def most_within(slope: Slope, gain: Gain, bounds: Bounds, target: float) -> Optimum:
    """Return the spend within the bounds that brings the most outcomes at a mean cost of at most the target.

    Formula: max gain(x), sum x <= target gain(x): slope_c(x_c) = price as above, at the lowest price whose
    mean cost is within the target. That cost falls while one more outcome costs less than the target,
    price > 1 / target, and rises below it.

    Raises:
        ConvergenceError: no spend within the bounds has a mean cost that low; tells the lowest.
    """
    from scipy.optimize import brentq

    spend_at = demand(slope, bounds)

    def above(log_price: float, wanted: float = target) -> float:
        spend = spend_at(log_price)
        return math.fsum(spend) - wanted * gain(spend)

    cheapest = -math.log(target)
    if gain(bounds.high) <= 0:
        raise ConvergenceError(
            f"target cost: got {target:,.2f}, but no spend within the bounds brings anything"
        )
    if above(cheapest) > 0:
        told = f"{lowest_cost(above, target):,.2f}"
        raise ConvergenceError.too_short(
            "target cost",
            f"{target:,.2f}",
            f"at least {told}, the lowest within the bounds",
            "raise the target",
        )
    least = min(prices(slope, bounds)[0], cheapest)
    if above(least) <= 0:
        return Optimum(spend_at(least), 0.0)
    log_price = float(brentq(above, least, cheapest, xtol=1e-13, rtol=1e-15, maxiter=500))
    return Optimum(spend_at(log_price), math.exp(log_price))


def prices(slope: Slope, bounds: Bounds) -> tuple[float, float]:
    """Return the logs of the prices that bring all to its upper bound, if it brings any, and to its lower."""
    last, first = slope(bounds.high), slope(bounds.low)
    if not (last > 0).any():
        return PRICES
    return math.log(last[last > 0].min()) - STEP, min(math.log(first.max()) + STEP, PRICES[1])


def lowest_cost(above: Callable[[float, float], float], target: float) -> float:
    """Return the lowest mean cost within the bounds: the target that can just be reached."""
    from scipy.optimize import brentq

    high = 2 * target
    while above(-math.log(high), high) > 0:
        high *= 2
    return float(brentq(lambda wanted: above(-math.log(wanted), wanted), target, high))


def demand(slope: Slope, bounds: Bounds) -> Callable[[float], Float64]:
    """Return the spend [C] by the log of a price: where one more unit of money brings it, or a bound.

    Spend falls with the price, so what was found at one price bounds the search at the next.
    """
    known: dict[float, Float64] = {}

    def spend_at(log_price: float) -> Float64:
        price = math.exp(log_price)
        low = np.max([bounds.low, *(spend for p, spend in known.items() if p > log_price)], axis=0)
        high = np.min([bounds.high, *(spend for p, spend in known.items() if p < log_price)], axis=0)
        while ((high - low) > EXACT * np.maximum(1.0, high)).any():
            middle = (low + high) / 2
            is_worth_more = slope(middle) > price
            low, high = np.where(is_worth_more, middle, low), np.where(is_worth_more, high, middle)
        return known.setdefault(log_price, (low + high) / 2)

    return spend_at


def to_total(spend: Float64, bounds: Bounds, total: float) -> Float64:
    """Return spend in proportion to a spend [C], within the bounds, that sums to the total.

    >>> bounds = Bounds(np.array([0.0, 5.0]), np.array([60.0, 99.0]), ("", ""), ("", ""))
    >>> to_total(np.array([30.0, 10.0]), bounds, 100.0).round(9).tolist()
    [60.0, 40.0]
    """
    from scipy.optimize import brentq

    shares = np.maximum(spend, 1e-9 * max(1.0, total)) / max(1.0, total)

    def clipped(log_factor: float) -> Float64:
        return np.clip(math.exp(log_factor) * shares, bounds.low, bounds.high)

    ends = [bounds.low, bounds.high]
    for end in ends:
        if abs(math.fsum(end) - total) <= CENT / 2 + 1e-15 * total:
            return end
    factor = brentq(lambda each: math.fsum(clipped(each)) - total, *PRICES, xtol=1e-14, maxiter=500)
    return clipped(float(factor))


def in_cents(spend: Float64, bounds: Bounds, total: float) -> Float64:
    """Return the spend in whole cents, within the bounds, whose sum is the total to the cent.

    What rounding down leaves goes to the largest remainders first.

    >>> bounds = Bounds(np.zeros(3), np.full(3, 50.0), ("",) * 3, ("",) * 3)
    >>> in_cents(np.array([33.336, 33.332, 33.332]), bounds, 100.0).tolist()
    [33.34, 33.33, 33.33]
    """
    cents = whole_cents(spend)
    left = round(total * 100) - int(cents.sum())
    room = cents < np.rint(bounds.high * 100) if left > 0 else cents > np.rint(bounds.low * 100)
    order = np.argsort(cents - spend * 100 if left > 0 else spend * 100 - cents, kind="stable")
    cents[order[room[order]][: abs(left)]] += np.sign(left)
    return np.asarray(cents / 100)


def whole_cents(spend: Float64) -> Float64:
    """Return how many whole cents a spend holds [C]; what is more exact than a float is no cent less.

    >>> whole_cents(np.array([0.29, 0.1 + 0.2, 1.999])).tolist()
    [29.0, 30.0, 199.0]
    """
    return np.asarray(np.floor(np.round(spend * 100, 3)))
