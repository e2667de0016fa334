"""Value: sums over customers and their worth against a naive twin, by hand, and the laws they keep."""

from __future__ import annotations

import math
import random
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

import attribution as at
from attribution.errors import ParameterError, TableError
from attribution.kpis import KPIS
from attribution.stitched import Stitched

START = datetime(2025, 1, 1, tzinfo=UTC)
MONTH = 365.25 / 12
TIME = pl.Datetime("us", "UTC")
TIMES = ("timestamp", "sql_at", "won_at", "lost_at", "churned_at")
SUMS = ("leads", "customers", "orders", "repeats", "customer_revenue", "exposure_months")
BY_SUBSCRIPTION = (*SUMS, "churned")
FIGURES = [kpi.name for kpi in KPIS if kpi.verb == "value"]


def month(number: float | None) -> datetime | None:
    return None if number is None else START + timedelta(days=number * MONTH)


def orders_of(*rows: dict[str, Any]) -> pl.DataFrame:
    """Return leads of months after the start: {"customer_id": "a", "timestamp": 3, "wins": 1, ...}."""
    full = [{"owner": "Ann", "wins": 1, "revenue": 100.0, "timestamp": 0, **row} for row in rows]
    there = [name for name in TIMES if any(name in row for row in full)]
    full = [{**row, **{name: month(row.get(name)) for name in there}} for row in full]
    return pl.DataFrame(full, schema_overrides=dict.fromkeys(there, TIME), infer_schema_length=None)


def log_of(orders: pl.DataFrame) -> at.CreditLog:
    return at.lead_log(orders, folds=16)


def total(orders: pl.DataFrame, spend: float | None = None, **more: Any) -> dict[str, Any]:
    """Return the total of the value of the owners of orders."""
    money = None if spend is None else pl.DataFrame({"channel": "ads", "owner": ["Ann"], "spend": [spend]})
    return at.customer_value(log_of(orders), money, by=["owner"], **more).table().row(-1, named=True)


def random_orders(seed: int, n: int = 150, churn: bool = True) -> pl.DataFrame:
    """Return orders of customers who come again, are refunded, leave, come back, or never buy."""
    draw = random.Random(seed)
    rows = []
    for place in range(n):
        now = draw.uniform(0, 30)
        wins = draw.choice([0, 1, 1, 2])
        row: dict[str, Any] = {"customer_id": f"c{draw.randrange(n // 3)}", "timestamp": now, "wins": wins}
        row |= {"leads": max(wins, draw.choice([1, 1, 3])), "owner": draw.choice(["Ann", "Bo", "Cy"])}
        row["revenue"] = wins * draw.uniform(10, 90) if wins else draw.choice([0.0, 0.0, -draw.uniform(1, 9)])
        row["won_at"] = now + draw.uniform(0, 9) if wins and draw.random() < 0.6 else None
        row["score"] = draw.choice([None, draw.uniform(1, 9), draw.uniform(1, 9)])
        if churn:
            row["churned_at"] = now + draw.uniform(-4, 30) if draw.random() < 0.2 else None
        rows.append(row | {"place": place})
    return orders_of(*rows)


def naive(orders: pl.DataFrame, until: datetime, form: str) -> dict[str, dict[str, float]]:
    """Return the sums by owner, as plainly as they can be said."""
    found: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    of_customer = defaultdict(list)
    for row in orders.rows(named=True):
        if row["timestamp"] <= until:
            of_customer[row["customer_id"]].append(row)
            found[row["owner"]]["leads"] += row["leads"]
            found[row["owner"]]["expected_value"] += row["leads"] * (row["score"] or 0.0)
    for rows in of_customer.values():
        done = [(row["won_at"] or row["timestamp"], row) for row in rows]
        done = [(when, row) for when, row in done if when <= until]
        won = sorted(
            ((when, row["place"], row) for when, row in done if row["wins"]), key=lambda each: each[:2]
        )
        if not won:
            continue
        first, last, sums = won[0][0], won[-1][0], found[won[0][2]["owner"]]
        count = sum(row["wins"] for _, _, row in won)
        sums["customers"] += 1
        sums["orders"] += count
        sums["repeats"] += count - 1
        sums["customer_revenue"] += math.fsum(row["revenue"] for _, row in done)
        end = until
        if form == "subscription":
            churns = [row["churned_at"] for row in rows if row["churned_at"] and row["churned_at"] <= until]
            if churns and max(churns) >= last:
                end = max(churns)
                sums["churned"] += 1
        sums["exposure_months"] += (end - first) / timedelta(days=MONTH)
    for owner in list(found):
        for name, value in found[owner].items():
            found["(total)"][name] += value
    return found


def worth_of(sums: dict[str, float], spend: float, form: str, terms: dict[str, float]) -> dict[str, float]:
    """Return the figures of sums, as plainly as they can be said; the discounted months by small steps."""
    customers, revenue = sums["customers"], sums["customer_revenue"]
    cost, paid = spend / customers, terms["margin"] * revenue / customers
    step = terms["horizon_months"] / 2_000
    churn = sums["churned"] / sums["exposure_months"] if form == "subscription" else 0.0
    months = math.fsum(
        step * (1 - terms["discount"]) ** (place / 12) * math.exp(-churn * place)
        for place in (step * (number + 0.5) for number in range(2_000))
    )
    at_once, monthly = 0.0, paid
    if form == "transactional":
        at_once = terms["margin"] * revenue / sums["orders"]
        monthly = at_once * sums["repeats"] / sums["exposure_months"]
    lifetime = at_once + monthly * months
    return {
        "revenue_per_customer": revenue / customers,
        "revenue_per_order": revenue / sums["orders"],
        "orders_per_month": sums["repeats"] / sums["exposure_months"],
        "lifetime_value": lifetime,
        "cost_per_customer": cost,
        "lifetime_value_to_cost": lifetime / cost,
        "payback_months": max(cost - at_once, 0.0) / monthly,
        "return_on_investment": (terms["margin"] * revenue - spend) / spend,
        "expected_value_per_lead": sums["expected_value"] / sums["leads"],
        **({"churn_per_month": churn} if form == "subscription" else {}),
    }


# The twin.


@pytest.mark.parametrize("form", ["transactional", "subscription"])
@pytest.mark.parametrize("until", [None, 18.0])
@pytest.mark.parametrize("seed", range(3))
def test_sums_and_figures_are_those_of_the_twin(seed: int, until: float | None, form: str) -> None:
    orders = random_orders(seed)
    times = [
        name for name in TIMES if name in orders.columns and (form == "subscription" or "ch" not in name)
    ]
    end = month(until) or max(orders[name].max() for name in times)  # type: ignore[type-var]
    terms = {"margin": 0.4, "horizon_months": 24.0, "discount": 0.1}
    costs = {"Ann": 900.0, "Bo": 2000.0, "Cy": 100.0}
    spend = pl.DataFrame({"channel": "ads", "owner": list(costs), "spend": list(costs.values())})
    log = log_of(orders)
    asked: dict[str, Any] = {"by": ["owner"], "form": form, "score": "score", "until": month(until), **terms}
    table = at.customer_value(log, spend, **asked).table()
    theirs = naive(orders, end, form)
    assert table["owner"].to_list() == ["Ann", "Bo", "Cy", "(total)"]
    assert set(table["observed_until"]) == {end}
    for row in table.rows(named=True):
        sums, cost = theirs[row["owner"]], costs.get(row["owner"], 3000.0)
        assert row["spend"] == cost
        for name in (*(BY_SUBSCRIPTION if form == "subscription" else SUMS), "expected_value"):
            assert row[name] == pytest.approx(sums[name], rel=1e-9, abs=1e-9), name
        told = worth_of(sums, cost, form, terms)
        assert [name for name in FIGURES if name in table.columns] == [
            name for name in FIGURES if name in told
        ]
        for name, value in told.items():
            assert row[name] == pytest.approx(value, rel=1e-7), name


# By hand.


def test_by_order_a_customer_is_worth_order_value_times_all_orders_to_come_times_margin() -> None:
    again = ({"customer_id": "a", "timestamp": each, "revenue": 50.0} for each in (0, 2, 5))
    row = total(
        orders_of(*again, {"customer_id": "b", "timestamp": 6, "revenue": 90.0}),
        spend=100.0,
        margin=0.5,
        horizon_months=12,
        until=month(10),
    )
    assert [row[name] for name in SUMS] == pytest.approx([4, 2, 4, 2, 240, 14])  # months: 10 + 4
    value = 60 * (1 + 2 / 14 * 12) * 0.5
    assert row["lifetime_value"] == pytest.approx(value)
    assert row["cost_per_customer"] == 50
    assert row["lifetime_value_to_cost"] == pytest.approx(value / 50)
    assert row["payback_months"] == pytest.approx((50 - 30) / (30 * 2 / 14))  # the first order pays 30 of 50
    assert row["return_on_investment"] == pytest.approx(0.5 * 240 / 100 - 1)
    assert row["revenue_per_customer"] == 120


def test_by_subscription_a_customer_is_worth_margin_times_monthly_revenue_over_churn() -> None:
    leaver = {"customer_id": "a", "revenue": 30.0, "churned_at": 10}
    row = total(
        orders_of(
            leaver, {"customer_id": "b", "revenue": 50.0}, {"customer_id": "c", "wins": 0, "revenue": 0.0}
        ),
        spend=80.0,
        form="subscription",
        margin=0.25,
        horizon_months=1e9,
        until=month(30),
    )
    assert [row[name] for name in BY_SUBSCRIPTION] == pytest.approx([3, 2, 2, 0, 80, 40, 1])
    assert row["churn_per_month"] == pytest.approx(1 / 40)
    assert row["lifetime_value"] == pytest.approx(0.25 * 40 / (1 / 40))
    assert row["payback_months"] == pytest.approx(40 / (0.25 * 40))
    assert row["lifetime_value_to_cost"] == pytest.approx(10)


def test_the_score_is_what_each_lead_is_expected_to_bring() -> None:
    orders = orders_of(*({"customer_id": each, "wins": 0} for each in "abc"))
    scored = orders.with_columns(score=pl.Series([60.0, 30.0, None]), leads=pl.Series([1, 2, 1]))
    made = at.customer_value(log_of(scored), by=["owner"], score="score")
    assert made.table()["expected_value_per_lead"].to_list() == [30, 30]  # (60 + 2 x 30 + 0) / 4
    assert made.warnings == ("value: 1 leads have no score: they are expected to bring 0",)
    for odd in (pl.Series([60.0, 30.0, math.nan]), pl.Series(["60", "30", "nan"])):
        assert total(scored.with_columns(score=odd), score="score")["expected_value_per_lead"] == 30
    with pytest.raises(TableError, match="no numbers"):
        total(scored.with_columns(score=pl.Series(["60", "30", "many"])), score="score")
    with pytest.raises(TableError, match="infinite"):
        total(scored.with_columns(score=pl.Series([1.0, -math.inf, 2.0])), score="score")


# Who is watched, and for how long.


def test_an_open_customer_is_censored_and_not_lost() -> None:
    stays = {"customer_id": "a"}
    gone = {"customer_id": "b", "churned_at": 6}
    later = {"customer_id": "c", "churned_at": 15}  # which nobody knows in month 12
    row = total(orders_of(stays, gone, later), form="subscription", until=month(12))
    assert (row["churned"], row["exposure_months"]) == (1, pytest.approx(12 + 6 + 12))
    longer = total(orders_of(stays, gone, later), form="subscription", until=month(20))
    assert (longer["churned"], longer["exposure_months"]) == (2, pytest.approx(20 + 6 + 15))


def test_who_is_won_after_leaving_is_back_and_a_day_of_leaving_may_be_that_of_the_win() -> None:
    rows = (
        {"customer_id": "a", "churned_at": 3},
        {"customer_id": "a", "timestamp": 5},  # is back
        {"customer_id": "b", "timestamp": 4, "churned_at": 2},  # left before it was won
        {"customer_id": "c", "timestamp": 0.01, "churned_at": 0},  # on the day of the win, which began before
    )
    made = at.customer_value(log_of(orders_of(*rows)), by=["owner"], form="subscription", until=month(10))
    row = made.table().row(-1, named=True)
    assert (row["customers"], row["churned"]) == (3, 1)
    assert row["exposure_months"] == pytest.approx(10 + 6 + 0)
    assert made.warnings == (
        "value: 2 customers were won again after their churned_at: they count as still there",
    )


def test_by_order_churn_is_not_read() -> None:
    rows = ({"customer_id": "a", "churned_at": 3}, {"customer_id": "b", "timestamp": 2})
    row = total(orders_of(*rows))
    assert row["exposure_months"] == pytest.approx(2)  # to the latest lead, and not to the churn
    assert not {"churned", "churn_per_month"} & set(row)


def test_customers_are_watched_until_the_time_that_velocity_observes() -> None:
    log = log_of(orders_of({"customer_id": "a", "won_at": 1, "sql_at": 7}))
    table = at.customer_value(log, by=["owner"]).table()
    assert table["exposure_months"].to_list() == pytest.approx([6, 6])
    assert table["observed_until"][0] == at.velocity(log, by=["owner"]).table()["observed_until"][0]
    assert table.schema["observed_until"] == TIME


def test_what_lies_after_until_has_not_happened() -> None:
    rows = (
        {"customer_id": "a", "timestamp": 0},
        {"customer_id": "a", "timestamp": 8, "revenue": 1000.0},  # an order to come
        {"customer_id": "b", "timestamp": 1, "won_at": 7, "revenue": 1000.0},  # a lead, and not yet a win
        {"customer_id": "c", "timestamp": 9},  # not even a lead
        {"customer_id": "a", "timestamp": 2, "won_at": 3, "revenue": -20.0, "wins": 0},
    )
    row = total(orders_of(*rows), until=month(6))
    assert [row[name] for name in SUMS] == pytest.approx([3, 1, 1, 0, 80, 6])
    before = total(orders_of(*rows), until=month(-1))
    assert before["leads"] == 0
    assert before["lifetime_value"] is None


def test_a_win_that_is_taken_back_later_still_stands_until_then() -> None:
    orders = orders_of({"customer_id": "a", "won_at": 1, "lost_at": 5}, {"customer_id": "b"}).drop("wins")
    assert total(orders, until=month(3))["customers"] == 1
    assert total(orders, until=month(6))["customers"] == 0


def test_a_customer_belongs_to_the_lead_that_was_won_first() -> None:
    rows = (
        {"customer_id": "a", "owner": "Ann", "timestamp": 0, "wins": 0, "revenue": 0.0},
        {"customer_id": "a", "owner": "Bo", "timestamp": 3},
        {"customer_id": "a", "owner": "Cy", "timestamp": 1, "won_at": 4, "revenue": 40.0},
    )
    table = at.customer_value(log_of(orders_of(*rows)), by=["owner"], until=month(5)).table()
    assert table["leads"].to_list() == [1, 1, 1, 3]
    for name, value in {"customers": 1, "orders": 2, "customer_revenue": 140, "exposure_months": 2}.items():
        assert table[name].to_list() == pytest.approx([0, value, 0, value]), name


def test_a_row_of_several_wins_is_several_orders_of_one_customer() -> None:
    row = total(
        orders_of(
            {"customer_id": "a", "leads": 3, "wins": 2}, {"customer_id": "b", "leads": 1, "timestamp": 4}
        )
    )
    assert [row[name] for name in SUMS] == pytest.approx([4, 2, 3, 1, 200, 4])


# What is not known says why.


def test_what_is_not_known_is_null_with_its_reason() -> None:
    spend = pl.DataFrame({"channel": "x", "owner": ["Ann", "Bo", "Di"], "spend": [10.0, 20.0, 30.0]})
    rows = (
        {"customer_id": "a", "owner": "Bo", "timestamp": 5, "revenue": 15.0},  # watched for no time
        {"customer_id": "b", "owner": "Ann", "wins": 0, "revenue": 0.0},
        {"customer_id": "c", "owner": "Cy", "revenue": 1.0},
    )
    table = at.customer_value(log_of(orders_of(*rows)), spend, by=["owner"]).table()
    ann, bo, cy, di, _ = table.rows(named=True)
    for row in (ann, di):  # spend and no customers
        for name in ("lifetime_value", "cost_per_customer", "lifetime_value_to_cost", "payback_months"):
            assert row[name] is None
            assert f"{name}: no credited customers" in row["reason"]
        assert row["return_on_investment"] == -1
    assert "lifetime_value: no credited exposure_months" in bo["reason"]
    assert "lifetime_value_to_cost: no credited exposure_months" in bo["reason"]
    assert cy["lifetime_value"] == 1
    assert "payback_months: no spend" in cy["reason"]
    never = total(orders_of({"customer_id": "c"}, {"customer_id": "d", "timestamp": 4}), spend=999.0)
    assert never["payback_months"] is None
    assert never["reason"] == "payback_months: the margin never pays the cost"
    lost = orders_of({"customer_id": "c", "revenue": -5.0}, {"customer_id": "c", "timestamp": 4})
    lost = lost.with_columns(revenue=pl.Series([-5.0, -5.0]))
    assert total(lost, spend=9.0)["payback_months"] is None


def test_without_revenue_there_are_customers_and_no_money_of_theirs() -> None:
    row = total(orders_of({"customer_id": "a"}).drop("revenue"), spend=7.0)
    assert (row["customers"], row["cost_per_customer"]) == (1, 7)
    assert not {"customer_revenue", "lifetime_value", "payback_months", "return_on_investment"} & set(row)


def test_an_outcome_of_ones_own_that_is_named_as_a_sum_of_customers_is_not_taken_for_it() -> None:
    orders = orders_of({"customer_id": "a"}, {"customer_id": "a", "timestamp": 3}).with_columns(
        leads=pl.lit(1), orders=pl.lit(7.0)
    )
    log = at.lead_log(orders, outcome_names=["leads", "wins", "revenue", "orders"], folds=16)
    assert at.customer_value(log, by=["owner"]).table()["orders"].to_list() == [2, 2]


def test_what_cannot_be_is_refused() -> None:
    log = log_of(orders_of({"customer_id": "a"}))
    bounds = {"margin": 0.0, "horizon_months": -1.0, "discount": 1.0, "form": "lease"}
    for name, value in bounds.items():
        with pytest.raises(ParameterError, match=name):
            at.customer_value(log, by=["owner"], **{name: value})  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="churned_at"):
        at.customer_value(log, by=["owner"], form="subscription")
    with pytest.raises(ParameterError, match="points"):
        at.customer_value(log, by=["owner"], score="points")
    with pytest.raises(ParameterError, match=r"until.*zone"):
        at.customer_value(log, by=["owner"], until=datetime(2025, 3, 1))
    with pytest.raises(ParameterError, match="expected a credit log"):
        at.customer_value(sample()[1])
    for taken in ("form", "orders", "lifetime_value"):
        named = log_of(orders_of({"customer_id": "a"}).rename({"owner": taken}))
        with pytest.raises(ParameterError, match=rf"by.*{taken}"):
            at.customer_value(named, by=[taken])
    with pytest.raises(ParameterError, match=r"by.*wins"):
        at.customer_value(log, by=["wins"])


# Laws, of a log with touchpoints.


@cache
def sample() -> tuple[Stitched, at.Result]:
    touchpoints, leads, _ = at.sample.load()
    draw = random.Random(5)
    away = [month(12 + draw.uniform(0, 16)) if draw.random() < 0.3 else None for _ in range(len(leads))]
    leads = leads.with_columns(churned_at=pl.Series(away, dtype=TIME), score=pl.col("revenue") / 7 + 1)
    again = leads.filter(pl.col("won_at").is_not_null())[::2].with_columns(
        pl.col("outcome_id") + "-2", *(pl.col(name).dt.offset_by("20d") for name in ("timestamp", "won_at"))
    )
    leads = pl.concat([leads, again])
    journeys = at.stitch(touchpoints, leads, lookback_days=30)
    return journeys, at.attribute(journeys, at.LastTouch(), at.Markov(), intervals=0.9, replicates=200)


@cache
def by_channel(form: str = "subscription") -> pl.DataFrame:
    log = at.credit_log(*sample())
    return at.customer_value(log, at.sample.load().spend, form=form, margin=0.6, score="score").table()


def test_cells_and_what_is_unattributed_add_up_to_what_customers_alone_say() -> None:
    leads = at.sample.load().leads
    for (_model,), rows in by_channel().group_by("model"):
        cells, whole = rows[:-1], rows.row(-1, named=True)
        assert "(unattributed)" in cells["channel"]
        assert whole["leads"] > len(leads)
        assert whole["repeats"] > 20
        assert whole["customers"] == leads.filter(pl.col("wins") > 0)["customer_id"].n_unique()
        for name in (*BY_SUBSCRIPTION, "expected_value"):
            assert math.fsum(cells[name]) == pytest.approx(whole[name], rel=1e-12), name


@pytest.mark.parametrize("form", ["transactional", "subscription"])
def test_a_total_is_a_ratio_of_sums_and_no_mean(form: str) -> None:
    for (_model,), rows in by_channel(form).group_by("model"):
        cells, whole = rows[:-1], rows.row(-1, named=True)
        for kpi in KPIS:
            if kpi.name in ("lifetime_value", "lifetime_value_to_cost", "payback_months"):
                assert whole[kpi.name] is not None
            elif kpi.verb == "value" and kpi.name in rows.columns and kpi.name != "return_on_investment":
                assert whole[kpi.name] == pytest.approx(whole[kpi.numerator] / whole[kpi.denominator])
                assert abs(whole[kpi.name] / cells[kpi.name].mean() - 1) > 1e-4  # type: ignore[operator]
        if form == "transactional":
            more = 1 + whole["orders_per_month"] * 36
            assert whole["lifetime_value"] == pytest.approx(0.6 * whole["revenue_per_order"] * more)


def test_the_order_of_the_rows_changes_no_bit() -> None:
    orders = random_orders(4).with_columns(pl.col("timestamp").dt.truncate("5d"))  # of one instant as well
    asked: dict[str, Any] = {"by": ["owner", "month"], "form": "subscription", "score": "score"}
    tables = [
        at.customer_value(at.lead_log(each, intervals=0.9, folds=32), **asked).table()
        for each in (orders, orders.sample(fraction=1, shuffle=True, seed=1))
    ]
    assert_frame_equal(*tables, check_exact=True)


def test_the_file_of_a_log_gives_the_value_of_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("attribution.tables.files.ROW_GROUP", 700)  # journeys and folds lie in two groups
    log = at.credit_log(*sample())
    log.write(tmp_path / "log.parquet", "owner", "churned_at", "score")
    until = datetime(2026, 4, 1, tzinfo=UTC)
    for by, form in ((["channel"], "transactional"), (["owner", "month"], "subscription")):
        ours, theirs = (
            at.customer_value(each, by=by, form=form, score="score", until=until).table()
            for each in (tmp_path / "log.parquet", log)
        )
        assert theirs["customers"][-1] > 20
        assert_frame_equal(ours, theirs, rel_tol=1e-9, abs_tol=1e-9)


def test_twice_the_customers_are_twice_the_sums_and_worth_the_same() -> None:
    orders = random_orders(2)
    twice = pl.concat([orders, orders.with_columns(customer_id="copy of " + pl.col("customer_id"))])
    for form in ("transactional", "subscription"):
        asked: dict[str, Any] = {"form": form, "score": "score"}
        one, two = total(orders, 500.0, **asked), total(twice, 1000.0, **asked)
        for name in (*(BY_SUBSCRIPTION if form == "subscription" else SUMS), "expected_value"):
            assert two[name] == pytest.approx(2 * one[name], rel=1e-12), name
        figures = [name for name in FIGURES if name in one]
        assert len(figures) >= 9
        assert [two[name] for name in figures] == pytest.approx([one[name] for name in figures], rel=1e-12)


# Intervals.


@pytest.mark.parametrize("form", ["transactional", "subscription"])
def test_every_figure_that_customers_decide_has_an_interval(form: str) -> None:
    orders = random_orders(1, n=2400)
    spend = pl.DataFrame({"channel": "ads", "owner": ["Ann", "Bo", "Cy"], "spend": [3e4, 3e4, 3e4]})
    log = at.lead_log(orders, intervals=0.9)
    asked: dict[str, Any] = {"by": ["owner"], "form": form, "score": "score", "margin": 0.3}
    table = at.customer_value(log, spend, **asked).table()
    sums = BY_SUBSCRIPTION if form == "subscription" else SUMS
    for name in (*sums, "expected_value", *(name for name in FIGURES if name in table.columns)):
        low, high = table[f"{name}_low"], table[f"{name}_high"]
        assert low.null_count() + high.null_count() == 0, name
        assert ((low < table[name]) & (table[name] < high)).all(), name
    assert "spend_low" not in table.columns
    assert table["reason"].is_null().all()
    ratio = table["spend"] / table["customers_low"]
    assert table["cost_per_customer_high"].to_list() == pytest.approx(ratio.to_list(), rel=1e-9)
    plain = at.customer_value(at.lead_log(orders), spend, **asked).table()
    assert_frame_equal(table.select(plain.columns), plain, check_exact=True)


@pytest.mark.parametrize("form", ["transactional", "subscription"])
def test_an_interval_is_that_of_the_figure_of_replicated_folds(form: str) -> None:
    journeys, result = sample()
    log, spend = at.credit_log(journeys, result), at.sample.load().spend
    asked: dict[str, Any] = {"form": form, "margin": 0.5, "horizon_months": 24.0}
    table = at.customer_value(log, spend, by=["channel"], **asked).table()
    by_fold = at.customer_value(log, by=["fold", "channel"], **asked).table()
    row = table.filter(model="markov", channel="Email").row(0, named=True)
    cells = by_fold.filter(model="markov", channel="Email")
    names = BY_SUBSCRIPTION if form == "subscription" else SUMS
    folds = np.zeros((len(journeys.folds), len(names)))
    folds[cells["fold"].to_numpy()] = cells.select(names).to_numpy()
    assert log.drawn is not None
    drawn = log.drawn.resampling().weights(len(folds)) @ folds
    terms = {"margin": 0.5, "horizon_months": 24.0, "discount": 0.0}
    found = defaultdict(list)
    for each in drawn:
        sums = {**dict(zip(names, each, strict=True)), "expected_value": 0.0}
        for name, value in (plain_worth(sums, row["spend"], form, terms) | sums).items():
            found[name].append(value)
    for name in (*names, "lifetime_value", "lifetime_value_to_cost", "payback_months", "orders_per_month"):
        low, high = np.quantile(found[name], [0.05, 0.95])
        assert row[f"{name}_low"] == pytest.approx(low, rel=1e-9), name
        assert row[f"{name}_high"] == pytest.approx(high, rel=1e-9), name


def plain_worth(sums: dict[str, float], spend: float, form: str, terms: dict[str, float]) -> dict[str, float]:
    """Return the figures without a discount, in closed form."""
    margin, horizon = terms["margin"], terms["horizon_months"]
    each, cost = sums["customer_revenue"] / sums["customers"], spend / sums["customers"]
    if form == "subscription":
        churn = sums["churned"] / sums["exposure_months"]
        months = (1 - math.exp(-churn * horizon)) / churn
        at_once, monthly = 0.0, margin * each
    else:
        order = margin * sums["customer_revenue"] / sums["orders"]
        at_once, monthly, months = order, order * sums["repeats"] / sums["exposure_months"], horizon
    value = at_once + monthly * months
    return {
        "lifetime_value": value,
        "lifetime_value_to_cost": value / cost,
        "payback_months": max(cost - at_once, 0) / monthly,
        "orders_per_month": sums["repeats"] / sums["exposure_months"],
    }


def test_a_customer_who_was_won_by_two_leads_at_once_counts_once() -> None:
    leads = pl.DataFrame(
        {
            "customer_id": ["a", "a", "b"],
            "timestamp": ["2026-01-01", "2026-01-01", "2026-03-01"],
            "owner": ["Ann", "Bo", "Bo"],
            "wins": [1, 1, 1],
            "revenue": [10.0, 30.0, 5.0],
        }
    )
    table = at.customer_value(at.lead_log(leads), by=["owner"]).table()
    assert table.select("owner", "customers", "orders", "customer_revenue").rows() == [
        *(("Ann", 0.5, 1.0, 20.0), ("Bo", 1.5, 2.0, 25.0), ("(total)", 2.0, 3.0, 45.0)),
    ]
