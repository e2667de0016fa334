"""Real input: public data sets come out as their known answers, in Python and on the command line."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from stitching_twin import Journey, Outcome, Touchpoint
from stitching_twin import stitched as stitched_by_twin

import attribution as at

CONSERVED = 1e-9  # relative


def assert_conserved(result: at.Result, totals: list[float]) -> None:
    """Credits and what is unattributed sum to the totals, in every model."""
    for name, each in result.items():
        assert each.totals.tolist() == pytest.approx(totals, rel=CONSERVED), name
        assert (each.values >= 0).all(), name


# July 2018: impressions and conversions of a month, five channels with spend.

JULY = {"timestamp": "time", "revenue": "conversion_value"}
SPEND = {"spend": "cost", "date": "day"}
JULY_SPEND = {
    "Facebook": 1481.6785,
    "Instagram": 641.159,
    "Online Display": 554.937,
    "Online Video": 991.823,
    "Paid Search": 1187.1415,
}


@pytest.fixture(scope="module")
def july(data: Any) -> Mapping[str, Path]:
    return {
        "events": data.need("july2018/touchpoints_and_conversions.csv"),
        "spend": data.need("july2018/spend_daily.csv"),
    }


@pytest.fixture(scope="module")
def july_journeys(july: Mapping[str, Path]) -> at.Stitched:
    split = at.split_events(july["events"], columns=JULY)
    rows = split.report.tables["events"]
    assert (rows.read, rows.used) == (62_483, 62_483)
    return at.stitch(split.touchpoints, split.outcomes, lookback_days=30)


def test_july_has_9506_journeys_of_which_1838_convert_and_none_is_unattributed(
    july_journeys: at.Stitched,
) -> None:
    report = july_journeys.report
    assert report.notes["journeys"] == 9_506 == len(july_journeys.table())
    assert report.notes["converting_journeys"] == 1_838 == july_journeys.table()["converted"].sum()
    assert report.tables["touchpoints"].used == 62_483
    assert not report.unattributed
    assert report.notes["touchpoints_after_last_outcome"] > 0  # they make null journeys


def test_july_equals_the_naive_twin(july: Mapping[str, Path], july_journeys: at.Stitched) -> None:
    rows = pl.read_csv(july["events"], try_parse_dates=True).to_dicts()
    marked = [row for row in rows if row["conversion"]]
    twin = stitched_by_twin(
        [
            Touchpoint(row["customer_id"], row["time"], row["channel"], sequence=row["conversion"])
            for row in rows
        ],
        [Outcome(row["customer_id"], row["time"], (1.0, 0.0, row["conversion_value"])) for row in marked],
        width=3,
    )
    columns = ["customer_id", "ends_at", "channel", "age_days", "leads", "revenue", "count"]
    ours = (
        Journey(customer, end, tuple(path), tuple(ages), (leads, 0.0, revenue), count)
        for customer, end, path, ages, leads, revenue, count in july_journeys.table().select(columns).rows()
    )
    assert Counter(ours) == Counter(twin.journeys)


@pytest.mark.parametrize("order", [1, 2, 3])
def test_july_converts_at_its_base_rate_at_every_order(july_journeys: at.Stitched, order: int) -> None:
    base = at.attribute(july_journeys, at.Markov(order=order))["markov"].details.base_probability
    assert f"{base:.12f}" == "0.193351567431"
    assert base == pytest.approx(1838 / 9506, rel=1e-12)


def test_july_conserves_conversions_and_revenue_in_every_model(
    july: Mapping[str, Path], july_journeys: at.Stitched
) -> None:
    value = pl.read_csv(july["events"]).filter(conversion=1)["conversion_value"].sum()
    result = at.attribute(july_journeys)
    assert set(result) == set(at.MODELS)
    assert_conserved(result, [1838.0, value])


def test_july_has_a_cost_per_lead_for_every_channel(
    july: Mapping[str, Path], july_journeys: at.Stitched
) -> None:
    measured = at.measure(at.attribute(july_journeys), july["spend"], columns=SPEND)
    assert measured.spend_rows.read == measured.spend_rows.used == 155
    assert not measured.warnings
    for (model,), table in measured.table().partition_by("model", as_dict=True).items():
        spend = dict(table.select("channel", "spend").rows())
        assert {name: spend[name] for name in JULY_SPEND} == pytest.approx(JULY_SPEND, rel=1e-12), model
        cost = dict(
            table.filter(pl.col("channel").is_in(list(JULY_SPEND))).select("channel", "cost_per_lead").rows()
        )
        assert len(cost) == 5
        assert all(each is not None and each > 0 for each in cost.values()), model
        (total,) = table.filter(channel="(total)").to_dicts()
        assert total["cost_per_lead"] == pytest.approx(sum(JULY_SPEND.values()) / 1838, rel=CONSERVED), model


def command(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "attribution", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=True,
        encoding="utf-8",
        env=os.environ | environment,
    )


def test_july_on_the_command_line_is_byte_identical_when_it_is_run_again(
    july: Mapping[str, Path], july_journeys: at.Stitched, tmp_path: Path
) -> None:
    mapped = "customer_id=customer_id,timestamp=time,conversion=conversion,revenue=conversion_value"
    elsewhere = {"PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo", "POLARS_MAX_THREADS": "1", "LC_ALL": "C"}
    for run, threads, environment in (("first", 2, {}), ("second", 1, elsewhere)):
        folder = tmp_path / run
        folder.mkdir()
        read = command(
            "attribute", "--events", july["events"], "--events-columns", mapped,
            "--out", folder / "credits.csv", "--threads", threads, **environment,
        )  # fmt: skip
        assert "62,483 rows read, 62,483 used" in read.stderr
        assert "9,506 journeys" in read.stderr
        command(
            "measure", folder / "credits.csv", "--spend", july["spend"],
            "--spend-columns", "spend=cost,date=day", "--out", folder / "kpis.csv", **environment,
        )  # fmt: skip
    for name in ("credits.csv", "kpis.csv"):
        assert (tmp_path / "first" / name).read_bytes() == (tmp_path / "second" / name).read_bytes(), name
    credits = pl.read_csv(tmp_path / "first" / "credits.csv")
    assert credits.equals(at.attribute(july_journeys).table())
    kpis = pl.read_csv(tmp_path / "first" / "kpis.csv")
    found = kpis.filter(pl.col("channel").is_in(list(JULY_SPEND)))
    assert found["cost_per_lead"].null_count() == 0
    assert len(found) == 5 * len(at.MODELS)


# Olist: leads by origin, some of which became deals.

OLIST = {
    "organic search": (271, 2296),
    "paid search": (195, 1586),
    "social": (75, 1350),
    "unknown": (179, 1099),
    "direct traffic": (56, 499),
    "email": (15, 493),
    "referral": (24, 284),
}


@pytest.fixture(scope="module")
def olist(data: Any) -> pl.DataFrame:
    """Return one row a lead, with wins = 1 where it became a deal."""
    leads = pl.read_csv(data.need("olist/marketing_qualified_leads.csv"))
    deals = pl.read_csv(data.need("olist/closed_deals.csv"))
    won = pl.col("mql_id").is_in(deals["mql_id"].implode()).cast(pl.Int64)
    return leads.with_columns(wins=won)


@pytest.fixture(scope="module")
def olist_result(olist: pl.DataFrame) -> at.Result:
    columns = {"customer_id": "mql_id", "timestamp": "first_contact_date", "channel": "origin"}
    return at.attribute(at.stitch(olist, olist, columns=columns))


@pytest.mark.parametrize("model", at.MODELS)
def test_olist_has_its_raw_win_rates_in_every_model(olist_result: at.Result, model: str) -> None:
    spend = pl.DataFrame({"channel": list(OLIST), "spend": [1000.0] * len(OLIST)})
    table = at.measure(olist_result[model], spend).table()
    rows = {row["channel"]: row for row in table.to_dicts()}
    for origin, (deals, leads) in OLIST.items():
        assert (rows[origin]["wins"], rows[origin]["leads"]) == (deals, leads), origin
        assert rows[origin]["win_rate"] == deals / leads, origin
    assert rows["(total)"]["win_rate"] == 842 / 8000


def test_olist_leads_without_an_origin_are_unattributed_and_not_lost(olist_result: at.Result) -> None:
    report = olist_result.report
    rows = report.tables["touchpoints"]
    assert (rows.read, rows.used, dict(rows.set_aside)) == (8000, 7940, {"null_channel": 60})
    assert report.tables["outcomes"].used == 8000
    assert report.unattributed == {"no_touchpoints": 60}
    for name, each in olist_result.items():
        assert each.unattributed.tolist() == [60.0, 14.0], name
    assert_conserved(olist_result, [8000.0, 842.0])


def test_olist_dates_name_no_zone_and_a_user_is_told(olist_result: at.Result) -> None:
    assert sum("timezone='UTC'" in line for line in olist_result.report.warnings) == 2


# Criteo: a mark repeated on every row of a converting journey.


@pytest.fixture(scope="module")
def criteo(data: Any) -> pl.DataFrame:
    table = pl.read_parquet(data.need("criteo_journeys/touches.parquet"))
    start = datetime(2020, 1, 1, tzinfo=UTC)  # the file has seconds from a start that it does not tell
    return table.select(
        pl.format("{}/{}", "split", "seq_id").alias("journey"),
        (start + pl.duration(seconds="t")).alias("timestamp"),
        pl.format("campaign {}", "campaign").alias("channel"),
        pl.col("converted").alias("conversion"),
        pl.col("step").alias("sequence"),
    )


def test_criteo_has_196560_journeys_of_which_19890_convert(criteo: pl.DataFrame) -> None:
    columns = {"customer_id": "journey", "journey": "journey"}
    split = at.split_events(criteo, columns=columns, flag="journey")
    assert len(split.touchpoints) == len(criteo) == 787_483
    journeys = at.stitch(split.touchpoints, split.outcomes, lookback_days=3650)
    result = at.attribute(journeys)
    report = result.report
    assert report.notes["journeys"] == 196_560
    assert report.notes["converting_journeys"] == 19_890
    assert report.tables["touchpoints"].used == 787_483
    assert not report.unattributed
    assert_conserved(result, [19_890.0])
    base = result["markov"].details.base_probability
    assert base == pytest.approx(19_890 / 196_560, rel=1e-12)


# Path tables.


def test_fractribution_conserves_rare_conversions(data: Any) -> None:
    table = data.need("fractribution_paths/paths.csv")
    journeys = at.from_paths(table, conversions="total_conversions", null="total_non_conversions")
    result = at.attribute(journeys)
    assert result.report.tables["paths"].used == 758
    assert journeys.table()["count"].sum() == 1_983 + 266_697
    assert_conserved(result, [1_983.0])
    assert result["markov"].details.base_probability == pytest.approx(1_983 / 268_680, rel=1e-12)


def test_google_analytics_paths_keep_names_with_slashes_and_a_path_of_402(data: Any) -> None:
    table = data.need("ga_paths/paths.csv")
    journeys = at.from_paths(table)
    assert journeys.table()["channel"].list.len().max() == 402
    assert {"google / organic", "(direct) / (none)"} <= set(journeys.channels)
    result = at.attribute(journeys)
    assert_conserved(result, [float(pl.read_csv(table)["conversions"].sum())])
    assert any("converting_only" in line for line in result.warnings)


# Event tables of other shapes.


def test_null_10k_has_a_mark_of_yes_and_no(data: Any) -> None:
    columns = {
        "customer_id": "User ID", "timestamp": "Timestamp", "channel": "Channel", "campaign": "Campaign",
        "conversion": "Conversion",
    }  # fmt: skip
    split = at.split_events(data.need("null_10k/touchpoints.csv"), columns=columns)
    assert (len(split.touchpoints), len(split.outcomes)) == (10_000, 4_944)
    result = at.attribute(at.stitch(split.touchpoints, split.outcomes))
    assert not result.report.unattributed
    assert_conserved(result, [4_944.0])


@pytest.mark.parametrize("name", ["test_dataset", "test_dataset_multiple_conversions"])
def test_dp6_has_several_conversions_of_a_customer(data: Any, name: str) -> None:
    table = data.need(f"dp6/{name}.csv")
    columns = {
        "customer_id": "user_pseudo_id", "timestamp": "event_time", "channel": "source_medium",
        "conversion": "is_conversion_purchase",
    }  # fmt: skip
    split = at.split_events(table, columns=columns)
    result = at.attribute(at.stitch(split.touchpoints, split.outcomes, lookback_days=365))
    marks = pl.read_csv(table)["is_conversion_purchase"].sum()
    assert split.outcomes["customer_id"].n_unique() < marks
    assert not result.report.unattributed
    assert_conserved(result, [float(marks)])
