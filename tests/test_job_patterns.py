"""Patterns in a job: its tables of journeys, models and costs are those of Python, on a quiet night too."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from test_cli import attribution, done
from test_job import job, put, tables_of

import attribution as at
from attribution import ParameterError, sample
from attribution.job import load_job, run
from attribution.job.patterns import compared
from attribution.kpis.costs.cost_lines import cost_table
from attribution.report.published import Published

FILES = {
    "comparison": "comparison.csv",
    "paths": "paths.csv",
    "path_lengths": "path_lengths.csv",
    "time_lags": "time_lags.parquet",
    "transitions": "transitions.csv",
    "costs": "costs.csv",
}
OF_JOURNEYS = ("paths", "path_lengths", "time_lags", "transitions")


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """Return a folder with the small tables."""
    put(tmp_path, tables_of())
    return tmp_path


def tables(base: Path, **sections: Any) -> dict[str, pl.DataFrame]:
    """Return the tables of a run by key, without the run."""
    run(job(**{"outputs": FILES, **sections}), base)
    published = Published.read(base / "results")
    found = {key: published.output(key) for key in published.config["outputs"] if key in FILES}
    return {key: table.drop("run_id") for key, table in found.items() if table is not None}


def test_the_tables_of_a_job_are_those_of_python(base: Path) -> None:
    given = tables_of()
    journeys = at.stitch(given["touchpoints"], given["leads"])
    result = at.attribute(journeys, at.Linear(), at.LastTouch())
    expected = {
        "comparison": at.compare(result).table(),
        "paths": at.path_table(journeys, fewest_customers=4),
        "path_lengths": at.path_lengths(journeys),
        "time_lags": at.time_lags(journeys),
        "transitions": at.transition_table(journeys),
        "costs": cost_table(given["spend"]),
    }
    found = tables(base, outputs={**FILES, "fewest_customers": 4})
    assert list(found) == list(expected)
    for key, table in expected.items():
        assert_frame_equal(found[key], table, check_dtypes=False)
    assert expected["paths"]["path"].to_list() == ["ads > web", "mail", "web > ads", "(total)"]
    assert tables(base)["paths"]["path"].to_list() == ["(other)", "(total)"]


def test_nothing_is_made_that_has_no_name(base: Path) -> None:
    assert tables(base, outputs={}) == {}
    assert len(list((base / "results").iterdir())) == 6


@pytest.mark.parametrize("touchpoints", [True, False], ids=["touchpoints", "no touchpoints"])
@pytest.mark.parametrize("intervals", [None, {}], ids=["", "intervals"])
def test_a_night_without_a_lead_has_its_tables(base: Path, touchpoints: bool, intervals: Any) -> None:
    usual = tables(base, intervals=intervals)
    quiet = tables_of()
    put(base, {"leads": quiet["leads"].clear()})
    if not touchpoints:
        put(base, {"touchpoints": quiet["touchpoints"].clear()})
    found = tables(base, intervals=intervals)
    assert {key: each.columns for key, each in found.items()} == {
        key: each.columns for key, each in usual.items()
    }
    assert len(found["comparison"]) == 0
    assert found["paths"]["path"][-1] == "(total)"
    assert found["time_lags"]["journeys"].sum() == 0
    assert (len(found["transitions"]) > 0) == touchpoints
    assert found["costs"].equals(usual["costs"])


def test_a_night_without_a_row_has_a_page(base: Path) -> None:
    put(base, {name: table.clear() for name, table in tables_of().items()})
    found = tables(base, breakdowns=[{"file": "weekly.csv", "by": ["channel", "week"]}])
    assert [len(found[key]) for key in ("comparison", "transitions", "costs")] == [0, 0, 0]
    assert at.write_report(base / "results", base / "page.html")


def test_leads_without_touchpoints_are_no_path_and_compare_no_channel(base: Path) -> None:
    put(base, {"touchpoints": tables_of()["touchpoints"].clear()})
    found = tables(base)
    assert found["paths"]["path", "leads"].rows() == [("(no touchpoints)", 12), ("(total)", 12)]
    assert len(found["comparison"]) == len(found["transitions"]) == 0


def test_one_model_is_compared_with_itself(base: Path) -> None:
    table = tables(base, models=[{"name": "linear"}])["comparison"]
    assert table["difference"].to_list() == [0.0] * 3


def test_an_empty_comparison_has_the_columns_of_a_full_one() -> None:
    given = tables_of()
    nobody = at.stitch(given["touchpoints"], given["leads"].clear())
    journeys = at.stitch(given["touchpoints"], given["leads"])
    full, empty = (compared(at.attribute(each, at.Linear())) for each in (journeys, nobody))
    assert empty.schema == full.schema
    assert (len(empty), len(full)) == (0, 3)


def test_models_are_compared_of_statistics_too() -> None:
    given = tables_of()
    result = at.attribute(at.stitch(given["touchpoints"], given["leads"]), at.Linear(), at.Markov())
    assert compared(at.attribute(result.learned)).equals(compared(result))


# What a job refuses.


@pytest.mark.parametrize("key", OF_JOURNEYS)
def test_on_a_cluster_what_needs_journeys_is_refused(key: str) -> None:
    spark = {"touchpoints": {"table": "t"}, "outcomes": {"table": "o"}}
    there = {"touchpoints": None, "outcomes": None, "spark": spark}
    with pytest.raises(ParameterError, match=rf"no outputs\.{key} with \[spark\]"):
        job(outputs={key: FILES[key]}, **there)
    job(outputs={key: each for key, each in FILES.items() if key not in OF_JOURNEYS}, **there)


@pytest.mark.parametrize(
    ("sections", "said"),
    [
        ({"outputs": {"costs": "costs.csv"}, "spend": None}, r"expected \[spend\] for outputs\.costs"),
        (
            {"outputs": {"fewest_customers": 0}},
            r"key outputs\.fewest_customers: got 0, expected customers that",
        ),
        ({"outputs": {"fewest_customers": 2.5}}, r"key outputs\.fewest_customers: got 2\.5"),
        ({"outputs": {"paths": "a.csv", "time_lags": "a.csv"}}, "a file name of its own"),
        ({"outputs": {"comparison": "credits.csv"}}, "a file name of its own"),
        ({"outputs": {"transitions": "moves.xlsx"}}, r"file names in \.parquet or \.csv"),
        ({"outputs": {"path": "a.csv"}}, r"key outputs\.path: unknown; did you mean 'paths'\?"),
    ],
)
def test_a_section_is_refused_when_it_is_read(sections: dict[str, Any], said: str) -> None:
    with pytest.raises(ParameterError, match=said):
        job(**sections)


def test_the_plan_tells_each_of_them(base: Path) -> None:
    (base / "job.toml").write_text(
        '[touchpoints]\npath = "touchpoints.parquet"\n[outcomes]\npath = "leads.parquet"\n'
        '[spend]\npath = "spend.parquet"\n[outputs]\nfewest_customers = 3\n'
        + "".join(f'{key} = "{name}"\n' for key, name in FILES.items())
    )
    told = " ".join(done("run", base / "job.toml", "--dry-run").out.split())
    for name in FILES.values():
        assert name in told
    assert "by path, of at least 3 customers" in told
    assert attribution("run", base / "job.toml").code == 0


# The sample.


def test_the_job_of_the_sample_writes_them_and_its_costs_are_those_of_the_kpis(tmp_path: Path) -> None:
    whole = load_job(sample.folder() / "job.toml")
    light = whole.model_copy(
        update={
            "intervals": None, "breakdowns": [], "funnels": [], "velocities": [], "values": [], "trends": [],
            "engagements": [], "budget": None, "models": job(models=[{"name": "linear"}]).models,
        }
    )  # fmt: skip
    run(light, sample.folder(), out=tmp_path / "results")
    published = Published.read(tmp_path / "results")
    found = {key: published.output(key) for key in FILES}
    assert all(table is not None for table in found.values())
    costs, kpis = found["costs"], published.output("kpis")
    assert costs is not None
    assert kpis is not None
    names = ("spend", "impressions", "clicks")
    sums = {row[0]: row[1:] for row in costs.group_by("channel").agg(pl.col(names).sum().round(2)).rows()}
    spent = kpis.filter(pl.col("spend").is_not_null(), pl.col("channel") != "(total)")
    assert sums == {row[0]: row[1:] for row in spent.select("channel", *names).rows()}
    assert len(sums) == 5
    assert costs["spend"].sum() == pytest.approx(kpis.filter(channel="(total)")["spend"].item(), abs=0.005)
