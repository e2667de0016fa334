"""Plans: their table, their bounds, what is held and why, where models disagree, and July 2018."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import polars as pl
import pytest
from markets import MARKETS, counted_in, measured_in
from polars.testing import assert_frame_equal

import attribution as at
from attribution.budget.holding import worth_of
from attribution.statistics import Resampling

COLUMNS = [
    *("model", "period", "channel", "spend_now", "spend_proposed", "change"),
    *("leads_now", "leads_expected", "leads_expected_low", "leads_expected_high"),
    *("gain", "gain_low", "gain_high", "marginal_cost_now", "marginal_cost_proposed"),
    *("held", "models_disagree", "reason"),
]
LAST = date(2026, 6, 29)  # the last week of the sample is not complete


@pytest.fixture(scope="module")
def log() -> at.CreditLog:
    tables = at.sample.load()
    journeys = at.stitch(tables.touchpoints, tables.leads, lookback_days=30)
    result = at.attribute(journeys, at.Markov(), at.LastTouch(), intervals=0.9, replicates=400)
    return at.credit_log(journeys, result)


@pytest.fixture(scope="module")
def sample(log: at.CreditLog) -> at.Measured:
    return at.measure(log, at.sample.load().spend, by=["channel", "week"])


@pytest.fixture(scope="module")
def saturating() -> at.Measured:
    return measured_in(MARKETS["saturating channels"], 104, 1)


def test_the_table_of_the_sample(sample: at.Measured) -> None:
    plan = at.reallocate(sample, at.FixedBudget(10_000.0), complete_before=LAST)
    table = plan.table()
    assert table.columns == COLUMNS
    total, rows = table.row(-1, named=True), table[:-1]
    assert set(table["model"]) == {"markov"}
    assert set(table["period"]) == {"week"}
    assert total["channel"] == "(total)"
    assert total["spend_proposed"] == 10_000.0
    for name in ("spend_now", "spend_proposed", "change", "leads_now", "leads_expected", "gain"):
        assert rows[name].sum() == pytest.approx(total[name], rel=1e-9)
    moved = rows.filter(pl.col("spend_now") > 0)
    assert moved["spend_now"].is_sorted(descending=True)
    assert (moved["spend_proposed"] - moved["spend_now"] - moved["change"]).abs().max() < 1e-9
    assert (moved["leads_now"] + moved["gain"]).to_list() == pytest.approx(moved["leads_expected"].to_list())
    for name in ("gain", "leads_expected"):
        assert (moved[f"{name}_low"] <= moved[name]).all()
        assert (moved[name] <= moved[f"{name}_high"]).all()
    still = rows.filter(pl.col("spend_now") == 0)
    assert still["channel"].to_list() == ["Direct", "Organic Search", "Referral"]
    assert still["change"].to_list() == [0.0] * 3
    assert set(still["reason"]) == {"no spend: not moved"}
    assert "leads a week (90% interval " in total["reason"]
    assert ") for 196.79 less; against that total shared as now, within the bounds: " in total["reason"]
    assert total["reason"].endswith("now is the mean of the weeks of 2026-06-01 to 2026-06-22")


def test_the_spend_now_is_the_mean_of_the_last_four_complete_weeks(sample: at.Measured) -> None:
    spend = at.sample.load().spend
    last = spend.filter(pl.col("date") >= date(2026, 6, 1), pl.col("date") < LAST)
    means = {name: each["spend"].sum() / 4 for (name,), each in last.group_by("channel")}
    table = at.reallocate(sample, at.FixedBudget(10_000.0), complete_before=LAST).table()
    for row in table.filter(pl.col("channel").is_in(list(means))).iter_rows(named=True):
        assert row["spend_now"] == pytest.approx(means[row["channel"]], abs=0.0051)


def test_a_log_in_a_file_gives_the_same_plan(log: at.CreditLog, sample: at.Measured, tmp_path: Any) -> None:
    log.write(tmp_path / "log.parquet")
    read = at.measure(tmp_path / "log.parquet", at.sample.load().spend, by=["channel", "week"])
    ours, theirs = (
        at.reallocate(each, at.FixedBudget(10_000.0), complete_before=LAST).table() for each in (sample, read)
    )
    assert_frame_equal(ours, theirs, check_exact=True)


def test_one_more_lead_costs_the_same_wherever_nothing_stops_a_channel(saturating: at.Measured) -> None:
    plan = at.reallocate(saturating, at.FixedBudget(5_400.0))
    rows = plan.table().filter(~pl.col("held"))
    assert len(rows) >= 3
    costs = rows["marginal_cost_proposed"].to_list()
    assert costs == pytest.approx([1 / plan.found.price] * len(costs), rel=1e-4)  # in whole cents
    now = rows["marginal_cost_now"].to_list()
    assert max(now) / min(now) > 2  # which it did not before
    exact = plan.planning.best(plan.held)
    slopes = plan.planning.slope(exact.spend)[~plan.held]
    assert slopes == pytest.approx(np.full(len(slopes), exact.price), rel=1e-6)


def test_what_moves_are_worth_sums_to_the_gain_of_the_mix(saturating: at.Measured) -> None:
    plan = at.reallocate(saturating, at.FixedBudget(5_400.0), hold_unsure=False)
    start, response = plan.planning.start, plan.planning.response
    worth, change = worth_of(response, plan.found, start), plan.spend - start
    gain = (response.draws.gained(plan.spend) - response.draws.gained(start)).sum(axis=1)
    assert worth[:, change > 0].sum(axis=1) == pytest.approx(gain)
    assert worth[:, change < 0].sum(axis=1) == pytest.approx(gain)
    assert (worth.mean(axis=0) >= -1e-9).all()
    assert plan.gain_of_mix[0] == pytest.approx(gain.mean())


@pytest.mark.parametrize("seed", range(12))
def test_row_65_every_bound_is_kept_and_the_total_to_the_cent(saturating: at.Measured, seed: int) -> None:
    random = np.random.default_rng(seed)
    now = dict(
        zip(("Display", "Search", "Social", "Video"), at.response_curves(saturating).past.now, strict=True)
    )
    names = random.permutation(list(now)).tolist()
    scenario = at.FixedBudget(
        round(sum(now.values()) * random.uniform(0.9, 1.1), 2),
        floors={names[0]: round(now[names[0]] * random.uniform(0.2, 0.8), 2)},
        caps={names[1]: round(now[names[1]] * random.uniform(1.2, 1.5), 2)},
        largest_share={names[2]: round(random.uniform(0.3, 0.6), 3)},
        largest_amount={names[1]: 400.0, names[2]: 900.0},
        locked=(names[3],) if seed % 2 else (),
    )
    plan = at.reallocate(saturating, scenario, hold_unsure=bool(seed % 3))
    spend = dict(zip(plan.planning.response.past.channels, plan.spend.tolist(), strict=True))
    assert round(100 * sum(spend.values())) == round(100 * scenario.total)
    assert spend[names[0]] >= scenario.floors[names[0]] - 1e-9
    assert spend[names[1]] <= scenario.caps[names[1]] + 1e-9
    assert abs(spend[names[1]] - now[names[1]]) <= 400.0 + 1e-9
    most = min(900.0, scenario.largest_share[names[2]] * now[names[2]])  # type: ignore[index, call-overload]
    assert abs(spend[names[2]] - now[names[2]]) <= most + 1e-9
    if scenario.locked:
        assert spend[names[3]] == pytest.approx(now[names[3]], abs=1e-9)
        assert plan.table().filter(channel=names[3])["reason"].item().startswith("locked")


def test_a_bound_that_stops_a_channel_is_named(saturating: at.Measured) -> None:
    scenario = at.FixedBudget(5_400.0, caps={"Social": 1_000.0}, largest_share={"Search": 0.2})
    reasons = dict(at.reallocate(saturating, scenario).table().select("channel", "reason").iter_rows())
    assert "stopped at its cap" in reasons["Social"]
    assert "stopped at the largest change down" in reasons["Search"]


def test_a_held_channel_tells_the_move_that_was_given_up_and_moves_if_asked(sample: at.Measured) -> None:
    scenario = at.FixedBudget(10_196.79)
    plan = at.reallocate(sample, scenario, complete_before=LAST)
    held = plan.table().filter(pl.col("held"), pl.col("spend_now") > 0)
    assert len(held) >= 2
    assert held["change"].to_list() == [0.0] * len(held)
    given_up = [plan.given_up[c] for c in sorted(plan.given_up)]
    assert len(given_up) == len(held)
    assert all(move.low <= 0 < move.high for move in given_up)
    assert all("cannot be told from zero" in reason for reason in held["reason"])
    low = plan.gain[1]
    assert low > 0
    asked = at.reallocate(sample, scenario, complete_before=LAST, hold_unsure=False)
    assert not asked.held.any()
    assert (np.abs(asked.spend - asked.planning.response.past.now) > 1).all()
    assert asked.gain[0] > plan.gain[0]  # expected, and less sure
    assert asked.gain[2] - asked.gain[1] > plan.gain[2] - plan.gain[1]


def test_another_total_starts_from_the_same_shares(saturating: at.Measured) -> None:
    past = at.response_curves(saturating).past
    total = round(float(1.5 * past.now.sum()), 2)
    plan = at.reallocate(saturating, at.FixedBudget(total))
    assert plan.planning.start == pytest.approx(1.5 * past.now, abs=0.02)
    assert plan.gain[0] > plan.gain_of_mix[0] > 0  # some of the gain is of the money, not of the mix
    curves = plan.planning.response.draws
    of_money = (curves.gained(plan.planning.start) - curves.gained(past.now)).sum(axis=1).mean()
    assert plan.gain[0] == pytest.approx(plan.gain_of_mix[0] + of_money)


def test_a_target_cost_is_met_with_the_most_leads(saturating: at.Measured) -> None:
    past = at.response_curves(saturating).past
    now = past.now.sum() / at.response_curves(saturating).draws.value(past.now).sum(axis=1).mean()
    plans = [
        at.reallocate(saturating, at.TargetCostPerLead(share * now), hold_unsure=False)
        for share in (0.7, 0.9, 1.1)
    ]
    for share, plan in zip((0.7, 0.9, 1.1), plans, strict=True):
        total = plan.table().row(-1, named=True)
        assert total["spend_proposed"] / total["leads_expected"] <= share * now + 1e-9
        assert total["spend_proposed"] / total["leads_expected"] == pytest.approx(share * now, rel=1e-4)
    spent = [plan.spend.sum() for plan in plans]
    assert spent[0] < spent[1] < spent[2]
    held = at.reallocate(saturating, at.TargetCostPerLead(0.9 * now))
    assert (np.abs(held.spend - past.now)[held.held] < 0.01).all()


def test_models_that_would_move_money_the_other_way_are_named() -> None:
    market = MARKETS["saturating channels"]
    one = counted_in(market, 104, 1, Resampling(0.9, 200, 1))
    factor = pl.col("channel").replace_strict({"Search": 4.0, "Social": 0.2}, default=1.0)
    generous = one.sums.with_columns(pl.col("leads") * factor, model=pl.lit("generous"))
    both = replace(one, sums=pl.concat([one.sums, generous]), replicated=None)
    plan = at.reallocate(both, at.FixedBudget(5_400.0), model="m", hold_unsure=False)
    told = dict(plan.table().select("channel", "models_disagree").iter_rows())
    assert told["Search"] == "generous: up"
    assert told["Social"] == "generous: down"
    alone = at.reallocate(replace(one, replicated=None), at.FixedBudget(5_400.0), hold_unsure=False).table()
    assert alone["models_disagree"].null_count() == len(alone)
    assert_frame_equal(alone.drop("models_disagree"), plan.table().drop("models_disagree"))
    other = at.reallocate(both, at.FixedBudget(5_400.0), model="generous", hold_unsure=False)
    assert other.spend[1] > plan.spend[1]  # Search


def test_the_plan_may_be_for_revenue(sample: at.Measured) -> None:
    plan = at.reallocate(sample, at.FixedBudget(10_000.0), outcome="revenue", complete_before=LAST)
    assert [name for name in plan.table().columns if name.startswith("revenue")] == [
        *("revenue_now", "revenue_expected", "revenue_expected_low", "revenue_expected_high")
    ]
    assert "revenue a week" in plan.table()["reason"][-1]


def test_where_no_customer_was_drawn_the_weeks_alone_make_the_interval() -> None:
    market = MARKETS["saturating channels"]
    drawn = counted_in(market, 104, 1, Resampling(0.9, 400, 1))
    without = replace(drawn, replicated=None)
    ours, theirs = (
        at.reallocate(each, at.FixedBudget(5_400.0), hold_unsure=False) for each in (drawn, without)
    )
    level = theirs.planning.response.past.resampling.intervals
    assert level == 0.95  # what is usual
    width = [plan.gain[2] - plan.gain[1] for plan in (ours, theirs)]
    assert 0.8 * width[0] < width[1] < 2.0 * width[0]


JULY = {"timestamp": "time", "revenue": "conversion_value"}


def test_july_is_a_refusal_by_week_and_by_day_a_plan_that_claims_nothing(data: Any) -> None:
    events = data.need("july2018/touchpoints_and_conversions.csv")
    spend, columns = data.need("july2018/spend_daily.csv"), {"spend": "cost", "date": "day"}
    split = at.split_events(events, columns=JULY)
    journeys = at.stitch(split.touchpoints, split.outcomes, lookback_days=30)
    result = at.attribute(journeys, at.Markov(), at.LastTouch(), intervals=0.9, replicates=400)
    log = at.credit_log(journeys, result)
    by_week = at.measure(log, spend, columns=columns, by=["channel", "week"])
    with pytest.raises(at.ConvergenceError, match=r"got \d weeks with spend and outcomes, expected"):
        at.reallocate(by_week, at.FixedBudget(1_000.0))

    by_day = at.measure(log, spend, columns=columns, by=["channel", "day"])
    plan = at.reallocate(by_day, at.FixedBudget(159.09))
    table = plan.table()
    assert table["channel"].to_list()[:-1] == [
        *("Facebook", "Paid Search", "Online Video", "Instagram", "Online Display")
    ]
    assert table["spend_now"][-1] == 159.09
    assert plan.gain == (0.0, 0.0, 0.0)  # 31 days with a week's season in them support no move
    assert all(reason.startswith("held: ") for reason in table["reason"][:-1])
    asked = at.reallocate(by_day, at.FixedBudget(159.09), hold_unsure=False)
    low, high = asked.gain[1:]
    assert low < 0 < high
    share = at.response_curves(by_day).table().filter(channel="Paid Search")
    assert share["incremental_share_low"].item() > 1
    told = table.filter(channel="Paid Search")["reason"].item()
    assert "of its credit" in told
    assert told.endswith("does a season move its spend as well?")
