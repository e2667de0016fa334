"""The closed loop from a job and on the command line: the tables that Python gives, and what is refused."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from test_cli import LEADS, SPEND, TABLES, done, refused

import attribution as at
from attribution.errors import ParameterError
from attribution.job import Job, job_of, run

DRAWN = {"level": 0.9, "replicates": 200}
CHANGE = {"before": date(2026, 4, 1), "now": date(2026, 5, 1)}
LOOP: dict[str, Any] = {
    "funnels": [
        {"file": "funnel.parquet", "by": ["channel", "month"]},
        {"file": "entries.parquet", "by": ["owner"], "entries": "week"},
    ],
    "velocities": [{"file": "velocity.parquet", "by": ["product"], "naive": True}],
    "values": [{"file": "value.parquet", "margin": 0.5}],
    "trends": [
        {"file": "change.parquet", "table": "contribution", **CHANGE},
        {"file": "ahead.parquet", "table": "forecast", "period": "week", "season": 4, "horizon": 2},
        {"file": "tested.parquet", "table": "backtest", "period": "week", "season": 4},
        {"file": "years.parquet"},
        {"file": "seasons.parquet", "table": "seasonality", "complete_before": date(2026, 6, 1)},
    ],
}


def job(**sections: Any) -> Job:
    """Return a job over the sample."""
    touchpoints, leads = TABLES
    given = {
        "name": "loop",
        "touchpoints": {"path": str(touchpoints)},
        "outcomes": {"path": str(leads)},
        "spend": {"path": str(SPEND)},
        "models": [{"name": "last_touch"}, {"name": "linear"}],
        "intervals": DRAWN,
    }
    return job_of(given | sections, "job.toml")


@pytest.fixture(scope="module")
def log() -> at.CreditLog:
    """Return the log of the sample that the job makes."""
    journeys = at.stitch(*TABLES)
    result = at.attribute(journeys, at.LastTouch(), at.Linear(), intervals=0.9, replicates=200)
    return at.credit_log(journeys, result)


@pytest.fixture(scope="module")
def file(log: at.CreditLog, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the file of the log."""
    path = tmp_path_factory.mktemp("log") / "log.parquet"
    log.write(path, "owner", "product")
    return path


@cache
def expected(log: at.CreditLog) -> dict[str, pl.DataFrame]:
    """Return what Python gives for each file of the job."""
    spend = at.sample.load().spend
    monthly, weekly = (at.measure(log, spend, by=["channel", name]) for name in ("month", "week"))
    ahead = at.forecast(weekly, horizon=2, season=4)
    return {
        "funnel": at.funnel(log, by=["channel", "month"]).table(),
        "entries": at.stage_entries(log, "week", by=["owner"]).table(),
        "velocity": at.velocity(log, by=["product"], naive=True).table(),
        "value": at.customer_value(log, spend, margin=0.5).table(),
        "change": at.contribution(monthly, **CHANGE),
        "ahead": ahead.table(),
        "tested": at.forecast(weekly, horizon=4, season=4).backtest,
        "years": at.year_over_year(monthly, align="date"),
        "seasons": at.seasonality(monthly, complete_before=date(2026, 6, 1)),
    }


# From a job.


def test_a_job_writes_what_python_gives_and_again_changes_nothing(log: at.CreditLog, tmp_path: Path) -> None:
    nightly = job(**LOOP)
    ran = run(nightly, tmp_path, out=tmp_path / "results")
    for name, theirs in expected(log).items():
        ours = pl.read_parquet(tmp_path / "results" / f"{name}.parquet")
        assert ours["run_id"].unique().to_list() == [ran.run_id]
        assert_frame_equal(ours.drop("run_id"), theirs, check_exact=True)
    assert not run(nightly, tmp_path, out=tmp_path / "results").changed


def test_a_ledger_in_several_currencies_is_measured_with_rates_and_a_lag(
    log: at.CreditLog, tmp_path: Path
) -> None:
    spend = at.sample.load().spend.with_columns(cost_type=pl.lit("media"))
    tool = spend[:1].with_columns(spend=pl.lit(500.0), cost_type=pl.lit("tool"), currency=pl.lit("USD"))
    pl.concat([spend, tool]).write_parquet(tmp_path / "ledger.parquet")
    rates = pl.DataFrame({"currency": ["EUR", "USD"], "rate": [1.0, 0.5]})
    rates.write_csv(tmp_path / "rates.csv")
    sections = {"spend": {"path": "ledger.parquet", "lag_days": 7.0}, "rates": {"path": "rates.csv"}}
    by_week = [{"file": "weekly.parquet", "by": ["channel", "week"]}]
    run(job(**sections, breakdowns=by_week), tmp_path)
    theirs = at.measure(
        log, pl.concat([spend, tool]), by=["channel", "week"], rates=rates, spend_lag_days=7.0
    ).table()
    ours = pl.read_parquet(tmp_path / "results" / "weekly.parquet")
    assert_frame_equal(ours.drop("run_id"), theirs, check_exact=True)
    media, loaded = (
        theirs.filter(pl.col("channel") == "(total)")[name][0] for name in ("spend", "cost_fully_loaded")
    )
    assert loaded - media == pytest.approx(250.0)
    with pytest.raises(at.TableError, match="2 currencies"):
        run(job(spend=sections["spend"]), tmp_path)


@pytest.mark.parametrize("table", ["", "cost_type"])
def test_late_periods_of_a_ledger_keep_what_was_published(table: str, tmp_path: Path) -> None:
    spend = at.sample.load().spend
    if table:
        spend = spend.with_columns(cost_type=pl.lit("media"))
        tool = spend[:1].with_columns(spend=pl.lit(500.0), cost_type=pl.lit("tool"))
        spend = pl.concat([spend, tool])
    spend.write_parquet(tmp_path / "spend.parquet")
    late = [{"file": "weekly.parquet", "by": ["channel", "week"], "reprocess_days": 28}]
    nightly = job(spend={"path": "spend.parquet"}, breakdowns=late)
    run(nightly, tmp_path)
    before = pl.read_parquet(tmp_path / "results" / "weekly.parquet")
    leads = pl.read_parquet(LEADS).with_columns(pl.col("wins") * 0)
    leads.write_parquet(tmp_path / "leads.parquet")
    run(job(spend={"path": "spend.parquet"}, outcomes={"path": "leads.parquet"}, breakdowns=late), tmp_path)
    after = pl.read_parquet(tmp_path / "results" / "weekly.parquet")
    old = pl.col("week") < date(2026, 5, 1)
    same = [
        "model",
        "channel",
        "week",
        *[name for name in before.columns if name in ("spend", "wins", "leads")],
    ]
    same += [name for name in before.columns if name.startswith("cost_")]
    assert ("cost_fully_loaded" in same) == bool(table)
    assert_frame_equal(before.filter(old).select(same), after.filter(old).select(same), check_exact=True)
    recent = pl.col("week") >= date(2026, 6, 8)
    assert before.filter(recent)["wins"].sum() > 0 == after.filter(recent)["wins"].sum()
    costs = [name for name in ("spend", "cost_fully_loaded") if name in before.columns]
    totals = [each.filter(pl.col("channel") == "(total)").select(costs) for each in (before, after)]
    assert_frame_equal(*totals, rel_tol=1e-12)


@pytest.mark.parametrize(
    ("sections", "said"),
    [
        ({"funnels": [{"file": "a.csv", "by": ["ownr"]}]}, r"key funnels\[0\]\.by: unknown dimension 'ownr'"),
        ({"velocities": [{"file": "a.csv", "by": ["ownr"]}]}, r"key velocities\[0\]\.by"),
        ({"values": [{"file": "credits.csv"}]}, "a file name of its own"),
        ({"values": [{"file": "a.csv", "margin": 2.0}]}, r"values\.0\.margin|values\[0\]\.margin"),
        ({"trends": [{"file": "a.csv", "table": "contribution"}]}, "before and now"),
        ({"funnels": [{"file": "a.csv", "entries": "week", "value": "amount"}]}, "either entries or value"),
        ({"spend": None, "rates": {"path": "rates.csv"}}, r"\[spend\] for \[rates\]"),
        ({"funnels": [{"file": "../a.csv"}]}, r"funnels\[0\]\.file|funnels\.0\.file"),
        (
            {"funnels": [{"file": "a.csv", "stages": {"demos": "nope"}}]},
            r"key funnels\[0\]\.stages: .*'nope'",
        ),
        ({"values": [{"file": "a.csv", "score": "nope"}]}, r"key values\[0\]\.score: .*'nope'"),
    ],
)
def test_a_job_is_refused_with_the_key_that_is_wrong(
    sections: dict[str, Any], said: str, tmp_path: Path
) -> None:
    with pytest.raises(ParameterError, match=said):
        run(job(**sections), tmp_path)


def test_a_job_on_spark_has_no_log_and_no_loop() -> None:
    spark = {"touchpoints": {"table": "t"}, "outcomes": {"table": "o"}}
    with pytest.raises(ParameterError, match=r"\[\[funnels\]\].* with \[spark\]"):
        job(touchpoints=None, outcomes=None, spark=spark, funnels=[{"file": "a.csv"}])


def test_a_trend_may_name_its_period_and_be_of_nothing_else(log: at.CreditLog, tmp_path: Path) -> None:
    named = [{"file": "a.parquet", "by": ["month"]}, {"file": "b.parquet", "by": ["channel", "month"]}]
    until = [{"file": "v.parquet", "until": date(2026, 6, 1)}]
    run(job(trends=named, velocities=until), tmp_path)
    spend = at.sample.load().spend
    for name, by in (("a", ["month"]), ("b", ["channel", "month"])):
        ours = pl.read_parquet(tmp_path / "results" / f"{name}.parquet").drop("run_id")
        theirs = at.year_over_year(at.measure(log, spend, by=by), align="date")
        assert_frame_equal(ours, theirs, check_exact=True)
    told = pl.read_parquet(tmp_path / "results" / "v.parquet")["observed_until"].unique()
    assert told.to_list() == [datetime(2026, 6, 1, tzinfo=UTC)]


# On the command line.


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (("funnel", "--by", "channel,month"), "funnel"),
        (("funnel", "--by", "owner", "--entries", "week"), "entries"),
        (("velocity", "--by", "product", "--naive"), "velocity"),
        (("value", "--margin", "0.5", "--spend", SPEND), "value"),
        (
            *(
                ("trends", "--table", "contribution", "--before", "2026-04-01", "--now", "2026-05-01"),
                "change",
            ),
        ),
        (
            *(
                ("trends", "--table", "forecast", "--period", "week", "--season", "4", "--horizon", "2"),
                "ahead",
            ),
        ),
        (("trends", "--table", "seasonality", "--complete-before", "2026-06-01"), "seasons"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_every_verb_gives_the_table_of_python(
    arguments: tuple[object, ...], name: str, log: at.CreditLog, file: Path, tmp_path: Path
) -> None:
    verb, *rest = arguments
    if verb == "trends":
        rest = [*rest, "--spend", SPEND]
    theirs = expected(log)[name]
    done(verb, file, *rest, "--out", tmp_path / "a.parquet")
    ours = pl.read_parquet(tmp_path / "a.parquet")
    assert_frame_equal(ours, theirs, rel_tol=1e-12, abs_tol=1e-9)
    records = json.loads(done(verb, file, *rest, "--json").out)
    assert [list(row) for row in records] == [theirs.columns] * len(theirs)
    shown = done(verb, file, *rest).out
    assert "last touch" in shown or "last_touch" in shown


@pytest.mark.parametrize("verb", ["funnel", "velocity", "value", "trends"])
def test_leads_alone_are_told_by_their_own_columns(verb: str, tmp_path: Path) -> None:
    pl.read_parquet(LEADS).rename({"customer_id": "who"}).write_csv(tmp_path / "leads.csv")
    how = ("--by", "owner", "--outcomes-columns", "customer_id=who", "--timezone", "UTC")
    ran = done(verb, tmp_path / "leads.csv", *how)
    assert "Amara" in ran.out
    assert "(total)" in ran.out
    assert "leads: 998 rows read, 998 used" in ran.err
    assert "touchpoints" not in ran.err
    rows = json.loads(done(verb, tmp_path / "leads.csv", *how[2:], "--intervals", "0.9", "--json").out)
    assert any(name.endswith("_low") for name in rows[0])


def test_weeks_of_leads_alone_and_tables_without_rows(tmp_path: Path) -> None:
    rows = json.loads(done("trends", LEADS, "--period", "week", "--json").out)
    assert {row["week"] for row in rows} >= {"2026-01-05", "2026-06-29"}
    (tmp_path / "none.csv").write_text("customer_id,timestamp,won_at\n")
    assert "(total)" in done("velocity", tmp_path / "none.csv", "--by", "channel").out
    assert "nothing was measured" in refused(5, "trends", tmp_path / "none.csv")


def test_a_log_in_text_is_no_table_of_leads_and_a_log_takes_no_options_of_one(
    log: at.CreditLog, file: Path, tmp_path: Path
) -> None:
    log.write(tmp_path / "log.csv")
    assert "a credit log, which has a row a touchpoint" in refused(3, "funnel", tmp_path / "log.csv")
    assert "give them to attribute" in refused(2, "funnel", file, "--intervals", "0.9")


def test_measure_by_channel_and_month_tells_cost_per_lead_and_per_opportunity(file: Path) -> None:
    rows = json.loads(done("measure", file, "--spend", SPEND, "--by", "channel,month", "--json").out)
    assert {"cost_per_lead", "cost_per_opportunity", "win_rate", "month"} <= set(rows[0])


def test_what_a_verb_cannot_tell_leaves_with_its_code(file: Path, tmp_path: Path) -> None:
    (tmp_path / "leads.csv").write_text("customer_id,timestamp\na,03/04/2026\n")
    assert "--time-format" in refused(3, "funnel", tmp_path / "leads.csv")
    (tmp_path / "plain.csv").write_text("customer_id,timestamp\na,2026-04-03\n")
    assert "no time of winning" in refused(3, "velocity", tmp_path / "plain.csv", "--timezone", "UTC")
    assert "too short a history" in refused(5, "trends", file, "--table", "forecast", "--spend", SPEND)
    assert "before and now" in refused(2, "trends", file, "--table", "contribution")
    assert "churned_at" in refused(2, "value", file, "--form", "subscription")
    assert "demo_at" in refused(2, "funnel", file, "--stages", "demos=demo_at")
    assert "customer_id" in refused(3, "funnel", SPEND)
