"""Budget questions that cannot be answered: refused, with the bounds that contradict each other by name."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from markets import counted_in, weekly

import attribution as at
from attribution.simulation.market import Market, Paid
from attribution.statistics import Resampling

WEEKS = 20
RANDOM = np.random.default_rng(3)
SPEND = {
    "Search": np.round(RANDOM.uniform(500.0, 1_500.0, WEEKS), 2).tolist(),
    "Social": np.round(RANDOM.uniform(300.0, 900.0, WEEKS), 2).tolist(),
}
LEADS = {
    "Search": RANDOM.poisson(40, WEEKS).tolist(),
    "Social": RANDOM.poisson(30, WEEKS).tolist(),
    "Organic": RANDOM.poisson(20, WEEKS).tolist(),
    "(unattributed)": RANDOM.poisson(5, WEEKS).tolist(),
}
NAN, INF = math.nan, math.inf


@pytest.fixture(scope="module")
def measured() -> at.Measured:
    return weekly(SPEND, LEADS)


def refusal(measured: at.Measured, scenario: at.FixedBudget | at.TargetCostPerLead) -> str:
    with pytest.raises(at.ParameterError) as error:
        at.reallocate(measured, scenario)
    assert error.value.exit_code == 2
    return str(error.value)


@pytest.mark.parametrize("total", [NAN, INF, -INF, -1.0, 0.0, "1000", None, True])
def test_a_total_that_is_no_amount(total: Any) -> None:
    with pytest.raises(at.ParameterError, match=r"parameter 'total': got .*, expected an amount > 0"):
        at.FixedBudget(total)


@pytest.mark.parametrize("value", [NAN, INF, -5.0, 0, "5"])
def test_a_target_that_is_no_amount(value: Any) -> None:
    with pytest.raises(at.ParameterError, match=r"parameter 'value': got .*, expected an amount > 0"):
        at.TargetCostPerLead(value)


@pytest.mark.parametrize("key", ["floors", "caps", "largest_share", "largest_amount"])
@pytest.mark.parametrize("amount", [NAN, INF, -1.0, "5", None, True])
def test_an_amount_of_a_channel_that_is_none(key: str, amount: Any) -> None:
    with pytest.raises(at.ParameterError, match=rf"parameter '{key}\[Search\]': got .*an amount >= 0"):
        at.FixedBudget(1_000, **{key: {"Search": amount}})


@pytest.mark.parametrize("key", ["largest_share", "largest_amount"])
@pytest.mark.parametrize("amount", [NAN, -0.1, "x", True])
def test_a_largest_change_that_is_none(key: str, amount: Any) -> None:
    with pytest.raises(at.ParameterError, match=rf"parameter '{key}': got .*expected an amount >= 0"):
        at.TargetCostPerLead(5, **{key: amount})


@pytest.mark.parametrize("key", ["floors", "caps"])
def test_bounds_that_name_no_channel(key: str) -> None:
    with pytest.raises(at.ParameterError, match=f"parameter '{key}': got 5, expected amounts by channel"):
        at.FixedBudget(1_000, **{key: 5})


@pytest.mark.parametrize("locked", ["Search", (1,), [None]])
def test_locked_channels_that_are_no_names(locked: Any) -> None:
    with pytest.raises(at.ParameterError, match=r"parameter 'locked': got .*, expected names of channels"):
        at.FixedBudget(1_000, locked=locked)


def test_row_65_floors_above_the_total_are_told_with_their_sum_and_their_names() -> None:
    with pytest.raises(at.ParameterError) as error:
        at.FixedBudget(1_000, floors={"Search": 700, "Social": 500.5})
    assert str(error.value) == (
        "scenario: the floors, 1,200.50 (Search 700.00, Social 500.50), are above the total, 1,000.00; "
        "lower the floors or raise the total"
    )


def test_a_floor_above_its_cap() -> None:
    with pytest.raises(at.ParameterError) as error:
        at.TargetCostPerLead(50, floors={"Search": 700}, caps={"Search": 600})
    assert str(error.value) == (
        "scenario: the floor of 'Search', 700.00, is above its cap, 600.00; lower the one or raise the other"
    )


def test_a_scenario_cannot_be_changed_after_its_check() -> None:
    floors = {"Search": 700.0}
    scenario = at.FixedBudget(1_000, floors=floors)
    floors["Search"] = 5_000.0
    assert scenario.floors["Search"] == 700.0
    with pytest.raises(TypeError):
        scenario.floors["Search"] = 5_000.0  # type: ignore[index]
    with pytest.raises(AttributeError):
        scenario.total = 2.0  # type: ignore[misc]


@pytest.mark.parametrize("key", ["floors", "caps", "locked", "largest_share"])
def test_an_unknown_channel_is_told_with_the_closest(measured: at.Measured, key: str) -> None:
    bound: Any = ("Serach",) if key == "locked" else {"Serach": 0.5}
    told = refusal(measured, at.FixedBudget(1_500, **{key: bound}))
    assert told == f"{key}: unknown channel 'Serach'; did you mean 'Search'?; known: 'Search', 'Social'"


def test_row_65_a_channel_without_spend_cannot_be_bound(measured: at.Measured) -> None:
    told = refusal(measured, at.FixedBudget(1_500, floors={"Organic": 5}))
    assert told == "parameter 'floors': got 'Organic', expected channels with spend: 'Search', 'Social'"


def test_row_65_caps_below_the_total_are_told_with_their_sum_and_their_names(measured: at.Measured) -> None:
    told = refusal(measured, at.FixedBudget(1_500, caps={"Search": 700, "Social": 500}))
    assert told == (
        "scenario: the most that the channels may spend, 1,200.00, is below the total, 1,500.00: "
        "Search (its cap) 700.00, Social (its cap) 500.00; relax these bounds (floors and caps stand in "
        "place of what was seen), or change the total"
    )


def test_a_total_beyond_twice_what_was_ever_spent(measured: at.Measured) -> None:
    told = refusal(measured, at.FixedBudget(1_000_000))
    highest = [max(SPEND[name]) for name in ("Search", "Social")]
    assert (
        f"is below the total, 1,000,000.00: Search (twice the highest spend seen, {highest[0]:,.2f})" in told
    )
    within = at.FixedBudget(1_000_000, caps={"Search": 800_000, "Social": 800_000})
    assert at.reallocate(measured, within).spend.sum() == pytest.approx(1_000_000)


def test_locked_channels_and_floors_above_the_total(measured: at.Measured) -> None:
    told = refusal(measured, at.FixedBudget(1_000, locked=("Search",), floors={"Social": 400}))
    assert told.startswith("scenario: the least that the channels may spend, ")
    assert "is above the total, 1,000.00: Search (locked) " in told
    assert "Social (its floor) 400.00; relax these bounds" in told


def test_a_lock_and_a_cap_that_contradict_each_other(measured: at.Measured) -> None:
    told = refusal(measured, at.FixedBudget(1_000, locked=("Search",), caps={"Search": 100}))
    assert "'Search' cannot spend at least" in told
    assert "(locked) and at most 100.00 (its cap)" in told


def test_a_largest_change_and_a_floor_that_contradict_each_other(measured: at.Measured) -> None:
    told = refusal(measured, at.FixedBudget(3_000, largest_share=0.1, floors={"Social": 2_000}))
    assert "'Social' cannot spend at least 2,000.00 (its floor) and at most" in told
    assert "(the largest change up)" in told


def test_largest_changes_that_do_not_reach_the_total(measured: at.Measured) -> None:
    told = refusal(measured, at.FixedBudget(9_000, largest_share=0.1, caps=dict.fromkeys(SPEND, 9_000)))
    assert "Search (the largest change up)" in told
    told = refusal(measured, at.FixedBudget(100, largest_amount={"Search": 5, "Social": 5}))
    assert "the least that the channels may spend" in told
    assert "Search (the largest change down)" in told


def test_what_is_no_scenario(measured: at.Measured) -> None:
    told = refusal(measured, 5_000)  # type: ignore[arg-type]
    assert told == "parameter 'scenario': got 5000, expected FixedBudget or TargetCostPerLead"


def test_a_target_that_is_not_reachable_tells_the_lowest(measured: at.Measured) -> None:
    floors = {"Search": 900.0, "Social": 500.0}
    with pytest.raises(at.ConvergenceError, match=r"target cost: got 1\.00, expected at least [\d.,]+, the"):
        at.reallocate(measured, at.TargetCostPerLead(1, floors=floors), hold_unsure=False)
    with pytest.raises(at.ConvergenceError) as error:
        at.reallocate(measured, at.TargetCostPerLead(1, floors=floors))
    assert error.value.exit_code == 5
    assert "move-unsure" not in str(error.value)  # no move reaches it


def test_a_target_that_only_unsure_moves_reach_is_told_as_such() -> None:
    cheap = Paid("Cheap", "hill", 90.0, 700.0, spend=800.0)
    steady = Paid("Steady", "power", 0.07, 0.5, spend=2_000.0, swing=0.0)  # and dear: 3 leads a week
    measured = counted_in(Market((cheap, steady), 20.0), 60, 0, Resampling(0.9, 200, 0))
    with pytest.raises(at.ConvergenceError, match=r"hold_unsure=False \(--move-unsure\)"):
        at.reallocate(measured, at.TargetCostPerLead(45))
    plan = at.reallocate(measured, at.TargetCostPerLead(45), hold_unsure=False)
    assert plan.spend[1] < 2_000.0
    assert "its spend never varied" in plan.table().filter(channel="Steady")["reason"].item()


def test_row_65_credits_below_zero_are_told_with_their_week() -> None:
    leads = LEADS | {"Social": [-2.0, *LEADS["Social"][1:]]}
    with pytest.raises(at.TableError) as error:
        at.reallocate(weekly(SPEND, leads), at.FixedBudget(1_500))
    assert "credit below zero (leads) (1 rows)" in str(error.value)
    assert "'Social' in the week of 2025-01-06: -2" in str(error.value)


def test_too_few_weeks() -> None:
    few = weekly(
        {name: each[:7] for name, each in SPEND.items()}, {name: each[:7] for name, each in LEADS.items()}
    )
    with pytest.raises(at.ConvergenceError, match="got 7 weeks with spend and outcomes, expected at least 8"):
        at.reallocate(few, at.FixedBudget(1_500))


def test_no_channel_with_spend_and_spend_that_is_not_known_by_week() -> None:
    with pytest.raises(at.TableError, match="no spend"):
        at.reallocate(weekly({}, LEADS), at.FixedBudget(1_500))
    nothing = {name: [0.0] * WEEKS for name in SPEND}
    with pytest.raises(at.TableError, match="no channel with spend"):
        at.reallocate(weekly(nothing, LEADS), at.FixedBudget(1_500))


def test_names_that_are_not_there(measured: at.Measured) -> None:
    with pytest.raises(at.ParameterError, match="unknown model 'markov'; known: m"):
        at.reallocate(measured, at.FixedBudget(1_500), model="markov")
    with pytest.raises(at.ParameterError, match="unknown outcome 'wins'; known: leads"):
        at.reallocate(measured, at.FixedBudget(1_500), outcome="wins")
    for half_life in (NAN, -1.0, INF, "7"):
        with pytest.raises(at.ParameterError, match=r"parameter 'half_life': got .*, expected days"):
            at.reallocate(measured, at.FixedBudget(1_500), half_life=half_life)  # type: ignore[arg-type]


def test_what_is_not_measured_by_channel_and_one_period() -> None:
    tables = at.sample.load()
    journeys = at.stitch(tables.touchpoints, tables.leads, lookback_days=30)
    log = at.credit_log(journeys, at.attribute(journeys, at.LastTouch())["last_touch"])
    for by in (["channel"], ["week"], ["channel", "owner", "week"], ["channel", "week", "month"]):
        with pytest.raises(at.ParameterError, match="parameter 'by'"):
            at.reallocate(at.measure(log, tables.spend, by=by), at.FixedBudget(9_000))
    undated = tables.spend.select("channel", "campaign", "spend")
    measured = at.measure(log, undated, by=["channel", "week"], repeated_spend="sum")
    with pytest.raises(at.TableError, match="spend is not known by week"):
        at.reallocate(measured, at.FixedBudget(9_000))


def test_row_65_no_plan_holds_a_nan_even_where_a_channel_has_no_lead_or_no_spend_now() -> None:
    spend = SPEND | {
        "Stopped": [500.0] * 10 + [0.0] * 10,
        "Barren": [float(200 + each) for each in range(WEEKS)],
    }
    leads = LEADS | {"Stopped": [10.0, 12.0] * 5 + [0.0] * 10, "Barren": [0.0] * WEEKS}
    for hold_unsure in (True, False):
        plan = at.reallocate(
            weekly(spend, leads),
            at.FixedBudget(2_000),
            hold_unsure=hold_unsure,
        )
        table = plan.table()
        if hold_unsure:
            held = table.filter(channel="Barren").row(0, named=True)
            assert held["reason"].startswith(
                "held at its share of the total: nothing was ever credited to it"
            )
        assert round(float(plan.spend.sum()), 2) == 2_000.0
        for name in table.columns:
            if table.schema[name].is_float():
                assert table[name].is_nan().sum() == 0
    barren = table.filter(channel="Barren").row(0, named=True)
    assert barren["leads_now"] == 0.0
    assert barren["marginal_cost_now"] is None
    assert table.filter(channel="Stopped")["marginal_cost_now"].item() is None  # nothing is spent on it
    assert barren["spend_proposed"] == 100.0  # half of the least that was spent
    assert "stopped at half the lowest spend seen, 200.00" in barren["reason"]
    floor = at.FixedBudget(2_000, floors={"Barren": 0.0})
    assert (
        at.reallocate(weekly(spend, leads), floor, hold_unsure=False).table()["spend_proposed"].min() == 0.0
    )
