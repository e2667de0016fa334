"""The optimum of a budget: its conditions, brute force on a grid, a second optimiser, cents and bounds."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy.optimize import minimize

from attribution.arrays import Float64
from attribution.budget.bounds import Bounds
from attribution.budget.curves import Curves
from attribution.budget.optimum import best_split, in_cents, most_within, to_total
from attribution.budget.shapes import SHAPES
from attribution.errors import ConvergenceError

SEEDS = range(6)


def curves_of(random: np.random.Generator, channels: int, draws: int = 12) -> Curves:
    """Return random curves, each draw of its own shape."""
    shape = random.integers(len(SHAPES), size=draws)
    elasticity = 1 / (1 + np.exp(-random.normal(0.0, 1.0, (draws, channels))))
    scale = np.stack([SHAPES[place].scale(each) for place, each in zip(shape, elasticity, strict=True)])
    level = random.uniform(5.0, 60.0, channels) * random.uniform(0.7, 1.3, (draws, channels))
    share = random.uniform(0.5, 1.2, (draws, channels))
    return Curves(random.uniform(100.0, 2_000.0, channels), level, elasticity, shape, share, scale)


def bounds_between(low: Float64, high: Float64) -> Bounds:
    names = ("",) * len(low)
    return Bounds(np.asarray(low, np.float64), np.asarray(high, np.float64), names, names)


def problem(seed: int, channels: int) -> tuple[Curves, Bounds, float]:
    random = np.random.default_rng([seed, channels])
    curves = curves_of(random, channels)
    bounds = bounds_between(
        curves.usual * random.uniform(0.0, 0.6, channels), curves.usual * random.uniform(0.9, 3.0, channels)
    )
    total = random.uniform(bounds.low.sum(), bounds.high.sum())
    return curves, bounds, float(total)


def gained(curves: Curves, spend: Float64) -> float:
    return float(curves.gained(spend).mean(axis=0).sum())


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("channels", [1, 2, 5, 12])
def test_marginal_outcomes_are_equal_between_the_bounds_and_push_against_them(
    seed: int, channels: int
) -> None:
    curves, bounds, total = problem(seed, channels)
    found = best_split(curves.slope, bounds, total)
    spend, slope = found.spend, curves.slope(found.spend)
    assert math.fsum(spend) == pytest.approx(total, rel=1e-9)
    assert (spend >= bounds.low).all()
    assert (spend <= bounds.high).all()
    at_low, at_high = spend - bounds.low < 1e-6, bounds.high - spend < 1e-6
    inside = ~at_low & ~at_high
    assert slope[inside] == pytest.approx(np.full(inside.sum(), found.price), rel=1e-6)
    assert (slope[at_low & ~at_high] <= found.price * (1 + 1e-6)).all()
    assert (slope[at_high & ~at_low] >= found.price * (1 - 1e-6)).all()


@pytest.mark.parametrize("seed", SEEDS)
def test_no_point_of_a_grid_over_three_channels_is_better(seed: int) -> None:
    curves, bounds, total = problem(seed, 3)
    best = gained(curves, best_split(curves.slope, bounds, total).spend)
    steps = [np.linspace(low, high, 41) for low, high in zip(bounds.low[:2], bounds.high[:2], strict=True)]
    tried = []
    for first, second in itertools.product(*steps):
        third = total - first - second
        if bounds.low[2] <= third <= bounds.high[2]:
            tried.append(gained(curves, np.array([first, second, third])))
    assert len(tried) > 20
    assert max(tried) <= best * (1 + 1e-12)
    assert max(tried) >= best * 0.99  # and it is no better than the grid by more than a step


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("channels", [3, 6])
def test_a_second_optimiser_finds_the_same(seed: int, channels: int) -> None:
    curves, bounds, total = problem(seed, channels)
    ours = best_split(curves.slope, bounds, total).spend
    low, high = np.maximum(bounds.low, 1e-6 * curves.usual), bounds.high
    theirs = minimize(
        lambda spend: -gained(curves, spend),
        to_total(np.ones(channels), bounds_between(low, high), total),
        jac=lambda spend: -curves.slope(spend),
        bounds=list(zip(low, high, strict=True)),
        constraints={"type": "eq", "fun": lambda x: x.sum() - total, "jac": lambda x: np.ones_like(x)},
        method="SLSQP",
        options={"maxiter": 2_000, "ftol": 1e-14},
    )
    assert -theirs.fun <= gained(curves, ours) * (1 + 1e-9)
    assert -theirs.fun == pytest.approx(gained(curves, ours), rel=1e-6)


def lowest_cost(curves: Curves, bounds: Bounds) -> float:
    """Return the lowest mean cost that the refusal of a target out of reach tells."""
    with pytest.raises(ConvergenceError, match="the lowest within the bounds; raise the target") as error:
        most_within(curves.slope, lambda x: gained(curves, x), bounds, 1e-6)
    return float(str(error.value).split("at least ")[1].split(", the")[0].replace(",", ""))


def points(bounds: Bounds) -> list[Float64]:
    """Return a grid over the bounds."""
    steps = [np.linspace(*ends, 13) for ends in zip(bounds.low, bounds.high, strict=True)]
    return [np.array(point) for point in itertools.product(*steps)]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_target_cost_is_met_at_equal_marginal_costs(seed: int) -> None:
    curves, bounds, _ = problem(seed, 3)
    bounds = bounds_between(bounds.low, bounds.high * 4)
    worst = bounds.high.sum() / gained(curves, bounds.high)
    target = 0.6 * lowest_cost(curves, bounds) + 0.4 * worst
    found = most_within(curves.slope, lambda x: gained(curves, x), bounds, target)
    spend, slope = found.spend, curves.slope(found.spend)
    assert spend.sum() / gained(curves, spend) == pytest.approx(target, rel=1e-9)
    inside = (spend - bounds.low > 1e-6) & (bounds.high - spend > 1e-6)
    assert inside.any()
    assert slope[inside] == pytest.approx(np.full(inside.sum(), found.price), rel=1e-6)
    assert found.price < 1 / target  # the next outcome costs more than the mean

    for point in points(bounds):
        outcomes = gained(curves, point)
        if point.sum() <= target * outcomes:
            assert outcomes <= gained(curves, spend) * (1 + 1e-9)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_lowest_cost_that_is_told_is_the_lowest(seed: int) -> None:
    curves, bounds, _ = problem(seed, 3)
    lowest = lowest_cost(curves, bounds)
    tried = [point.sum() / gained(curves, point) for point in points(bounds)]
    assert lowest - 0.01 <= min(tried) <= lowest * 1.1
    met = most_within(curves.slope, lambda x: gained(curves, x), bounds, lowest + 0.01)
    assert met.spend.sum() / gained(curves, met.spend) <= lowest + 0.01 + 1e-9


def test_a_target_beyond_all_bounds_spends_up_to_them() -> None:
    curves, bounds, _ = problem(0, 3)
    found = most_within(curves.slope, lambda x: gained(curves, x), bounds, 1e9)
    assert found.spend == pytest.approx(bounds.high, rel=1e-9)


def test_money_that_brings_nothing_goes_where_it_brings_something_and_else_in_proportion() -> None:
    bounds = bounds_between(np.zeros(3), np.full(3, 100.0))

    def slope(spend: Float64) -> Float64:
        return np.array([0.0, 0.0, 1.0]) / (1.0 + spend)

    assert best_split(slope, bounds, 90.0).spend.round(6).tolist() == [0.0, 0.0, 90.0]
    left = best_split(slope, bounds, 140.0)
    assert left.spend.round(6).tolist() == [20.0, 20.0, 100.0]
    assert left.price == 0.0


def test_channels_with_one_constant_slope_share_what_is_left() -> None:
    bounds = bounds_between(np.array([10.0, 0.0, 0.0]), np.array([50.0, 60.0, 70.0]))
    found = best_split(lambda spend: np.array([0.5, 1.0, 0.5]) + 0 * spend, bounds, 100.0)
    assert found.spend[1] == pytest.approx(60.0)
    assert found.spend.sum() == pytest.approx(100.0)
    assert found.price == pytest.approx(0.5)


@pytest.mark.parametrize("seed", range(200))
def test_cents_sum_to_the_total_and_keep_every_bound(seed: int) -> None:
    random = np.random.default_rng(seed)
    n = int(random.integers(1, 9))
    low = np.round(random.uniform(0.0, 500.0, n), 2)
    bounds = bounds_between(low, np.round(low + random.choice([0.0, 0.01, 300.0], n), 2))
    total = round(float(random.uniform(bounds.low.sum(), bounds.high.sum())), 2)
    spend = to_total(random.uniform(0.0, 400.0, n), bounds, total)
    assert spend.sum() == pytest.approx(total, rel=1e-9)
    found = in_cents(spend, bounds, total)
    assert sum(round(100 * each) for each in found.tolist()) == round(100 * total)
    assert (found >= bounds.low - 1e-9).all()
    assert (found <= bounds.high + 1e-9).all()
    assert np.abs(found - spend).max() < 0.0101
