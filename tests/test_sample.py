"""The shipped sample: it is what the simulation makes, it is valid, and it looks like a company."""

from __future__ import annotations

from datetime import UTC, date, datetime
from itertools import pairwise

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from attribution.sample import Sample, folder, load
from attribution.simulation import sample_tables

INSTANT = pl.Datetime("us", "UTC")
STAGES = ["timestamp", "mql_at", "sql_at", "opportunity_at", "won_at"]
PAID = {"Paid Search", "Paid Social", "Display", "Email", "Webinar"}
UNPAID = {"Organic Search", "Referral", "Direct"}
START, END = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 6, 30, tzinfo=UTC)
SCHEMAS = {
    "touchpoints": {
        "customer_id": pl.String,
        "timestamp": INSTANT,
        "channel": pl.String,
        "campaign": pl.String,
        "kind": pl.String,
        "device": pl.String,
        "event_id": pl.String,
    },
    "leads": {
        "outcome_id": pl.String,
        "customer_id": pl.String,
        "timestamp": INSTANT,
        "leads": pl.Int64,
        "wins": pl.Int64,
        "revenue": pl.Float64,
        "mql_at": INSTANT,
        "sql_at": INSTANT,
        "opportunity_at": INSTANT,
        "won_at": INSTANT,
        "lost_at": INSTANT,
        "owner": pl.String,
        "product": pl.String,
        "source": pl.String,
        "account_id": pl.String,
    },
    "spend": {
        "date": pl.Date,
        "channel": pl.String,
        "campaign": pl.String,
        "spend": pl.Float64,
        "impressions": pl.Int64,
        "clicks": pl.Int64,
        "currency": pl.String,
    },
}


@pytest.fixture(scope="module")
def sample() -> Sample:
    return load()


@pytest.fixture(scope="module")
def touched(sample: Sample) -> pl.DataFrame:
    """One row a lead and touchpoint of its customer, with the age of the touchpoint in days."""
    lead = sample.leads.select("outcome_id", "customer_id", "wins", lead_at="timestamp")
    age = (pl.col("lead_at") - pl.col("timestamp")).dt.total_seconds() / 86_400
    return lead.join(sample.touchpoints, on="customer_id").with_columns(age=age)


def in_order(frame: pl.DataFrame, column: str) -> bool:
    return frame[column].is_sorted()


def test_simulation_makes_the_shipped_files(sample: Sample) -> None:
    made = sample_tables()
    assert tuple(made) == Sample._fields
    for name, table in made.items():
        assert_frame_equal(getattr(sample, name), table, check_exact=True)


def test_columns_and_types(sample: Sample) -> None:
    for name, schema in SCHEMAS.items():
        assert dict(getattr(sample, name).schema) == schema


def test_is_small() -> None:
    files = list(folder().glob("*.parquet"))
    assert {file.stem for file in files} == set(Sample._fields)
    assert sum(file.stat().st_size for file in files) < 400_000


def test_is_large_enough_to_show_something(sample: Sample) -> None:
    assert 3_700 <= sample.touchpoints["customer_id"].n_unique() <= 4_000
    assert 18_000 <= sample.touchpoints.height <= 25_000
    assert 700 <= sample.leads.height <= 1_100
    assert 0.15 <= sample.leads["wins"].mean() <= 0.25


def test_nothing_is_null_but_what_may_be(sample: Sample) -> None:
    nullable = {"campaign", "mql_at", "sql_at", "opportunity_at", "won_at", "lost_at"}
    nullable |= {"source", "account_id"}
    for name in ("touchpoints", "leads"):
        frame = getattr(sample, name)
        empty = {column for column in frame.columns if frame[column].null_count()}
        assert empty == nullable & set(frame.columns)
    assert sum(sample.spend.null_count().row(0)) == 0


def test_rows_are_a_log_in_order_of_time(sample: Sample) -> None:
    assert in_order(sample.touchpoints, "timestamp")
    assert in_order(sample.leads, "timestamp")
    assert in_order(sample.spend, "date")
    assert not in_order(sample.touchpoints, "customer_id")


def test_ids_are_unique(sample: Sample) -> None:
    assert sample.touchpoints["event_id"].is_unique().all()
    assert sample.leads["outcome_id"].is_unique().all()
    assert not sample.spend.select("date", "campaign").is_duplicated().any()


def test_times_are_whole_seconds_inside_the_data(sample: Sample) -> None:
    columns = [sample.touchpoints["timestamp"]]
    columns += [sample.leads[name] for name in (*STAGES, "lost_at")]
    for times in columns:
        assert START <= times.min() < times.max() < END
        assert (times.drop_nulls().dt.timestamp("us") % 1_000_000 == 0).all()
    assert (sample.spend["date"].min(), sample.spend["date"].max()) == (
        date(2026, 1, 1),
        date(2026, 6, 29),
    )


def test_money_is_to_the_cent(sample: Sample) -> None:
    for money in (sample.leads["revenue"], sample.spend["spend"]):
        assert (money == money.round(2)).all()
        assert (money >= 0).all()


def test_paid_channels_have_campaigns_and_spend_and_the_others_neither(sample: Sample) -> None:
    touchpoints = sample.touchpoints
    assert set(touchpoints["channel"]) == PAID | UNPAID
    assert set(touchpoints.filter(pl.col("campaign").is_null())["channel"]) == UNPAID
    assert set(touchpoints.drop_nulls("campaign")["channel"]) == PAID
    assert set(sample.spend["channel"]) == PAID
    campaigns = sample.spend.group_by("channel").agg(pl.col("campaign").n_unique())["campaign"]
    assert campaigns.is_between(2, 4).all()


def test_every_paid_touchpoint_has_a_day_of_spend_with_as_many_clicks(sample: Sample) -> None:
    paid = sample.touchpoints.drop_nulls("campaign")
    known = paid.group_by(pl.col("timestamp").dt.date().alias("date"), "channel", "campaign").agg(
        known=(pl.col("kind") == "click").sum()
    )
    joined = known.join(sample.spend, on=["date", "channel", "campaign"], how="left")
    assert joined["clicks"].null_count() == 0
    assert (joined["clicks"] >= joined["known"]).all()
    assert (sample.spend["impressions"] > sample.spend["clicks"]).all()
    assert set(sample.spend["currency"]) == {"EUR"}


def test_words_of_a_touchpoint(sample: Sample) -> None:
    assert set(sample.touchpoints["kind"]) == {"click", "view"}
    viewed = sample.touchpoints.filter(pl.col("kind") == "view")
    assert set(viewed["channel"]) == {"Display", "Paid Social"}
    assert set(sample.touchpoints["device"]) == {"desktop", "mobile"}


def test_only_won_leads_have_revenue(sample: Sample) -> None:
    leads = sample.leads
    won = leads["won_at"].is_not_null()
    assert (leads["leads"] == 1).all()
    assert (leads["wins"] == won.cast(pl.Int64)).all()
    assert ((leads["revenue"] > 0) == won).all()


def test_a_lead_is_won_or_lost_or_open(sample: Sample) -> None:
    won, lost = (sample.leads[name].is_not_null() for name in ("won_at", "lost_at"))
    assert not (won & lost).any()
    assert 0.05 < (~won & ~lost).mean() < 0.15


def test_stages_follow_one_another(sample: Sample) -> None:
    leads = sample.leads
    for before, after in pairwise(STAGES):
        reached = leads.filter(pl.col(after).is_not_null())
        assert (reached[after] >= reached[before]).all()
        assert reached[before].null_count() == 0
    lost = leads.filter(pl.col("lost_at").is_not_null())
    assert (lost["lost_at"] >= lost.select(pl.max_horizontal(STAGES)).to_series()).all()


def test_customers_keep_their_account_and_accounts_their_owner(sample: Sample) -> None:
    leads = sample.leads
    assert leads["owner"].n_unique() == 6
    assert leads["product"].n_unique() == 3
    known = leads.drop_nulls("account_id")
    assert (known.group_by("account_id").agg(pl.col("owner").n_unique())["owner"] == 1).all()
    assert (leads.group_by("customer_id").agg(pl.col("account_id").n_unique())["account_id"] == 1).all()
    members = known.group_by("account_id").agg(pl.col("customer_id").n_unique())["customer_id"]
    assert (members > 1).sum() > 100
    assert 0.01 < leads["account_id"].null_count() / leads.height < 0.10
    assert 0.10 < leads["source"].null_count() / leads.height < 0.30


def test_a_few_leads_cannot_be_attributed(sample: Sample, touched: pl.DataFrame) -> None:
    leads = sample.leads.height
    before = touched.filter(pl.col("age") >= 0)
    recent = before.filter(pl.col("age") <= 30)
    never = leads - before["outcome_id"].n_unique()
    old = before["outcome_id"].n_unique() - recent["outcome_id"].n_unique()
    assert 0.01 < never / leads < 0.04
    assert 0.01 < old / leads < 0.04
    assert not set(sample.leads["customer_id"]) <= set(sample.touchpoints["customer_id"])


def test_life_goes_on_after_a_lead(sample: Sample, touched: pl.DataFrame) -> None:
    after = touched.filter(pl.col("age") < 0)
    assert 0.2 < after["outcome_id"].n_unique() / sample.leads.height < 0.5
    per_customer = sample.leads["customer_id"].value_counts()["count"]
    assert (per_customer == 2).sum() > 30
    assert per_customer.max() == 2


def test_channels_play_their_parts(sample: Sample, touched: pl.DataFrame) -> None:
    opened = sample.touchpoints.unique("customer_id", keep="first", maintain_order=True)
    assert opened["channel"].value_counts(sort=True)["channel"][0] == "Paid Social"
    journeys = touched.filter(pl.col("age").is_between(0, 30)).sort("timestamp")
    last = journeys.unique("outcome_id", keep="last", maintain_order=True)
    closed = last["channel"].value_counts(sort=True)["channel"].to_list()
    assert set(closed[:2]) == {"Direct", "Email"}
    win_rate = dict(last.group_by("channel").agg(pl.col("wins").mean()).iter_rows())
    overall = sample.leads["wins"].mean()
    assert min(win_rate, key=win_rate.__getitem__) == "Paid Social"
    assert min(win_rate["Webinar"], win_rate["Referral"]) > 1.3 * overall
