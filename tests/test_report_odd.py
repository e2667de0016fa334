"""The page of odd runs: what is not known is not said, odd names mix up nothing, every dimension is told."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from test_report import Parsed, data_of, events, sample_run

import attribution as at
from attribution.job import job_of, run
from attribution.kpis.spelling import spelled
from attribution.report import material
from attribution.report.material import Material
from attribution.report.names import OTHER, folded
from attribution.report.page import page_of
from attribution.report.published import Published
from attribution.report.star.tables import star_of

__all__ = ["sample_run"]
CHANNELS = ["ads", "mail", "social", "search"]
FILES = {key: f"{key}.csv" for key in ("comparison", "paths", "path_lengths", "time_lags", "transitions")}
LINEAR = [{"name": "linear"}]
Leads = Callable[[pl.DataFrame], pl.DataFrame]


def odd_run(folder: Path, leads: Leads, channels: list[str] = CHANNELS, **more: Any) -> Published:
    """Run a job over made-up tables whose leads are changed; return what it has published."""
    tables = dict(zip(("touchpoints", "leads", "spend"), events(channels, 120, 60), strict=True))
    tables["leads"] = leads(tables["leads"])
    for name, table in tables.items():
        table.write_parquet(folder / f"{name}.parquet")
    sources = {"touchpoints": "touchpoints", "outcomes": "leads", "spend": "spend"}
    job = {key: {"path": f"{name}.parquet"} for key, name in sources.items()}
    run(job_of({"name": "odd", "outputs": FILES, **job, **more}, "job"), folder, out=folder / "results")
    return Published.read(folder / "results")


def text_of(run: Published) -> str:
    """Return the texts of a page, as they are read."""
    return re.sub(r"\s+", " ", " ".join(Parsed(page_of(Material.of(run))).texts))


def cells(parsed: Parsed, table: str, head: str) -> list[list[str]]:
    """Return the texts of the cells of the rows of a head, and those of the columns first."""
    rows = [[cell[1].strip() for cell in row["cells"]] for row in parsed.tables[table]["rows"]]
    return [rows[0], *(row for row in rows if row[0] == head)]


def test_without_intervals_and_wins_nothing_is_said_of_chance_or_of_who_won(tmp_path: Path) -> None:
    lost = odd_run(
        tmp_path,
        lambda leads: leads.with_columns(wins=pl.lit(0.0), revenue=pl.lit(0.0)),
        models=[*LINEAR, {"name": "last_touch"}],
    )
    text = text_of(lost)
    assert "is credited with the most leads" in text
    assert "2 models share the same outcomes" in text
    for said in ("chance", "most wins", "most revenue", "won least often", "unknown"):
        assert said not in text, said


def test_a_run_without_leads_has_a_page(tmp_path: Path) -> None:
    text = text_of(odd_run(tmp_path, lambda leads: leads.head(0), models=LINEAR))
    assert "Leads: 0 in all" in text
    assert "One model shares the outcomes: linear." in text
    for said in ("is credited with", "brings the most", "1 models"):
        assert said not in text, said


def test_outcomes_may_be_named_as_columns_of_text_or_time_and_with_quotes(tmp_path: Path) -> None:
    names = ["leads", "form", "other", "week", "=x", 'it\'s "q"', "a.b"]
    made = odd_run(
        tmp_path,
        lambda leads: leads.select(
            "customer_id", "timestamp", pl.lit(1.0).alias("leads"), *(pl.lit(2.0).alias(n) for n in names[1:])
        ),
        outcomes={"path": "leads.parquet", "names": names},
        models=LINEAR,
        breakdowns=[{"file": "monthly.csv", "by": ["channel", "month"]}],
    )
    shown = Material.of(made)
    assert shown.outcomes == names
    assert shown.credits["week"].sum() == shown.credits["form"].sum() == 2 * shown.credits["leads"].sum()
    (rows, *_) = data_of(Parsed(page_of(shown)).specs["trend-0"])
    assert {row["period"][-3:] for row in rows} == {"-01"}
    assert {row["outcome"] for row in rows} == set(names)
    assert star_of(made).tables["fct_credit"]['it\'s "q"'].sum() == shown.credits['it\'s "q"'].sum()


def test_a_trend_tells_every_dimension_and_a_change_is_that_of_one_model(tmp_path: Path) -> None:
    days = {"table": "contribution", "period": "week", "before": date(2026, 1, 5), "now": date(2026, 1, 12)}
    made = odd_run(
        tmp_path,
        lambda leads: leads.with_columns(
            owner=pl.Series([("ann", "bob", None)[i % 3] for i in range(len(leads))])
        ),
        models=[*LINEAR, {"name": "last_touch"}],
        trends=[
            {"file": "owners.csv", "by": ["owner"], **days},
            {"file": "both.csv", "by": ["channel", "owner"], "models": ["linear"], **days},
            {"file": "ahead.csv", "table": "forecast", "period": "week", "season": 1, "models": ["linear"]},
        ],
    )
    parsed = Parsed(page_of(Material.of(made)))
    (rows,) = data_of(parsed.specs["contribution-0"])
    assert {row["part_of"] for row in rows} == {"ann", "bob", "–"}
    assert len({row["model"] for row in rows}) == 2
    assert "datum.model == model" in str(parsed.specs["contribution-0"])
    assert len(rows) == 2 * 3 * 3
    assert cells(parsed, "contribution-0-table", "ann")[0][0] == "Owner"
    head, *ads = cells(parsed, "contribution-1-table", "ads")
    assert head[:2] == ["Channel", "Owner"]
    assert {row[1] for row in ads} == {"ann", "bob", "–"}
    head, *ads = cells(parsed, "forecast-2-table", "ads")
    assert {row[head.index("Outcome")] for row in ads} >= {"leads", "wins", "revenue"}


def test_channels_named_as_the_ends_of_a_journey_are_not_those(tmp_path: Path) -> None:
    names = ["(null)", "(conversion)", "(start)", "ads"]
    parsed = Parsed(page_of(Material.of(odd_run(tmp_path, lambda leads: leads, names, models=LINEAR))))
    (rows, *_) = data_of(parsed.specs["transitions"])
    moves = [(row["source"], row["target"]) for row in rows]
    assert len(moves) == len(set(moves))
    assert {"(start)", '"(start)"', '"(null)"', '"(conversion)"'} <= {source for source, _ in moves}
    assert not {"(null)", "(conversion)"} & {source for source, _ in moves}


def test_what_the_run_grouped_keeps_its_interval_and_is_no_channel_of_the_page(sample_run: Path) -> None:
    row = {"model": "m", "channel": OTHER, "leads": 3.0, "leads_low": 1.0, "leads_high": 4.0}
    table, names = pl.DataFrame([row]), {"ads": "ads", OTHER: OTHER}
    assert folded(table, names, ["model", "channel"]).rows() == table.rows()
    assert Material(Published.read(sample_run), table, names).few == 0
    assert Material(Published.read(sample_run), table, names | {"mail": OTHER}).few == 1


def test_the_plan_of_many_channels_sums_money_and_no_ratio(
    sample_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(material, "MOST", 3)
    run = Published.read(sample_run)
    head, other = cells(Parsed(page_of(Material.of(run))), "allocation", OTHER)
    named = Material.of(run).names
    plan = run.table("allocation.csv")
    assert plan is not None
    rest = plan.filter(pl.col("channel").is_in([name for name, shown in named.items() if shown == OTHER]))
    assert len(rest) > 1
    assert other[head.index("Spend now")] == spelled(rest["spend_now"].sum(), "money")
    assert other[head.index("Marginal cost now")] == "–"


def test_whole_numbers_are_summed_too() -> None:
    rows = [{"model": "m", "channel": name, "spend": 1.0, "clicks": 3} for name in "ab"]
    names = {"a": OTHER, "b": OTHER}
    assert folded(pl.DataFrame(rows), names, ["model", "channel"])["clicks"].to_list() == [6.0]


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.0, "money", "0.00"),
        (0.004, "money", "0.004"),
        (-0.0016, "count", "-0.002"),
        (0.00002, "share", "0.002 %"),
        (0.0, "share", "0.0 %"),
        (-1e-17, "money", "0.00"),
        (-0.2, "money", "-0.20"),
        (1e12, "money", "1,000,000,000,000"),
    ],
)
def test_a_number_is_not_written_as_0_unless_it_is(value: float, unit: str, text: str) -> None:
    assert spelled(value, unit) == text


@pytest.mark.parametrize("library", ["vl_convert", "altair", "jinja2"])
def test_a_page_and_pictures_name_the_extra(
    sample_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, library: str
) -> None:
    for name in [
        name for name in sys.modules if name.startswith("attribution.report.") and "star" not in name
    ]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(at.OutputError, match=r"pip install 'attribution-engine\[report\]'"):
        at.write_report(sample_run, tmp_path / "a.html")
    if library != "jinja2":
        with pytest.raises(at.OutputError, match=r"pip install 'attribution-engine\[report\]'"):
            at.write_charts(sample_run, tmp_path / "charts")
