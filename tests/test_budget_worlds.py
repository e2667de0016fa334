"""Budgets in worlds whose response is known: regret, what is held, and whether intervals hold the truth."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl
import pytest
from markets import CAPS, MARKETS, best_spend, counted_in, measured_in

import attribution as at
from attribution.arrays import Float64
from attribution.budget.optimum import to_total
from attribution.simulation import make_world, simulate
from attribution.simulation.campaigns import PRICES
from attribution.simulation.company import CHANNELS, CUSTOMERS, DAYS
from attribution.simulation.market import SHAPES, Market, Paid
from attribution.statistics import Resampling

STRATEGIES = ("nothing", "share of last-touch credit", "budget times return on spend")


def regrets(name: str, seed: int) -> dict[str, float]:
    """Return what the plan, and each simple strategy, lack of the leads that the best spend adds.

    All keep the total and the bounds of the plan.
    """
    market, caps = MARKETS[name], CAPS.get(name, {})
    total = sum(each.spend for each in market.channels)
    plan = at.reallocate(measured_in(market, weeks=104, seed=seed), at.FixedBudget(total, caps=caps))
    past = plan.planning.response.past
    assert past.channels == tuple(each.name for each in market.channels)
    credit, spent = past.outcome.sum(axis=1), past.spend.sum(axis=1)
    spend = dict(zip(STRATEGIES, (past.now, credit, past.now * credit / spent), strict=True))
    kept = {each: to_total(amounts, plan.planning.bounds, total) for each, amounts in spend.items()}
    best = market.added(best_spend(market, total, caps))
    return {each: 1 - market.added(amounts) / best for each, amounts in ({"plan": plan.spend} | kept).items()}


@pytest.mark.parametrize("name", MARKETS)
def test_the_plan_is_close_to_the_best_and_better_than_the_simple_strategies(name: str) -> None:
    histories = [regrets(name, seed) for seed in range(4)]
    mean = {each: np.mean([history[each] for history in histories]) for each in histories[0]}
    assert -1e-6 < mean["plan"] < 0.05
    assert all(mean["plan"] < mean[strategy] for strategy in STRATEGIES), mean


def test_the_outcomes_of_all_channels_tell_credit_that_adds_nothing() -> None:
    measured = measured_in(MARKETS["one useless channel"], weeks=104, seed=0)
    table = at.response_curves(measured).table()
    share = dict(zip(table["channel"], table["incremental_share"], strict=True))
    high = dict(zip(table["channel"], table["incremental_share_high"], strict=True))
    assert share["Retargeting"] < 0.3
    assert high["Retargeting"] < 0.7
    assert all(0.7 < share[name] < 1.3 for name in ("Search", "Social", "Video"))
    reasons = at.reallocate(measured, at.FixedBudget(5_000.0)).table()
    told = reasons.filter(channel="Retargeting")["reason"].item()
    assert "% of its credit" in told


def test_where_spend_never_varied_everything_is_held() -> None:
    market = MARKETS["saturating channels"]
    constant = Market(tuple(replace(each, swing=0.0) for each in market.channels), market.organic)
    measured = measured_in(constant, weeks=104, seed=0)
    plan = at.reallocate(measured, at.FixedBudget(5_400.0))
    table = plan.table().filter(pl.col("spend_now") > 0, pl.col("channel") != "(total)")
    assert table["change"].to_list() == [0.0] * 4
    assert table["held"].all()
    assert all("never varied" in reason for reason in table["reason"])
    assert plan.gain == (0.0, 0.0, 0.0)
    asked = at.reallocate(measured, at.FixedBudget(5_400.0), hold_unsure=False)
    low, high = asked.gain[1:]
    varied = at.reallocate(measured_in(market, 104, 0), at.FixedBudget(5_400.0), hold_unsure=False)
    assert high - low > varied.gain[2] - varied.gain[1]  # the prior alone says less


def random_market(random: np.random.Generator, channels: int = 3, size: float = 100.0) -> Market:
    """Return channels with curves of one shape or another, whose credit says a little more than is true."""
    made = []
    for number in range(channels):
        spend, level = random.uniform(500.0, 2_500.0), size * random.uniform(0.4, 1.8)
        shape, z = str(random.choice(SHAPES)), random.uniform(0.3, 3.0)
        bend = 1 / (1 + z) if shape == "power" else spend / z
        one = Paid(f"c{number}", shape, 1.0, bend, spend)
        made.append(
            replace(
                one,
                size=level / float(one.leads(spend)),
                half_life=float(random.choice([0.0, 1.0, 2.0])),
                added=random.uniform(0.7, 1.0),
            )
        )
    return Market(tuple(made), organic=2.0 * size * channels)


def test_the_90_percent_interval_of_the_gain_holds_the_true_gain_in_85_to_95_percent_of_histories() -> None:
    inside, beyond = 0, [0, 0]
    for seed in range(200):
        market = random_market(np.random.default_rng([seed, 1]))
        measured = counted_in(market, 52, seed, Resampling(0.9, 120, seed))
        total = round(sum(each.spend for each in market.channels), 2)
        plan = at.reallocate(measured, at.FixedBudget(total), hold_unsure=False)
        truth = market.added(plan.spend) - market.added(plan.planning.response.past.now)
        _, low, high = plan.gain
        inside += low <= truth <= high
        beyond[0] += truth < low
        beyond[1] += truth > high
    assert 0.85 <= inside / 200 <= 0.95, (inside, beyond)
    assert max(beyond) <= 20  # not all on one side


def test_the_plan_for_the_sample_gains_in_the_world_that_the_sample_comes_from() -> None:
    tables = at.sample.load()
    journeys = at.stitch(tables.touchpoints, tables.leads, lookback_days=30)
    result = at.attribute(journeys, at.Markov(), intervals=0.9)
    measured = at.measure(at.credit_log(journeys, result), tables.spend, by=["channel", "week"])
    plan = at.reallocate(measured, at.FixedBudget(10_000.0), complete_before=date(2026, 6, 29))
    past, names = plan.planning.response.past, list(CHANNELS)

    def leads_a_week(spend: Float64) -> float:
        """In the world of customers, channel excitation and synergies, with the same random numbers."""
        scale = np.ones(len(names))
        for channel, money in zip(past.channels, spend, strict=True):
            scale[names.index(channel)] = money / (7 * PRICES[channel].daily)
        worlds = [simulate(make_world(scale), CUSTOMERS, DAYS, seed) for seed in (100, 101)]
        return float(np.mean([len(each.conversion_time) for each in worlds])) / (DAYS / 7)

    _, low, high = plan.gain_of_mix
    truth = leads_a_week(plan.spend) - leads_a_week(plan.planning.start)
    assert low > 0
    assert low < truth < high
