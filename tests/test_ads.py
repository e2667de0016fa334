"""Ads: impressions, clicks and visits beside cost per lead, cell by cell, and reports that cannot be."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

import attribution as at
from attribution.errors import ParameterError, TableError
from attribution.stitching.hashing import hashed

REPORT = {
    "date_day": ["2026-03-02", "2026-03-02", "2026-03-09", "2026-03-09"],
    "platform": ["search", "social", "search", "tv"],
    "account_name": ["a", "a", "b", "b"],
    "campaign_name": ["x", "y", "x", "z"],
    "impressions": [1000, 2000, 3500, None],
    "clicks": [50, 40, 90, None],
    "conversions": [2.5, 1.0, None, None],
    "spend": [25.0, 8.0, 65.0, 500.0],
}
NAMES = ["ad_spend", "impressions", "clicks", "platform_conversions"]
RATIOS = [
    "click_through_rate",
    "cost_per_click",
    "cost_per_thousand_impressions",
    "conversion_rate_by_click",
]


def report(**more: Any) -> pl.DataFrame:
    """Return a unified report of ads."""
    return pl.DataFrame(REPORT | more)


def test_a_unified_report_is_read_as_it_is() -> None:
    made = at.engagement(spend=report())
    table = made.table()
    assert table.select("channel", *NAMES).rows() == [
        ("search", 90.0, 4500.0, 140.0, 2.5),
        ("social", 8.0, 2000.0, 40.0, 1.0),
        ("(total)", 98.0, 6500.0, 180.0, 3.5),
    ]
    search = (140 / 4500, 90 / 140, 20.0, 2.5 / 140)  # 1000 x 90 / 4500
    assert table.select(RATIOS).row(0) == pytest.approx(search)
    assert table.select(RATIOS).row(2) == pytest.approx((180 / 6500, 98 / 180, 98_000 / 6500, 3.5 / 180))
    assert made.tables["spend"].used == 4
    assert any("1 ads tell no conversions, which count as 0" in line for line in made.warnings)


@pytest.mark.parametrize("by", ["channel", "campaign", "day", "week", "account_name"])
def test_totals_are_ratios_of_sums(by: str) -> None:
    table = at.engagement(spend=report(), by=[by]).table()
    cells, total = table[:-1], table[-1]
    for name in NAMES:
        assert cells[name].sum() == total[name].item()
    for row in table.iter_rows(named=True):
        assert row["click_through_rate"] == pytest.approx(row["clicks"] / row["impressions"])
        assert row["cost_per_click"] == pytest.approx(row["ad_spend"] / row["clicks"])
    assert cells["click_through_rate"].mean() != pytest.approx(total["click_through_rate"].item())


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"clicks": [50, 4001, 90, None]}, "1 rows with more clicks than impressions are no ads"),
        ({"clicks": [50, -40, 90, None]}, "1 rows with a negative count are no ads"),
        ({"clicks": ["50", "many", "90", None]}, "1 rows with a count that is no number are no ads"),
        ({"conversions": [2.5, -1.0, None, None]}, "1 rows with a negative count are no ads"),
        ({"clicks": [50, None, 90, None]}, "1 rows with impressions or clicks but not both are no ads"),
    ],
)
def test_a_row_that_cannot_be_is_no_ad_but_its_spend_counts(more: dict[str, Any], why: str) -> None:
    credits = at.Credits("linear", ("search", "social"), ("leads",), [[4], [2]], [0])
    measured = at.measure(credits, report(**more))
    rows = {row["channel"]: row for row in measured.table().iter_rows(named=True)}
    assert (rows["social"]["spend"], rows["social"]["cost_per_lead"]) == (8.0, 4.0)
    assert rows["social"]["ad_spend"] is None
    assert "click_through_rate: no ads" in rows["social"]["reason"]
    assert (rows["(total)"]["spend"], rows["(total)"]["ad_spend"]) == (598.0, 90.0)
    assert any(why in line and "row 1" in line for line in measured.warnings)


def test_ads_shift_with_their_spend_and_are_not_spread_with_it() -> None:
    ledger = pl.DataFrame(
        {
            "date": ["2026-01-10", "2026-01-10"],
            "channel": ["search", "search"],
            "spend": [60.0, 30.0],
            "clicks": [10, 99],
            "cost_type": ["media", "tool"],
            "months": [3, None],
        }
    )
    table = at.engagement(spend=ledger, by=["month"]).table()
    assert table.select("ad_spend", "clicks").rows() == [(60.0, 10.0), (60.0, 10.0)]
    leads = pl.DataFrame({"customer_id": ["a"], "timestamp": ["2026-03-01T00:00Z"]})
    measured = at.measure(at.lead_log(leads), ledger, by=["month"], spend_lag_days=30)
    shifted = measured.table().filter(pl.col("clicks").is_not_null())["month"]
    assert [day.month for day in shifted.drop_nulls()] == [2]


def world(customers: int = 600) -> dict[str, pl.DataFrame]:
    """Return touchpoints with kinds, leads, visits and a report of one small world."""
    rng = np.random.default_rng(4)
    names = [f"c{number}" for number in range(customers)]
    day = [f"2026-03-{rng.integers(1, 15):02d}T10:00Z" for _ in names]
    channel = rng.choice(["search", "social"], customers)
    touchpoints = pl.DataFrame(
        {
            "customer_id": names,
            "timestamp": day,
            "channel": channel,
            "kind": rng.choice(["view", "click"], customers),
        }
    )
    won = rng.random(customers) < 0.2
    leads = pl.DataFrame({"customer_id": names, "timestamp": "2026-03-20T00:00Z"}).filter(pl.Series(won))
    visits = touchpoints.drop("kind").with_columns(page_views=pl.Series(rng.integers(1, 4, customers)))
    visits = visits.with_columns(visit_id="customer_id", seconds=30.0 * (pl.col("page_views") - 1))
    return {"touchpoints": touchpoints, "leads": leads, "visits": visits}


def test_every_kpi_stands_beside_cost_per_lead() -> None:
    tables = world()
    journeys = at.stitch(tables["touchpoints"], tables["leads"], lookback_days=30)
    result = at.attribute(journeys, at.Linear(), at.Markov())
    web = at.web_log(
        tables["visits"], goals=[at.Goal("deep", "page_views = 3", value=2)], qualified="page_views > 1"
    )
    measured = at.measure(result, report(), activity=[web, at.ad_log(tables["touchpoints"])])
    every = [kpi.name for kpi in at.KPIS if kpi.verb == "engagement" and kpi.denominator]
    assert {*every} <= {*measured.table().columns}
    for model in ("linear", "markov"):
        rows = measured.table().filter(model=model)
        for name in ("search", "social", "(total)"):
            row = rows.filter(channel=name).row(0, named=True)
            alone = at.engagement(web, by=["channel"]).table().filter(channel=name).row(0, named=True)
            assert all(row[key] == value for key, value in alone.items() if key not in ("model", "reason"))
            assert row["lead_rate"] == pytest.approx(row["leads"] / row["visits"])
            assert row["cost_per_lead"] == pytest.approx(row["spend"] / row["leads"])
        tv = rows.filter(channel="tv").row(0, named=True)
        assert tv["visits"] is None
        assert "lead_rate: no visits" in tv["reason"]


def test_customers_of_leads_and_visits_are_drawn_together() -> None:
    tables = world()
    journeys = at.stitch(tables["touchpoints"], tables["leads"], lookback_days=30, folds=64)
    result = at.attribute(journeys, at.Linear(), intervals=0.9, replicates=200, seed=3)
    web = at.web_log(tables["visits"])
    weights = np.random.default_rng(3).multinomial(64, np.full(64, 1 / 64), size=200)
    fold = hashed(tables["visits"]["customer_id"])[0] >> np.uint64(58)
    is_lead = tables["visits"]["customer_id"].is_in(tables["leads"]["customer_id"].to_list()).to_numpy()
    log = at.credit_log(journeys, result["linear"])
    for measured in (at.measure(result, activity=web), at.measure(log, activity=web)):
        for channel in ("search", "social", "(total)"):
            mine = np.array(channel == "(total)") | (tables["visits"]["channel"] == channel).to_numpy()
            visits = np.bincount(fold[mine].astype(int), minlength=64)
            leads = np.bincount(fold[mine & is_lead].astype(int), minlength=64)
            drawn = (weights @ leads) / (weights @ visits)
            row = measured.table().filter(channel=channel).row(0, named=True)
            ends = row["lead_rate_low"], row["lead_rate_high"]
            assert ends == pytest.approx(tuple(np.quantile(drawn, [0.05, 0.95])), rel=1e-9)
            bounces = (tables["visits"]["page_views"] == 1).to_numpy() & mine
            of_fold = np.bincount(fold[bounces].astype(int), minlength=64)
            bounds = tuple(np.quantile((weights @ of_fold) / (weights @ visits), [0.05, 0.95]))
            assert (row["bounce_rate_low"], row["bounce_rate_high"]) == pytest.approx(bounds, rel=1e-9)


def test_what_has_no_customers_has_no_interval_and_says_so() -> None:
    tables = world()
    journeys = at.stitch(tables["touchpoints"], tables["leads"], lookback_days=30, folds=64)
    result = at.attribute(journeys, at.Linear(), intervals=0.9, replicates=200)
    counted = pl.DataFrame(
        {
            "timestamp": ["2026-03-02T00:00Z"] * 2,
            "channel": ["search", "social"],
            "visits": [100, 200],
            "bounces": [10, 20],
        }
    )
    measured = at.measure(result, report(), activity=at.web_log(counted))
    row = measured.table().filter(channel="search").row(0, named=True)
    assert row["click_through_rate_low"] is None
    assert row["bounce_rate_high"] is None
    assert "bounce_rate" in row["reason"]
    assert "not drawn" in row["reason"]
    assert row["lead_rate_low"] == pytest.approx(row["leads_low"] / 100)  # visits are known, as spend is


def test_dimensions_that_visits_do_not_know_say_so() -> None:
    tables = world()
    leads = tables["leads"].with_columns(owner=pl.lit("Ann"))
    journeys = at.stitch(tables["touchpoints"], leads, lookback_days=30)
    log = at.credit_log(journeys, at.attribute(journeys, at.Linear())["linear"])
    table = at.measure(log, report(), by=["owner"], activity=at.web_log(tables["visits"])).table()
    assert table["visits"].to_list() == [None, 600.0]
    assert "lead_rate: visits are not known by owner" in table["reason"][0]
    by_week = at.measure(
        log, report(), by=["channel", "touchpoint_week"], activity=at.web_log(tables["visits"])
    ).table()
    assert by_week[:-1]["visits"].sum() == 600.0
    assert by_week[:-1]["leads"].sum() == by_week["leads"][-1]


def test_users_are_counted_once_and_click_at_most_once() -> None:
    seen = {
        "customer_id": ["a", "a", "a", "b", "c", "d"],
        "timestamp": ["2026-03-02T00:00Z"] * 6,
        "channel": ["ads", "ads", "mail", "ads", "ads", "ads"],
        "kind": ["Impression", "click", "click", "view", "click", "email"],
    }
    log = at.ad_log(pl.DataFrame(seen))
    table = at.engagement(log).table()
    names = [
        "channel",
        "impressions",
        "clicks",
        "users_reached",
        "users_clicking",
        "click_through_rate_by_user",
    ]
    assert table.select(names).rows() == [
        ("ads", 2.0, 2.0, 3.0, 2.0, 2 / 3),
        ("mail", 0.0, 1.0, 1.0, 1.0, 1.0),
        ("(total)", 2.0, 3.0, 3.0, 2.0, 2 / 3),
    ]
    assert dict(log.tables["touchpoints"].set_aside) == {"other_kind": 1}
    both = at.engagement(log, spend=report())
    assert both.table().filter(channel="search")["impressions"].item() == 4500.0
    assert any("impressions, clicks are told by two tables" in line for line in both.warnings)


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: at.ad_log(world()["touchpoints"].drop("kind")), "no column 'kind'"),
        (lambda: at.ad_log(world()["touchpoints"].with_columns(kind=pl.lit("mail"))), "no row of a kind"),
    ],
)
def test_tables_without_ads_are_refused(make: Any, told: str) -> None:
    with pytest.raises(TableError, match=told):
        make()


def test_names_that_meet_and_things_that_are_no_activity_are_refused() -> None:
    credits = at.Credits("linear", ("search",), ("visits",), [[4]], [0])
    web = at.web_log(world()["visits"])
    with pytest.raises(ParameterError, match="visits is counted beside it"):
        at.measure(credits, activity=web)
    credits = at.Credits("linear", ("search",), ("leads",), [[4]], [0])
    with pytest.raises(ParameterError, match="what web_log or ad_log returns"):
        at.measure(credits, activity=[world()["visits"]])  # type: ignore[list-item]
    with pytest.raises(ParameterError, match="counts no impressions or clicks"):
        at.engagement(spend=report().drop("impressions", "clicks"))
    with pytest.raises(ParameterError, match="ads are not known by owner"):
        at.engagement(spend=report(), by=["owner"])


def test_visits_that_do_not_cover_the_leads_are_told() -> None:
    credits = at.Credits("linear", ("search",), ("leads",), [[4]], [0])
    visits = pl.DataFrame({"timestamp": ["2026-03-02T00:00Z"], "channel": ["search"], "visits": [2]})
    measured = at.measure(credits, activity=at.web_log(visits))
    assert measured.table()["lead_rate"][0] == 2.0
    assert any("2 cells have more leads than visits" in line for line in measured.warnings)
    many = at.web_log(visits.with_columns(visits=50))
    assert not [line for line in at.measure(credits, activity=many).warnings if "more leads" in line]


def test_columns_of_a_report_are_mapped_and_ours_come_first() -> None:
    named = {"impressions": "Impr.", "clicks": "Link clicks", "channel": "platform", "date": "date_day"}
    given = report().rename({"impressions": "Impr.", "clicks": "Link clicks"})
    mapped = at.engagement(spend=given, columns=named).table()
    assert mapped.drop("reason").equals(at.engagement(spend=report()).table().drop("reason"))
    both = report(channel=["a", "a", "b", "b"])
    assert at.engagement(spend=both).table()["channel"].to_list() == ["a", "b", "(total)"]


def test_a_column_that_is_no_count_is_not_read_and_told() -> None:
    credits = at.Credits("linear", ("search",), ("leads",), [[4]], [0])
    measured = at.measure(
        credits, report(clicks=["2026-01-01"] * 4).with_columns(pl.col("clicks").str.to_date())
    )
    assert "clicks" not in measured.table().columns
    assert any("column 'clicks': Date is no count, so not read" in line for line in measured.warnings)
    named = at.Credits("linear", ("search",), ("clicks",), [[4]], [0])
    left = at.measure(named, report())
    assert left.table()["clicks"][0] == 4.0
    assert any("clicks of ads, and the rest of them, are left out" in line for line in left.warnings)
