"""The page of a run: its figures are those of the tables, names are text, and the bytes are the same."""

from __future__ import annotations

import json
import random
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from test_cli import attribution

import attribution as at
from attribution.errors import OutputExistsError
from attribution.job import job_of, load_job, run
from attribution.kpis.spelling import spelled, unit_of
from attribution.report.material import MOST, Material
from attribution.report.names import OTHER, clean
from attribution.report.page import page_of
from attribution.report.published import Published
from attribution.report.sections import SECTIONS

ROOT = Path(__file__).parents[1]
HOSTILE = (
    "</script><img src=x onerror=alert(1)>",
    "=cmd|'/c calc'!A1",
    "{{7*7}}",
    "L" * 10_000,
    "\U0001f9d1\u200d\U0001f680 emoji",
    "\u05e2\u05d1\u05e8\u05d9\u05ea",
    "javascript:alert(1)",
    "</title><svg onload=alert(2)>",
    "a\"b'c\\d",
    "(total)",
    "${alert(3)}",
    "datum.x' + alert(4)",
)


def events(channels: list[str], customers: int, days: int) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Return touchpoints, leads and spend of so many customers, each of a channel at least once."""
    draw, start = random.Random(3), datetime(2026, 1, 5, tzinfo=UTC)
    touches, leads = [], []
    for number in range(customers):
        name, time = f"customer-{number:05}", start + timedelta(days=draw.uniform(0, days))
        length = draw.choice((1, 1, 2, 2, 3, 5))
        met = [channels[number % len(channels)], *draw.choices(channels, k=length - 1)]
        for step, channel in enumerate(met):
            touches.append((name, time + timedelta(days=step), channel))
        if draw.random() < 0.6:
            won = draw.random() < 0.4
            revenue = draw.uniform(500, 9000) if won else 0.0
            leads.append((name, time + timedelta(days=length, hours=1), float(won), revenue))
    money = [
        (channel, start.date() + timedelta(days=day), draw.uniform(5, 90))
        for channel in channels
        for day in range(0, days, 30)
    ]
    return (
        pl.DataFrame(touches, schema=["customer_id", "timestamp", "channel"], orient="row"),
        pl.DataFrame(leads, schema=["customer_id", "timestamp", "wins", "revenue"], orient="row"),
        pl.DataFrame(money, schema=["channel", "date", "spend"], orient="row"),
    )


def published(folder: Path, channels: list[str], customers: int, days: int = 60, **more: Any) -> Path:
    """Run a job over made-up tables; return the folder of its results."""
    folder.mkdir()
    for name, table in zip(("touchpoints", "leads", "spend"), events(channels, customers, days), strict=True):
        table.write_parquet(folder / f"{name}.parquet")
    outputs = {
        key: f"{key}.csv" for key in ("comparison", "paths", "path_lengths", "time_lags", "transitions")
    }
    job = {
        "name": "made up",
        "touchpoints": {"path": "touchpoints.parquet"},
        "outcomes": {"path": "leads.parquet"},
        "spend": {"path": "spend.parquet"},
        "intervals": {"level": 0.9, "replicates": 100},
        "outputs": outputs,
        "breakdowns": [{"file": "monthly.csv", "by": ["channel", "month"], "models": ["linear", "markov"]}],
        **more,
    }
    run(job_of(job, "job"), folder, out=folder / "results")
    return folder / "results"


@pytest.fixture(scope="session")
def sample_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the results of the embedded sample."""
    out = tmp_path_factory.mktemp("report") / "results"
    run(load_job(at.sample.folder() / "job.toml"), at.sample.folder(), out=out)
    return out


@pytest.fixture(scope="session")
def hostile_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return results whose channels are named to break out of a page."""
    return published(tmp_path_factory.mktemp("hostile") / "job", list(HOSTILE), 400)


@pytest.fixture(scope="session")
def broad_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return results of a hundred channels."""
    return published(tmp_path_factory.mktemp("broad") / "job", [f"Channel {n:03}" for n in range(100)], 700)


@cache
def page(folder: Path) -> str:
    """Return the page of a run."""
    return page_of(Material.of(Published.read(folder)))


class Parsed(HTMLParser):
    """What a page holds: its texts, tables, figures, charts and elements, as a browser would read them."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.tables: dict[str, dict[str, Any]] = {}
        self.data: list[tuple[dict[str, str], str]] = []
        self.specs: dict[str, Any] = {}
        self.texts: list[str] = []
        self.policy = ""
        self.open: list[str] = []
        self.script: dict[str, str] = {}
        self.cell: list[Any] | None = None
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.tags.append((tag, given))
        self.open.append(tag)
        if tag == "table":
            self.table = {"about": given, "head": [], "rows": []}
            self.tables[given["id"].removeprefix("table-")] = self.table
        elif tag == "tr":
            self.row: dict[str, Any] = {"about": given, "cells": []}
            self.table["rows"].append(self.row)
        elif tag in ("td", "th"):
            self.cell = [given, "", ""]
            self.row["cells"].append(self.cell)
        elif tag == "script":
            self.script = given
        elif tag == "data":
            self.data.append((given, ""))

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th"):
            self.cell = None
        while self.open and self.open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "script":
            if self.script.get("type") == "application/json":
                self.specs[self.script["id"].removeprefix("chart-").removesuffix("-spec")] = json.loads(data)
            return
        if self.open and self.open[-1] == "data":
            self.data[-1] = (self.data[-1][0], data)
        if self.cell is not None:
            self.cell[2 if "small" in self.open else 1] += data
        elif "style" not in self.open:
            self.texts.append(data)


def numbers_in(folder: Path, file: str) -> set[float]:
    """Return every number of a table of a run, or of its manifest."""
    if file == "manifest.json":
        found: set[float] = set()

        def collect(value: Any) -> None:
            if isinstance(value, dict):
                value = list(value.values())
            if isinstance(value, list):
                for each in value:
                    collect(each)
            elif isinstance(value, (int, float)) and not isinstance(value, bool):
                found.add(float(value))

        collect(json.loads((folder / file).read_text()))
        return found
    table = Published.read(folder).table(file)
    assert table is not None
    return {float(value) for column in table if column.dtype.is_numeric() for value in column.drop_nulls()}


def figures(parsed: Parsed) -> Iterator[tuple[str, float, str, str]]:
    """Yield each figure of sentences and tables: its file, its value, how it is written, and as what."""
    for given, text in parsed.data:
        yield given["data-file"], float(given["value"]), text, given["data-unit"]
    for table in parsed.tables.values():
        for row in table["rows"]:
            for given, text, small in row["cells"]:
                if "data-value" in given:
                    yield table["about"]["data-file"], float(given["data-value"]), text, ""
                if "data-low" in given:
                    ends = [float(given[f"data-{end}"]) for end in ("low", "high")]
                    for end, written in zip(ends, small.split(" to "), strict=True):
                        yield table["about"]["data-file"], end, written, ""


def test_every_figure_of_the_page_is_a_number_of_its_table(sample_run: Path) -> None:
    parsed = Parsed(page(sample_run))
    known: dict[str, set[float]] = {}
    checked = 0
    for file, value, text, unit in figures(parsed):
        if file == "funnel.csv":  # which is of months, and is shown in sum
            continue
        if file not in known:
            known[file] = numbers_in(sample_run, file)
        assert value in known[file], (file, value, text)
        units = [unit] if unit else ["count", "share", "money", "ratio", "days", "months"]
        assert text in {spelled(value, each) for each in units}, (file, value, text)
        checked += 1
    assert checked > 2_000
    assert len(known) >= 12


def test_each_cell_of_the_kpis_is_that_of_its_model_channel_and_column(sample_run: Path) -> None:
    table = Parsed(page(sample_run)).tables["kpis"]
    head, *rows = table["rows"]
    names = [re.sub(r" (media|marginal|fully loaded) cost$", "", cell[1].strip()) for cell in head["cells"]]
    columns = [name.lower().replace(" ", "_") for name in names]
    written = {
        (row["model"], row["channel"]): row for row in Published.read(sample_run).output("kpis").to_dicts()
    }  # type: ignore[union-attr]
    assert len(rows) == len(written)
    for row in rows:
        channel = row["cells"][0][1]
        own = written[row["about"]["data-model"], channel]
        assert (row["about"].get("class") == "total") == (channel == "(total)")
        for column, (given, text, _) in list(zip(columns, row["cells"], strict=True))[1:]:
            if own[column] is None:
                assert text == "–"
                continue
            assert float(given["data-value"]) == own[column]
            assert text == spelled(own[column], unit_of(column))
            if own.get(f"{column}_low") is not None:
                assert float(given["data-low"]) == own[f"{column}_low"]
                assert float(given["data-high"]) == own[f"{column}_high"]


def test_each_chart_draws_the_numbers_of_its_table(sample_run: Path) -> None:
    specs = Parsed(page(sample_run)).specs
    files = {
        "compare": "credits.csv", "kpis-chart": "kpis.csv", "win-rates": "kpis.csv",
        "roles": "comparison.csv", "paths-chart": "paths.csv", "path-lengths": "path_lengths.csv",
        "time-lags": "time_lags.csv", "transitions": "transitions.csv", "velocity-0": "velocity.csv",
        "contribution-0": "change.csv",
        "response": "curve.csv",
    }  # fmt: skip
    keys = ("value", "low", "high", "amount", "share", "cost_per_lead", "win_rate", "probability")
    for key, file in files.items():
        known = numbers_in(sample_run, file)
        if key == "response":
            known |= numbers_in(sample_run, "allocation.csv")
        drawn = [
            row[name]
            for rows in data_of(specs[key])
            for row in rows
            for name in keys
            if row.get(name) is not None
        ]
        assert drawn, key
        assert not [value for value in drawn if value not in known], key


def data_of(spec: Any) -> Iterator[list[dict[str, Any]]]:
    """Yield the rows of each data set of a chart."""
    if isinstance(spec, dict):
        for key, value in spec.items():
            if key == "data" and "values" in value:
                yield value["values"]
            elif key == "datasets":
                yield from value.values()
            else:
                yield from data_of(value)
    elif isinstance(spec, list):
        for value in spec:
            yield from data_of(value)


def test_the_funnel_of_the_page_is_the_sum_of_its_months(sample_run: Path) -> None:
    grid = Parsed(page(sample_run)).tables["funnel-table-0"]
    assert [row["cells"][0][1] for row in grid["rows"][1:]][-1] == "(total)"
    months = Published.read(sample_run).table("funnel.csv", ["channel", "month"])
    assert months is not None
    for row in grid["rows"][1:]:
        own = months.filter(channel=row["cells"][0][1])
        leads, wins = (sum(sorted(own[name].to_list())) for name in ("leads", "wins"))
        shown = [float(cell[0]["data-value"]) for cell in row["cells"][1:]]
        assert shown[0] == pytest.approx(leads, rel=1e-12)
        assert pytest.approx(wins, rel=1e-12) in shown
        assert pytest.approx(wins / leads, rel=1e-12) in shown
    (rows,) = data_of(Parsed(page(sample_run)).specs["funnel-0"])
    table = Published.read(sample_run).table("funnel.csv", ["channel", "month"])
    assert table is not None
    for row in rows:
        own = table.filter(model=row["model"], channel=row["channel"])
        assert row["value"] == pytest.approx(sum(own[row["stage"].lower()].to_list()), rel=1e-12)


def test_the_same_run_gives_the_same_bytes_and_another_folder_too(sample_run: Path, tmp_path: Path) -> None:
    first = tmp_path / "report.html"
    assert at.write_report(sample_run, first)
    assert not at.write_report(sample_run, first)
    assert page.__wrapped__(sample_run) == first.read_text(encoding="utf-8")
    first.write_text("mine")
    with pytest.raises(OutputExistsError, match="--force"):
        at.write_report(sample_run, first)
    assert at.write_report(sample_run, first, force=True)


def test_the_page_is_small_names_no_host_and_lets_nothing_in(sample_run: Path) -> None:
    text = page(sample_run)
    assert len(text.encode()) < 3_000_000
    parsed = Parsed(text)
    policy = next(
        given["content"] for tag, given in parsed.tags if given.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in policy
    assert "http" not in policy
    for tag, given in parsed.tags:
        assert tag not in ("link", "img", "iframe", "object", "embed", "base", "a") or given.get(
            "href", ""
        ).startswith("#"), tag
        assert not [name for name in given if name.startswith("on") or name in ("src", "style")], given


def test_twelve_channels_and_eight_models_stay_below_three_megabytes(hostile_run: Path) -> None:
    assert len(HOSTILE) == 12
    assert Published.read(hostile_run).output("credits")["model"].n_unique() == 8  # type: ignore[index]
    assert len(page(hostile_run).encode()) < 3_000_000


def test_every_section_of_the_sample_is_there_and_what_was_not_computed_is_left_out(
    sample_run: Path, tmp_path: Path
) -> None:
    keys = [
        "summary", "models", "kpis", "win-rates", "funnel", "value", "paths", "transitions", "roles",
        "trends", "plan", "quality", "method", "manifest",
    ]  # fmt: skip
    assert [given["id"] for tag, given in Parsed(page(sample_run)).tags if tag == "section"] == keys
    assert len(keys) == len(SECTIONS)
    bare = published(tmp_path / "job", ["ads", "mail"], 60, outputs={}, breakdowns=[], intervals=None)
    left = [given["id"] for tag, given in Parsed(page(bare)).tags if tag == "section"]
    assert left == ["summary", "models", "kpis", "win-rates", "quality", "method", "manifest"]


def test_no_customer_is_in_the_page(sample_run: Path, hostile_run: Path) -> None:
    for folder, parts in ((sample_run, ("sample",)), (hostile_run, ("job",))):
        text = page(folder)
        table = (
            at.sample.load()[0]
            if parts == ("sample",)
            else pl.read_parquet(folder.parent / "touchpoints.parquet")
        )
        words = set(re.findall(r"[\w-]+", re.sub(r"<script>.*?</script>", "", text, flags=re.S)))
        assert not words & set(table["customer_id"].cast(pl.String))


def test_paths_of_few_customers_are_folded(sample_run: Path) -> None:
    rows = Parsed(page(sample_run)).tables["paths"]["rows"][1:]
    customers = [float(row["cells"][2][0]["data-value"]) for row in rows if row["cells"][0][1][0] != "("]
    assert min(customers) >= 5
    assert len(customers) == 25
    assert "(other)" in [row["cells"][0][1] for row in rows]


def test_row_38_hostile_names_are_text_in_the_page(hostile_run: Path) -> None:
    text = page(hostile_run)
    parsed = Parsed(text)
    assert {tag for tag, _ in parsed.tags} <= {
        "html", "head", "meta", "title", "style", "body", "a", "header", "h1", "p", "nav", "ul", "li", "form",
        "label", "select", "option", "noscript", "main", "section", "h2", "div", "data", "figure",
        "figcaption", "script", "span", "table", "thead", "tr", "th", "button", "small", "tbody", "bdi", "td",
        "details", "summary",
    }  # fmt: skip
    shown = Material.of(Published.read(hostile_run)).names
    assert len(set(shown.values())) == len(HOSTILE)
    heads = {row["cells"][0][1] for row in parsed.tables["kpis"]["rows"]}
    for name in HOSTILE:
        label = '"(total)"' if name == "(total)" else name
        assert shown[label] in heads
        if len(name) < 60 and "\u05e2" not in name:
            assert shown[label] == label
    assert max(map(len, shown.values())) <= 62
    assert "L" * 200 not in text
    assert "49" not in heads


def test_controls_and_turns_of_a_name_are_shown_as_what_they_are() -> None:
    assert clean("a\x1b[31mb\u202ec\u0000") == "a\ufffd[31mb\ufffdc\ufffd"


def test_a_hundred_channels_are_fifteen_and_the_sum_of_the_others(broad_run: Path) -> None:
    parsed = Parsed(page(broad_run))
    kpis = Published.read(broad_run).output("kpis")
    assert kpis is not None
    head, *rows = parsed.tables["kpis"]["rows"]
    linear = [row for row in rows if row["about"]["data-model"] == "linear"]
    names = [row["cells"][0][1] for row in linear]
    assert len([name for name in names if name.startswith("Channel")]) == MOST
    assert names[-1] == "(total)"
    other = linear[names.index(OTHER)]["cells"]
    columns = [cell[1].strip().lower().replace(" ", "_") for cell in head["cells"]]
    rest = kpis.filter(pl.col("model") == "linear", ~pl.col("channel").is_in(names))
    assert len(rest) == 100 - MOST
    value = {
        column: float(cell[0]["data-value"])
        for column, cell in zip(columns, other, strict=True)
        if "data-value" in cell[0]
    }
    for column in ("spend", "leads", "wins", "revenue"):
        assert value[column] == pytest.approx(rest[column].sum(), rel=1e-12)
    assert value["cost_per_lead"] == pytest.approx(rest["spend"].sum() / rest["leads"].sum(), rel=1e-12)
    assert value["win_rate"] == pytest.approx(rest["wins"].sum() / rest["leads"].sum(), rel=1e-12)
    for key in ("compare", "win-rates", "transitions", "trend-0"):
        shown = {row.get("channel", row.get("source")) for data in data_of(parsed.specs[key]) for row in data}
        assert len(shown) <= MOST + 4, key
    assert len(page(broad_run).encode()) < 3_000_000


def test_years_seasons_and_forecasts_are_drawn_from_their_tables(tmp_path: Path) -> None:
    kinds: dict[str, dict[str, Any]] = {
        "year_over_year": {},
        "seasonality": {},
        "forecast": {"season": 12, "horizon": 3},
        "contribution": {"before": date(2026, 2, 1), "now": date(2026, 3, 1), "of": "wins"},
    }
    trends = [
        {"file": f"{kind}.csv", "table": kind, "period": "month", **more} for kind, more in kinds.items()
    ]
    made: dict[str, Any] = {"outputs": {}, "breakdowns": [], "intervals": None, "trends": trends}
    made["models"] = [{"name": "linear"}]
    run = published(tmp_path / "job", ["ads", "mail"], 300, days=800, **made)
    parsed = Parsed(page(run))
    for place, kind in enumerate(kinds):
        key = f"{kind.replace('_', '-')}-{place}"
        known = numbers_in(run, f"{kind}.csv")
        names = ("value", "before", "index", "low", "high")
        rows = [row for data in data_of(parsed.specs[key]) for row in data if len(row) > 1]
        drawn = [row[name] for row in rows for name in names if row.get(name) is not None]
        assert drawn
        assert set(drawn) <= known
        assert parsed.tables[f"{key}-table"]["rows"][1:]
    table = Published.read(run).table("year_over_year.csv")
    assert table is not None
    last = table.filter(channel="(total)").drop_nulls("leads_growth").sort("month").tail(1)
    assert last["leads_growth"].item() in [
        float(given["value"]) for given, _ in parsed.data if given["data-file"] == "year_over_year.csv"
    ]


def test_what_is_no_run_or_was_changed_is_refused(sample_run: Path, tmp_path: Path) -> None:
    with pytest.raises(at.TableError, match=r"there is no manifest\.json"):
        at.write_report(tmp_path, tmp_path / "a.html")
    with pytest.raises(at.ParameterError, match=r"a suffix of \.html"):
        at.write_report(sample_run, tmp_path / "a.pdf")
    bare = published(tmp_path / "job", ["ads", "mail"], 60, outputs={}, breakdowns=[], intervals=None)
    (bare / "credits.csv").write_text("model,channel,leads\nlinear,ads,999\n")
    with pytest.raises(at.TableError, match="it is not as the run wrote it"):
        at.write_report(bare, tmp_path / "a.html")
    assert not (tmp_path / "a.html").exists()


def test_the_page_lies_in_the_folder_of_its_run_and_the_next_run_goes_on(tmp_path: Path) -> None:
    bare = published(tmp_path / "job", ["ads", "mail"], 60, outputs={}, breakdowns=[], intervals=None)
    assert at.write_report(bare, bare / "report.html")
    again = {"touchpoints": {"path": "touchpoints.parquet"}, "outcomes": {"path": "leads.parquet"}}
    ran = run(job_of({"name": "made up", **again}, "job"), tmp_path / "job", out=bare)
    assert ran.changed
    assert not (bare / "report.html").exists()


def test_pictures_are_drawn_without_a_browser(sample_run: Path, tmp_path: Path) -> None:
    files = at.write_charts(sample_run, tmp_path / "charts")
    assert {"compare.svg", "win-rates.svg", "waterfall.svg", "chain.svg"} <= {file.name for file in files}
    for file in files:
        text = file.read_text(encoding="utf-8")
        assert text.startswith("<svg")
        assert "NaN" not in text
    assert "Email" in (tmp_path / "charts" / "compare.svg").read_text(encoding="utf-8")
    with pytest.raises(at.ParameterError, match="unknown format 'pdf'"):
        at.write_charts(sample_run, tmp_path / "charts", "pdf")  # type: ignore[arg-type]


def test_the_pictures_of_the_readme_are_those_that_the_package_draws(
    sample_run: Path, tmp_path: Path
) -> None:
    shown = re.findall(
        r"!\[[^]]+\]\((notebooks/pictures/\S+)\)", (ROOT / "README.md").read_text(encoding="utf-8")
    )
    assert len(shown) >= 3
    at.write_charts(sample_run, tmp_path / "charts")
    for name in shown:
        told = [
            re.findall(r"<text[^>]*>([^<]+)", path.read_text(encoding="utf-8"))
            for path in (ROOT / name, tmp_path / "charts" / Path(name).name)
        ]
        assert told[0] == told[1]
        assert len(told[0]) > 10


def test_row_38_hostile_names_are_text_in_files_and_on_the_terminal(
    hostile_run: Path, tmp_path: Path
) -> None:
    credits = (hostile_run / "credits.csv").read_text(encoding="utf-8")
    assert "'=cmd|" in credits
    assert not re.search(r"(^|,)\"?=cmd", credits, re.M)
    made = Published.read(hostile_run).output("credits")
    assert made is not None
    assert set(HOSTILE) - {"(total)"} <= set(made["channel"])
    at.write_table(made, tmp_path / "credits.xlsx")
    with zipfile.ZipFile(tmp_path / "credits.xlsx") as book:
        assert "<f>" not in book.read("xl/worksheets/sheet1.xml").decode()
        assert "'=cmd|" in book.read("xl/sharedStrings.xml").decode()
    log = tmp_path / "credits.parquet"
    at.write_table(made, log)
    shown = attribution("measure", log, "--spend", hostile_run.parent / "spend.parquet")
    assert shown.code == 0
    assert "\x1b" not in shown.out
    assert "{{7*7}}" in shown.out
    assert "L" * 40 not in shown.out


def test_the_verb_writes_the_page_into_the_folder_of_its_run(tmp_path: Path) -> None:
    bare = published(tmp_path / "job", ["ads", "mail"], 60, outputs={}, breakdowns=[], intervals=None)
    first = attribution("report", bare)
    assert first.code == 0
    assert first.err.startswith(f"wrote {bare / 'report.html'} (")
    assert attribution("report", bare).err.startswith("unchanged: ")
    (bare / "report.html").write_text("mine")
    assert attribution("report", bare).code == 6
    assert attribution("report", bare, "--force").code == 0
    assert attribution("report", bare, "--format", "svg", "--out", tmp_path / "charts").code == 0
    assert {"compare.svg", "kpis-chart.svg", "win-rates.svg"} == {
        path.name for path in (tmp_path / "charts").iterdir()
    }
    assert attribution("report", tmp_path).code == 3
    assert attribution("report", bare, "--out", tmp_path / "page.pdf").code == 2


def test_without_its_libraries_the_extra_is_named(tmp_path: Path) -> None:
    bare = published(tmp_path / "job", ["ads", "mail"], 60, outputs={}, breakdowns=[], intervals=None)
    code = "import sys; sys.modules['altair'] = None; from attribution.cli import main; main()"
    ran = subprocess.run(
        [sys.executable, "-c", code, "report", str(bare)], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 7
    assert ran.stderr == "error: altair is needed for a report: pip install 'attribution-engine[report]'\n"
    assert not (bare / "report.html").exists()
    code = "import sys; sys.modules['altair'] = None; import attribution as at; at.charts"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "altair is needed for charts: pip install 'attribution-engine[report]'" in ran.stderr
