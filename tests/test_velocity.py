"""Velocity: the table against a plain twin, every way a lead may go, intervals, and real leads."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest
from test_survival import Twin, twin_of

from attribution.errors import ParameterError, TableError
from attribution.kpis.leads import Leads
from attribution.kpis.stages import counted
from attribution.kpis.timing.survival import CENSORED, COMPETING, REACHED
from attribution.kpis.timing.velocity import velocity_of
from attribution.uncertainty import Drawn

START = datetime(2026, 1, 1, tzinfo=UTC)
STAGES = {"mqls": "mql_at", "sqls": "sql_at"}
HORIZONS = (5, 20, 60)
QUARTILES = ("quartile_1_days", "median_days", "quartile_3_days")
FIGURES = [*(f"within_{each}_days" for each in HORIZONS), *QUARTILES, *(f"{q}_of_reached" for q in QUARTILES)]
EXACT = 1e-12


def day(days: float | None) -> datetime | None:
    return None if days is None else START + timedelta(days=days)


def leads_of(
    rows: Sequence[Mapping[str, Any]],
    times: Iterable[str] = ("won_at",),
    stages: Mapping[str, str] | None = None,
    shares: pl.DataFrame | None = None,
    by: tuple[str, ...] = ("channel",),
    drawn: Drawn | None = None,
) -> Leads:
    """Return leads of rows in which times are days, each lead alone in the channel ads."""
    columns: dict[str, Any] = {}
    for name in ["ends_at", *times, *(stages or {}).values()]:
        values = [day(row.get(name, 0.0 if name == "ends_at" else None)) for row in rows]
        columns[name] = pl.Series(values, dtype=pl.Datetime("us", "UTC"))
    columns["leads"] = pl.Series([row.get("leads", 1.0) for row in rows], dtype=pl.Float64)
    if any("wins" in row for row in rows):
        columns["wins"] = pl.Series([row["wins"] for row in rows], dtype=pl.Float64)
    if shares is None:
        alone = {"model": "linear", "channel": "ads", "fold": 0, "weight": 1.0}
        shares = pl.DataFrame({"lead": range(len(rows))}).with_columns(
            **{k: pl.lit(v) for k, v in alone.items()}
        )
    models = tuple(shares["model"].unique(maintain_order=True)) or ("linear",)
    types = {"lead": pl.UInt32, "fold": pl.UInt16}
    return Leads(pl.DataFrame(columns), shares.cast(types), by, models, stages or {}, drawn)


def total_of(leads: Leads, step: tuple[str, str] = ("leads", "wins"), **more: Any) -> dict[str, Any]:
    table = velocity_of(leads, horizons=HORIZONS, **more).table()
    return table.filter(channel="(total)", from_stage=step[0], to_stage=step[1]).row(0, named=True)


def counts_of(row: Mapping[str, Any]) -> tuple[float, ...]:
    return tuple(row[name] for name in ("leads", "reached", "competing", "left_out"))


# The table.


def test_the_table_has_a_row_a_model_cell_and_step() -> None:
    rows = [{"mql_at": 1, "sql_at": 3, "won_at": 9}, {"mql_at": 2}]
    shares = pl.DataFrame(
        {
            "model": ["linear"] * 3 + ["last_touch"] * 2,
            "channel": ["ads", "mail", "(unattributed)", "mail", "(unattributed)"],
            "lead": [0, 0, 1, 0, 1],
            "fold": [0, 0, 1, 0, 1],
            "weight": [0.25, 0.75, 1.0, 1.0, 1.0],
        }
    )
    told = velocity_of(leads_of(rows, stages=STAGES, shares=shares), horizons=HORIZONS)
    table = told.table()
    first = [
        "model",
        "channel",
        "from_stage",
        "to_stage",
        "method",
        "leads",
        "reached",
        "competing",
        "left_out",
    ]
    assert table.columns == [*first, *FIGURES, "observed_until", "reason"]
    steps = [("leads", "wins"), ("leads", "mqls"), ("mqls", "sqls"), ("sqls", "wins")]
    cells = [("linear", channel) for channel in ("mail", "ads", "(unattributed)", "(total)")]
    cells += [("last_touch", channel) for channel in ("mail", "(unattributed)", "(total)")]
    assert table.select(first[:4]).rows() == [(*cell, *step) for cell in cells for step in steps]
    assert table["method"].unique().to_list() == ["Kaplan-Meier"]
    assert table["observed_until"].unique().to_list() == [day(9)]
    assert table.filter(from_stage="leads", to_stage="mqls")["leads"].to_list() == [0.75, 0.25, 1, 2, 1, 1, 2]
    assert table.filter(from_stage="sqls")["leads"].to_list() == [0.75, 0.25, 0, 1, 1, 0, 1]
    assert table.filter(from_stage="sqls", channel="(unattributed)")["reason"].unique().to_list() == [
        "no lead at risk"
    ]
    assert told.warnings == ()


def test_a_hand_worked_step() -> None:
    # won after 4 and 10 days, open for 8 and 30: S = 3/4 after day 4, 3/4 x 1/2 after day 10
    rows = [{"won_at": 4}, {"won_at": 30, "ends_at": 20}, {"ends_at": 22}, {}]
    row = total_of(leads_of(rows), naive=True)
    assert counts_of(row) == (4, 2, 0, 0)
    assert [row[f"within_{each}_days"] for each in HORIZONS] == [0.25, 0.625, None]
    assert [row[name] for name in FIGURES[3:]] == [4, 10, None, 4, 10, 10]
    assert row["mean_days_naive"] == 7.0
    assert row["reason"] == "within_60_days: no lead is observed that long; quartile_3_days: not reached"


def test_the_total_is_that_of_all_leads_and_no_mean_of_cells() -> None:
    shares = {"model": "linear", "channel": ["a", "b", "b"], "lead": [0, 1, 2], "fold": 0, "weight": 1.0}
    rows = [{"won_at": 1}, {"won_at": 50}, {"won_at": 70}]
    table = velocity_of(leads_of(rows, shares=pl.DataFrame(shares)), horizons=HORIZONS).table()
    assert table.select("channel", "within_5_days", "median_days").rows() == [
        ("b", 0.0, 50.0),
        ("a", 1.0, 1.0),
        ("(total)", pytest.approx(1 / 3, abs=EXACT), 50.0),
    ]


def test_cells_stand_in_order_and_the_total_is_named_in_the_first_text() -> None:
    weeks = [date(2026, 1, 12), None, date(2026, 1, 5), date(2026, 1, 5), date(2026, 1, 5)]
    shares = pl.DataFrame(
        {
            "week": weeks,
            "channel": ["b", "a", "b", "(unattributed)", "a"],
            "lead": range(5),
        }
    ).with_columns(model=pl.lit("linear"), fold=0, weight=1.0)
    rows = [{"won_at": 1}] * 5
    both = leads_of(rows, shares=shares, by=("week", "channel"))
    cells = velocity_of(both, horizons=HORIZONS).table().select("week", "channel").rows()
    first, second = weeks[2], weeks[0]
    expected = [(first, "a"), (first, "b"), (first, "(unattributed)"), (second, "b"), (None, "a")]
    assert cells == [*expected, (None, "(total)")]
    alone = velocity_of(replace(both, by=("week",)), horizons=HORIZONS).table()
    assert alone.select("week", "leads").rows() == [(first, 3), (second, 1), (None, 1), (None, 5)]


# Where a lead may go.

LOST = ("won_at", "lost_at")
UNTIL = 40  # days


@pytest.mark.parametrize(
    ("row", "expected", "days"),
    [
        ({"won_at": 10}, REACHED, 10),
        ({"lost_at": 10}, COMPETING, 10),
        ({}, CENSORED, 40),
        ({"ends_at": 5}, CENSORED, 35),
        ({"won_at": 50}, CENSORED, 40),  # has not happened yet
        ({"lost_at": 50}, CENSORED, 40),
        ({"lost_at": 10, "won_at": 20}, REACHED, 20),  # reopened
        ({"lost_at": 20, "won_at": 20}, REACHED, 20),
        ({"lost_at": 20, "won_at": 10}, COMPETING, 20),
        ({"lost_at": 50, "won_at": 10}, REACHED, 10),
        ({"lost_at": 10, "won_at": 50}, COMPETING, 10),
        ({"lost_at": 20, "won_at": 10, "wins": 1}, REACHED, 10),  # as the wins say
        ({"lost_at": 10, "won_at": 20, "wins": 0}, CENSORED, 40),  # reopened, and its win taken back
        ({"lost_at": 20, "won_at": 10, "wins": 0}, COMPETING, 20),
        ({"lost_at": 10, "won_at": 50, "wins": 0}, COMPETING, 10),
        ({"lost_at": 10, "mql_at": 20}, CENSORED, 40),  # reopened
        ({"lost_at": 10, "sql_at": 20}, CENSORED, 40),
        ({"lost_at": 10, "mql_at": 50}, COMPETING, 10),
        ({"lost_at": 10, "mql_at": 10}, COMPETING, 10),
        ({"lost_at": 20, "won_at": 10, "sql_at": 30}, CENSORED, 40),  # taken back, then reopened
        ({"lost_at": 20, "won_at": 10, "sql_at": 15}, COMPETING, 20),
        ({"won_at": 10, "wins": 0}, CENSORED, 40),  # a win that was taken back
        ({"won_at": 50, "wins": 1}, CENSORED, 40),
        ({"wins": 1}, "undated", None),
        ({"wins": 1, "lost_at": 10}, "undated", None),
        ({"ends_at": 12, "won_at": 10}, "negative_delay", None),
        ({"ends_at": 12, "lost_at": 10}, "negative_delay", None),
        ({"ends_at": 41}, "after_until", None),
    ],
)
def test_a_lead_is_won_lost_open_or_left_out(row: dict[str, Any], expected: int | str, days: float) -> None:
    assert_goes(row, ("leads", "wins"), expected, days)


@pytest.mark.parametrize(
    ("row", "step", "expected", "days"),
    [
        ({"mql_at": 3}, ("leads", "mqls"), REACHED, 3),
        ({"mql_at": 30, "lost_at": 10}, ("leads", "mqls"), REACHED, 30),  # got there at all
        ({"mql_at": 3, "lost_at": 10}, ("leads", "mqls"), REACHED, 3),
        ({"lost_at": 10}, ("leads", "mqls"), COMPETING, 10),
        ({}, ("leads", "mqls"), CENSORED, 40),
        ({"mql_at": 50}, ("leads", "mqls"), CENSORED, 40),
        ({"sql_at": 5}, ("leads", "mqls"), "undated", None),  # it went on, so it was there
        ({"sql_at": 50}, ("leads", "mqls"), CENSORED, 40),
        ({"sql_at": 5, "lost_at": 9}, ("leads", "mqls"), "undated", None),
        ({"won_at": 5}, ("leads", "mqls"), "undated", None),
        ({"won_at": 5, "wins": 0}, ("leads", "mqls"), "undated", None),
        ({"wins": 1}, ("leads", "mqls"), "undated", None),
        ({"mql_at": -1}, ("leads", "mqls"), "negative_delay", None),
        ({"sql_at": 5}, ("mqls", "sqls"), None, None),  # skipped the stage
        ({"mql_at": 4, "sql_at": 5}, ("mqls", "sqls"), REACHED, 1),
        ({"mql_at": 4}, ("mqls", "sqls"), CENSORED, 36),
        ({"mql_at": 6, "sql_at": 5}, ("mqls", "sqls"), "negative_delay", None),
        ({"lost_at": 4, "mql_at": 6}, ("mqls", "sqls"), CENSORED, 34),  # reopened
        ({"lost_at": 4, "mql_at": 6, "sql_at": 9}, ("mqls", "sqls"), REACHED, 3),
        ({"mql_at": 4, "lost_at": 6, "won_at": 9, "wins": 0}, ("mqls", "sqls"), "undated", None),
        ({"mql_at": 41}, ("mqls", "sqls"), "after_until", None),
        ({"sql_at": 5, "won_at": 12}, ("sqls", "wins"), REACHED, 7),
        ({"sql_at": 5, "lost_at": 12}, ("sqls", "wins"), COMPETING, 7),
        ({"lost_at": 4, "sql_at": 5}, ("sqls", "wins"), CENSORED, 35),  # reopened
        ({"lost_at": 12, "sql_at": 5, "mql_at": 20}, ("sqls", "wins"), CENSORED, 35),
        ({"sql_at": 5, "wins": 1}, ("sqls", "wins"), "undated", None),
        ({"won_at": 12}, ("sqls", "wins"), None, None),
    ],
)
def test_a_lead_goes_from_stage_to_stage(
    row: dict[str, Any], step: tuple[str, str], expected: int | str | None, days: float
) -> None:
    assert_goes(row, step, expected, days)


def assert_goes(
    row: dict[str, Any], step: tuple[str, str], expected: int | str | None, days: float | None
) -> None:
    """Assert how a lead beside a common one ends, and after how many days, or why it is left out."""
    common = {"ends_at": 0, "mql_at": 0, "sql_at": 0, "won_at": 39, **({"wins": 1} if "wins" in row else {})}
    until = day(UNTIL)
    leads = leads_of([row, common], times=LOST, stages=STAGES)
    told = velocity_of(leads, until=until, horizons=range(1, 41))
    found = told.table().filter(channel="ads", from_stage=step[0], to_stage=step[1]).row(0, named=True)
    assert found["method"] == "Aalen-Johansen"
    here = [line for line in told.warnings if line.startswith(f"velocity {step[0]} to {step[1]}: ")]
    out = isinstance(expected, str)
    at_risk = expected in (CENSORED, REACHED, COMPETING)
    assert counts_of(found) == (1 + at_risk, 1 + (expected == REACHED), 1.0 * (expected == COMPETING), out)
    assert [line.split(": ")[2].split(" (")[0] for line in here] == [expected] * out
    twin = twin_of([(39.0 if step[1] == "wins" else 0.0, REACHED, 1.0)] + [(days, expected, 1.0)] * at_risk)
    shares = [found[f"within_{each}_days"] for each in range(1, 41)]
    expected_shares = [twin.at(days) for days in range(1, 41)]
    assert known(shares) == pytest.approx(expected_shares, rel=EXACT, abs=EXACT, nan_ok=True)


def test_what_is_left_out_is_told_by_reason_and_stays_in_all_other_steps() -> None:
    rows = [{"ends_at": 5, "won_at": 3, "mql_at": 9, "leads": 3.0}, {"ends_at": 8, "mql_at": 9, "won_at": 10}]
    leads = leads_of(rows, stages={"mqls": "mql_at"})
    told = velocity_of(leads, horizons=HORIZONS)
    assert told.warnings == (
        "velocity leads to wins: 3 leads left out: negative_delay (its end lies before its start)",
        "velocity mqls to wins: 3 leads left out: negative_delay (its end lies before its start)",
    )
    assert counts_of(total_of(leads)) == (1, 1, 0, 3)
    assert counts_of(total_of(leads, ("leads", "mqls"))) == (4, 4, 0, 0)
    one = velocity_of(leads_of([{"ends_at": 5, "won_at": 3}]), horizons=HORIZONS)
    assert one.warnings[0].startswith("velocity leads to wins: 1 lead left out: ")


def test_without_stages_there_is_one_step_and_without_a_time_of_winning_none_to_won() -> None:
    def steps(leads: Leads) -> list[tuple[str, str]]:
        table = velocity_of(leads, horizons=HORIZONS).table()
        return table.filter(channel="(total)").select("from_stage", "to_stage").rows()

    assert steps(leads_of([{"won_at": 1}])) == [("leads", "wins")]
    assert steps(leads_of([{"mql_at": 1, "wins": 0}], times=(), stages=STAGES)) == [
        ("leads", "mqls"),
        ("mqls", "sqls"),
    ]
    with pytest.raises(TableError, match="no time of winning and no stage"):
        velocity_of(leads_of([{}], times=()))


def test_a_row_of_several_leads_is_won_as_far_as_its_wins_say() -> None:
    row = total_of(leads_of([{"leads": 5.0, "wins": 2.0, "won_at": 3}], times=LOST), until=day(30))
    assert counts_of(row) == (5, 2, 0, 0)
    assert row["within_20_days"] == pytest.approx(2 / 5, abs=EXACT)
    lost = leads_of([{"leads": 5.0, "wins": 2.0, "won_at": 3, "lost_at": 8}], times=LOST)
    assert counts_of(total_of(lost)) == (5, 2, 3, 0)
    table = velocity_of(lost, horizons=HORIZONS).table()
    assert table.drop("channel")[0].equals(table.drop("channel")[1])  # the cell has the same as the total


def test_the_leads_beside_the_won_ones_of_a_reopened_row_are_open() -> None:
    leads = leads_of([{"leads": 5.0, "wins": 2.0, "lost_at": 13, "won_at": 18}], times=LOST)
    assert counts_of(total_of(leads, until=day(30))) == (5, 2, 0, 0)
    assert counted(leads.facts, {}, "leads").select("wins", "lost", "open").row(0) == (2, 0, 3)
    assert counts_of(total_of(leads, until=day(15))) == (5, 0, 5, 0)  # not reopened yet


@pytest.mark.parametrize("has_wins", [True, False])
@pytest.mark.parametrize("seed", range(6))
def test_as_many_are_won_lost_and_open_as_in_the_funnel(seed: int, has_wins: bool) -> None:
    leads = random_leads(seed, many=200)
    late = [(pl.col(name) >= pl.col("ends_at")).fill_null(True) for name in (*LOST, *STAGES.values())]
    dated = (pl.col("wins") == 0) | pl.col("won_at").is_not_null()
    rows = leads.facts.filter(*late, dated)
    facts = rows if has_wins else rows.drop("wins")
    shares = leads.shares.filter(model="linear").unique("lead", maintain_order=True).head(len(facts))
    alone = shares.with_columns(lead=pl.int_range(len(facts), dtype=pl.UInt32), weight=pl.lit(1.0))
    row = total_of(replace(leads, facts=facts, shares=alone, models=("linear",)))
    counts = counted(facts, STAGES, "leads").sum().row(0, named=True)
    assert (row["reached"], row["competing"]) == (counts["wins"], counts["lost"])
    assert row["leads"] - row["reached"] - row["competing"] == counts["open"]
    assert min(counts["wins"], counts["lost"], counts["open"], counts["reopened"]) > 0


def test_nothing_after_until_has_happened() -> None:
    rows = [{"won_at": 3}, {"won_at": 30}, {"ends_at": 20, "won_at": 25}, {"ends_at": 33}]
    early = total_of(leads_of(rows), until=day(10))
    assert early["observed_until"] == day(10)
    assert counts_of(early) == (2, 1, 0, 2)
    assert early["within_5_days"] == 0.5
    assert total_of(leads_of(rows))["observed_until"] == day(33)


def test_no_leads_at_all_make_no_figure() -> None:
    row = total_of(leads_of([]), naive=True)
    assert counts_of(row) == (0, 0, 0, 0)
    assert [row[name] for name in (*FIGURES, "mean_days_naive", "observed_until")] == [None] * 11
    assert row["reason"] == "no lead at risk"


# Random leads, cell by cell against a plain twin.


def random_leads(seed: int, many: int = 60, drawn: Drawn | None = None) -> Leads:
    """Return leads with ties, gaps and every kind of end, in two models, by channel and week."""
    rng = np.random.default_rng(seed)
    rows: list[dict[str, Any]] = []
    for _ in range(many):
        row: dict[str, Any] = {"ends_at": int(rng.integers(0, 60)), "leads": float(rng.integers(1, 4))}
        for name, share in (("mql_at", 0.7), ("sql_at", 0.5), ("won_at", 0.5), ("lost_at", 0.4)):
            if rng.random() < share:
                row[name] = row["ends_at"] + int(rng.integers(-1, 25))
        row["wins"] = row["leads"] * float(rng.random() < (0.9 if "won_at" in row else 0.1))
        rows.append(row)
    shares = []
    folds = rng.integers(0, 8, many)
    for model in ("linear", "last_touch"):
        for lead, fold in enumerate(folds):
            cells = [(channel, date(2026, 1, 5 + 7 * w)) for channel in ("ads", "mail") for w in range(2)]
            chosen = rng.permutation(4)[: rng.integers(1, 4)]
            for cell in chosen:
                share = {"model": model, "lead": lead, "fold": int(fold), "weight": 1 / len(chosen)}
                shares.append({**share, "channel": cells[cell][0], "week": cells[cell][1]})
    table = pl.DataFrame(shares)
    return leads_of(rows, LOST, STAGES, table, ("channel", "week"), drawn)


def naive_ends(
    row: Mapping[str, Any], step: tuple[str, str], until: datetime, zone: str
) -> tuple[float, Any]:
    """Return the days and end of a lead in a step, said once more, or why it is left out."""
    lost = row["lost_at"]
    if lost is not None and any(
        row[column] is not None and lost < row[column] <= until for column in ("mql_at", "sql_at", "won_at")
    ):
        lost = None
    order = ["leads", "mqls", "sqls", "wins"]
    columns = ["ends_at", "mql_at", "sql_at", "won_at"]
    start = row[columns[order.index(step[0])]]
    if start is None:
        return math.nan, "absent"
    if start > until:
        return math.nan, "after_until"
    goal = row[columns[order.index(step[1])]]
    if step[1] == "wins" and row["wins"] == 0:
        goal = None
    further = [row[column] for column in columns[order.index(step[1]) + 1 :]]
    if goal is not None and goal <= until:
        end, kind = goal, REACHED
    elif (row["wins"] > 0 and (row["won_at"] is None or row["won_at"] <= until)) or any(
        time is not None and time <= until for time in further
    ):
        return math.nan, "undated"
    elif lost is not None and lost <= until:
        end, kind = lost, COMPETING
    else:
        end, kind = until, CENSORED
    if end < start:
        return math.nan, "negative_delay"
    since, then = (each.astimezone(ZoneInfo(zone)).replace(tzinfo=None) for each in (start, end))
    return (then - since) / timedelta(days=1), kind


def naive_row(
    leads: Leads, amounts: Iterable[tuple[int, Fraction]], step: tuple[str, str], until: datetime
) -> tuple[list[Fraction], Twin]:
    """Return the counts and the twin of the leads with their amounts."""
    facts = leads.facts.to_dicts()
    ends = [(*naive_ends(facts[lead], step, until, leads.zone), amount) for lead, amount in amounts]
    used = [each for each in ends if not isinstance(each[1], str)]
    left_out = ("after_until", "undated", "negative_delay")
    kinds = [(CENSORED, REACHED, COMPETING), (REACHED,), (COMPETING,), left_out]
    counts = [sum((amount for _, end, amount in ends if end in kind), Fraction(0)) for kind in kinds]
    return counts, twin_of(used)


def amounts_of(leads: Leads, row: Mapping[str, Any]) -> list[tuple[int, Fraction]]:
    """Return the leads of a cell, or of the total, with how many each stands for: thirds are thirds."""
    many = [Fraction(each) for each in leads.facts["leads"]]
    if row["channel"] == "(total)":
        assert row["week"] is None
        return list(enumerate(many))
    shares = leads.shares.filter(model=row["model"], channel=row["channel"], week=row["week"])
    rows = shares.select("lead", "weight").rows()
    return [(lead, Fraction(weight).limit_denominator(3) * many[lead]) for lead, weight in rows]


def known(values: Iterable[float | None]) -> list[float]:
    return [math.nan if value is None else value for value in values]


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(("days", "zone"), [(None, "UTC"), (35, "UTC"), (None, "America/New_York")])
def test_random_leads_have_the_table_of_the_plain_twin(seed: int, days: int | None, zone: str) -> None:
    leads = replace(random_leads(seed), zone=zone)  # on 8 March the clock is changed in New York
    until = day(days) or max(max(filter(None, leads.facts[name])) for name in leads.facts.columns[:5])
    told = velocity_of(leads, until=day(days), horizons=HORIZONS)
    table = told.table()
    assert len(table) == 2 * 5 * 4
    seen: dict[Any, int] = defaultdict(int)
    for row in table.to_dicts():
        step = (row["from_stage"], row["to_stage"])
        counts, twin = naive_row(leads, amounts_of(leads, row), step, until)
        assert list(counts_of(row)) == pytest.approx(list(map(float, counts)), rel=EXACT)
        expected = twin.figures(HORIZONS)
        found = known(row[name] for name in FIGURES)
        assert found == pytest.approx(expected, rel=EXACT, abs=EXACT, nan_ok=True), row
        assert row["observed_until"] == until
        for name in FIGURES:
            assert (row[name] is None) == (name in re.split("[:;, ]+", row["reason"] or "")), row["reason"]
            seen[row[name] is None] += 1
    assert seen[True] > 20
    assert seen[False] > 100


def test_the_order_of_shares_and_of_leads_changes_no_bit() -> None:
    drawn = Drawn(0.9, 100, 3, folds=8)
    leads = random_leads(2, drawn=drawn)
    expected = velocity_of(leads, horizons=HORIZONS).table()
    rng = np.random.default_rng(0)
    for _ in range(3):
        order = rng.permutation(len(leads.facts))
        place = pl.Series("lead", np.argsort(order)[leads.shares["lead"].to_numpy()]).cast(pl.UInt32)
        shares = leads.shares.with_columns(place)[rng.permutation(len(leads.shares))]
        shuffled = replace(leads, facts=leads.facts[order], shares=shares)
        assert velocity_of(shuffled, horizons=HORIZONS).table().equals(expected)


# Intervals.


def test_intervals_are_quantiles_of_leads_drawn_by_fold() -> None:
    drawn = Drawn(0.9, 100, 3, folds=8)
    leads = random_leads(4, many=80, drawn=drawn)
    table = velocity_of(leads, horizons=HORIZONS, naive=True).table()
    names = [each for name in FIGURES for each in (name, f"{name}_low", f"{name}_high")]
    assert table.columns[9:] == ["left_out", *names, "mean_days_naive", "observed_until", "reason"]
    until = table["observed_until"][0]
    weights = drawn.resampling().weights(8)
    fold = dict(leads.shares.select("lead", "fold").iter_rows())
    seen: dict[bool, int] = defaultdict(int)
    for row in table.filter(model="linear").to_dicts():
        step, amounts = (row["from_stage"], row["to_stage"]), amounts_of(leads, row)
        replicated = []
        for weight in weights:
            _, twin = naive_row(leads, [(i, a * int(weight[fold[i]])) for i, a in amounts], step, until)
            replicated.append(twin.figures(HORIZONS))
        for name, values in zip(FIGURES, np.transpose(replicated), strict=True):
            sure = [row[f"{name}_low"], row[f"{name}_high"]]
            ordered = np.sort(np.where(np.isnan(values), np.inf, values))
            fixed = name.startswith("within") and np.ptp(values) == 0
            # the ends lie at 4.95 and 94.05 of 0 to 99
            if row[name] is None or fixed or math.isinf(ordered[95]):
                assert sure == [None, None]
                assert name in row["reason"]
            else:
                assert sure == pytest.approx(np.quantile(ordered[:96], [4.95 / 95, 94.05 / 95]), rel=1e-9)
            seen[sure[0] is None] += 1
    assert seen[True] > 20
    assert seen[False] > 50


def test_intervals_change_no_value() -> None:
    leads = random_leads(4)
    plain = velocity_of(leads, horizons=HORIZONS).table().drop("reason")
    drawn = velocity_of(replace(leads, drawn=Drawn(0.9, 100, 3, folds=8)), horizons=HORIZONS).table()
    assert drawn.select(plain.columns).equals(plain)


def test_an_interval_that_is_not_known_is_null_and_says_why() -> None:
    # 6 of 30 are won on day 3, the rest open: the first quartile is reached in some replicates only.
    rows = [{"won_at": 3} if i < 6 else {} for i in range(30)]
    folds = pl.DataFrame(
        {"model": "linear", "channel": "ads", "lead": range(30), "fold": range(30), "weight": 1.0}
    )
    leads = leads_of(rows, shares=folds, drawn=Drawn(replicates=200, folds=30))
    row = total_of(leads, until=day(30))
    assert (row["within_20_days_low"], row["within_20_days_high"]) != (None, None)
    assert row["within_20_days_low"] < 0.2 < row["within_20_days_high"]
    assert row["median_days_of_reached"] == row["median_days_of_reached_low"] == 3
    assert row["quartile_1_days"] is row["quartile_1_days_low"] is None
    more = total_of(replace(leads, facts=leads_of([{"won_at": 3}] * 9 + [{}] * 21).facts), until=day(30))
    assert more["quartile_1_days"] == 3
    assert more["quartile_1_days_low"] is more["quartile_1_days_high"] is None
    assert "quartile_1_days: no interval, too many replicates do not know it" in more["reason"]
    none = total_of(replace(leads, facts=leads_of([{}] * 30).facts), until=day(30))
    assert none["within_5_days"] == 0
    assert none["within_5_days_low"] is none["within_5_days_high"] is None
    assert "within_5_days, within_20_days: no interval, it is the same in every replicate" in none["reason"]


def test_leads_of_one_fold_have_no_interval_that_looks_sure() -> None:
    rows = [{"won_at": 3}, {"won_at": 6}, {}, {}]
    row = total_of(leads_of(rows, drawn=Drawn(replicates=200, folds=256)), until=day(30))
    assert row["within_20_days"] == 0.5
    assert [row[f"{name}_{end}"] for name in FIGURES for end in ("low", "high")] == [None] * 18


def test_why_there_are_no_intervals_is_told_in_every_row() -> None:
    leads = leads_of([{"won_at": 3}, {}], drawn=Drawn(unsure="no intervals: paths have no customers"))
    table = velocity_of(leads, until=day(90), horizons=HORIZONS).table()
    assert [name for name in table.columns if name.endswith(("_low", "_high"))]
    assert table["within_5_days"].to_list() == [0.5, 0.5]
    assert table["within_5_days_low"].to_list() == [None, None]
    assert all("no intervals: paths have no customers" in reason for reason in table["reason"])


# What is refused.


@pytest.mark.parametrize("horizons", [[0], [30, 30], [-1], [1.5]])
def test_horizons_are_whole_days_each_once(horizons: list[Any]) -> None:
    with pytest.raises(ParameterError, match="horizons"):
        velocity_of(leads_of([{"won_at": 1}]), horizons=horizons)


def test_the_end_of_observation_has_a_zone() -> None:
    with pytest.raises(ParameterError, match="zone"):
        velocity_of(leads_of([{"won_at": 1}]), until=datetime(2026, 2, 1))
    elsewhere = datetime.fromisoformat("2026-01-31T02:00:00+02:00")
    assert total_of(leads_of([{"won_at": 1}]), until=elsewhere)["observed_until"] == day(30)


@pytest.mark.parametrize("until", ["2026-02-01", date(2026, 2, 1), "2026-02-01T00:00:00Z"])
def test_an_end_of_observation_that_is_no_time_is_refused(until: Any) -> None:
    with pytest.raises(ParameterError, match="a time with its zone, such as tzinfo=UTC"):
        velocity_of(leads_of([{"won_at": 1}]), until=until)


def test_a_dimension_named_as_a_column_of_the_table_is_refused() -> None:
    leads = leads_of([{"won_at": 1}])
    renamed = replace(leads, shares=leads.shares.rename({"channel": "median_days"}), by=("median_days",))
    with pytest.raises(ParameterError, match="median_days"):
        velocity_of(renamed)


# Real leads.


def test_olist_has_its_known_shares_of_won_leads(data: Any) -> None:
    contacts = pl.read_csv(data.need("olist/marketing_qualified_leads.csv"))
    deals = pl.read_csv(data.need("olist/closed_deals.csv")).select("mql_id", "won_date")
    rows = contacts.join(deals, on="mql_id", how="left", maintain_order="left", validate="1:1")
    facts = rows.select(
        journey_id="mql_id",
        customer_id="mql_id",
        ends_at=pl.col("first_contact_date").str.to_datetime("%F", time_unit="us", time_zone="UTC"),
        won_at=pl.col("won_date").str.to_datetime("%F %T", time_unit="us", time_zone="UTC"),
        leads=1.0,
        wins=pl.col("won_date").is_not_null().cast(pl.Float64),
    )
    shares = rows.select(
        model=pl.lit("linear"),
        channel=pl.col("origin").fill_null("(unattributed)"),
        lead=pl.int_range(pl.len(), dtype=pl.UInt32),
        fold=(pl.int_range(pl.len()) % 256).cast(pl.UInt16),
        weight=1.0,
    )
    leads = Leads(facts, shares, ("channel",), ("linear",), {}, Drawn(folds=256))
    told = velocity_of(leads, naive=True)
    table = told.table()
    total = table.row(-1, named=True)
    assert total["channel"] == "(total)"
    assert total["observed_until"] == datetime(2018, 11, 14, 18, 4, 19, tzinfo=UTC)
    assert counts_of(total) == (7999, 841, 0, 1)
    known = {30: 0.0683, 60: 0.0804, 90: 0.0863, 180: 0.0967, 365: 0.1134}
    for days, share in known.items():
        assert round(total[f"within_{days}_days"], 4) == share
        assert total[f"within_{days}_days_low"] < share < total[f"within_{days}_days_high"]
    assert round(total["reached"] / total["leads"], 4) == 0.1051  # the naive share, below that of a year
    assert told.warnings == (
        "velocity leads to wins: 1 lead left out: negative_delay (its end lies before its start)",
    )
    assert table["channel"].to_list()[-2:] == ["(unattributed)", "(total)"]
    assert table["leads"][:-1].sum() == 7999
    assert table["method"].unique().to_list() == ["Kaplan-Meier"]
    assert total["median_days"] is None
    assert total["median_days_of_reached"] > 0


def test_an_end_at_midnight_may_be_that_of_the_day_and_takes_none() -> None:
    leads = leads_of([{"won_at": 0}, {"won_at": -1}])
    noon = leads.facts.with_columns(pl.col("ends_at").dt.truncate("1d") + pl.duration(hours=12))
    midnight = noon.with_columns(pl.col("won_at").dt.truncate("1d"))
    row = total_of(replace(leads, facts=midnight))
    assert counts_of(row)[:2] == (1, 1)
    assert row["left_out"] == 1
    assert row["median_days"] == 0


# Days of the local clock.


def local_leads(zone: str, *rows: Mapping[str, str], times: Sequence[str] = ("won_at",)) -> Leads:
    """Return leads whose times are text, of the local clock where it names no offset."""

    def instant(text: str | None) -> datetime | None:
        time = None if text is None else datetime.fromisoformat(text)
        return None if time is None else (time if time.tzinfo else time.replace(tzinfo=ZoneInfo(zone)))

    columns = {name: [instant(row.get(name)) for row in rows] for name in ("ends_at", *times)}
    utc = {
        name: pl.Series([each and each.astimezone(UTC) for each in values], dtype=pl.Datetime("us", "UTC"))
        for name, values in columns.items()
    }
    base = leads_of([{}] * len(rows), times)
    return replace(base, zone=zone, facts=base.facts.with_columns(**utc))


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Europe/Berlin", "Asia/Kolkata"])
def test_a_win_on_the_local_day_of_its_lead_takes_no_days(zone: str) -> None:
    leads = local_leads(
        zone,
        {"ends_at": "2026-03-03 15:00", "won_at": "2026-03-03"},
        {"ends_at": "2026-03-03 23:59", "won_at": "2026-03-03"},
        {"ends_at": "2026-03-03 00:00", "won_at": "2026-03-03"},
    )
    row = total_of(leads)
    assert counts_of(row) == (3, 3, 0, 0)
    assert [row[name] for name in QUARTILES] == [0, 0, 0]
    before = local_leads(zone, {"ends_at": "2026-03-03 15:00", "won_at": "2026-03-02"})
    assert counts_of(total_of(before)) == (0, 0, 0, 1)
    earlier = local_leads(zone, {"ends_at": "2026-03-03 15:00", "won_at": "2026-03-03 14:00"})
    assert counts_of(total_of(earlier)) == (0, 0, 0, 1)


def test_a_midnight_elsewhere_is_none() -> None:
    at_midnight_utc = {"ends_at": "2026-03-03T15:00Z", "won_at": "2026-03-03T00:00Z"}
    assert counts_of(total_of(local_leads("UTC", at_midnight_utc))) == (1, 1, 0, 0)
    assert counts_of(total_of(local_leads("America/New_York", at_midnight_utc))) == (0, 0, 0, 1)


@pytest.mark.parametrize(
    ("zone", "start", "end"),
    [
        ("America/New_York", "2026-10-15", "2026-11-14"),  # the clock goes back: 30 days and an hour
        ("America/New_York", "2026-02-20", "2026-03-22"),  # forward
        ("Europe/Berlin", "2026-10-01", "2026-10-31"),
        ("UTC", "2026-10-15", "2026-11-14"),
    ],
)
def test_days_between_local_midnights_are_whole(zone: str, start: str, end: str) -> None:
    leads = local_leads(zone, {"ends_at": start, "won_at": end})
    row = velocity_of(leads, horizons=(29, 30)).table().row(-1, named=True)
    assert (row["within_29_days"], row["within_30_days"], row["median_days"]) == (0.0, 1.0, 30.0)
    midnight = datetime.fromisoformat(end).replace(tzinfo=ZoneInfo(zone))
    assert row["observed_until"] == midnight
    assert row["observed_until"].utcoffset() == timedelta(0)
    still = local_leads(zone, {"ends_at": start})
    open_row = velocity_of(still, until=midnight, horizons=(30, 31)).table().row(-1, named=True)
    assert (open_row["within_30_days"], open_row["within_31_days"]) == (0.0, None)


def test_in_an_hour_that_comes_twice_the_earlier_time_is_that_of_utc() -> None:
    # 01:50 in summer time is 05:50 UTC, 15 minutes before 01:05 in winter time
    leads = local_leads(
        "America/New_York",
        {"ends_at": "2026-11-01T05:50Z", "won_at": "2026-11-01T06:05Z"},
        {"ends_at": "2026-11-01T06:05Z", "won_at": "2026-11-01T05:50Z"},
        {"ends_at": "2026-11-01T04:50Z", "lost_at": "2026-11-01T05:50Z", "won_at": "2026-11-01T06:05Z"},
        times=LOST,
    )
    row = total_of(leads)
    assert row["observed_until"] == datetime(2026, 11, 1, 6, 5, tzinfo=UTC)
    assert counts_of(row) == (2, 2, 0, 1)
    assert row["quartile_1_days"] == 0
    assert row["quartile_3_days"] == pytest.approx(15 / 60 / 24, abs=EXACT)


def test_the_zone_changes_nothing_in_which_leads_there_are() -> None:
    leads = random_leads(3)
    names = [
        *leads.by,
        "from_stage",
        "to_stage",
        "leads",
        "reached",
        "competing",
        "left_out",
        "observed_until",
    ]
    tables = [velocity_of(replace(leads, zone=zone)).table() for zone in ("UTC", "Pacific/Auckland")]
    assert tables[0].select(names).equals(tables[1].select(names))
