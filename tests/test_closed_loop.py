"""The closed loop on real input: olist's leads, a CRM's opportunities, a month of spend and leads by day."""

from __future__ import annotations

import csv
import math
from collections import defaultdict
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import attribution as at
from attribution.errors import TableError

# Olist: 8,000 leads, of which 842 were won; first contacts are dates, wins are times.

HORIZONS = (30, 60, 90, 180, 365)
RATES = {
    **{"organic search": (271, 2_296), "paid search": (195, 1_586), "social": (75, 1_350)},
    **{"unknown": (179, 1_099), "direct traffic": (56, 499), "email": (15, 493), "referral": (24, 284)},
    None: (14, 60),
}


@pytest.fixture(scope="module")
def olist(data: Any) -> pl.DataFrame:
    """Return the leads with what became of them."""
    deals = pl.read_csv(data.need("olist/closed_deals.csv"), infer_schema=False)
    leads = pl.read_csv(data.need("olist/marketing_qualified_leads.csv"), infer_schema=False)
    both = leads.join(deals.select("mql_id", "won_date"), on="mql_id", how="left", maintain_order="left")
    return both.select(
        customer_id="mql_id",
        timestamp="first_contact_date",
        origin="origin",
        wins=pl.col("won_date").is_not_null().cast(pl.Int64),
        won_at="won_date",
    )


@pytest.fixture(scope="module")
def olist_log(olist: pl.DataFrame) -> at.CreditLog:
    return at.lead_log(olist, intervals=0.9)


def test_olist_has_its_win_rates_by_origin_and_60_leads_without_one_are_not_lost(
    olist_log: at.CreditLog,
) -> None:
    table = at.funnel(olist_log, by=["origin"]).table()
    found = {row["origin"]: row for row in table.rows(named=True)}
    for origin, (won, leads) in RATES.items():
        assert (found[origin]["wins"], found[origin]["leads"]) == (won, leads)
        assert found[origin]["win_rate"] == won / leads
        assert found[origin]["win_rate_low"] < won / leads < found[origin]["win_rate_high"]
        assert found[origin]["open"] == leads - won  # olist tells of no loss: they are open
    assert (found["(total)"]["leads"], found["(total)"]["wins"]) == (8_000, 842)


def test_olist_as_touchpoints_reports_the_60_as_unattributed(olist: pl.DataFrame) -> None:
    touched = olist.select("customer_id", "timestamp", channel="origin")
    journeys = at.stitch(touched, olist)
    assert journeys.report.tables["touchpoints"].set_aside == {"null_channel": 60}
    log = at.credit_log(journeys, at.attribute(journeys, at.LastTouch()))
    table = at.funnel(log).table()
    row = table.row(by_predicate=pl.col("channel") == "(unattributed)", named=True)
    assert (row["leads"], row["wins"]) == (60, 14)
    assert at.velocity(log).table().filter(channel="(unattributed)")["leads"].to_list() == [60]


def test_olist_is_won_as_kaplan_and_meier_say(olist_log: at.CreditLog) -> None:
    found = at.velocity(olist_log, by=["origin"], naive=True)
    total = found.table().row(-1, named=True)
    assert (total["leads"], total["method"]) == (7_999, "Kaplan-Meier")
    assert total["observed_until"] == datetime(2018, 11, 14, 18, 4, 19, tzinfo=UTC)
    told = [round(total[f"within_{days}_days"], 4) for days in HORIZONS]
    assert told == [0.0683, 0.0804, 0.0863, 0.0967, 0.1134]
    assert round(total["reached"] / total["leads"], 4) == 0.1051  # the naive share
    for days in HORIZONS:
        assert (
            total[f"within_{days}_days_low"]
            < total[f"within_{days}_days"]
            < total[f"within_{days}_days_high"]
        )


def test_olist_has_one_deal_that_was_won_before_its_first_contact_and_it_is_not_lost(
    olist_log: at.CreditLog,
) -> None:
    assert olist_log.journeys.report.notes["negative_delay"] == 1
    assert at.velocity(olist_log, by=["origin"]).warnings == (
        "velocity leads to wins: 1 lead left out: negative_delay (its end lies before its start)",
    )
    assert at.funnel(olist_log, by=["origin"]).table()["wins"][-1] == 842


# A CRM: 8,800 opportunities, 500 of which have no date; the same twice, with two date formats.

FORMATS = {"sales_pipeline.csv": "%d-%m-%y", "sales_pipeline_us_dates.csv": "%m/%d/%Y"}


def opportunities(path: Path) -> pl.DataFrame:
    """Return the opportunities as leads that became opportunities at once."""
    rows = pl.read_csv(path, infer_schema=False)
    stage = pl.col("deal_stage")
    return rows.select(
        customer_id="opportunity_id",
        timestamp="engage_date",
        opportunity_at="engage_date",
        wins=(stage == "Won").cast(pl.Int64),
        revenue=pl.col("close_value").cast(pl.Float64).fill_null(0.0),
        won_at=pl.when(stage == "Won").then("close_date"),
        lost_at=pl.when(stage == "Lost").then("close_date"),
        owner="sales_agent",
        product="product",
        account_id="account",
    )


def counted(path: Path, column: str, dated: bool) -> dict[str, dict[str, float]]:
    """Return won, lost and open by a column, in plain Python; ``dated`` leaves out who has no date."""
    found: dict[str, dict[str, float]] = defaultdict(lambda: dict.fromkeys(("wins", "lost", "open"), 0.0))
    with path.open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["engage_date"] or not dated:
                state = {"Won": "wins", "Lost": "lost"}.get(row["deal_stage"], "open")
                found[row[column]][state] += 1
    return found


@pytest.mark.parametrize("name", list(FORMATS))
def test_a_date_format_has_to_be_told(data: Any, name: str) -> None:
    rows = opportunities(data.need(f"crm_opportunities/{name}"))
    with pytest.raises(TableError, match=r"told apart|not declared") as refused:
        at.lead_log(rows)
    assert f"time_format={FORMATS[name]!r}" in str(refused.value)


@pytest.mark.parametrize("column", ["owner", "product"])
@pytest.mark.parametrize("name", list(FORMATS))
def test_a_crm_has_win_rates_over_created_and_over_closed_and_an_open_pipeline(
    data: Any, name: str, column: str
) -> None:
    path = data.need(f"crm_opportunities/{name}")
    log = at.lead_log(opportunities(path), reading=at.Reading(time_format=FORMATS[name], timezone="UTC"))
    assert log.journeys.report.tables["outcomes"].set_aside == {"bad_time": 500}  # prospects without a date
    theirs = counted(path, {"owner": "sales_agent", "product": "product"}[column], dated=True)
    table = at.funnel(log, by=[column]).table()
    assert set(table[column]) == {*theirs, "(total)"}
    for row in table[:-1].rows(named=True):
        told = theirs[row[column]]
        assert {name: row[name] for name in told} == told
        assert row["open_opportunities"] == told["open"]
        assert row["win_rate"] == told["wins"] / sum(told.values())
        assert row["win_rate_closed"] == told["wins"] / (told["wins"] + told["lost"])
    total = table.row(-1, named=True)
    assert [total[name] for name in ("leads", "wins", "lost", "open")] == [8_300, 4_238, 2_473, 1_589]
    assert total["accounts"] == 85


def test_both_date_formats_give_the_same_numbers_also_of_time(data: Any) -> None:
    tables = []
    for name, form in FORMATS.items():
        rows = opportunities(data.need(f"crm_opportunities/{name}"))
        log = at.lead_log(rows, reading=at.Reading(time_format=form, timezone="UTC"))
        funnels = at.funnel(log, by=["owner", "month"]).table()
        tables.append(
            (funnels, at.velocity(log, by=["product"]).table(), at.stage_entries(log, "week").table())
        )
    for ours, theirs in zip(*tables, strict=True):
        assert_frame_equal(ours, theirs, check_exact=True)
    assert tables[0][1]["method"].unique().to_list() == ["Aalen-Johansen"]  # losing competes


def test_prospects_without_a_date_count_once_a_user_says_when_they_were_seen(data: Any) -> None:
    path = data.need("crm_opportunities/sales_pipeline_us_dates.csv")
    rows = opportunities(path).with_columns(pl.col("timestamp").fill_null("12/31/2017"))
    log = at.lead_log(rows, reading=at.Reading(time_format="%m/%d/%Y", timezone="UTC"))
    total = at.funnel(log, by=["owner"]).table().row(-1, named=True)
    assert [total[name] for name in ("leads", "wins", "open", "open_opportunities")] == [
        8_800,
        4_238,
        2_089,
        1_589,
    ]
    assert total["win_rate"] == 4_238 / 8_800


# July 2018: five channels, leads and spend of every day.


def test_july_has_a_cost_per_lead_by_day_and_channel_that_adds_up_to_the_month(data: Any) -> None:
    events = data.need("july2018/touchpoints_and_conversions.csv")
    spend = pl.read_csv(data.need("july2018/spend_daily.csv"), try_parse_dates=True)
    names = {"spend": "cost", "date": "day"}
    split = at.split_events(events, columns={"timestamp": "time", "revenue": "conversion_value"})
    journeys = at.stitch(split.touchpoints, split.outcomes, lookback_days=30)
    log = at.credit_log(journeys, at.attribute(journeys, at.Linear(), at.Markov()))
    daily = at.measure(log, spend, by=["channel", "day"], columns=names).table()
    monthly = at.measure(log, spend, columns=names).table()
    for (model,), days in daily.filter(pl.col("day").is_not_null()).group_by("model"):
        month = monthly.filter(model=model)
        assert days["day"].n_unique() == 31
        for channel, rows in days.partition_by("channel", as_dict=True).items():
            whole = month.row(by_predicate=pl.col("channel") == channel[0], named=True)
            assert math.fsum(rows["leads"]) == pytest.approx(whole["leads"], rel=1e-12)
            assert math.fsum(rows["spend"].drop_nulls()) == pytest.approx(whole["spend"], rel=1e-12)
            priced = rows.drop_nulls("cost_per_lead")
            again = math.fsum(priced["cost_per_lead"] * priced["leads"])
            bought = rows.filter(pl.col("leads") > 0)
            assert again == pytest.approx(math.fsum(bought["spend"].drop_nulls()), rel=1e-12)
            assert whole["cost_per_lead"] == pytest.approx(
                whole["spend"] / math.fsum(rows["leads"]), rel=1e-12
            )
        total = month.row(-1, named=True)
        assert total["leads"] == 1_838
        assert total["spend"] == pytest.approx(math.fsum(spend["cost"]), rel=1e-12)
    assert daily["day"].drop_nulls().min() == date(2018, 7, 1)
