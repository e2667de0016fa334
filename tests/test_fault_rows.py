"""The matrix of faults, as far as rows decide: repeats, delays, weights, crowds, names, environments."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Mapping, Sequence
from itertools import permutations
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import polars as pl
import pytest
from test_cli import attribution
from test_faults import (
    AT,
    TOUCHPOINTS,
    Folder,
    credits_of,
    fault_of,
    outcomes,
    report_of,
    set_aside,
    touchpoints,
)
from test_files import sheet

import attribution as at
from attribution import ParameterError, TableError
from attribution.channels import MOST
from attribution.tables import RowCount

BEYOND = "beyond_max_touchpoints"


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """Return an empty folder."""
    return Folder(tmp_path)


def leads(*rows: Mapping[str, Any]) -> pl.DataFrame:
    """Return outcomes of one customer and one lead each, but for what the rows say."""
    common = {"customer_id": "a", "timestamp": AT[0], "leads": 1.0}
    return pl.DataFrame([common | dict(row) for row in rows], infer_schema_length=None)


# One outcome, several rows.

TWICE = leads(
    {"outcome_id": "o1", "revenue": 5.0}, {"outcome_id": "o1", "revenue": 7.0}, {"outcome_id": "o2"}
)


def test_row_21_one_outcome_id_with_two_contents_is_refused_with_the_option(folder: Folder) -> None:
    fault = fault_of(touchpoints(), TWICE)
    assert (fault.column, fault.count, fault.examples) == ("outcome_id", 2, ("'o1'",))
    assert fault.got == "1 outcome ids stand for different outcomes"
    path = folder.put("o.parquet", TWICE)
    says = [
        f"outcomes ({path}), column 'outcome_id': 1 outcome ids stand for different outcomes (2 rows)",
        "expected: each outcome_id once",
        "for example: 'o1'",
        "what to do: keep the row that is right",
        "--repeated-outcomes 'latest'",
    ]
    folder.refuses(*folder.attribute(folder.put("t.csv", touchpoints()), path), says=says)


def test_row_20_exact_repeats_of_an_outcome_count_once_under_either_option(folder: Folder) -> None:
    ended = leads(*[{"outcome_id": "o1", "won_at": "2026-03-09T08:00Z", "owner": "x"}] * 3)
    for option in ("error", "latest"):
        report = report_of(ended=ended, repeated_outcomes=option)
        assert report.tables["outcomes"] == RowCount(3, 1, {"duplicate": 2})
        assert not report.messages
    command = folder.attribute(folder.put("t.csv", touchpoints()), folder.put("o.parquet", ended))
    assert "outcomes: 3 rows read, 1 used; set aside: 2 duplicate" in folder.run(*command).err


STAGE_ROWS = [
    {"outcome_id": "o1", "owner": "x", "revenue": 1.0, "mql_at": "2026-03-05T08:00Z", "won_at": None},
    {"outcome_id": "o1", "owner": "y", "revenue": 2.0, "mql_at": None, "won_at": "2026-03-09T08:00Z"},
    {"outcome_id": "o1", "owner": "x", "revenue": 3.0, "mql_at": "2026-03-07T08:00Z", "won_at": None},
    {"outcome_id": "o1", "owner": "x", "revenue": 3.0, "mql_at": "2026-03-07T08:00Z", "won_at": None},
    {"outcome_id": "o2", "owner": "z", "revenue": 4.0, "mql_at": None, "won_at": None},
    {"outcome_id": None, "owner": "z", "revenue": 8.0, "mql_at": None, "won_at": None},
    {"outcome_id": None, "owner": "z", "revenue": 8.0, "mql_at": None, "won_at": None},
]


@pytest.mark.parametrize("order", [range(7), range(6, -1, -1), (3, 1, 0, 6, 2, 5, 4)])
def test_row_21_the_latest_row_of_an_outcome_counts_in_any_order(order: Sequence[int]) -> None:
    ended = leads(*(STAGE_ROWS[row] for row in order))
    result = credits_of(ended=ended, repeated_outcomes="latest")
    aside = {"duplicate": 1, "superseded": 2}
    assert result.report.tables["outcomes"] == RowCount(7, 4, aside)
    for credits in result.values():
        assert credits.totals.tolist() == pytest.approx([4.0, 2.0 + 4.0 + 8.0 + 8.0], rel=1e-12)
    assert not result.report.messages


def test_row_63_two_owners_a_reopened_deal_and_a_stage_that_went_back_the_latest_stage_counts(
    folder: Folder,
) -> None:
    ended = leads(
        {"customer_id": "a", "outcome_id": "owners", "owner": "x", "mql_at": "2026-03-05", "wins": 0},
        {"customer_id": "a", "outcome_id": "owners", "owner": "y", "mql_at": "2026-03-06", "wins": 1},
        {"customer_id": "b", "outcome_id": "reopened", "lost_at": "2026-03-06", "wins": 0},
        {
            "customer_id": "b",
            "outcome_id": "reopened",
            "lost_at": "2026-03-06",
            "won_at": "2026-03-08",
            "wins": 1,
        },
        {"customer_id": "b", "outcome_id": "back", "opportunity_at": "2026-03-07", "wins": 1},
        {"customer_id": "b", "outcome_id": "back", "sql_at": "2026-03-08", "wins": 0},
    )
    assert "3 outcome ids" in fault_of(touchpoints(), ended).got
    result = credits_of(ended=ended, repeated_outcomes="latest")
    assert result.report.tables["outcomes"] == RowCount(6, 3, {"superseded": 3})
    assert result["linear"].totals.tolist() == [3.0, 2.0]
    command = folder.attribute(
        folder.put("t.csv", touchpoints()),
        folder.put("o.parquet", ended),
    )
    ran = folder.run(*command, "--repeated-outcomes", "latest")
    assert "outcomes: 6 rows read, 3 used; set aside: 3 superseded" in ran.err
    assert pl.read_csv(folder.path / "out.csv")["wins"].sum() == 2.0


def test_row_21_repeats_of_a_csv_file_are_told_as_those_of_a_frame(folder: Folder) -> None:
    path = folder.put("o.csv", TWICE)
    assert report_of(ended=path, repeated_outcomes="latest").tables["outcomes"].set_aside == {"superseded": 1}


def test_row_63_rows_that_differ_in_the_owner_alone_are_not_taken_for_repeats() -> None:
    ended = leads({"outcome_id": "o", "owner": "x"}, {"outcome_id": "o", "owner": "y"})
    assert fault_of(touchpoints(), ended).examples == ("'o'",)


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_row_21_rows_of_one_latest_time_are_decided_by_what_they_say_and_told(order: Sequence[int]) -> None:
    rows = [{"outcome_id": "o", "wins": wins, "revenue": value} for wins, value in ((0, 0), (1, 2), (1, 9))]
    ended = leads(*(rows[row] for row in order))
    result = credits_of(ended=ended, repeated_outcomes="latest")
    assert result["linear"].totals.tolist() == [1.0, 1.0, 9.0]
    (told,) = result.report.warnings
    assert "outcomes (DataFrame): 1 outcome ids have several rows of one latest time" in told
    assert told.endswith("the one with the largest values counts: 'o'")


def test_row_21_rows_after_the_end_of_the_data_supersede_nothing() -> None:
    ended = leads(
        {"outcome_id": "o", "revenue": 1.0}, {"outcome_id": "o", "timestamp": "2026-04-01T00:00:00Z"}
    )
    report = report_of(ended=ended, as_of="2026-03-20")
    assert report.tables["outcomes"] == RowCount(2, 1, {"future_time": 1})


def test_row_21_an_unknown_choice_is_refused_by_name_and_range(folder: Folder) -> None:
    with pytest.raises(
        ParameterError, match="'repeated_outcomes': got 'first', expected one of 'error', 'latest'"
    ):
        report_of(repeated_outcomes="first")
    command = folder.attribute(folder.put("t.csv", touchpoints()), None, "--repeated-outcomes", "first")
    folder.refuses(*command, code=2, says=["'repeated_outcomes'", "'error', 'latest'"])


@pytest.mark.parametrize("stage", ["mql_at", "won_at"])
def test_row_63_a_stage_without_a_time_sets_no_row_aside_and_one_of_unknown_format_is_refused(
    stage: str,
) -> None:
    ids = ["o", "o", "p"]
    times = ["2026-03-05", "soon", None]
    ended = outcomes(
        customer_id=["a"] * 3, timestamp=AT * 3, leads=[1, 2, 3], outcome_id=ids, **{stage: times}
    )
    report = report_of(ended=ended, repeated_outcomes="latest")
    assert report.tables["outcomes"] == RowCount(3, 2, {"superseded": 1})
    fault = fault_of(
        touchpoints(), ended.with_columns(pl.lit("05/06/2026").alias(stage)), repeated_outcomes="latest"
    )
    assert (fault.column, fault.examples[0]) == (stage, "'05/06/2026'")


def test_row_63_stages_nobody_asks_for_change_nothing() -> None:
    odd = outcomes(outcome_id=["o"], mql_at=["x"], lost_at=[7], owner=[{"a": 1}], source=[[1]], product=[9])
    assert at.stitch(touchpoints(), odd).table().equals(at.stitch(touchpoints(), outcomes()).table())


# Times of outcomes.


def test_row_62_a_win_before_its_lead_is_counted_and_told(folder: Folder) -> None:
    ended = leads(
        {"customer_id": "a", "wins": 1, "won_at": "2026-03-03T08:00:00Z"},
        {"customer_id": "b", "wins": 1, "won_at": "2026-03-04T08:00:01Z"},
        {"customer_id": "b", "wins": 0, "won_at": None},
    )
    result = credits_of(ended=ended)
    assert result.report.notes["negative_delay"] == 1
    assert result["linear"].totals.tolist() == [3.0, 2.0]
    told = "outcomes: 1 rows were won before their timestamp (negative_delay); leads and wins count"
    assert result.report.messages == (told,)
    ran = folder.run(*folder.attribute(folder.put("t.csv", touchpoints()), folder.put("o.csv", ended)))
    assert f"warning: {told}" in ran.err
    assert "1 negative delay" in ran.err


def test_row_62_a_win_of_the_same_day_is_no_negative_delay() -> None:
    assert "negative_delay" not in report_of(ended=leads({"won_at": "2026-03-04"})).notes
    assert report_of(ended=leads({"won_at": "2026-03-03"})).notes["negative_delay"] == 1


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Europe/Berlin"])
def test_row_62_the_day_of_a_win_is_that_of_the_declared_zone(zone: str) -> None:
    def found(won_at: str, timestamp: str = "2026-03-04 15:00") -> int:
        ended = leads({"timestamp": timestamp, "won_at": won_at})
        return report_of(ended=ended, reading=at.Reading(timezone=zone)).notes.get("negative_delay", 0)

    assert [found("2026-03-04"), found("2026-03-04", "2026-03-04 23:59")] == [0, 0]
    assert [found("2026-03-03"), found("2026-03-04 14:59")] == [1, 1]
    assert found("2026-03-04T00:00:00Z", "2026-03-04T15:00:00Z") == (zone != "UTC")


def test_row_62_a_lead_before_the_first_touchpoint_is_unattributed_by_reason(folder: Folder) -> None:
    ended = leads({"timestamp": "2026-02-20T08:00:00Z", "wins": 1})
    result = credits_of(ended=ended)
    assert result.report.unattributed == {"all_after": 1}
    assert result["linear"].unattributed.tolist() == [1.0, 1.0]
    ran = folder.run(*folder.attribute(folder.put("t.csv", touchpoints()), folder.put("o.csv", ended)))
    assert "unattributed outcomes: 1 all_after" in ran.err


# Numbers.


def test_row_26_negative_leads_and_wins_are_set_aside(folder: Folder) -> None:
    ended = leads({"leads": -1.0, "wins": 0}, {"leads": 1.0, "wins": -1}, {"leads": 1.0, "wins": 1})
    assert report_of(ended=ended).tables["outcomes"] == RowCount(
        3, 1, {"no_leads": 1, "wins_out_of_range": 1}
    )
    ran = folder.run(*folder.attribute(folder.put("t.csv", touchpoints()), folder.put("o.csv", ended)))
    assert "outcomes: 3 rows read, 1 used; set aside: 1 no_leads, 1 wins_out_of_range" in ran.err
    assert pl.read_csv(folder.path / "out.csv").select("leads", "wins").sum().row(0) == (1.0, 1.0)


def test_row_26_negative_counts_of_paths_and_journeys_are_set_aside(folder: Folder) -> None:
    paths = folder.put("p.csv", "path,conversions,null\na > b,-1,2\nb,1,-2\na,1,1\n")
    ran = folder.run("attribute", "--paths", paths, "--null", "null", "--model", "linear", "--json")
    assert "paths: 3 rows read, 1 used; set aside: 2 negative_count" in ran.err
    assert sum(row["conversions"] for row in json.loads(ran.out)) == 1.0
    table = at.stitch(touchpoints(), outcomes()).table().with_columns(count=pl.Series([-1.0, 1.0]))
    assert at.from_journeys(table).report.tables["journeys"] == RowCount(2, 1, {"negative_count": 1})


def test_row_26_negative_spend_is_set_aside(folder: Folder) -> None:
    credits = folder.put("c.csv", "model,channel,leads\nlinear,ads,1\n")
    spend = folder.put("s.csv", "channel,spend\nads,-3\nads,2\n")
    ran = folder.run("measure", credits, "--spend", spend, "--json")
    assert "spend: 1 rows set aside: negative_spend" in ran.err
    assert [row["spend"] for row in json.loads(ran.out)] == [2.0, 2.0]


def test_row_28_several_currencies_of_spend_are_refused(folder: Folder) -> None:
    credits = folder.put("c.csv", "model,channel,leads\nlinear,ads,1\n")
    spend = folder.put("s.csv", "channel,spend,currency\nads,3,EUR\nads,2,USD\nads,1,\n")
    with pytest.raises(TableError) as caught:
        at.measure(credits, spend)
    (fault,) = caught.value.faults
    assert (fault.column, fault.count, fault.examples) == ("currency", 3, ("'EUR'", "'USD'"))
    says = [
        f"spend ({spend}), column 'currency': 2 currencies (3 rows)",
        "for example: 'EUR'; 'USD'",
        "what to do: convert the amounts to one currency",
    ]
    command = ("measure", credits, "--spend", spend, "--out", folder.path / "out.csv")
    folder.refuses(*command, says=says)


def test_row_61_repeated_spend_is_refused_or_added_by_an_option(folder: Folder) -> None:
    credits = folder.put("c.csv", "model,channel,leads\nlinear,ads,1\n")
    spend = folder.put("s.csv", "date,channel,spend\n2026-03-01,ads,3\n2026-03-01,ads,2\n2026-03-02,ads,1\n")
    with pytest.raises(TableError) as caught:
        at.measure(credits, spend)
    (fault,) = caught.value.faults
    assert (fault.column, fault.count) == ("date", 2)
    assert fault.examples == ("2026-03-01, ads",)
    assert 'repeated_spend="sum"' in fault.remedy
    assert at.measure(credits, spend, repeated_spend="sum").table()["spend"].to_list() == [6.0, 6.0]
    says = [f"spend ({spend}), column 'date'", "(2 rows)", "for example: 2026-03-01, ads", "what to do:"]
    folder.refuses("measure", credits, "--spend", spend, "--out", folder.path / "out.csv", says=says)


FLAGS = {"yes": 1, "Yes": 1, "1": 1, "true": 1, "TRUE": 1, " true ": 1, "no": 0, "NO": 0, "0": 0, "False": 0,
         None: 0, "": 0, "maybe": None, "2": None, "y": None, "-1": None}  # fmt: skip


def test_row_29_the_flag_of_a_conversion_is_read_by_an_explicit_map(folder: Folder) -> None:
    frame = pl.DataFrame(
        {
            "customer_id": [f"c{number}" for number in range(len(FLAGS))],
            "timestamp": ["2026-03-01T08:00:00Z"] * len(FLAGS),
            "channel": ["ads"] * len(FLAGS),
            "conversion": list(FLAGS),
        }
    )
    unknown = [row for row, meant in enumerate(FLAGS.values()) if meant is None]
    set_aside("events", frame, "bad_flag", unknown)
    split = at.split_events(frame)
    assert len(split.outcomes) == sum(meant or 0 for meant in FLAGS.values())
    path = folder.put("e.csv", frame)
    ran = folder.run("attribute", "--events", path, "--model", "linear", "--json")
    assert (
        f"events: {len(FLAGS)} rows read, {len(FLAGS) - len(unknown)} used; set aside: 4 bad_flag" in ran.err
    )
    assert sum(row["leads"] for row in json.loads(ran.out)) == len(split.outcomes)


@pytest.mark.parametrize("flags", [[True, False, None], [1, 0, None], [1.0, 0.0, None], ["TRUE", "no", None]])
def test_row_29_a_flag_of_any_type_says_the_same(flags: list[Any]) -> None:
    split = at.split_events(touchpoints(conversion=flags))
    assert split.outcomes["customer_id"].to_list() == ["a"]
    assert split.report.tables["events"] == RowCount(3, 3)


# Many channels, many touchpoints.


def journeys_of(channels: int, rows: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return journeys of four touchpoints over many channels, half of which convert."""
    draws, second = np.random.default_rng(1), np.timedelta64(1, "s")
    start = np.datetime64("2026-03-01T00:00:00", "us")
    touched = pl.DataFrame(
        {
            "customer_id": np.arange(rows) // 4,
            "timestamp": start + np.arange(rows) % 4 * second,
            "channel": [
                f"c{code}" for code in np.r_[:channels, draws.integers(0, channels, rows - channels)]
            ],
        }
    )
    ended = pl.DataFrame(
        {
            "customer_id": np.arange(0, rows // 4, 2),
            "timestamp": np.full((rows // 4 + 1) // 2, start + 9 * second),
        }
    )
    return touched, ended


def test_row_33_more_channels_than_codes_are_refused_with_advice(folder: Folder) -> None:
    touched, ended = journeys_of(100_000, 100_003)
    last = pl.int_range(pl.len()) < 100_000
    touched = touched.with_columns(channel=pl.when(last).then("channel").otherwise(pl.lit("c0")))
    fault = fault_of(touched, ended)
    assert (fault.column, fault.count) == ("channel", 100_003)
    assert fault.got == "100,000 channels"
    assert fault.expected.startswith("at most 65,535")
    assert fault.examples == ("'c1'", "'c10'", "'c100'", "'c1000'", "'c10000'")
    assert (
        "give the rare ones one name such as (other): 100,000 of them have fewer than 10 rows" in fault.remedy
    )
    path, other = folder.put("t.parquet", touched), folder.put("o.parquet", ended)
    says = [
        f"touchpoints ({path}), column 'channel': 100,000 channels (100,003 rows)",
        "what to do: map a coarser",
    ]
    folder.refuses(*folder.attribute(path, other), says=says)


def test_row_33_as_many_channels_as_there_are_codes_are_credited_by_rules() -> None:
    result = at.attribute(at.stitch(*journeys_of(MOST, MOST + 1)), at.Linear(), at.LastTouch())
    for credits in result.values():
        assert len(credits.channels) == MOST
        assert credits.totals[0] == pytest.approx((MOST + 1) // 8, rel=1e-12)


def test_row_33_a_chain_of_as_many_channels_as_are_compared_keeps_within_memory() -> None:
    journeys = at.stitch(*journeys_of(2_000, 2_000))
    tracemalloc.start()
    try:
        credits = at.attribute(journeys, at.Markov())["markov"]
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 400 * 2**20
    assert credits.details.states == 2_001
    assert credits.totals[0] == pytest.approx(250, rel=1e-12)


def test_row_34_a_journey_keeps_its_newest_touchpoints_and_the_others_are_counted(folder: Folder) -> None:
    days = [f"2026-03-0{day}T08:00:00Z" for day in (1, 2, 3, 6, 7)]
    touched = pl.DataFrame({"customer_id": ["a"] * 5, "timestamp": days, "channel": list("vwxyz")})
    journeys = at.stitch(touched, outcomes(), max_touchpoints=2)
    assert journeys.table()["channel"].to_list() == [["w", "x"], ["y", "z"]]
    assert journeys.report.tables["touchpoints"] == RowCount(5, 4, {BEYOND: 1})
    (told,) = journeys.report.messages
    assert told.startswith("touchpoints: 1 rows are older than the max_touchpoints newest of their journey")
    assert credits_of(touched, max_touchpoints=1)["first_touch"].values[:, 0].tolist() == [0, 0, 1.0, 0, 0]
    command = folder.attribute(folder.put("t.csv", touched), None, "--max-touchpoints", 1)
    ran = folder.run(*command)
    assert f"touchpoints: 5 rows read, 2 used; set aside: 3 {BEYOND}" in ran.err
    assert "warning: touchpoints: 3 rows are older" in ran.err
    (folder.path / "out.csv").unlink()
    folder.refuses(*command[:-1], 0, code=2, says=["'max_touchpoints': got 0, expected a whole number >= 1"])


@pytest.mark.parametrize("restart", [True, False])
@pytest.mark.parametrize(("most", "maturity_days"), [(1, None), (3, 3.0), (10**6, 3.0)])
def test_row_34_rows_add_up_and_a_touchpoint_is_used_if_any_journey_uses_it(
    most: int, restart: bool, maturity_days: float | None
) -> None:
    draws = np.random.default_rng(most)
    start, hour = np.datetime64("2026-03-01T00:00:00", "us"), np.timedelta64(1, "h")
    touched = pl.DataFrame(
        {
            "customer_id": draws.integers(0, 12, 300),
            "timestamp": start + draws.integers(0, 240, 300) * hour,
            "channel": draws.choice(["a", "b", "c"], 300),
        }
    )
    ended = pl.DataFrame(
        {"customer_id": draws.integers(0, 14, 60), "timestamp": start + draws.integers(0, 240, 60) * hour}
    )
    limits: dict[str, Any] = {"lookback_days": 4, "restart": restart, "maturity_days": maturity_days}
    capped = at.stitch(touched, ended, **limits, max_touchpoints=most)
    whole = at.stitch(touched, ended, **limits)
    names = ["journey_id", "ends_at", "leads", "count"]
    assert capped.table().select(names).equals(whole.table().select(names))
    for kept, all_of_it in zip(capped.table()["channel"], whole.table()["channel"], strict=True):
        assert kept.to_list() == all_of_it.to_list()[-most:]
    rows, before = capped.report.tables["touchpoints"], whole.report.tables["touchpoints"]
    found = {row for batch in capped for row in np.asarray(batch.journeys.touchpoint_row).tolist()}
    assert (rows.read, rows.used) == (300, len(found))
    assert before.used == rows.used + rows.set_aside.get(BEYOND, 0)
    assert {**before.set_aside, BEYOND: 0} == {**rows.set_aside, BEYOND: 0}
    assert capped.report.unattributed == whole.report.unattributed
    assert (rows.set_aside.get(BEYOND, 0) == 0) == (most >= 10**6 or before.used == rows.used)


def test_row_34_a_tie_between_what_is_kept_and_what_is_not_is_told() -> None:
    same = touchpoints(customer_id=["a"] * 3, timestamp=["2026-03-01T08:00:00Z"] * 3, channel=["x", "y", "z"])
    for most, ties in ((1, 1), (2, 1), (3, 1)):
        assert report_of(same, max_touchpoints=most).notes["decided_ties"] == ties
    apart = touchpoints(customer_id=["a"] * 3)
    assert report_of(apart, max_touchpoints=1).notes["decided_ties"] == 0


def test_row_34_a_million_touchpoints_of_one_customer_are_one_journey() -> None:
    n = 1_000_000
    draws = np.random.default_rng(0)
    touched = pl.DataFrame(
        {
            "customer_id": np.zeros(n, np.int64),
            "timestamp": np.datetime64("2026-03-01T00:00:00", "us")
            + draws.permutation(n) * np.timedelta64(1, "s"),
            "channel": pl.Series(draws.integers(0, 5, n)).cast(pl.String),
        }
    )
    ended = pl.DataFrame(
        {"customer_id": [0], "timestamp": np.array(["2026-03-13"], "datetime64[us]"), "leads": [3.0]}
    )
    for most in (None, 1_000):
        started = time.perf_counter()
        journeys = at.stitch(touched, ended, max_touchpoints=most)
        result = at.attribute(
            journeys, at.Linear(), at.LastTouch(), at.TimeDecay(), at.Markov(), at.Shapley()
        )
        assert time.perf_counter() - started < 20  # a second or two, plus whatever has to be compiled
        kept = most or n
        aside = {"outside_window": 0} if most is None else {BEYOND: n - most}
        rows = result.report.tables["touchpoints"]
        assert (rows.read, rows.used) == (n, kept)
        assert {reason: count for reason, count in rows.set_aside.items() if count} == {
            reason: count for reason, count in aside.items() if count
        }
        for credits in result.values():
            assert credits.totals[0] == pytest.approx(3.0, rel=1e-10)  # a million additions


# Names.

RESERVED = [
    "(total)",
    "(unattributed)",
    "(start)",
    "start",
    "null",
    "None",
    "NaN",
    "conversion",
    "channel",
    "0",
    "-",
]
ODD = [
    "a > b",
    "x,y",
    'say "hi"',
    "x;y",
    "it's",
    "x" * 10_000,
    "\U0001f600",
    "\u05e9\u05dc\u05d5\u05dd",
    "a|b",
]
INJECTED = ["'; DROP TABLE touchpoints; --", 'a" OR "1"="1', "x') UNION SELECT 1 --", "%s {0} $1 :x ?"]
FORMULAS = ["=cmd|' /C calc'!A0", "+1", "-1", "@x", "=HYPERLINK(1)", "'quoted"]


def touched_by(names: Sequence[str]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return a touchpoint and a lead of a customer of the same name for each channel name."""
    rows = pl.DataFrame({"customer_id": names, "channel": names})
    touched = rows.with_columns(timestamp=pl.lit("2026-03-01T08:00:00Z"))
    return touched, rows.select("customer_id", timestamp=pl.lit(AT[0]), leads=pl.lit(1.0))


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
@pytest.mark.parametrize(
    "names", [RESERVED, ODD, INJECTED, FORMULAS], ids=["reserved", "odd", "sql", "formulas"]
)
def test_rows_35_36_37_39_names_are_unchanged_in_data_from_the_input_to_the_last_table(
    names: list[str], suffix: str, tmp_path: Path
) -> None:
    touched, ended = touched_by(names)
    paths = [tmp_path / f"{name}.{suffix}" for name in ("t", "o", "credits", "kpis", "s")]
    for frame, path in ((touched, paths[0]), (ended, paths[1])):
        getattr(frame, f"write_{suffix}")(path)
    ran = attribution(
        "attribute", *paths[:2], "--model", "linear", "--model", "first_touch", "--out", paths[2]
    )
    assert ran.code == 0, ran.err
    assert not any(len(line) > 2_000 for line in ran.err.splitlines())
    expected = at.attribute(at.stitch(touched, ended), at.Linear(), at.FirstTouch())
    assert set(expected["linear"].channels) == set(names)
    spend = pl.DataFrame({"channel": names, "spend": [2.0] * len(names)})
    getattr(spend, f"write_{suffix}")(paths[4])
    measured = attribution("measure", paths[2], "--spend", paths[4], "--out", paths[3])
    assert (measured.code, "without" in measured.err) == (0, False), measured.err
    kpis = at.measure(expected, spend).table()
    assert kpis.filter(pl.col("channel") != "(total)")["cost_per_lead"].drop_nulls().to_list() == [
        2.0
    ] * 2 * len(names)
    assert at.measure(paths[2], paths[4]).table().equals(kpis)


def test_row_36_a_channel_named_as_one_of_our_rows_is_quoted_and_kept_apart() -> None:
    result = credits_of(*touched_by(["(unattributed)", "(total)"]))
    table = result.table().filter(model="linear")
    assert table["channel"].to_list() == ['"(total)"', '"(unattributed)"', "(unattributed)"]
    assert table["leads"].to_list() == [1.0, 1.0, 0.0]


def test_row_36_a_tab_in_a_name_is_set_aside_as_any_control_character() -> None:
    set_aside("touchpoints", touchpoints(channel=["a\tb", "\tads", "mail"]), "control_char", [0, 1])


def test_rows_36_38_long_names_are_cut_on_the_screen_alone(tmp_path: Path) -> None:
    for frame, name in zip(touched_by(ODD), ("t.csv", "o.csv"), strict=True):
        frame.write_csv(tmp_path / name)
    ran = attribution("attribute", tmp_path / "t.csv", tmp_path / "o.csv", "--model", "linear")
    assert "x" * 31 + "\u2026" in ran.out
    assert "x" * 33 not in ran.out + ran.err


def test_row_37_formula_cells_are_escaped_in_files_for_spreadsheets(tmp_path: Path) -> None:
    for frame, name in zip(touched_by(FORMULAS), ("t.parquet", "o.parquet"), strict=True):
        frame.write_parquet(tmp_path / name)
    for suffix in (".csv", ".parquet", ".xlsx"):
        out = tmp_path / f"credits{suffix}"
        command = (
            "attribute",
            tmp_path / "t.parquet",
            tmp_path / "o.parquet",
            "--model",
            "linear",
            "--out",
            out,
        )
        assert attribution(*command).code == 0
    assert set(pl.read_parquet(tmp_path / "credits.parquet")["channel"]) == {*FORMULAS, "(unattributed)"}
    raw = pl.read_csv(tmp_path / "credits.csv", infer_schema=False)["channel"].to_list()
    assert not any(name.startswith(("=", "+", "-", "@")) for name in raw)
    assert {"'=cmd|' /C calc'!A0", "'+1", "'-1", "'@x"} <= set(raw)
    rows, formulas = sheet(tmp_path / "credits.xlsx")
    assert not formulas
    assert "'=cmd|' /C calc'!A0" in [cell for row in rows for cell in row]


@pytest.mark.parametrize("name", INJECTED)
def test_row_39_sql_in_the_names_of_columns_is_a_name_and_nothing_else(name: str) -> None:
    touched = touchpoints(channel=None, **{name: TOUCHPOINTS["channel"]})
    ended = outcomes(leads=None, **{f"{name} n": ["1"]})
    columns = {"touchpoints": {"channel": name}}
    result = credits_of(touched, ended, columns=columns, outcome_names=[f"{name} n"])
    assert result["linear"].values.tolist() == [[0.5], [0.5]]
    connection = duckdb.connect()
    relations = [connection.from_arrow(frame.to_arrow()) for frame in (touched, ended)]
    again = credits_of(*relations, columns=columns, outcome_names=[f"{name} n"])
    assert again.table().equals(result.table())


def test_row_39_sql_in_values_of_a_duckdb_relation_is_a_value_and_nothing_else() -> None:
    frames = touched_by(INJECTED)
    connection = duckdb.connect()
    for name, frame in zip(("touchpoints", "outcomes"), frames, strict=True):
        connection.register(f"{name}_frame", frame.to_arrow())
        connection.execute(f"CREATE TABLE {name} AS FROM {name}_frame")
    relations = connection.table("touchpoints"), connection.table("outcomes")
    assert credits_of(*relations).table().equals(credits_of(*frames).table())
    assert connection.execute("SELECT count(*) FROM touchpoints").fetchall() == [(len(INJECTED),)]


STEERS = [
    "\x1b[31mred",
    "two\nerror: forged",
    "bell\x07",
    "back\x08",
    "\x9b2J",
    "rtl\u202eover",
    "\rerror: forged",
    "line\u2028error: forged",
]


@pytest.mark.parametrize("sign", STEERS, ids=ascii)
def test_row_40_nothing_that_steers_a_terminal_is_printed_from_ids_names_files_or_errors(
    sign: str, tmp_path: Path
) -> None:
    where = tmp_path / f"t{sign.replace('/', '')}.parquet"
    other = tmp_path / "o.parquet"
    outcomes(customer_id=[f"a{sign}"], outcome_id=[sign]).write_parquet(other)
    runs = []
    for frame in (
        touchpoints(customer_id=[f"a{sign}"] * 3, channel=[sign, f"{sign} ", "mail"], campaign=[sign] * 3),
        touchpoints(channel=None, **{f"channel{sign}": ["x"] * 3}),
        touchpoints(timestamp=[sign] * 3),
        touchpoints(timestamp=[f"01/02/2026 {sign}"] * 3),
    ):
        frame.write_parquet(where)
        runs.append(attribution("attribute", where, other, "--model", "linear"))
    runs.append(attribution("attribute", where, other, "--model", sign))
    runs.append(attribution("attribute", where, other, "--outcome-names", sign))
    runs.append(attribution("attribute", tmp_path / f"none{sign}.csv", other))
    twice = leads({"outcome_id": sign, "revenue": 1.0}, {"outcome_id": sign, "revenue": 2.0})
    twice.write_parquet(other)
    touchpoints().write_parquet(where)
    runs.append(attribution("attribute", where, other))
    assert [ran.code for ran in runs] == [0, 3, 3, 3, 2, 3, 3, 3]
    for ran in runs:
        for line in (ran.out + ran.err).split("\n"):
            assert all(char.isprintable() for char in line), ascii(line)
            assert not line.startswith(("error: forged", "red"))


# Environments.


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with touchpoints and outcomes of many customers."""
    folder, draws = tmp_path_factory.mktemp("tables"), np.random.default_rng(3)
    days = [f"2026-03-{day:02}T{hour:02}:30:00" for day in range(1, 29) for hour in range(24)]
    names = ["Ads", "Mail", "Fairs", "Caf\u00e9", "Print"]
    pl.DataFrame(
        {"customer_id": draws.integers(0, 400, 2_000), "timestamp": draws.choice(days, 2_000),
         "channel": draws.choice(names, 2_000), "campaign": draws.choice(["x", "y", None], 2_000)}
    ).write_csv(folder / "t.csv")  # fmt: skip
    pl.DataFrame(
        {"customer_id": draws.integers(0, 450, 300), "timestamp": draws.choice(days, 300),
         "revenue": draws.normal(100, 50, 300).round(2)}
    ).write_csv(folder / "o.csv")  # fmt: skip
    return folder


def run_in(folder: Path, environment: Mapping[str, str], *options: object) -> tuple[bytes, bytes, str]:
    """Return the journeys' credits as bytes, what was printed, and what was said, in an environment."""
    out = folder / "credits.csv"
    out.unlink(missing_ok=True)
    arguments = (
        "attribute",
        "t.csv",
        "o.csv",
        "--as-of",
        "2026-03-27",
        "--out",
        "credits.csv",
        "--json",
        *options,
    )
    ran = subprocess.run(
        [sys.executable, "-m", "attribution", *map(str, arguments)],
        cwd=folder,
        capture_output=True,
        check=False,
        env=os.environ | dict(environment),
    )
    assert ran.returncode == 0, ran.stderr
    told = [line for line in ran.stderr.decode().splitlines() if not line.startswith("compiling")]
    return out.read_bytes(), ran.stdout, "\n".join(told)


@pytest.fixture(scope="module")
def usual(tables: Path) -> tuple[bytes, bytes, str]:
    """Return what comes out in a plain environment."""
    return run_in(tables, {"TZ": "UTC", "LC_ALL": "C", "PYTHONHASHSEED": "0"}, "--threads", 1)


@pytest.mark.parametrize(
    ("environment", "threads"),
    [
        ({"TZ": "America/New_York", "LC_ALL": "de_DE.UTF-8", "PYTHONHASHSEED": "1"}, 2),
        (
            {
                "TZ": "Asia/Kolkata",
                "LC_ALL": "tr_TR.UTF-8",
                "LC_NUMERIC": "fr_FR",
                "PYTHONHASHSEED": "random",
            },
            16,
        ),
    ],
)
def test_rows_57_59_zone_locale_hash_seed_and_threads_change_no_byte(
    environment: Mapping[str, str], threads: int, tables: Path, usual: tuple[bytes, bytes, str]
) -> None:
    assert run_in(tables, environment, "--threads", threads) == usual


def test_row_58_a_folder_for_the_cache_that_is_none_changes_no_byte(
    tables: Path, usual: tuple[bytes, bytes, str]
) -> None:
    (tables / "no folder").write_text("")
    assert run_in(tables, {"NUMBA_CACHE_DIR": str(tables / "no folder")}) == usual


HASHED = """
import polars as pl
from attribution.stitching.hashing import hashed
print([half.tolist() for half in hashed(pl.Series([1, 2]))])
"""


def test_row_58_damaged_files_of_the_cache_are_as_good_as_none(tmp_path: Path) -> None:
    def run() -> str:
        ran = subprocess.run(
            [sys.executable, "-c", HASHED],
            capture_output=True,
            text=True,
            check=False,
            env=os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)},
        )
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    expected = run()
    for suffix in ("nbi", "nbc"):
        files = list(tmp_path.rglob(f"*.{suffix}"))
        assert files
        for file, content in zip(files, (b"", b"garbage\x00\x01"), strict=False):
            file.write_bytes(content)
        assert run() == expected


# Which of two equal rows counts.


@pytest.mark.parametrize("events", [False, True])
@pytest.mark.parametrize("piece_rows", [7, 10**6])
def test_row_20_of_equal_touchpoints_the_first_of_the_source_is_kept_in_pieces_of_any_size(
    piece_rows: int, events: bool
) -> None:
    draws = np.random.default_rng(5)
    rows = 400
    frame = pl.DataFrame(
        {
            "customer_id": draws.integers(0, 9, rows),
            "timestamp": np.datetime64("2026-03-01T00:00:00", "us")
            + draws.integers(0, 5, rows) * np.timedelta64(1, "h"),
            "channel": draws.choice(["a", "b "], rows),
            "device": [f"device {row}" for row in range(rows)],
        }
    )
    if events:
        frame = frame.with_columns(event_id=pl.format("{}/{}/{}", "customer_id", "timestamp", "channel"))
    keys = ["customer_id", "timestamp", "channel"]
    first = frame.with_row_index("row").unique(keys, keep="first", maintain_order=True)["row"]
    reading = at.Reading(timezone="UTC")
    journeys = at.stitch(frame, outcomes().clear(), piece_rows=piece_rows, reading=reading)
    kept = [row for batch in journeys for row in np.asarray(batch.journeys.touchpoint_row).tolist()]
    assert sorted(kept) == first.to_list()
    assert journeys.report.tables["touchpoints"].set_aside == {"duplicate": rows - len(first)}


def test_row_20_the_device_of_a_breakdown_is_that_of_the_first_of_equal_rows() -> None:
    frame = pl.concat([touchpoints(device=[name] * 3) for name in ("phone", "tablet", "desktop")])
    for piece_rows in (2, 7, at.tables.PIECE):
        journeys = at.stitch(frame, outcomes(), piece_rows=piece_rows)
        log = at.credit_log(journeys, at.attribute(journeys, at.Linear()))
        assert {device for part in log.frames("device") for device in part["device"]} == {"phone"}


def test_row_20_of_equal_conversions_the_first_of_the_events_is_kept() -> None:
    frame = pl.concat([touchpoints(conversion=[0, 1, 0], event_id=["1", "2", "3"])] * 3)
    split = at.split_events(frame)
    assert (len(split.touchpoints), len(split.outcomes)) == (9, 1)
    assert credits_of(split.touchpoints, split.outcomes)["linear"].totals.tolist() == [1.0]
