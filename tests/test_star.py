"""The star: facts that plain Python counts too, keys that join, files that are whole and run no formula."""

from __future__ import annotations

import csv
import json
import math
import re
import shutil
import zipfile
from calendar import day_name, month_name
from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from test_cli import done, names, refused
from test_job import put, sums, tables_of

import attribution as at
from attribution import MODELS, OutputError, ParameterError, TableError, sample
from attribution.errors import OutputExistsError
from attribution.job import job_of, run
from attribution.manifest import Manifest, checksum
from attribution.report.published import Published
from attribution.report.star import files as star_files
from attribution.report.star.schema import OUTCOMES, STAR
from attribution.report.star.tables import Star, star_of, write_star
from attribution.tables import write_table

ZONE = "Pacific/Auckland"  # most days there are not those of UTC
NAMES = ("fct_credit", "fct_cost", "fct_stage", "dim_channel", "dim_model", "dim_date")
GLOBAL = {"name": "markov", "share": "global", "label": "totals"}
CREDITED = ("leads", "wins", "revenue")
COSTS = pl.DataFrame(
    [
        (date(2026, 3, 2), "Email", "spring", "media", 10.0, 100, None),
        (date(2026, 3, 2), "Email", "spring", "media", 2.5, None, None),
        (date(2026, 3, 2), "Email", "spring", "tool", 7.0, None, None),
        (date(2026, 7, 30), "Print", None, "media", 40.0, 5, 1),
        (None, None, None, "labour", 99.0, None, None),
    ],
    schema={"date": pl.Date, "channel": pl.String, "campaign": pl.String, "cost_type": pl.String}
    | {"spend": pl.Float64, "impressions": pl.Int64, "clicks": pl.Int64},
    orient="row",
)


def ran(out: Path, base: Path | None = None, threads: int | None = None, **sections: Any) -> Path:
    """Run a small job, of the sample or of the tables in a folder; return the folder of its results."""
    given: dict[str, Any] = {
        "name": "star",
        "touchpoints": {"path": "touchpoints.parquet"},
        "outcomes": {"path": "leads.parquet"},
        "reading": {"timezone": ZONE},
        "models": [{"name": "linear"}, {"name": "last_touch", "label": "last"}, GLOBAL],
        "outputs": {"log": "log.parquet"},
    }
    run(job_of(given | sections, "job.toml"), base or sample.folder(), out=out, threads=threads)
    return out


def with_output(source: Path, out: Path, key: str, name: str, table: pl.DataFrame) -> Path:
    """Return a copy of the results in which the job has one output more."""
    shutil.copytree(source, out)
    write_table(table, out / name)
    manifest = Manifest.read(out)
    assert manifest is not None
    content = json.loads(json.dumps(manifest.content))
    content["config"]["outputs"][key] = name
    size = (out / name).stat().st_size
    content["outputs"][name] = {"rows": len(table), "bytes": size, "sha256": checksum(out / name)}
    (out / "manifest.json").write_text(Manifest(content).text(), encoding="utf-8")
    return out


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the results of a run on the sample, with costs."""
    place = tmp_path_factory.mktemp("star")
    return with_output(ran(place / "plain"), place / "results", "costs", "costs.csv", COSTS)


@pytest.fixture(scope="module")
def star(results: Path) -> Star:
    """Return the star of that run."""
    return star_of(Published.read(results))


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the results of a run on small tables without campaigns and stages."""
    base = tmp_path_factory.mktemp("small")
    put(base, tables_of())
    return ran(base / "results", base)


# Facts.


def log_rows(results: Path) -> list[dict[str, Any]]:
    """Return the rows of the credit log with the day that a clock on the wall shows."""
    rows = pl.read_parquet(results / "log.parquet").to_dicts()
    return [row | {"date": row["ends_at"].astimezone(ZoneInfo(ZONE)).date()} for row in rows]


def cells(table: pl.DataFrame, keys: tuple[str, ...], values: tuple[str, ...]) -> dict[Any, list[Any]]:
    """Return the rows of a table by key, each key once."""
    found = {tuple(row[key] for key in keys): [row[name] for name in values] for row in table.to_dicts()}
    assert len(found) == len(table)
    return found


def same(ours: Mapping[Any, list[Any]], theirs: Mapping[Any, list[Any]]) -> None:
    """Compare cells: the same keys, and numbers that are equal but for rounding."""
    assert set(ours) == set(theirs)
    for key, row in ours.items():
        for mine, other in zip(row, theirs[key], strict=True):
            assert mine is other or math.isclose(mine, other, rel_tol=1e-9, abs_tol=1e-9), key


def test_credit_by_day_is_what_plain_python_counts(results: Path, star: Star) -> None:
    counted: dict[Any, list[Any]] = defaultdict(lambda: [0, 0.0, 0.0, 0.0])
    for row in log_rows(results):
        if row["weight"] > 0:
            cell = counted[row["model"], row["channel"], row["date"], row["campaign"]]
            cell[0] += row["position"] is not None
            for place, name in enumerate(CREDITED, start=1):
                cell[place] += row[name]
    dated = star.tables["fct_credit"].filter(pl.col("model") != "totals")
    same(cells(dated, ("model", "channel", "date", "campaign"), ("touchpoints", *CREDITED)), counted)
    days = {row["date"] for row in log_rows(results)} ^ {row["ends_at"].date() for row in log_rows(results)}
    assert days, "the zone makes no difference"


@pytest.mark.parametrize("log", ["log.parquet", "log.csv", None])
def test_its_sums_are_the_credits(log: str | None, tmp_path: Path) -> None:
    results = ran(tmp_path / "results", outputs={"log": log} if log else {})
    found: dict[Any, list[Any]] = defaultdict(lambda: [0.0] * len(CREDITED))
    for row in star_of(Published.read(results)).tables["fct_credit"].to_dicts():
        cell = found[row["model"], row["channel"]]
        cell[:] = [so_far + row[name] for so_far, name in zip(cell, CREDITED, strict=True)]
    credits = Published.read(results).output("credits")
    assert credits is not None
    given = cells(credits, ("model", "channel"), CREDITED)
    assert {key for key in given if key[1] == "(unattributed)"} <= set(found)
    same(found, {key: row for key, row in given.items() if any(row)})


def test_a_log_in_csv_gives_the_same_credit_and_no_stages(tmp_path: Path, star: Star) -> None:
    made = star_of(Published.read(ran(tmp_path / "results", outputs={"log": "log.csv"})))
    keys, values = ("model", "channel", "date", "campaign"), ("touchpoints", *CREDITED)
    same(*(cells(each.tables["fct_credit"], keys, values) for each in (made, star)))
    assert "fct_stage" not in made.tables
    assert "name it .parquet" in made.notes["fct_stage"]


def test_models_that_share_totals_have_no_dates(star: Star) -> None:
    rows = star.tables["fct_credit"].filter(model="totals")
    assert len(rows) > 5
    assert rows.select(pl.col("date", "campaign", "touchpoints").is_null().all()).row(0) == (True,) * 3
    assert star.tables["fct_credit"].filter(pl.col("model") != "totals")["date"].null_count() == 0
    assert star.notes["fct_credit"] == "no dates for totals: they share totals and not journeys"
    assert "totals" not in star.tables["fct_stage"]["model"]


def test_without_a_log_there_are_no_dates_and_no_stages(tmp_path: Path) -> None:
    base = tmp_path
    put(base, tables_of())
    made = star_of(Published.read(ran(base / "results", base, outputs={})))
    assert made.tables["fct_credit"]["date"].null_count() == len(made.tables["fct_credit"]) > 3
    assert made.tables["fct_credit"].schema["date"] == pl.Date
    assert "campaign" not in made.tables["fct_credit"].columns
    assert made.notes["fct_credit"].startswith(
        "no dates for last, linear, totals: the run wrote no credit log"
    )
    assert "no credit log" in made.notes["fct_stage"]
    assert len(made.tables["dim_date"]) == 0
    assert made.tables["dim_channel"]["first_date"].null_count() == 3
    assert dict(made.tables["dim_model"].select("model", "by_journey").iter_rows()) == {
        "linear": True,
        "last": True,
        "totals": False,
    }


def test_what_the_run_does_not_have_is_left_out_with_a_reason(small: Path) -> None:
    made = star_of(Published.read(small))
    assert list(made.tables) == [name for name in NAMES if name not in ("fct_cost", "fct_stage")]
    assert made.notes["fct_cost"].startswith("the run wrote no costs; name a file for them in outputs.costs")
    assert made.notes["fct_stage"].startswith("the leads have no times of stages")
    assert "campaign" not in made.tables["fct_credit"].columns


def test_a_log_without_leads_makes_empty_facts(tmp_path: Path) -> None:
    tables = tables_of()
    put(tmp_path, tables | {"leads": tables["leads"].clear()})
    for suffix in ("parquet", "csv"):
        results = ran(tmp_path / f"{suffix} results", tmp_path, outputs={"log": f"log.{suffix}"})
        made = star_of(Published.read(results))
        assert [len(made.tables[name]) for name in ("fct_credit", "dim_channel", "dim_date")] == [0, 0, 0]
        assert made.tables["fct_credit"].schema["date"] == pl.Date
        assert len(made.tables["dim_model"]) == 3


def test_entries_of_stages_are_what_plain_python_counts(results: Path, star: Star) -> None:
    counted: dict[Any, list[Any]] = defaultdict(lambda: [0.0])
    times = {"leads": "ends_at", "mqls": "mql_at", "sqls": "sql_at", "opportunities": "opportunity_at"}
    times |= {"wins": "won_at"}
    for row in log_rows(results):
        for stage, time in times.items():
            of = row["wins"] if stage == "wins" else row["leads"]
            if row[time] is not None and of:
                day = row[time].astimezone(ZoneInfo(ZONE)).date()
                counted[row["model"], row["channel"], stage, day][0] += of
    table = star.tables["fct_stage"]
    keys = ("model", "channel", "stage", "date")
    assert set(table["stage"]) == {*times, "lost"}
    same(cells(table.filter(pl.col("stage") != "lost"), keys, ("entered",)), counted)
    total = at.stage_entries(results / "log.parquet", "day").table().filter(channel="(total)")
    lost = table.filter(stage="lost").group_by("model").agg(pl.col("entered").sum())
    assert dict(lost.iter_rows()) == pytest.approx(dict(total.select("model", "lost_entered").iter_rows()))


def test_costs_are_added_by_day_channel_campaign_and_type(star: Star) -> None:
    same(
        cells(
            star.tables["fct_cost"],
            ("date", "channel", "campaign", "cost_type"),
            ("spend", "impressions", "clicks"),
        ),
        {
            (date(2026, 3, 2), "Email", "spring", "media"): [12.5, 100.0, None],
            (date(2026, 3, 2), "Email", "spring", "tool"): [7.0, None, None],
            (date(2026, 7, 30), "Print", None, "media"): [40.0, 5.0, 1.0],
            (None, None, None, "labour"): [99.0, None, None],
        },
    )
    assert "fct_cost" not in star.notes


@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_costs_of_any_order_and_fewer_columns_are_the_same(suffix: str, small: Path, tmp_path: Path) -> None:
    amounts = [0.1, 0.2, 0.3]  # their sum depends on their order
    costs = pl.DataFrame({"date": [date(2026, 3, 2)] * 3, "channel": ["7"] * 3, "spend": amounts})
    made = []
    for number, table in enumerate((costs, costs.reverse())):
        results = with_output(small, tmp_path / str(number), "costs", f"costs.{suffix}", table)
        made.append(star_of(Published.read(results)).tables["fct_cost"])
    assert made[0].equals(made[1])
    assert made[0].columns == ["date", "channel", "spend", "run_id"]
    assert made[0].row(0)[:2] == (date(2026, 3, 2), "7")


def test_the_order_of_input_rows_and_threads_change_no_byte(tmp_path: Path) -> None:
    for number, seed in enumerate((None, 5)):
        base = tmp_path / str(number)
        base.mkdir()
        for name, table in sample.load()._asdict().items():
            mixed = table if seed is None else table.sample(fraction=1, shuffle=True, seed=seed)
            mixed.write_parquet(base / f"{name}.parquet")
        write_star(ran(base / "results", base, threads=number + 1), base / "star")
    assert sums(tmp_path / "0" / "star") == sums(tmp_path / "1" / "star")


# Dimensions.


def test_every_foreign_key_finds_its_row(star: Star) -> None:
    checked = 0
    for each in STAR:
        for column in each.columns:
            if column.of:
                values = star.tables[each.name][column.name].drop_nulls()
                assert set(values) <= set(star.tables[column.of][column.name]), (each.name, column.name)
                checked += len(values) > 0
    assert checked == 8


def test_channels_are_those_of_the_facts_with_their_first_and_last_day(star: Star) -> None:
    days: dict[str, list[date]] = defaultdict(list)
    for name in ("fct_credit", "fct_cost", "fct_stage"):
        for channel, day in star.tables[name].select("channel", "date").iter_rows():
            if channel is not None:
                days[channel] += [] if day is None else [day]
    rows = star.tables["dim_channel"].drop("run_id").rows()
    assert rows == [
        (name, "unattributed" if name == "(unattributed)" else "channel", min(seen), max(seen))
        for name, seen in sorted(days.items())
    ]
    assert "Print" in days  # which no lead ever met


def test_days_are_those_of_the_calendar(star: Star) -> None:
    rows = star.tables["dim_date"].to_dicts()
    facts = [star.tables[name]["date"] for name in ("fct_credit", "fct_cost", "fct_stage")]
    first, last = min(each.min() for each in facts), max(each.max() for each in facts)
    assert last == date(2026, 7, 30)
    assert len(rows) == (last - first).days + 1
    for number, row in enumerate(rows):
        day = first + timedelta(days=number)
        year, week, weekday = day.isocalendar()
        assert row == {
            "date": day,
            "year": day.year,
            "quarter": (day.month + 2) // 3,
            "month": day.month,
            "month_name": month_name[day.month],
            "iso_year": year,
            "iso_week": week,
            "week_start": day - timedelta(days=weekday - 1),
            "weekday": weekday,
            "weekday_name": day_name[weekday - 1],
            "is_weekend": weekday > 5,
            "run_id": row["run_id"],
        }


def test_models_say_what_they_are(star: Star) -> None:
    rows = {row.pop("model"): row for row in star.tables["dim_model"].drop("run_id").to_dicts()}
    assert list(rows) == ["linear", "last", "totals"]
    assert rows["linear"] == {
        "class": "Linear",
        "parameters": "{}",
        "description": "Credit is shared equally among the touchpoints.",
        "by_journey": True,
    }
    assert rows["last"]["class"] == "LastTouch"
    assert rows["totals"]["by_journey"] is False
    assert rows["totals"]["parameters"] == '{"order":1,"share":"global","collapse_repeats":false}'
    assert rows["totals"]["description"] == (MODELS["markov"].__doc__ or "").splitlines()[0]


# What is documented.


def test_the_tables_are_as_documented(results: Path, star: Star) -> None:
    assert tuple(each.name for each in STAR) == tuple(star.tables) == NAMES
    for each in STAR:
        expected = {
            name: column.kind
            for column in each.columns
            for name in (CREDITED if column.name == OUTCOMES else [column.name])
        }
        table = star.tables[each.name]
        assert dict(table.schema) == expected
        assert not table.select(each.keys).is_duplicated().any()
        assert set(each.keys) <= {column.name for column in each.columns}
        assert len(table)
        told = [each.caption, each.grain, *(column.meaning for column in each.columns)]
        assert all(told)
        assert {column.of for column in each.columns} <= {"", *NAMES}
        assert table["run_id"].unique().to_list() == [Published.read(results).run_id]


def test_an_outcome_named_as_a_column_is_refused(tmp_path: Path) -> None:
    tables = tables_of()
    tables["leads"] = tables["leads"].with_columns(date=pl.lit(1.0), leads=pl.lit(1.0))
    put(tmp_path, tables)
    outcomes = {"path": "leads.parquet", "names": ["leads", "date"]}
    results = ran(tmp_path / "results", tmp_path, outcomes=outcomes, outputs={})
    with pytest.raises(ParameterError, match="'date'"):
        star_of(Published.read(results))


# Files.

HOSTILE = (
    "=cmd|'/c calc'!A1",
    "'=1+1",
    "{=1+1}",
    "@x",
    "</script><script>alert(1)</script>",
    "\U0001f980 crab",
    "\u202eevil\u202c",
    "x" * 10_000,
    'https://ads.example/?a=1&b="2"',
    "_x001B_ as it is",
)
CONTROLS = ("\x1b[31mred\x1b[0m", "\x07 bell", "line\nand\rline\tand tab")  # no job lets them through


def sheets(path: Path) -> dict[str, list[dict[str, str]]]:
    """Return the rows of each sheet of a workbook, text by column letter; none may be a formula."""
    space = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"

    def text_of(item: ElementTree.Element) -> str:
        text = "".join(each.text or "" for each in item.iter(f"{space}t"))
        return re.sub("_x([0-9A-F]{4})_", lambda found: chr(int(found[1], 16)), text)

    with zipfile.ZipFile(path) as book:
        strings = [text_of(item) for item in ElementTree.fromstring(book.read("xl/sharedStrings.xml"))]
        listed = ElementTree.fromstring(book.read("xl/workbook.xml")).iter(f"{space}sheet")
        pages = {}
        for number, sheet in enumerate(listed, start=1):
            content = book.read(f"xl/worksheets/sheet{number}.xml")
            assert b"<f" not in content
            assert b'state="frozen"' in content
            pages[sheet.get("name", "")] = [
                {
                    re.sub(r"\d", "", cell.get("r", "")): strings[int(value)]
                    if cell.get("t") == "s"
                    else value
                    for cell in row
                    for value in [cell.findtext(f"{space}v", "")]
                }
                for row in ElementTree.fromstring(content).iter(f"{space}row")
            ]
    return pages


def test_a_folder_of_parquet_holds_the_tables(results: Path, star: Star, tmp_path: Path) -> None:
    assert at.write_star(results, tmp_path / "a" / "star") is True
    assert names(tmp_path / "a") == ["star"]
    assert names(tmp_path / "a" / "star") == sorted(f"{name}.parquet" for name in NAMES)
    for name, table in star.tables.items():
        assert pl.read_parquet(tmp_path / "a" / "star" / f"{name}.parquet").equals(table)


def test_a_folder_of_csv_holds_the_tables(results: Path, star: Star, tmp_path: Path) -> None:
    assert write_star(results, tmp_path / "star", format="csv") is True
    for name, table in star.tables.items():
        told = pl.read_csv(tmp_path / "star" / f"{name}.csv", schema=table.schema)
        assert told.equals(table)


def test_a_workbook_holds_the_tables(results: Path, star: Star, tmp_path: Path) -> None:
    assert write_star(results, tmp_path / "star.xlsx") is True
    found = sheets(tmp_path / "star.xlsx")
    assert list(found) == list(star.tables)
    first = date(1899, 12, 30)  # day 0 of a workbook
    for name, table in star.tables.items():
        head, *rows = found[name]
        assert list(head.values()) == table.columns
        assert len(rows) == len(table)
        for row, expected in zip(rows[::97], table[::97].iter_rows(), strict=True):
            for letter, value in zip(head, expected, strict=True):
                cell = row.get(letter, "")
                if value is None or isinstance(value, str):
                    assert cell == (value or "")
                else:
                    number = (value - first).days if isinstance(value, date) else value
                    assert float(cell) == float(f"{number:.16G}")  # the digits that a workbook keeps


@pytest.mark.parametrize(("out", "format"), [("star", None), ("star", "csv"), ("star.xlsx", None)])
def test_the_same_run_again_changes_nothing_and_another_is_kept_apart(
    out: str, format: str | None, results: Path, small: Path, tmp_path: Path
) -> None:
    place = tmp_path / out

    def state() -> dict[str, tuple[int, str]]:
        files = [place] if place.is_file() else sorted(place.iterdir())
        return {path.name: (path.stat().st_ino, checksum(path)) for path in files}

    assert write_star(results, place, format=format) is True
    before = state()
    assert write_star(results, place, format=format) is False
    assert write_star(results, place, format=format, force=True) is False
    with pytest.raises(OutputExistsError, match="pass --force"):
        write_star(small, place, format=format)
    assert state() == before
    assert write_star(small, place, format=format, force=True) is True
    if place.is_dir():  # what this run does not have would be rows of another run
        assert {name.partition(".")[0] for name in names(place)} == {*NAMES} - {"fct_cost", "fct_stage"}
        assert not {name for name in state() if state()[name] == before.get(name)}
    assert names(tmp_path) == [out]


def test_what_else_is_in_the_folder_stays(small: Path, tmp_path: Path) -> None:
    (tmp_path / "model.pbix").write_text("mine")
    assert write_star(small, tmp_path) is True
    assert write_star(small, tmp_path, format="csv") is True
    assert write_star(small, tmp_path, format="csv") is False
    assert (tmp_path / "model.pbix").read_text() == "mine"
    assert len(names(tmp_path)) == 9
    (tmp_path / "dim_date.csv").unlink()
    assert write_star(small, tmp_path, format="csv") is True
    assert len(names(tmp_path)) == 9


@pytest.mark.parametrize("there", [False, True])
def test_what_fails_midway_leaves_what_was_there(
    there: bool, small: Path, results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if there:
        write_star(results, tmp_path / "star")
    before = sums(tmp_path / "star") if there else {}
    whole: Callable[..., None] = star_files.write

    def fills_up(table: pl.DataFrame, path: Path, *more: Any) -> None:
        if path.stem == "dim_model":
            raise OSError(28, "No space left on device")
        whole(table, path, *more)

    monkeypatch.setattr(star_files, "write", fills_up)
    with pytest.raises(OutputError, match="No space left on device"):
        write_star(small, tmp_path / "star", force=True)
    assert names(tmp_path) == ["star"] * there
    assert not there or sums(tmp_path / "star") == before


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the results of a run whose channels and campaigns have names that were made to do harm."""
    base = tmp_path_factory.mktemp("hostile")
    tables = tables_of()
    many = [HOSTILE[place % len(HOSTILE)] for place in range(len(tables["touchpoints"]))]
    tables["touchpoints"] = tables["touchpoints"].with_columns(
        channel=pl.Series(many), campaign=pl.Series(many[::-1])
    )
    put(base, tables)
    costs = pl.DataFrame({"date": None, "channel": [*HOSTILE, *CONTROLS], "spend": 1.0})
    plain = ran(base / "plain", base, models=[{"name": "linear", "label": HOSTILE[0]}])
    return with_output(plain, base / "results", "costs", "costs.parquet", costs)


def shown_in(name: str) -> str:
    """Return a name as a cell that no spreadsheet takes for a formula."""
    return f"'{name}" if re.match(r"'*[=+\-@]", name) else name


def test_hostile_names_are_text_in_every_format(hostile: Path, tmp_path: Path) -> None:
    tables = star_of(Published.read(hostile)).tables
    everywhere = sorted((*HOSTILE, *CONTROLS))
    assert tables["dim_channel"]["channel"].to_list() == everywhere
    assert set(tables["fct_credit"]["campaign"]) == {*HOSTILE}
    write_star(hostile, tmp_path / "star")
    assert pl.read_parquet(tmp_path / "star" / "dim_channel.parquet")["channel"].to_list() == everywhere
    write_star(hostile, tmp_path / "star", format="csv")
    with (tmp_path / "star" / "dim_channel.csv").open(newline="", encoding="utf-8") as file:
        assert [row[0] for row in csv.reader(file)][1:] == [shown_in(name) for name in everywhere]
    write_star(hostile, tmp_path / "star.xlsx")
    found = sheets(tmp_path / "star.xlsx")
    assert [row["A"] for row in found["dim_channel"][1:]] == [shown_in(name) for name in everywhere]
    assert found["dim_model"][1]["A"] == shown_in(HOSTILE[0])
    joined = {row["B"] for row in found["fct_credit"][1:]}
    assert joined <= {row["A"] for row in found["dim_channel"][1:]}


@pytest.mark.parametrize("sign", ["x", "\U0001f980"])  # a crab takes two of the signs that a workbook counts
def test_a_name_that_a_cell_cannot_hold_is_refused_and_never_cut(
    sign: str, small: Path, tmp_path: Path
) -> None:
    most = 32_767 // (len(sign.encode("utf-16-le")) // 2)
    for more in (0, 1):
        costs = pl.DataFrame({"date": None, "channel": [sign * (most + more)], "spend": [1.0]})
        results = with_output(small, tmp_path / f"results {more}", "costs", "costs.parquet", costs)
        if more:
            with pytest.raises(
                OutputError, match=r"fct_cost, column 'channel'.*holds 32,767; export a folder"
            ):
                write_star(results, tmp_path / "b.xlsx")
            assert not (tmp_path / "b.xlsx").exists()
            assert write_star(results, tmp_path / "star", format="csv")
        else:
            write_star(results, tmp_path / "a.xlsx")
            assert sheets(tmp_path / "a.xlsx")["fct_cost"][1]["B"] == sign * most


def test_more_rows_than_a_sheet_holds_are_refused(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = len(star_of(Published.read(small)).tables["fct_credit"])
    monkeypatch.setattr(star_files, "SHEET", rows)
    with pytest.raises(OutputError, match=rf"fct_credit has {rows} rows, a sheet holds {rows - 1} .*Parquet"):
        write_star(small, tmp_path / "star.xlsx")
    assert not names(tmp_path)
    monkeypatch.setattr(star_files, "SHEET", rows + 1)
    assert write_star(small, tmp_path / "star.xlsx")


@pytest.mark.parametrize(
    ("out", "format", "error", "told"),
    [
        ("star.csv", None, ParameterError, "a folder, or a workbook"),
        ("star.XLSX", None, ParameterError, "a suffix of .xlsx"),
        ("star.xlsx", "csv", ParameterError, "none with a workbook"),
        ("star", "json", ParameterError, "known: parquet, csv"),
        ("file", None, OutputError, "a file is in the place of the folder"),
        ("results", None, OutputError, "lies in the folder of the run"),
        ("results/star", None, OutputError, "lies in the folder of the run"),
        ("results/star.xlsx", None, OutputError, "lies in the folder of the run"),
        ("nowhere/star.xlsx", None, OutputError, "does not exist"),
    ],
)
def test_a_place_that_cannot_be_is_refused_before_anything_is_read(
    out: str, format: str | None, error: type[Exception], told: str, small: Path, tmp_path: Path
) -> None:
    shutil.copytree(small, tmp_path / "results")
    (tmp_path / "results" / "log.parquet").unlink()  # which would be found when it is read
    (tmp_path / "file").write_text("mine")
    with pytest.raises(error, match=told):
        write_star(tmp_path / "results", tmp_path / out, format=format)
    assert names(tmp_path) == ["file", "results"]


def test_what_is_no_run_or_was_changed_is_refused(small: Path, tmp_path: Path) -> None:
    with pytest.raises(TableError, match=r"there is no manifest\.json"):
        write_star(tmp_path, tmp_path / "star")
    shutil.copytree(small, tmp_path / "results")
    with (tmp_path / "results" / "credits.csv").open("a") as file:
        file.write("linear,ads,1,1,1,journey,x\n")
    with pytest.raises(TableError, match="it is not as the run wrote it"):
        write_star(tmp_path / "results", tmp_path / "star")
    assert names(tmp_path) == ["results"]


# The command.


def test_the_command_writes_what_python_does_and_says_what_there_is(results: Path, tmp_path: Path) -> None:
    write_star(results, tmp_path / "python")
    said = done("export", results, "--star", tmp_path / "command")
    assert sums(tmp_path / "command") == sums(tmp_path / "python")
    assert said.out == ""
    for each in STAR:
        assert re.search(rf"^{each.name}: [\d,]+ rows, {re.escape(each.grain)}$", said.err, re.M)
    assert "fct_credit: no dates for totals: they share totals and not journeys\n" in said.err
    assert said.err.endswith(f"wrote {tmp_path / 'command'}\n")
    again = done("export", results, "--star", tmp_path / "command")
    assert again.err.endswith(f"unchanged: {tmp_path / 'command'}\n")


def test_the_command_says_what_is_left_out_and_why(small: Path, tmp_path: Path) -> None:
    said = done("export", small, "--star", tmp_path / "star.xlsx").err
    assert "fct_cost: left out, the run wrote no costs" in said
    assert "fct_stage: left out, the leads have no times of stages" in said


def test_the_command_leaves_with_the_code_of_the_reason(small: Path, results: Path, tmp_path: Path) -> None:
    assert "there is no manifest.json" in refused(3, "export", tmp_path, "--star", tmp_path / "star")
    assert "a folder, or a workbook" in refused(2, "export", small, "--star", tmp_path / "a.json")
    assert "--star" in refused(2, "export", small)
    done("export", small, "--star", tmp_path / "star", "--format", "csv")
    said = refused(6, "export", results, "--star", tmp_path / "star", "--format", "csv")
    assert "pass --force" in said
    done("export", results, "--star", tmp_path / "star", "--format", "csv", "--force")
    assert "lies in the folder of the run" in refused(7, "export", small, "--star", small / "star")
