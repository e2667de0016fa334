"""Cost lines: what was spent by day, channel and campaign adds up to what the KPIs say, to the cent."""

from __future__ import annotations

import math
import random
from collections import defaultdict
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from test_ledger import ledger, media, tool

import attribution as at
from attribution import Credits, TableError
from attribution.kpis.costs.cost_lines import cost_table

CHANNELS = ("ads", "mail", "tv")
CREDITS = Credits("linear", CHANNELS, ("leads",), [[3.0], [1.0], [2.0]], [0.0])
TOUCHED = pl.DataFrame(
    [
        (f"2026-0{1 + n % 4}-1{n % 9}T08:00:00Z", CHANNELS[n % 3], ["a", "b", None][n % 5 % 3])
        for n in range(40)
    ],
    schema=["timestamp", "channel", "campaign"],
    orient="row",
)


def by_channel(table: pl.DataFrame, column: str = "spend") -> dict[Any, float]:
    """Return exactly rounded sums of a column by channel, nothing where no row tells it."""
    sums: dict[Any, list[float]] = defaultdict(list)
    for channel, amount in table.select("channel", column).rows():
        if amount is not None:
            sums[channel].append(amount)
    return {channel: round(math.fsum(amounts), 2) for channel, amounts in sums.items()}


def of_kpis(column: str, spend: pl.DataFrame, **more: Any) -> dict[Any, float]:
    """Return a column of the KPI table by channel, the total without a channel left out."""
    table = at.measure(CREDITS, spend, **more).table()
    rows = table.filter(~pl.col("channel").is_in(["(total)", "(unattributed)"]))
    return by_channel(rows, column)


def random_ledger(draws: random.Random, leads: bool) -> pl.DataFrame:
    """Return a ledger of media, and of costs that are shared in all ways, some of it over months."""
    day = date(2026, 1, 1)
    rows = []
    for n in range(draws.randrange(1, 25)):
        amount = draws.randrange(1, 10**6) / 100
        when: Mapping[str, Any] = {
            "date": str(day + timedelta(days=n)),
            "campaign": draws.choice(["a", "b", None]),
            "months": draws.choice([None, None, 3]),
        }
        if draws.random() < 0.6:
            rows.append(media(draws.choice(CHANNELS), amount, **when))
        else:
            word = draws.choice(["campaigns", "spend", "touchpoints", *(["leads"] if leads else [])])
            rows.append(tool(amount, word, draws.choice([None, "ads"]), **{**when, "campaign": None}))
    return ledger(media("ads", 5.0, date="2026-01-31", campaign="a", months=2), *rows)


@pytest.mark.parametrize("seed", range(12))
def test_costs_by_channel_are_those_of_the_kpis(seed: int) -> None:
    spend = random_ledger(random.Random(seed), leads=False)
    table = cost_table(spend, touchpoints=TOUCHED)
    assert by_channel(table.filter(cost_type="media")) == of_kpis("spend", spend, touchpoints=TOUCHED)
    placed = table.filter(pl.col("channel").is_not_null())
    assert by_channel(placed) == of_kpis("cost_fully_loaded", spend, touchpoints=TOUCHED)
    assert table.select("date", "channel", "campaign", "cost_type").is_unique().all()


@pytest.mark.parametrize("seed", range(6))
def test_no_cent_is_lost_and_the_order_of_rows_is_no_matter(seed: int) -> None:
    draws = random.Random(100 + seed)
    spend = random_ledger(draws, leads=True)
    table = cost_table(spend, touchpoints=TOUCHED)
    for word in ("media", "tool"):
        amounts = spend.filter(cost_type=word)["spend"]
        assert math.fsum(table.filter(cost_type=word)["spend"]) == pytest.approx(math.fsum(amounts), abs=1e-7)
    shuffled = spend.sample(fraction=1.0, shuffle=True, seed=seed)
    assert_frame_equal(cost_table(shuffled, touchpoints=TOUCHED.reverse()), table, check_exact=True)


def test_by_hand() -> None:
    spend = ledger(
        media("ads", 100.0, date="2026-01-31", campaign="a"),
        media("ads", 20.0, date="2026-01-31", campaign="a"),
        media("mail", 40.0, date="2026-02-01"),
        tool(30.0, "campaigns", date="2026-01-31", months=3),
        tool(7.0, "leads", date="2026-02-01"),
    )
    told = cost_table(spend, repeated_spend="sum").rows()
    january, february = date(2026, 1, 31), date(2026, 2, 1)
    assert told == [
        (january, "ads", "a", "media", 120.0),
        (january, "ads", "a", "tool", 5.0),
        (january, "mail", None, "tool", 5.0),
        (february, "mail", None, "media", 40.0),
        (february, None, None, "tool", 7.0),
        (date(2026, 2, 28), "ads", "a", "tool", 5.0),
        (date(2026, 2, 28), "mail", None, "tool", 5.0),
        (date(2026, 3, 31), "ads", "a", "tool", 5.0),
        (date(2026, 3, 31), "mail", None, "tool", 5.0),
    ]


def test_what_nobody_used_stays_without_a_channel() -> None:
    spend = ledger(media("ads", 1.0), tool(9.0, "touchpoints"), tool(2.0, "touchpoints", "mail"))
    nobody = TOUCHED.clear()
    table = cost_table(spend, touchpoints=nobody)
    assert table["date", "channel", "spend"].rows() == [
        (None, "ads", 1.0),
        (None, "mail", 2.0),
        (None, None, 9.0),
    ]
    assert of_kpis("cost_fully_loaded", spend, touchpoints=nobody) == {"ads": 1.0, "mail": 2.0}


def test_amounts_are_in_one_currency() -> None:
    spend = pl.DataFrame({"channel": ["ads", "ads"], "spend": [10.0, 10.0], "currency": ["EUR", "USD"]})
    rates = pl.DataFrame({"currency": ["EUR", "USD"], "rate": [1.0, 0.9]})
    table = cost_table(spend, rates=rates)
    assert table.rows() == [(None, "ads", 19.0)]
    assert by_channel(table) == of_kpis("spend", spend, rates=rates)
    with pytest.raises(TableError, match="currenc"):
        cost_table(spend)


def test_impressions_and_clicks_are_counted_once_and_of_ads_alone() -> None:
    spend = ledger(
        media("ads", 90.0, date="2026-01-01", campaign="a", months=3),
        media("ads", 10.0, date="2026-01-02", campaign="b"),
        media("tv", 50.0, date="2026-01-02"),
        tool(6.0, None, "ads", date="2026-01-01"),
    ).with_columns(impressions=pl.Series([1000, 10, None, 7]), clicks=pl.Series([30, 11, None, 1]))
    table = cost_table(spend)
    assert table["date", "channel", "cost_type", "spend", "impressions", "clicks"].rows() == [
        (date(2026, 1, 1), "ads", "media", 30.0, 1000.0, 30.0),
        (date(2026, 1, 1), "ads", "tool", 6.0, None, None),
        (date(2026, 1, 2), "ads", "media", 10.0, None, None),  # more clicks than impressions: no ad
        (date(2026, 1, 2), "tv", "media", 50.0, None, None),
        (date(2026, 2, 1), "ads", "media", 30.0, None, None),
        (date(2026, 3, 1), "ads", "media", 30.0, None, None),
    ]
    assert by_channel(table, "clicks") == of_kpis("clicks", spend)


def test_days_are_those_of_the_time_zone() -> None:
    spend = pl.DataFrame({"date": ["2026-03-01T23:30:00Z"], "channel": ["ads"], "spend": [1.0]})
    assert cost_table(spend)["date"].to_list() == [date(2026, 3, 1)]
    berlin = cost_table(spend, reading=at.Reading(timezone="Europe/Berlin"))
    assert berlin["date"].to_list() == [date(2026, 3, 2)]


def test_a_report_of_ads_and_hostile_channels_are_read_as_by_the_kpis() -> None:
    names = ["(total)", " ads ", "ads", '"(total)"']
    named = {"platform": names, "campaign_name": [None, "(total)", "x", "y"]}
    spend = pl.DataFrame(named | {"spend": [1.0, 2.0, 4.0, 8.0], "impressions": [1, 2, 3, 4]})
    spend = spend.with_columns(date_day=pl.lit("2026-03-01"))
    table = cost_table(spend)
    assert table.select("channel", "campaign", "spend", "impressions").rows() == [
        ('""(total)""', "y", 8.0, 4.0),
        ('"(total)"', None, 1.0, 1.0),
        ("ads", '"(total)"', 2.0, 2.0),
        ("ads", "x", 4.0, 3.0),
    ]
    assert by_channel(table) == of_kpis("spend", spend)


def test_an_empty_table_has_its_columns() -> None:
    empty = pl.DataFrame(schema={"date": pl.Date, "channel": pl.String, "spend": pl.Float64})
    assert cost_table(empty).schema == {"date": pl.Date, "channel": pl.String, "spend": pl.Float64}
