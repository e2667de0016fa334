"""The command line: every verb gives what Python gives, says the rest on standard error, leaves by a code."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch
from warnings import catch_warnings, filterwarnings

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import attribution as at
from attribution import KPIS, MODELS, sample
from attribution.cli import main
from attribution.parameters import parameters
from attribution.stitching.window import Window

SAMPLE = sample.folder()
TOUCHPOINTS, LEADS, SPEND = (SAMPLE / f"{name}.parquet" for name in ("touchpoints", "leads", "spend"))
TABLES = (TOUCHPOINTS, LEADS)
READING = ("--delimiter", "--time-format", "--time-unit", "--timezone", "--null-channel")
WINDOW = ("--lookback-days", "--restart", "--no-restart", "--maturity-days", "--max-touchpoints")
NAMED = ("--as-of", "--outcome-names", "--touchpoints-columns", "--outcomes-columns", "--folds")
COLUMNS = (*NAMED, "--repeated-outcomes", "--memory-limit", "--most-channels")
DRAWN = ("--intervals", "--replicates", "--seed")
LOOP = (
    *("--by", "--out", "--json", "--force", "--outcomes-columns", "--outcome-names", "--as-of"),
    *("--repeated-outcomes", "--folds", *DRAWN, *READING),
)
BEFORE = (
    *("--visits", "--visits-columns", "--pages", "--pages-columns", "--ad-touchpoints"),
    *(
        "--ad-touchpoints-columns",
        "--goal",
        "--goal-values",
        "--goal-layers",
        "--qualified",
        "--idle-minutes",
    ),
)
PATHS = ("--paths", "--path", "--conversions", "--null", "--value", "--separator")
OPTIONS = {
    "demo": ("--out", "--force"),
    "channels": ("--columns", "--rules", "--sites", "--out", "--json", "--force", *READING),
    "stitch": ("--out", "--force", *COLUMNS, *WINDOW, *READING),
    "attribute": (
        "--model", "--out", "--log", "--log-columns", "--save", "--json", "--force", "--threads",
        "--events", "--events-columns", "--flag", "--statistics",
        "--journeys", *PATHS, *COLUMNS, *WINDOW, *READING, *DRAWN,
    ),
    "compare": (
        "--model", "--reference", "--outcome", "--out", "--json", "--force", "--threads",
        "--events", "--events-columns", "--flag", "--statistics",
        "--journeys", *PATHS, *COLUMNS, *WINDOW, *READING, *DRAWN,
    ),
    "advance": (
        "--model", "--out", "--json", "--force", "--threads", *NAMED, *WINDOW, *READING, *DRAWN,
    ),
    "measure": (
        *("--spend", "--spend-columns", "--by", "--repeated-spend", "--out", "--json", "--force"),
        *("--rates", "--touchpoints", "--spend-lag-days", *BEFORE, *READING),
    ),
    "engagement": (
        *("--spend", "--spend-columns", "--by", "--repeated-spend", "--out", "--json", "--force"),
        *("--rates", "--folds", *BEFORE, *DRAWN, *READING),
    ),
    "gap": ("--benchmarks", "--columns", "--where", "--out", "--json", "--force", *READING),
    "funnel": ("--stages", "--entries", "--value", *LOOP),
    "velocity": ("--stages", "--until", "--naive", *LOOP),
    "trends": (
        *("--spend", "--spend-columns", "--repeated-spend", "--rates"),
        *("--table", "--period", "--align", "--before", "--now", "--of", "--horizon", "--season"),
        *("--complete-before", *LOOP),
    ),
    "reallocate": (
        *("--budget", "--target-cost", "--floor", "--cap", "--largest-share", "--largest-amount"),
        *("--locked", "--spend", "--spend-columns", "--repeated-spend", "--rates", "--spend-lag-days"),
        *("--table", "--period", "--model", "--outcome", "--half-life", "--complete-from"),
        *("--complete-before", "--move-unsure", "--backtest-periods", "--out", "--json", "--force", *READING),
    ),
    "value": (
        *("--form", "--margin", "--horizon-months", "--discount", "--score", "--until"),
        *("--spend", "--spend-columns", "--repeated-spend", "--rates", *LOOP),
    ),
    "page-stages": ("--stages", "--out", "--pages-columns", "--force", *READING),
    "experiment": (
        *("--variant", "--control", "--metric", "--customer", "--planned", "--planned-shares"),
        *("--confidence", "--correction", "--out", "--json", "--force", *READING),
    ),
    "sample-size": (
        *("--baseline", "--difference", "--power", "--users", "--standard-deviation", "--confidence"),
        *("--comparisons", "--shares-ratio", "--out", "--json", "--force"),
    ),
    "run": ("--out", "--dry-run", "--force", "--threads", "--log-format"),
    "export": ("--star", "--format", "--force"),
    "report": ("--out", "--format", "--force"),
    "check": ("--spend", "--rejected", "--force", *COLUMNS, *WINDOW, *READING),
    "schema": (),
    "models": ("--markdown",),
    "kpis": ("--markdown",),
}  # fmt: skip


class Ran(NamedTuple):
    """How a command ended, and what it wrote."""

    code: int
    out: str
    err: str


def attribution(*arguments: object) -> Ran:
    """Run the command in this process."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    argv = ["attribution", *map(str, arguments)]
    with patch.object(sys, "argv", argv), redirect_stdout(out), redirect_stderr(err), catch_warnings():
        filterwarnings("ignore", "Cyclopts application invoked without tokens")  # it takes sys.argv
        try:
            main()
        except SystemExit as leaving:
            code = leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None)
    return Ran(code, out.getvalue(), err.getvalue())


def done(*arguments: object) -> Ran:
    """Run a command that has to succeed."""
    ran = attribution(*arguments)
    assert ran.code == 0, ran.err
    assert "error" not in ran.err
    return ran


def refused(code: int, *arguments: object) -> str:
    """Run a command that has to fail with a code; return what it says."""
    ran = attribution(*arguments)
    assert (ran.code, ran.out) == (code, "")
    assert ran.err.startswith("error: ")
    assert "Traceback" not in ran.err
    return ran.err


def names(folder: Path) -> list[str]:
    """Return what lies in a folder."""
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture(scope="module")
def journeys() -> at.Stitched:
    """Return the journeys of the sample."""
    return at.stitch(*TABLES, lookback_days=30)


# Help, versions, registries.


@pytest.mark.parametrize("verb", OPTIONS)
def test_help_names_every_option_and_no_other(verb: str) -> None:
    ran = done(verb, "--help")
    assert not ran.err
    said = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", ran.out.partition("Parameters")[2]))
    assert said - {"--paths", "--events"} == {*OPTIONS[verb]} - {"--paths", "--events"}
    assert set(OPTIONS[verb]) <= said
    assert f"Usage: attribution {verb}" in ran.out
    assert "Exit codes: 0 ok" in ran.out


@pytest.mark.parametrize("verb", ["stitch", "attribute", "measure"])
def test_help_says_default_meaning_and_range_of_the_declared_parameters(verb: str) -> None:
    text = " ".join(re.sub(r"[│╭╮╰╯─]", " ", done(verb, "--help").out).split())
    declared = {**parameters(at.Reading)}
    if verb != "measure":
        declared |= parameters(Window)
        assert "(a number >= 0). [default: 30.0]" in text
    assert all(parameter.meaning[1:] in text for parameter in declared.values())


@pytest.mark.parametrize("arguments", [(), ("--help",), ("-h",)])
def test_the_overview_names_every_verb(arguments: tuple[str, ...]) -> None:
    text = done(*arguments).out
    for verb in OPTIONS:
        assert re.search(rf"\b{verb}\b", text)


def test_the_version_is_that_of_the_distribution() -> None:
    assert done("--version").out.strip() == version("attribution-engine")


def test_models_lists_every_model_with_its_parameters_defaults_and_ranges() -> None:
    for arguments in (("models",), ("models", "--markdown")):
        text = " ".join(re.sub(r"[│┃|]", " ", done(*arguments).out).split())
        for name, cls in MODELS.items():
            assert name in text
            assert cls.__name__ in text
            assert all(key in text for key in parameters(cls))
    markdown = done("models", "--markdown").out
    for cls in MODELS.values():
        for key, parameter in parameters(cls).items():
            assert f"{key}={parameter.default!r}: {parameter.meaning} ({parameter.allowed})" in markdown


def test_kpis_lists_every_kpi_with_its_formula() -> None:
    for arguments in (("kpis",), ("kpis", "--markdown")):
        text = done(*arguments).out
        for kpi in KPIS:
            assert kpi.name in text
            assert kpi.formula in text


@pytest.mark.parametrize("verb", ["models", "kpis"])
def test_markdown_is_a_well_formed_table(verb: str) -> None:
    lines = done(verb, "--markdown").out.splitlines()
    cells = [re.split(r"(?<!\\)\|", line)[1:-1] for line in lines]
    assert all(line.startswith("| ") and line.endswith(" |") for line in lines)
    assert len({len(row) for row in cells}) == 1
    assert {cell.strip() for cell in cells[1]} == {"---"}
    assert len(lines) == 2 + len(MODELS if verb == "models" else KPIS)
    assert all(name.strip() for name in cells[0])


# Usage.


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("atribute",), 'Did you mean "attribute"'),
        (
            ("nothing",),
            "Available commands: demo, stitch, attribute, advance, measure, funnel, velocity, value, ...",
        ),
        (("attribute", "--modle", "linear"), "Did you mean --model"),
        (("stitch", "a.csv"), "OUTCOMES"),
        (("stitch", *TABLES), "--out"),
        (("measure",), "CREDITS"),
        (("attribute", *TABLES, "--lookback-days", "many"), "--lookback-days"),
        (("attribute", *TABLES, "third"), "third"),
    ],
)
def test_a_slip_on_the_command_line_leaves_with_2_and_a_hint(
    arguments: tuple[object, ...], said: str
) -> None:
    err = refused(2, *arguments)
    assert said in err
    assert "try: attribution --help" in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--model", "makov"), "did you mean 'markov'?"),
        (("--model", "markov:ordr=2"), "did you mean 'order'?"),
        (("--model", "markov:order=0"), "parameter 'order': got '0', expected a whole number >= 1"),
        (("--model", "markov:order=two"), "parameter 'order': got 'two', expected a whole number >= 1"),
        (("--model", "markov:order"), "order"),
        (("--model", "markov:share=all"), "expected one of 'journey', 'global'"),
        (("--model", "time_decay:half_life=nan"), "parameter 'half_life': got 'nan', expected a number > 0"),
        (("--model", "position_based:first=0.7,last=0.7"), "a sum > 0 and <= 1"),
        (("--model", "linear", "--model", "linear"), "model 'linear' is given twice"),
        (("--lookback-days", "-1"), "parameter 'lookback_days': got -1.0, expected a number >= 0"),
        (("--maturity-days", "nan"), "parameter 'maturity_days': got nan, expected a number >= 0"),
        (("--time-unit", "h"), "expected one of 's', 'ms', 'us', 'ns'"),
        (("--as-of", "soon"), "parameter 'as_of': got 'soon'"),
        (("--touchpoints-columns", "customer_id"), "--touchpoints-columns"),
        (("--touchpoints-columns", "channel=a,channel=b"), "each of our names once"),
        (("--timezone", "Europe/Belin"), "Europe/Belin"),
        (("--threads", "-1"), "threads"),
        (("--delimiter", ";;"), "delimiter"),
        (("--events", "events.csv"), "got TOUCHPOINTS and --events, expected one of"),
        (("--out", "credits.xls"), "a suffix of .parquet, .csv, .json, .xlsx"),
    ],
)
def test_a_value_that_cannot_be_leaves_with_2_and_the_range(
    arguments: tuple[str, ...], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "touchpoints.csv").write_text("customer_id,timestamp,channel\na,2026-03-01,ads\n")
    (tmp_path / "outcomes.csv").write_text("customer_id,timestamp\na,2026-03-02\n")
    assert said in refused(2, "attribute", "touchpoints.csv", "outcomes.csv", *arguments)
    assert names(tmp_path) == ["outcomes.csv", "touchpoints.csv"]


@pytest.mark.parametrize("arguments", [(), (TOUCHPOINTS,), ("--out", "x.csv")])
def test_attribute_without_its_tables_says_what_it_needs(arguments: tuple[object, ...]) -> None:
    assert "TOUCHPOINTS" in refused(2, "attribute", *arguments)


@pytest.mark.parametrize(
    ("verb", "arguments"),
    [
        ("attribute", ("two.csv", "two.csv")),
        ("attribute", ("--events", "two.csv")),
        ("attribute", ("--journeys", "two.csv")),
        ("attribute", ("--paths", "two.csv")),
        ("attribute", ("--paths", "two.csv", "--path", "a", "--conversions", "c")),
        ("attribute", ("times.csv", "times.csv")),
        ("attribute", ("wide.csv", "wide.csv")),
        ("stitch", ("two.csv", "two.csv", "--out", "x.csv")),
        ("measure", ("two.csv", "--spend", "two.csv")),
        ("measure", ("credits.csv", "--spend", "two.csv")),
    ],
)
def test_an_error_names_no_option_that_its_verb_does_not_have(
    verb: str, arguments: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "two.csv").write_text("a,b\n1,2\n")
    (tmp_path / "wide.csv").write_text("customer_id;timestamp;channel\n1;2;3\n")
    (tmp_path / "times.csv").write_text("customer_id,timestamp,channel\na,03/04/2026,ads\n")
    (tmp_path / "credits.csv").write_text("model,channel,leads\nlinear,ads,1\n")
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", refused(3, verb, *arguments)))
    assert named <= {*OPTIONS[verb]}


# The river.


def test_demo_writes_every_table_and_again_changes_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "demo"
    first = done("demo", "--out", folder)
    tables = ["ads.csv", "allocation.csv", "change.csv", "comparison.csv", "costs.parquet"]
    tables += [
        "credit_log.parquet",
        "credits.csv",
        "curve.csv",
        "funnel.csv",
        "journeys.parquet",
        "kpis.csv",
        "manifest.json",
        "owners.csv",
        "path_lengths.csv",
        "paths.csv",
        "rejected.parquet",
        "report.csv",
        "report.html",
        "response.csv",
        "time_lags.csv",
        "timing.json",
        "transitions.csv",
        "value.csv",
    ]
    tables += ["velocity.csv", "weekly.parquet"]
    assert names(folder) == tables
    assert f"wrote {folder} (run " in first.err
    bytes_of = {name: (folder / name).read_bytes() for name in tables}
    again = done("demo", "--out", folder)
    assert f"unchanged: {folder} (run " in again.err
    assert again.out == first.out
    assert {name: (folder / name).read_bytes() for name in names(folder)} == bytes_of
    credits = pl.read_csv(folder / "credits.csv")
    assert set(credits["model"]) == set(MODELS)
    report = pl.read_csv(folder / "report.csv")
    assert report.filter(table="touchpoints", what="read")["rows"].to_list() == [len(sample.load()[0])]
    for name in ("channel", "cost per lead", "win rate", "spend proposed", *set(credits["channel"])):
        assert name in first.out


def test_demo_keeps_another_file_of_the_same_name_unless_forced(tmp_path: Path) -> None:
    (tmp_path / "credits.csv").write_text("precious")
    err = attribution("demo", "--out", tmp_path)
    assert err.code == 6
    assert (tmp_path / "credits.csv").read_text() == "precious"
    done("demo", "--out", tmp_path, "--force")
    assert (tmp_path / "credits.csv").read_text() != "precious"


def test_demo_warns_of_channels_without_spend(tmp_path: Path) -> None:
    assert "warning: touchpoints without spend" in done("demo", "--out", tmp_path / "demo").err


def test_demo_in_a_place_that_cannot_be_made_leaves_with_7(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    for place in (tmp_path / "file", tmp_path / "file" / "demo"):
        assert str(place) in refused(7, "demo", "--out", place)


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_the_verbs_in_a_row_give_what_python_gives(
    suffix: str, journeys: at.Stitched, tmp_path: Path
) -> None:
    paths = [tmp_path / name for name in ("journeys.parquet", f"credits.{suffix}", f"kpis.{suffix}")]
    models = ("--model", "linear", "--model", "markov:order=2", "--model", "time_decay:half_life=3")
    assert not done("stitch", *TABLES, "--lookback-days", 30, "--out", paths[0]).out
    assert not done("attribute", "--journeys", paths[0], *models, "--out", paths[1]).out
    assert not done("measure", paths[1], "--spend", SPEND, "--out", paths[2]).out
    result = at.attribute(journeys, at.Linear(), at.Markov(order=2), at.TimeDecay(half_life=3))
    measured = at.measure(result, SPEND)
    assert_frame_equal(pl.read_parquet(paths[0]), journeys.table(), categorical_as_str=True)
    back = pl.read_csv if suffix == "csv" else pl.read_parquet
    assert_frame_equal(back(paths[1]), result.table(), check_exact=True)
    assert_frame_equal(back(paths[2]), measured.table(), check_exact=True)
    assert names(tmp_path) == sorted(path.name for path in paths)


def test_attribute_of_tables_is_attribute_of_the_journeys_stitched_from_them(
    journeys: at.Stitched, tmp_path: Path
) -> None:
    window = ("--lookback-days", "7", "--no-restart", "--maturity-days", "10", "--as-of", "2026-06-01")
    out = tmp_path / "credits.parquet"
    done("attribute", *TABLES, *window, "--model", "linear", "--threads", 1, "--out", out)
    limits: dict[str, Any] = {"lookback_days": 7, "restart": False, "maturity_days": 10}
    expected = at.attribute(at.stitch(*TABLES, **limits, as_of="2026-06-01"), at.Linear())
    assert_frame_equal(pl.read_parquet(out), expected.table(), check_exact=True)
    assert not expected.table().equals(at.attribute(journeys, at.Linear()).table())


def test_without_a_model_every_one_that_the_journeys_allow_is_run(tmp_path: Path) -> None:
    paths = tmp_path / "paths.csv"
    paths.write_text("path,conversions\nads > mail,3\n")
    with_ages = json.loads(done("attribute", *TABLES, "--json").out)
    without = json.loads(done("attribute", "--paths", paths, "--json").out)
    assert {row["model"] for row in with_ages} == set(MODELS)
    assert {row["model"] for row in without} == {n for n, cls in MODELS.items() if not cls.needs_ages}


def test_a_model_given_twice_with_other_parameters_is_told_by_them(tmp_path: Path) -> None:
    paths = tmp_path / "paths.csv"
    paths.write_text("path,conversions,null\nads > mail > ads,3,1\nmail,1,2\n")
    models = ("--model", "markov", "--model", "markov:order=2,share=journey", "--model", "linear:name=even")
    rows = json.loads(done("attribute", "--paths", paths, "--null", "null", *models, "--json").out)
    assert list(dict.fromkeys(row["model"] for row in rows)) == ["markov_order_1", "markov_order_2", "even"]


EVENTS = """customer_id,time,channel,conversion,conversion_value
a,2026-03-01T08:00:00Z,ads,0,
a,2026-03-02T08:00:00Z,mail,1,10.5
b,2026-03-03T08:00:00Z,ads,0,
"""


def test_events_of_one_table_are_split_stitched_and_attributed(tmp_path: Path) -> None:
    events, out = tmp_path / "events.csv", tmp_path / "credits.csv"
    events.write_text(EVENTS)
    columns = "customer_id=customer_id,timestamp=time,conversion=conversion,revenue=conversion_value"
    arguments = ("--events", events, "--events-columns", columns, "--model", "markov")
    ran = done("attribute", *arguments, "--out", out)
    assert_frame_equal(
        pl.read_csv(out),
        pl.DataFrame(
            {
                "model": ["markov"] * 3,
                "channel": ["ads", "mail", "(unattributed)"],
                "leads": [0.5, 0.5, 0.0],
                "revenue": [5.25, 5.25, 0.0],
                "credited_by": ["journey"] * 3,
            }
        ),
    )
    assert "events: 3 rows read, 3 used" in ran.err


PATH_TABLE = """path,total_conversions,total_null,total_conversion_value
ads > mail,3,1,30
ads,1,4,5
mail > ads > mail,2,0,7
"""


def test_a_path_table_is_attributed(tmp_path: Path) -> None:
    paths, out = tmp_path / "paths.csv", tmp_path / "credits.csv"
    paths.write_text(PATH_TABLE)
    columns = ("--path", "path", "--conversions", "total_conversions", "--null", "total_null",
               "--value", "total_conversion_value", "--separator", " > ")  # fmt: skip
    done("attribute", "--paths", paths, *columns, "--model", "markov", "--model", "linear", "--out", out)
    stitched = at.from_paths(
        paths, conversions="total_conversions", null="total_null", value="total_conversion_value"
    )
    expected = at.attribute(stitched, at.Markov(), at.Linear()).table()
    assert_frame_equal(pl.read_csv(out), expected, check_exact=True)
    assert expected.filter(model="linear", channel="mail")["conversions"].item() == 3 / 2 + 4 / 3
    assert pl.read_csv(out).columns == ["model", "channel", "conversions", "revenue", "credited_by"]


def test_a_rule_that_needs_ages_is_refused_for_paths(tmp_path: Path) -> None:
    (tmp_path / "paths.csv").write_text("path,conversions\nads,1\n")
    err = refused(2, "attribute", "--paths", tmp_path / "paths.csv", "--model", "time_decay")
    assert "needs the ages of touchpoints" in err


def test_columns_delimiters_and_times_are_told_by_options(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("cookie;time;channel\na;03/04/2026 10:20;\nb;04/04/2026 10:20;mail\n")
    (tmp_path / "o.csv").write_text("customer_id;when;deals\na;05/04/2026 10:20;2\n")
    rows = json.loads(
        done(
            "attribute", tmp_path / "t.csv", tmp_path / "o.csv", "--model", "linear", "--json",
            "--delimiter", ";", "--time-format", "%d/%m/%Y %H:%M", "--timezone", "Europe/Berlin",
            "--touchpoints-columns", "customer_id=cookie,timestamp=time",
            "--outcomes-columns", "timestamp=when", "--outcome-names", "deals", "--null-channel", "(none)",
        ).out
    )  # fmt: skip
    assert [(row["channel"], row["deals"]) for row in rows] == [
        ("(none)", 2.0), ("mail", 0.0), ("(unattributed)", 0.0)
    ]  # fmt: skip


def test_the_advice_on_another_separator_can_be_followed_to_the_letter(tmp_path: Path) -> None:
    for sign in (";", "\t", "|"):
        touched, ended = tmp_path / "t.csv", tmp_path / "o.csv"
        touched.write_text(f"customer_id{sign}timestamp{sign}channel\na{sign}2026-03-01{sign}ads\n")
        ended.write_text(f"customer_id{sign}timestamp\na{sign}2026-03-02\n")
        advice = re.search(r"--delimiter '(.+)'", refused(3, "attribute", touched, ended))
        assert advice
        done("attribute", touched, ended, "--delimiter", advice[1], "--model", "linear")


# What goes where.


@pytest.mark.parametrize("verb", ["attribute", "measure"])
def test_json_is_all_there_is_on_standard_output(verb: str, tmp_path: Path) -> None:
    credits = tmp_path / "credits.csv"
    done("attribute", *TABLES, "--model", "markov:share=global", "--out", credits)
    arguments = {
        "attribute": (*TABLES, "--model", "markov:share=global"),
        "measure": (credits, "--spend", SPEND),
    }
    ran = done(verb, *arguments[verb], "--json")
    rows = json.loads(ran.out)
    assert ran.out.count("\n") == 1
    expected = at.measure(credits, SPEND).table() if verb == "measure" else pl.read_csv(credits)
    assert rows == expected.to_dicts()
    assert "rows read" in ran.err or "touchpoints without spend" in ran.err
    both = done(verb, *arguments[verb], "--json", "--out", tmp_path / "both.json")
    assert json.loads(both.out) == json.loads((tmp_path / "both.json").read_text()) == rows


def test_tables_go_to_standard_output_and_all_else_to_standard_error(tmp_path: Path) -> None:
    ran = done("attribute", *TABLES, "--model", "markov")
    assert "markov" in ran.out
    assert "Email" in ran.out
    assert "\x1b" not in ran.out + ran.err
    for said in ("rows read", "set aside: ", "unattributed outcomes: ", "journeys: "):
        assert said in ran.err
        assert said not in ran.out
    written = done("attribute", *TABLES, "--model", "markov", "--out", tmp_path / "credits.csv")
    assert not written.out
    assert written.err.startswith(f"wrote {tmp_path / 'credits.csv'} (9 rows)\n")


def test_set_aside_spend_and_warnings_are_told(tmp_path: Path) -> None:
    (tmp_path / "credits.csv").write_text("model,channel,leads\nlinear,E-Mail,1\n")
    (tmp_path / "spend.csv").write_text("channel,spend\nEmail,5\nE-Mail,-1\nE-Mail,NaN\n")
    err = done("measure", tmp_path / "credits.csv", "--spend", tmp_path / "spend.csv").err
    assert "spend: 1 rows set aside: negative_spend" in err
    assert "spend: 1 rows set aside: not_finite" in err
    assert "warning: spend without touchpoints: 'Email'; 'E-Mail' and 'Email' look alike" in err
    assert "warning: touchpoints without spend: 'E-Mail'" in err


def test_kpis_of_one_model_are_one_table_and_of_several_side_by_side(tmp_path: Path) -> None:
    (tmp_path / "one.csv").write_text("model,channel,leads\nlinear,ads,4\n")
    (tmp_path / "two.csv").write_text("model,channel,leads\nlinear,ads,4\nmarkov,ads,2\n")
    (tmp_path / "spend.csv").write_text("channel,spend\nads,8\n")
    one = done("measure", tmp_path / "one.csv", "--spend", tmp_path / "spend.csv").out
    two = done("measure", tmp_path / "two.csv", "--spend", tmp_path / "spend.csv").out
    assert re.search(r"│ ads +│ +8\.00 │ +4\.00 │ +2\.00 │", one)
    assert re.search(r"│ ads +│ +2\.00 │ +4\.00 │", two)


# Files.


@pytest.mark.parametrize(
    "command",
    [
        lambda a, b, out: ("stitch", a, b, "--out", out),
        lambda a, b, out: ("attribute", a, b, "--out", out),
        lambda a, b, out: ("attribute", f"{a.parent}/*{a.suffix}", b, "--out", out),
        lambda a, _, out: ("attribute", "--journeys", a, "--out", out),
        lambda a, _, out: ("attribute", "--paths", a, "--out", out),
        lambda a, _, out: ("attribute", "--events", a, "--out", out),
        lambda a, b, out: ("measure", a, "--spend", b, "--out", out),
        lambda a, b, out: ("measure", b, "--spend", a, "--out", out),
    ],
)
@pytest.mark.parametrize("force", [(), ("--force",)])
def test_an_output_that_is_an_input_is_refused_even_if_forced(
    command: Callable[[Path, Path, Path], tuple[object, ...]], force: tuple[str, ...], tmp_path: Path
) -> None:
    one, two = tmp_path / "one.csv", tmp_path / "two.csv"
    for path in (one, two):
        path.write_text("customer_id,timestamp,channel\na,2026-03-01,ads\n")
    assert "also an input" in refused(6, *command(one, two, one), *force)
    assert one.read_text() == two.read_text()
    assert names(tmp_path) == ["one.csv", "two.csv"]


@pytest.mark.parametrize("verb", ["stitch", "attribute", "measure"])
def test_an_output_that_exists_is_kept_unless_forced(verb: str, tmp_path: Path) -> None:
    (tmp_path / "credits.csv").write_text("model,channel,leads\nlinear,Email,4\n")
    out = tmp_path / "out.csv"
    command: dict[str, tuple[object, ...]] = {
        "stitch": ("stitch", *TABLES, "--out", out),
        "attribute": ("attribute", *TABLES, "--model", "linear", "--out", out),
        "measure": ("measure", tmp_path / "credits.csv", "--spend", SPEND, "--out", out),
    }
    out.write_text("precious")
    assert f"{out} exists and holds something else; pass --force" in refused(6, *command[verb])
    assert out.read_text() == "precious"
    assert f"wrote {out}" in done(*command[verb], "--force").err
    assert f"unchanged: {out}" in done(*command[verb]).err
    assert names(tmp_path) == ["credits.csv", "out.csv"]


def test_a_folder_that_is_not_there_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    err = refused(7, "attribute", "nothing.csv", "nothing.csv", "--out", tmp_path / "nowhere" / "x.csv")
    assert str(tmp_path / "nowhere") in err


def test_an_input_that_is_not_there_is_named(tmp_path: Path) -> None:
    err = refused(3, "attribute", tmp_path / "nothing.csv", LEADS)
    assert f"touchpoints ({tmp_path / 'nothing.csv'}): no such file" in err


# Names that could do harm.

HOSTILE = "[bold red]ads[/] \\[x] :smile: {0} %s"


def test_brackets_in_names_are_printed_as_they_are(tmp_path: Path) -> None:
    touched, ended = tmp_path / "t.csv", tmp_path / "o.csv"
    pl.DataFrame({"customer_id": ["a"], "timestamp": ["2026-03-01"], "channel": [HOSTILE[:30]]}).write_csv(
        touched
    )
    pl.DataFrame({"customer_id": ["a"], "timestamp": ["2026-03-02"], "[red]n[/]": [1]}).write_csv(ended)
    models = ("--model", "linear:name=[red]even[/]", "--model", "first_touch")
    ran = done("attribute", touched, ended, "--outcome-names", "[red]n[/]", *models)
    assert HOSTILE[:30] in ran.out
    assert "[red]even[/]" in ran.out
    assert ran.out.startswith("[red]n[/]")


def test_brackets_in_a_title_are_printed_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "credits.csv").write_text(f"model,channel,leads\n[red]even[/],{HOSTILE[:30]},4\n")
    (tmp_path / "spend.csv").write_text(f"channel,spend\n{HOSTILE[:30]},8\n")
    ran = done("measure", tmp_path / "credits.csv", "--spend", tmp_path / "spend.csv")
    assert ran.out.startswith("[red]even[/]")
    assert HOSTILE[:30] in ran.out


@pytest.mark.parametrize("sign", ["\x1b[31m", "\x9b31m", "\n", "\r", "\u2028", "\u202e", "\x07"], ids=ascii)
def test_nothing_that_steers_a_terminal_is_printed(sign: str, tmp_path: Path) -> None:
    touched, ended, spend = tmp_path / "t.parquet", tmp_path / "o.parquet", tmp_path / "s.csv"
    rows = {"customer_id": ["a", "a"], "timestamp": ["2026-03-01"] * 2}
    pl.DataFrame({**rows, "channel": [f"Ads{sign}", f"ads{sign}"]}).write_parquet(touched)
    pl.DataFrame({**rows, f"n{sign}": [1, 1]}).write_parquet(ended)
    ran = attribution(
        "attribute", touched, ended, "--outcome-names", f"n{sign}", "--model", f"linear:name=x{sign}y"
    )
    spend.write_text("channel,spend\nads,1\n")
    credits = tmp_path / "credits.parquet"
    pl.DataFrame({"model": ["m"], "channel": ["mail"], f"n{sign}": [1.0]}).write_parquet(credits)
    measured = attribution("measure", credits, "--spend", spend)
    for text in (ran.out, ran.err, measured.out, measured.err):
        lines = text.split("\n")
        assert not any(char != " " and not char.isprintable() for line in lines for char in line)
        assert not any(line.startswith(("31m", "y")) for line in lines)


def test_a_file_name_that_steers_a_terminal_is_not_printed_as_it_is(tmp_path: Path) -> None:
    rows = pl.DataFrame({"customer_id": ["a"], "timestamp": ["2026-03-01"], "channel": ["Ads"]})
    for name in ("1\x1b[31mred.csv", "2\nerror: forged.csv"):
        rows.drop("channel").write_csv(tmp_path / name)
    rows.write_csv(tmp_path / "fine.csv")
    for pattern in ("1*.csv", "2*.csv"):
        err = refused(3, "attribute", tmp_path / pattern, tmp_path / "fine.csv")
        assert "\x1b" not in err
        assert "\nerror: forged" not in err


def test_long_names_are_cut_on_the_screen_and_whole_in_the_file(tmp_path: Path) -> None:
    paths, name = tmp_path / "paths.csv", "x" * 10_000
    paths.write_text(f"path,conversions\n{name},1\n")
    assert "x" * 33 not in done("attribute", "--paths", paths, "--model", "linear").out
    done("attribute", "--paths", paths, "--model", "linear", "--out", tmp_path / "credits.csv")
    assert pl.read_csv(tmp_path / "credits.csv")["channel"][0] == name


# Leaving.


def test_the_module_is_the_command() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "attribution", "attribute", "--paths", "nothing.csv"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 3
    assert "nothing.csv" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_an_interrupted_verb_leaves_with_130(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(sys.modules["attribution.cli.sources"], "stitch_tables", interrupted)
    ran = attribution("attribute", *TABLES, "--out", tmp_path / "credits.csv")
    assert ran.code == 130
    assert "Traceback" not in ran.err
    assert not names(tmp_path)


WAITS = """
import sys, time
from attribution.cli import main
verb = sys.modules["attribution.cli.stitch"]
verb.stitch_tables = lambda *_, **__: (print("ready", flush=True), time.sleep(60))
sys.argv = ["attribution", "stitch", *sys.argv[1:]]
main()
"""


def test_a_signal_stops_the_command_at_once_without_a_traceback(tmp_path: Path) -> None:
    arguments = [*map(str, TABLES), "--out", str(tmp_path / "journeys.parquet")]
    command = [sys.executable, "-c", WAITS, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        assert running.stdout
        assert running.stdout.readline() == "ready\n"
        running.send_signal(signal.SIGINT)
        _, err = running.communicate(timeout=20)
    assert running.returncode == 130
    assert "Traceback" not in err
    assert not names(tmp_path)


@pytest.mark.parametrize("arguments", [("models",), ("models", "--markdown")])
def test_a_reader_that_has_gone_is_no_error(arguments: tuple[str, ...]) -> None:
    command = [sys.executable, "-m", "attribution", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        assert running.stdout
        running.stdout.close()
        assert running.stderr
        err = running.stderr.read()
    assert running.returncode == 0
    assert not err


# Intervals and the comparison.

DRAWS = ("--replicates", 100)


def shown(text: str) -> str:
    """Return a table's text without its lines and with single spaces."""
    return " ".join(re.sub(r"[│┃|━─┏┓┡┩└┘├┤┼╇┳┴┬╋]", " ", text).split())


@pytest.fixture(scope="module")
def drawn(journeys: at.Stitched) -> at.Result:
    """Return credits of the sample with intervals."""
    return at.attribute(
        journeys, at.FirstTouch(), at.LastTouch(), at.Markov(), intervals=0.95, replicates=100
    )


THREE = ("--model", "first_touch", "--model", "last_touch", "--model", "markov")


def test_compare_draws_its_tables(drawn: at.Result) -> None:
    ran = done("compare", *TABLES, "--lookback-days", 30, *THREE, *DRAWS)
    text, compared = shown(ran.out), at.compare(drawn)
    for title in ("share of leads", "last touch: channels that cannot be told apart", "what channels do",
                  "why models differ", "total variation of shares"):  # fmt: skip
        assert title in text
    for row in compared.models.to_dicts():
        share, low, high = (
            f"{row[name]:.1%}".replace("%", " %") for name in ("share", "share_low", "share_high")
        )
        assert share in text
        assert f"{low} - {high}" in text
    for row in compared.channels.to_dicts():
        assert f"{row['channel']} {row['reason']}" in text
        assert f"{row['conversion_rate']:.1%}".replace("%", " %") in text
    for row in compared.models.filter(model="last_touch").to_dicts():
        low, high = row["rank_low"], row["rank_high"]
        ranks = str(low) if low == high else f"{low} - {high}"
        assert f"{row['channel']} {ranks} {row['alike'] or '-'}" in text
    for value in compared.agreement["total_variation"]:
        assert text.partition("total variation")[2].count(f"{value:.1%}".replace("%", " %")) >= 2
    assert "_" not in ran.out
    assert "rows read" in ran.err


def test_compare_prints_and_writes_the_long_table(drawn: at.Result, tmp_path: Path) -> None:
    out = tmp_path / "compared.parquet"
    arguments = ("compare", *TABLES, "--lookback-days", 30, *THREE, *DRAWS)
    printed = done(*arguments, "--json")
    table = at.compare(drawn).table()
    assert json.loads(printed.out) == table.to_dicts()
    assert printed.out.count("\n") == 1
    written = done(*arguments, "--out", out)
    assert not written.out
    assert f"wrote {out} (24 rows)" in written.err
    assert_frame_equal(pl.read_parquet(out), table, check_exact=True)
    assert f"unchanged: {out}" in done(*arguments, "--out", out).err


def test_compare_takes_a_reference_and_an_outcome(drawn: at.Result, tmp_path: Path) -> None:
    out = tmp_path / "compared.parquet"
    arguments = ("compare", *TABLES, "--lookback-days", 30, *THREE, *DRAWS)
    done(*arguments, "--reference", "markov", "--outcome", "revenue", "--out", out)
    expected = at.compare(drawn, reference="markov", outcome="revenue").table()
    assert_frame_equal(pl.read_parquet(out), expected, check_exact=True)
    assert not expected["difference"].equals(at.compare(drawn, outcome="revenue").table()["difference"])
    text = done(*arguments, "--reference", "markov", "--outcome", "revenue").out
    assert "share of revenue" in text
    assert "markov: channels that cannot be told apart" in text


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--reference", "markow"), "did you mean 'markov'?"),
        (("--outcome", "wons"), "unknown outcome 'wons'"),
        (("--intervals", "1"), "parameter 'intervals': got 1.0, expected a number > 0 and < 1"),
        (("--replicates", "99"), "parameter 'replicates': got 99, expected a whole number >= 100"),
        (("--seed", "-1"), "parameter 'seed': got -1, expected a whole number >= 0"),
        (("--folds", "100"), "parameter 'folds': got 100, expected one of 16, 32"),
        (("--model", "makov"), "did you mean 'markov'?"),
        (("--paths", "paths.csv"), "got TOUCHPOINTS and --paths, expected one of"),
        (("--out", "compared.txt"), "a suffix of .parquet, .csv, .json, .xlsx"),
    ],
)
def test_a_comparison_that_cannot_be_leaves_with_2(
    arguments: tuple[str, ...], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    models = () if "--model" in arguments else THREE
    assert said in refused(2, "compare", *TABLES, *models, *arguments)
    assert not names(tmp_path)


def test_a_comparison_of_nothing_leaves_with_3(tmp_path: Path) -> None:
    (tmp_path / "paths.csv").write_text("path,conversions,null\nads,0,3\n")
    err = refused(3, "compare", "--paths", tmp_path / "paths.csv", "--null", "null", "--model", "linear")
    assert "outcome 'conversions': a total of 0" in err


LONG_PATHS = """path,conversions,null
ads > mail,30,90
mail,100,200
ads > shop > mail,20,10
shop,5,70
"""


def test_paths_are_compared_with_intervals(tmp_path: Path) -> None:
    (tmp_path / "paths.csv").write_text(LONG_PATHS)
    source = ("--paths", tmp_path / "paths.csv", "--null", "null")
    rows = json.loads(done("compare", *source, *THREE, *DRAWS, "--json").out)
    stitched = at.from_paths(tmp_path / "paths.csv", null="null")
    models = (at.FirstTouch(), at.LastTouch(), at.Markov())
    result = at.attribute(stitched, *models, intervals=0.95, replicates=100)
    assert rows == at.compare(result).table().to_dicts()
    assert all(row["share_low"] <= row["share"] <= row["share_high"] for row in rows)
    assert any(row["share_low"] < row["share_high"] for row in rows)
    assert "--folds: paths are always dealt out to 256 folds" in refused(2, "compare", *source, "--folds", 64)


def test_a_journeys_table_is_compared_as_the_tables_that_it_comes_from(
    drawn: at.Result, tmp_path: Path
) -> None:
    table = tmp_path / "journeys.parquet"
    done("stitch", *TABLES, "--lookback-days", 30, "--out", table)
    rows = json.loads(done("compare", "--journeys", table, *THREE, *DRAWS, "--json").out)
    expected = at.compare(
        at.attribute(at.from_journeys(table), at.FirstTouch(), at.LastTouch(), at.Markov(), intervals=0.95,
                     replicates=100)
    ).table()  # fmt: skip
    assert rows == expected.to_dicts()
    whole = at.compare(drawn).table()
    assert [row["share"] for row in rows] == whole["share"].to_list()


def test_events_are_compared(tmp_path: Path) -> None:
    (tmp_path / "events.csv").write_text(EVENTS)
    columns = "customer_id=customer_id,timestamp=time,conversion=conversion"
    ran = done("compare", "--events", tmp_path / "events.csv", "--events-columns", columns, *THREE, *DRAWS)
    assert "warning: no intervals: 2 customers are fewer than the 256 folds" in ran.err
    assert "cannot be told apart" not in ran.out
    assert "50.0 %" in ran.out


def test_one_model_is_compared_with_nothing(tmp_path: Path) -> None:
    (tmp_path / "paths.csv").write_text(LONG_PATHS)
    ran = done("compare", "--paths", tmp_path / "paths.csv", "--null", "null", "--model", "linear", *DRAWS)
    assert "linear: channels that cannot be told apart" in ran.out
    assert "total variation" not in ran.out


@pytest.mark.parametrize("name", ["model", "other", "channel", "share", "cell", "reason"])
@pytest.mark.parametrize("verb", ["attribute", "compare"])
def test_a_model_may_be_named_as_a_column(verb: str, name: str, tmp_path: Path) -> None:
    (tmp_path / "paths.csv").write_text(LONG_PATHS)
    source = ("--paths", tmp_path / "paths.csv", "--null", "null")
    ran = done(verb, *source, "--model", "linear", "--model", f"first_touch:name={name}")
    assert re.search(rf"channel +┃ +linear ┃ +{name} ", ran.out)


def test_an_outcome_may_be_named_as_a_column_of_the_comparison(tmp_path: Path) -> None:
    touched, ended = tmp_path / "t.csv", tmp_path / "o.csv"
    touched.write_text("customer_id,timestamp,channel\na,2026-03-01,ads\n")
    ended.write_text("customer_id,timestamp,closes,share\na,2026-03-02,3,4\n")
    ran = done("attribute", touched, ended, "--outcome-names", "closes,share", "--model", "linear")
    assert "%" not in ran.out
    assert "3.00" in ran.out
    assert "4.00" in ran.out


def test_attribute_with_intervals_has_columns_and_cells_for_them(drawn: at.Result, tmp_path: Path) -> None:
    out = tmp_path / "credits.csv"
    arguments = ("attribute", *TABLES, "--lookback-days", 30, *THREE, "--intervals", 0.95, *DRAWS)
    done(*arguments, "--out", out)
    assert_frame_equal(pl.read_csv(out), drawn.table(), check_exact=True)
    text = shown(done(*arguments).out)
    for row in drawn.table().drop_nulls("leads_low").to_dicts():
        assert f"{row['leads']:,.2f}" in text
        assert f"{row['leads_low']:,.2f} - {row['leads_high']:,.2f}" in text
    plain = done("attribute", *TABLES, "--lookback-days", 30, *THREE).out
    assert " - " not in plain
    assert "leads_low" not in done(*arguments[:-4], "--json").out


def test_the_seed_and_the_level_are_those_of_the_command_line() -> None:
    def width(*arguments: object) -> float:
        rows = json.loads(done("attribute", *TABLES, "--model", "linear", *DRAWS, "--json", *arguments).out)
        return float(rows[0]["leads_high"] - rows[0]["leads_low"])

    assert width("--intervals", 0.5) < width("--intervals", 0.95)
    assert width("--intervals", 0.95, "--seed", 1) != width("--intervals", 0.95)
    assert width("--intervals", 0.95, "--seed", 0) == width("--intervals", 0.95)


def test_folds_make_intervals_of_few_customers(tmp_path: Path) -> None:
    touched, ended = tmp_path / "t.csv", tmp_path / "o.csv"
    ids = range(100)
    pl.DataFrame(
        {"customer_id": ids, "timestamp": ["2026-03-01"] * 100, "channel": ["ads", "mail"] * 50}
    ).write_csv(touched)
    pl.DataFrame({"customer_id": ids, "timestamp": ["2026-03-02"] * 100}).write_csv(ended)
    arguments = ("attribute", touched, ended, "--model", "linear", "--intervals", 0.95, *DRAWS, "--json")
    few, enough = done(*arguments), done(*arguments, "--folds", 64)
    assert "100 customers are fewer than the 256 folds that are drawn from: stitch with folds=64" in few.err
    assert json.loads(few.out)[0]["leads_low"] is None
    assert "no intervals" not in enough.err
    first = json.loads(enough.out)[0]
    assert first["leads_low"] < first["leads"] == 50 < first["leads_high"]
    assert "expected one of 16, 32" in refused(2, *arguments, "--folds", 63)


def test_a_credit_log_is_measured_with_intervals_where_it_knows_the_draws(tmp_path: Path) -> None:
    log, plain = tmp_path / "log.parquet", tmp_path / "plain.parquet"
    arguments = ("attribute", *TABLES, "--lookback-days", 30, "--model", "linear", "--json")
    done(*arguments, "--log", plain)
    done(*arguments, "--log", log, "--intervals", 0.95, *DRAWS)
    rows = json.loads(done("measure", log, "--spend", SPEND, "--json").out)
    expected = at.measure(log, SPEND).table()
    assert rows == expected.to_dicts()
    known = [row for row in rows if row.get("cost_per_lead_low") is not None]
    assert len(known) >= 5
    assert all(row["cost_per_lead_low"] < row["cost_per_lead"] < row["cost_per_lead_high"] for row in known)
    assert " - " in done("measure", log, "--spend", SPEND).out
    without = json.loads(done("measure", plain, "--spend", SPEND, "--json").out)
    assert not any(row.get("cost_per_lead_low") for row in without)
    assert [row["leads"] for row in without] == [row["leads"] for row in rows]


@pytest.mark.parametrize("sign", ["\x1b[31m", "\x9b31m", "\n", "\r", "\u2028", "\u202e", "\x07"], ids=ascii)
def test_nothing_that_steers_a_terminal_is_printed_by_compare(sign: str, tmp_path: Path) -> None:
    touched, ended = tmp_path / "t.parquet", tmp_path / "o.parquet"
    rows = {"customer_id": range(400), "timestamp": ["2026-03-01"] * 400}
    pl.DataFrame({**rows, "channel": [f"Ads{sign}", "mail"] * 200}).write_parquet(touched)
    pl.DataFrame({**rows, f"n{sign}x": [1] * 400}).write_parquet(ended)
    models = ("--model", f"linear:name=x{sign}y", "--model", f"last_touch:name=z{sign}[red]y[/]")
    ran = attribution(
        "compare",
        touched,
        ended,
        "--outcome-names",
        f"n{sign}x",
        *models,
        *DRAWS,
        "--reference",
        f"z{sign}[red]y[/]",
    )
    for text in (ran.out, ran.err):
        lines = text.split("\n")
        assert not any(char != " " and not char.isprintable() for line in lines for char in line)
        assert not any(line.startswith(("31m", "y")) for line in lines)
    assert ran.code == 0
    assert "[red]y[/]: channels" in ran.out


WIDE_TERMINAL = """
import os, sys
from unittest.mock import patch
from rich.console import Console
from attribution.cli import show, main
class Narrow(show.Screen):
    def __init__(self, **_): super().__init__(width=int(os.environ["WIDTH"]), highlight=False)
show.Screen = Narrow
sys.argv = ["attribution", *sys.argv[1:]]
main()
"""


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_tables_fit_the_terminal_and_no_figure_is_torn(width: int, drawn: at.Result) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", WIDE_TERMINAL, "compare", *map(str, TABLES), "--lookback-days", "30",
         "--replicates", "100"],
        capture_output=True,
        text=True,
        check=True,
        encoding="utf-8",
        env=os.environ | {"WIDTH": str(width)},
    )  # fmt: skip
    assert max(map(len, ran.stdout.splitlines())) <= width
    assert "…" not in ran.stdout
    for row in at.compare(drawn).models.to_dicts():
        low, high = (f"{row[name]:.1%}".replace("%", " %") for name in ("share_low", "share_high"))
        assert f"{low} - {high} │" in ran.stdout
    titles = [line.strip() for line in ran.stdout.splitlines() if line.startswith("share of leads")]
    assert (len(titles) == 1) == (width == 200)
