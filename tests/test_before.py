"""Before the lead, from a job and on the command line: the tables that Python gives, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from test_cli import LEADS, SPEND, TOUCHPOINTS, done, refused

import attribution as at
from attribution.errors import GateError, ParameterError
from attribution.job import Job, job_of, run
from attribution.job.checkup import checkup
from attribution.job.plan import plan
from attribution.job.run import folder_of

GOALS = [
    {"name": "signup", "when": "page = '/thanks'", "value": 5.0, "layer": "lead_generation"},
    {"name": "video", "when": "page = '/video'", "value": 0.5, "layer": "awareness"},
]
QUALIFIED = "page_views >= 2"
ENGAGED = [
    {"file": "visits.parquet", "by": ["channel", "week"]},
    {"file": "pages.parquet", "by": ["page"]},
]


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return page views of the sample's customers, where its touchpoints were."""
    rng = np.random.default_rng(1)
    touched = at.sample.load().touchpoints.select("customer_id", "timestamp", "channel")
    names = ["/", "/video", "/thanks"]
    later = [
        touched.with_columns(
            pl.col("timestamp") + pl.duration(seconds=40 * step),
            page=pl.Series(np.array(names)[rng.integers(0, 3, len(touched))]),
        ).filter(pl.Series(rng.random(len(touched)) < 0.5**step))
        for step in range(3)
    ]
    path = tmp_path_factory.mktemp("web") / "pages.parquet"
    pl.concat(later).write_parquet(path)
    return path


def job(views: Path, **sections: Any) -> Job:
    """Return a job over the sample and its page views."""
    given = {
        "name": "before",
        "touchpoints": {"path": str(TOUCHPOINTS)},
        "outcomes": {"path": str(LEADS)},
        "spend": {"path": str(SPEND)},
        "pages": {"path": str(views), "qualified": QUALIFIED},
        "goals": GOALS,
        "models": [{"name": "linear"}],
        "intervals": {"level": 0.9, "replicates": 200},
    }
    return job_of(given | sections, "job.toml")


def web(pages: Path) -> at.Activity:
    """Return the page views as the job reads them."""
    goals = [at.Goal(**goal) for goal in GOALS]
    return at.web_log(pages=pages, goals=goals, qualified=QUALIFIED, intervals=0.9, replicates=200)


def test_a_job_writes_what_python_gives(pages: Path, tmp_path: Path) -> None:
    weekly = [{"file": "weekly.parquet", "by": ["channel", "week"], "reprocess_days": 14}]
    ran = run(job(pages, engagements=ENGAGED, breakdowns=weekly, outputs={"kpis": "kpis.parquet"}), tmp_path)
    spend, log = at.sample.load().spend, web(pages)
    journeys = at.stitch(TOUCHPOINTS, LEADS)
    result = at.attribute(journeys, at.Linear(), intervals=0.9, replicates=200)
    credit_log = at.credit_log(journeys, result)
    expected = {
        "visits": at.engagement(log, by=["channel", "week"], spend=spend).table(),
        "pages": at.engagement(log, by=["page"], spend=spend).table(),
        "kpis": at.measure(result, spend, activity=log).table(),
        "weekly": at.measure(credit_log, spend, by=["channel", "week"], activity=log).table(),
    }
    for name, theirs in expected.items():
        ours = pl.read_parquet(tmp_path / "results" / f"{name}.parquet").drop("run_id")
        assert_frame_equal(ours, theirs, check_exact=True)
    rows = ran.manifest.content["rows"]["pages"]
    assert rows["read"] == rows["used"] == len(pl.read_parquet(pages))
    again = run(
        job(pages, engagements=ENGAGED, breakdowns=weekly, outputs={"kpis": "kpis.parquet"}), tmp_path
    )
    assert not again.changed


def test_late_pages_leave_old_weeks_as_they_were_and_count_users_once(pages: Path, tmp_path: Path) -> None:
    weekly = [{"file": "weekly.parquet", "by": ["channel", "week"], "reprocess_days": 14}]
    run(job(pages, breakdowns=weekly), tmp_path)
    before = pl.read_parquet(tmp_path / "results" / "weekly.parquet")
    late = pl.read_parquet(pages)
    more = late.sort("timestamp").head(50).with_columns(customer_id=pl.lit("late ") + pl.col("customer_id"))
    pl.concat([late, more]).write_parquet(tmp_path / "more.parquet")
    run(job(tmp_path / "more.parquet", breakdowns=weekly), tmp_path)
    after = pl.read_parquet(tmp_path / "results" / "weekly.parquet")
    first = pl.col("week") == before["week"].min()
    names = ["channel", "visits", "users", "leads"]
    assert_frame_equal(before.filter(first).select(names), after.filter(first).select(names))
    total, sums = after[-1], after[:-1]
    assert total["page_views"].item() == sums["page_views"].sum() == len(late)
    assert total["users"].item() is None
    assert "conversion_rate_by_user: no count, or none that adds up over periods" in total["reason"].item()
    assert total["lead_rate"].item() == pytest.approx(total["leads"].item() / sums["visits"].sum())
    for rate in ("bounce_rate", "conversion_rate_by_visit", "abandonment_rate", "exit_rate"):
        assert after[rate].drop_nulls().is_between(0, 1).all()


@pytest.mark.parametrize(
    ("sections", "told"),
    [
        ({"pages": None, "goals": GOALS}, r"\[visits\] or \[pages\] for \[\[goals\]\]"),
        ({"pages": None, "goals": [], "spend": None, "engagements": ENGAGED}, r"for \[\[engagements\]\]"),
        ({"goals": [{"name": "lead", "when": "1 = 1"}]}, "lead_rate is a KPI of another meaning"),
        ({"goals": [{"name": "signup", "when": "1 = 1", "value": -1.0}]}, "value"),
        ({"visits": {"path": "v.csv", "qualified": "1 = 1"}}, "qualified once"),
        ({"engagements": [{"file": "kpis.csv"}]}, "a file name of its own"),
    ],
)
def test_a_job_that_makes_no_sense_is_refused(pages: Path, sections: dict[str, Any], told: str) -> None:
    with pytest.raises(ParameterError, match=told):
        job(pages, **sections)


def test_a_dimension_that_nothing_knows_is_told_with_its_key(pages: Path, tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match=r"key engagements\[0\].by: .*visits are not known by owner"):
        run(job(pages, engagements=[{"file": "a.csv", "by": ["owner"]}]), tmp_path)


def test_page_views_that_cannot_be_used_stop_a_run_or_are_kept_with_their_content(
    pages: Path, tmp_path: Path
) -> None:
    views = pl.read_parquet(pages).with_row_index()
    views = views.with_columns(page=pl.when(pl.col("index") % 10 != 0).then("page")).drop("index")
    views.write_parquet(tmp_path / "views.parquet")
    with pytest.raises(GateError, match="null_page"):
        run(job(tmp_path / "views.parquet"), tmp_path)
    nightly = job(tmp_path / "views.parquet", gate={"max_rejected": 0.2})
    run(nightly, tmp_path)
    rejected = pl.read_parquet(tmp_path / "results" / "rejected.parquet").filter(table="pages")
    assert rejected["row"].to_list() == list(range(0, len(views), 10))
    assert rejected["reason"].unique().to_list() == ["null_page"]
    seen = checkup(nightly, tmp_path)
    assert seen.report.tables["pages"].set_aside == {"null_page": len(rejected)}
    with pytest.raises(GateError, match="null_page"):
        checkup(job(tmp_path / "views.parquet"), tmp_path).check_gate()


def test_what_is_wrong_with_visits_is_told_before_a_run(pages: Path, tmp_path: Path) -> None:
    at.sample.load().spend.drop("clicks", "impressions").write_csv(tmp_path / "spend.csv")
    for sections, told in (
        ({"engagements": [{"file": "a.csv", "by": ["owner"]}]}, "not known by owner"),
        ({"goals": [{"name": "signup", "when": "pagge = 'x'"}]}, "unknown column in goal signup 'pagge'"),
        (
            {"spend": {"path": "spend.csv"}, "engagements": [{"file": "a.csv", "by": ["campaign"]}]},
            "visits are not known by campaign",
        ),
    ):
        with pytest.raises(ParameterError, match=told):
            checkup(job(pages, **sections), tmp_path)
    steps = dict(plan(job(pages, engagements=ENGAGED), tmp_path, folder_of(job(pages), tmp_path, None)))
    assert "rows" in steps["read pages"]
    assert steps["count visits.parquet"] == "by channel, week"


def test_a_unified_report_of_ads_is_the_spend_of_a_job(pages: Path, tmp_path: Path) -> None:
    names = {"date": "date_day", "channel": "platform", "campaign": "campaign_name", "clicks": "Link clicks"}
    at.sample.load().spend.rename(names).write_csv(tmp_path / "report.csv")
    mapped = {"path": "report.csv", "columns": {"clicks": "Link clicks"}}
    ads = [{"file": "ads.parquet", "by": ["channel", "month"]}]
    run(job(pages, spend=mapped, engagements=ads, outputs={"kpis": "kpis.parquet"}), tmp_path)
    run(job(pages, engagements=ads, outputs={"kpis": "kpis.parquet", "folder": "other"}), tmp_path)
    for name in ("ads", "kpis"):
        ours, theirs = (
            pl.read_parquet(tmp_path / folder / f"{name}.parquet") for folder in ("results", "other")
        )
        assert_frame_equal(ours.drop("run_id"), theirs.drop("run_id"))


def test_the_end_of_the_data_is_that_of_the_visits_too(pages: Path, tmp_path: Path) -> None:
    end = "2026-03-31T00:00:00+00:00"
    ran = run(job(pages, as_of=end, gate={"max_rejected": 1.0}, outputs={"kpis": "kpis.parquet"}), tmp_path)
    aside = ran.manifest.content["rows"]["pages"]["set_aside"]
    later = pl.read_parquet(pages).filter(pl.col("timestamp") > pl.lit(end).str.to_datetime(time_zone="UTC"))
    assert aside == {"future_time": len(later)}


def test_periods_that_were_published_without_counts_stay_and_have_none(pages: Path, tmp_path: Path) -> None:
    weekly = [{"file": "weekly.parquet", "by": ["channel", "week"], "reprocess_days": 14}]
    spend = at.sample.load().spend
    spend.drop("impressions", "clicks").write_parquet(tmp_path / "spend.parquet")
    given = {"breakdowns": weekly, "spend": {"path": "spend.parquet"}, "pages": None, "goals": []}
    run(job(pages, **given), tmp_path)
    before = pl.read_parquet(tmp_path / "results" / "weekly.parquet")
    spend.write_parquet(tmp_path / "spend.parquet")
    leads = pl.read_parquet(LEADS).filter(pl.col("timestamp") > pl.col("timestamp").min().dt.offset_by("21d"))
    leads.write_parquet(tmp_path / "leads.parquet")
    run(job(pages, **given, outcomes={"path": "leads.parquet"}), tmp_path)
    after = pl.read_parquet(tmp_path / "results" / "weekly.parquet")
    first = pl.col("week") == before["week"].min()
    assert_frame_equal(
        before.filter(first).select("channel", "leads"), after.filter(first).select("channel", "leads")
    )
    assert after.filter(first)["clicks"].null_count() == len(after.filter(first))
    assert after["clicks"].drop_nulls().sum() > 0


def test_another_goal_or_idle_time_measures_all_periods_again(pages: Path, tmp_path: Path) -> None:
    weekly = [{"file": "weekly.parquet", "by": ["channel", "week"], "reprocess_days": 14}]
    run(job(pages, breakdowns=weekly), tmp_path)
    first = pl.read_parquet(tmp_path / "results" / "weekly.parquet")
    other = [GOALS[0] | {"when": "page = '/'"}, GOALS[1]]
    for sections in ({"goals": other}, {"pages": {"path": str(pages), "idle_minutes": 0.5}}):
        ran = run(job(pages, breakdowns=weekly, **sections), tmp_path)
        assert any(
            "all periods were measured again: visits" in line for line in ran.manifest.content["warnings"]
        )
    cut = pl.read_parquet(tmp_path / "results" / "weekly.parquet")
    assert cut["visits"][-1] > first["visits"][-1]


# On the command line.

GIVEN = (
    *("--goal", "signup=page = '/thanks'", "--goal", "video=page = '/video'", "--qualified", QUALIFIED),
    *("--goal-values", "signup=5,video=0.5", "--goal-layers", "signup=lead_generation,video=awareness"),
)


def test_the_verb_writes_what_python_gives(pages: Path, tmp_path: Path) -> None:
    out = tmp_path / "engagement.parquet"
    drawn = ("--intervals", "0.9", "--replicates", "200")
    ran = done("engagement", "--pages", pages, "--by", "channel,week", *GIVEN, *drawn, "--out", out)
    theirs = at.engagement(web(pages), by=["channel", "week"]).table()
    assert_frame_equal(pl.read_parquet(out), theirs, check_exact=True)
    assert "pages: 39," in ran.err
    records = json.loads(done("engagement", "--pages", pages, *GIVEN, "--json").out)
    assert records[-1]["channel"] == "(total)"
    shown = done(
        "engagement", "--pages", pages, "--spend", SPEND, "--ad-touchpoints", TOUCHPOINTS, *GIVEN
    ).out
    for heading in ("bounce rate", "cost per click", "users reached", "signup rate", "abandonment"):
        assert heading in " ".join(shown.split())


def test_measure_shows_visits_beside_cost_per_lead(pages: Path, tmp_path: Path) -> None:
    credits, out = tmp_path / "credits.parquet", tmp_path / "kpis.parquet"
    done("attribute", TOUCHPOINTS, LEADS, "--model", "linear", "--out", credits)
    done("measure", credits, "--spend", SPEND, "--pages", pages, *GIVEN, "--out", out)
    log = at.web_log(pages=pages, goals=[at.Goal(**goal) for goal in GOALS], qualified=QUALIFIED)
    theirs = at.measure(str(credits), SPEND, activity=log).table()
    assert_frame_equal(pl.read_parquet(out), theirs, check_exact=True)
    assert {"lead_rate", "bounce_rate", "cost_per_lead", "awareness_rate"} <= {*theirs.columns}


def test_page_stages_are_leads_for_the_funnel(pages: Path, tmp_path: Path) -> None:
    out = tmp_path / "leads.parquet"
    stages = {"videos": "/video", "signups": "/thanks"}
    ran = done("page-stages", pages, "--stages", "videos=/video,signups=/thanks", "--out", out)
    assert_frame_equal(pl.read_parquet(out), at.page_stages(pages, stages).table())
    assert "next: attribution funnel" in ran.err
    viewed = pl.read_parquet(pages)
    firsts = pl.read_parquet(out)
    for name, page in stages.items():
        expected = dict(
            viewed.filter(page=page).group_by("customer_id").agg(pl.col("timestamp").min()).rows()
        )
        found = dict(firsts.select("customer_id", f"{name}_at").drop_nulls().rows())
        assert found == expected
    assert len(firsts) == viewed["customer_id"].n_unique()


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("engagement",), 2, "nothing to count"),
        (("engagement", "--spend", SPEND, "--goal", "a=1 = 1"), 2, "need --visits or --pages"),
        (("engagement", "--pages", "PAGES", "--goal", "signup"), 2, "NAME=CONDITION"),
        (
            ("engagement", "--pages", "PAGES", "--goal", "a=1=1", "--goal-values", "b=1"),
            2,
            "unknown goal 'b'",
        ),
        (("engagement", "--pages", "PAGES", "--goal", "a=1=1", "--goal-values", "a=x"), 2, "value of goal a"),
        (("engagement", "--pages", "PAGES", "--by", "owner"), 2, "not known by owner"),
        (("engagement", "--pages", "nothing.csv"), 3, "no such file"),
        (("page-stages", "PAGES", "--stages", "a=/none", "--out", "x.csv"), 2, "unknown page '/none'"),
        (("page-stages", "PAGES", "--stages", "a b=/video", "--out", "x.csv"), 2, "a name such as carts"),
    ],
)
def test_what_makes_no_sense_is_refused(
    pages: Path, arguments: tuple[Any, ...], code: int, told: str
) -> None:
    given = [pages if each == "PAGES" else each for each in arguments]
    assert told in refused(code, *given)
