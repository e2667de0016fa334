"""Stitching: journeys equal those of the naive twin, and every rule of the window is shown once."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone
from functools import reduce
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stitching_twin import Journey, Outcome, Stitched, Touchpoint, stitched

import attribution as at
from attribution.models import TouchpointRule
from attribution.stitched import StitchReport
from attribution.stitching.hashing import hashed

INSTANT = pl.Datetime("us", "UTC")
START = datetime(2026, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
OUTCOMES = ("leads", "wins", "revenue")


# Random tables: few customers and few instants, so that everything collides.


@dataclass(frozen=True)
class Case:
    """Two tables, in plain rows, and how they are stitched."""

    touchpoints: tuple[Touchpoint, ...]
    outcomes: tuple[Outcome, ...]
    names: tuple[str, ...]
    columns: frozenset[str]  # optional columns of the touchpoints table
    text: tuple[bool, bool]  # whether customers are text, in either table
    options: Mapping[str, Any]
    piece_rows: int

    def touchpoint_table(self) -> pl.DataFrame:
        rows = self.touchpoints
        table = {
            "customer_id": ids([row.customer for row in rows], self.text[0]),
            "timestamp": pl.Series([row.time for row in rows], dtype=INSTANT),
            "channel": pl.Series([row.channel for row in rows], dtype=pl.String),
            "campaign": pl.Series([row.campaign for row in rows], dtype=pl.String),
            "kind": pl.Series([row.kind for row in rows], dtype=pl.String),
            "sequence": pl.Series([row.sequence for row in rows], dtype=pl.Int64),
            "event_id": pl.Series([row.event for row in rows], dtype=pl.String),
        }
        return pl.DataFrame(table).select("customer_id", "timestamp", "channel", *sorted(self.columns))

    def outcome_table(self) -> pl.DataFrame:
        rows = self.outcomes
        table = {
            "customer_id": ids([row.customer for row in rows], self.text[1]),
            "timestamp": pl.Series([row.time for row in rows], dtype=INSTANT),
        }
        values = {
            name: pl.Series([row.values[i] for row in rows], dtype=pl.Float64)
            for i, name in enumerate(self.names)
        }
        return pl.DataFrame(table | values)


def ids(customers: Sequence[int | str | None], text: bool) -> pl.Series:
    if text:
        return pl.Series([None if each is None else str(each) for each in customers], dtype=pl.String)
    return pl.Series(customers, dtype=pl.Int64)


WORDS = ("42", "042", "Ann", "ann", "\u00e9 ", "42 ", "an id of more than sixteen bytes", "-0")
NUMBERS = (-7, 1, 42, 9 * 10**18)
CHANNELS = ("ads", "Mail", "mail", "\u00e9", "search > brand")
SPELT_OTHERWISE = ("ads ", "e\u0301")
LOOKBACKS = (1.0, 1.0, 0.0, 0.25, 1 / 3, 30.0, 1e6, math.inf)
VALUES = (
    (1.0, 1.0, 99.5),
    (1.0, 0.0, 0.0),
    (2.5, 0.5, -40.0),
    (0.25, 0.0, 1.0),
    (0.0, 0.0, 1.0),
    (1.0, 2.0, 3.0),
)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Draw two tables and the options."""
    lookback = draw(st.sampled_from(LOOKBACKS))
    step = timedelta(microseconds=round(lookback * 86_400_000_000)) if 0 < lookback < 100 else timedelta(1)
    text = draw(st.sampled_from([(True, True), (False, False), (False, True), (True, False)]))
    pool = draw(st.permutations(WORDS if all(text) else NUMBERS))[: draw(st.integers(1, 4))]
    columns = draw(st.frozensets(st.sampled_from(["campaign", "kind", "sequence", "event_id"])))
    names = draw(st.sampled_from([OUTCOMES, OUTCOMES, ("leads",)]))
    channels = CHANNELS if "event_id" in columns else CHANNELS + SPELT_OTHERWISE

    def time(byte: int) -> datetime:
        return START + byte // 3 % 5 * step + (byte % 3 - 1) * MICROSECOND

    def of(values: Sequence[Any], byte: int, column: str) -> Any:
        return values[byte % len(values)] if column in columns else None

    touchpoints = [
        Touchpoint(
            None if fault == 1 else "" if fault == 2 and text[0] else pool[customer % len(pool)],
            None if fault == 3 else time(instant),
            (None if fault == 4 else " ") if fault in (4, 5) else channels[channel % len(channels)],
            of((None, "brand", "generic"), campaign, "campaign"),
            of(("click", "view", None), kind, "kind"),
            of((0, 1, None, -1), sequence, "sequence"),
            of((None, None, None, "e1", "e2", "e3"), event, "event_id"),
        )
        for customer, instant, channel, campaign, kind, sequence, event, fault in drawn(draw, 8, 40)
    ]
    outcomes = [
        Outcome(
            None if fault == 1 else "" if fault == 2 and text[1] else pool[customer % len(pool)],
            None if fault == 3 else time(instant),
            VALUES[value % (len(VALUES) if fault < 64 else 4)][: len(names)],
        )
        for customer, instant, value, _, fault in drawn(draw, 5, 12)
    ]
    options = {
        "lookback_days": lookback,
        "restart": draw(st.booleans()),
        "maturity_days": draw(st.sampled_from([None, None, 0.0, lookback, 1.0, 1e6])),
        "as_of": draw(st.none() | st.integers(0, 14).map(time)),
    }
    piece_rows = draw(st.sampled_from([1_000_000, 7]))
    return Case(tuple(touchpoints), tuple(outcomes), names, columns, text, options, piece_rows)


def drawn(draw: st.DrawFn, width: int, most: int) -> list[bytes]:
    """Draw rows as so many bytes each: quick to draw, and quick to shrink."""
    size = width * draw(st.integers(0, most))
    found = draw(st.binary(min_size=size, max_size=size))
    return [found[start : start + width] for start in range(0, size, width)]


def once(ours: at.Stitched) -> tuple[pl.DataFrame, StitchReport]:
    """Return the journeys table and the report in one pass over the folds."""
    batches = list(ours)
    joined = at.Journeys.joined([batch.journeys for batch in batches])
    report = reduce(StitchReport.__add__, (batch.report for batch in batches), ours.gate)
    return pl.concat([ours.name(0, joined), joined.to_table()], how="horizontal"), report.check()


def told(table: pl.DataFrame, names: Sequence[str]) -> list[Journey]:
    """Return the rows of a journeys table in plain words."""
    return [
        Journey(
            row["customer_id"],
            row["ends_at"],
            tuple(row["channel"]),
            tuple(row["age_days"]),
            tuple(row[name] for name in names),
            row["count"],
        )
        for row in table.iter_rows(named=True)
    ]


def counted(rows: Mapping[str, int]) -> dict[str, int]:
    return {what: count for what, count in rows.items() if count}


def assert_counts(report: StitchReport, twin: Stitched, case: Case) -> None:
    """Compare what was read, used and set aside, why outcomes are unattributed, and the notes."""
    for name, counts, rows in (
        ("touchpoints", twin.touchpoints, case.touchpoints),
        ("outcomes", twin.outcomes, case.outcomes),
    ):
        ours = report.tables[name]
        assert ours.read == len(rows) == ours.used + sum(ours.set_aside.values())
        assert counted({**ours.set_aside, "used": ours.used}) == counted(counts), name
    assert counted(report.unattributed) == counted(twin.unattributed)
    assert counted(report.notes) == counted(twin.notes)


@given(case=cases())
def test_journeys_and_counts_equal_the_naive_twin(case: Case) -> None:
    ours = at.stitch(
        case.touchpoint_table(), case.outcome_table(), **case.options, piece_rows=case.piece_rows
    )
    table, report = once(ours)
    twin = stitched(case.touchpoints, case.outcomes, **case.options, width=len(case.names))
    assert Counter(told(table, case.names)) == Counter(twin.journeys)
    assert_counts(report, twin, case)


@settings(max_examples=settings().max_examples // 4)
@given(case=cases(), seed=st.integers(0, 2**32 - 1))
def test_the_order_of_the_rows_is_no_matter(case: Case, seed: int) -> None:
    tables = case.touchpoint_table(), case.outcome_table()
    places = [random.Random(seed).sample(range(len(table)), len(table)) for table in tables]
    shuffled = [table[order] for table, order in zip(tables, places, strict=True)]
    ours, report = once(at.stitch(*tables, **case.options))
    theirs, other = once(at.stitch(*shuffled, **case.options))
    assert ours.equals(theirs)
    assert report == other


# One fact each.


def day(number: float, microseconds: int = 0) -> datetime:
    return START + timedelta(days=number, microseconds=microseconds)


def touchpoints(*rows: tuple[Any, datetime, str], **columns: Sequence[Any]) -> pl.DataFrame:
    """Return a touchpoints table of (customer, time, channel)."""
    customers, times, channels = zip(*rows, strict=True) if rows else ((), (), ())
    return pl.DataFrame(
        {
            "customer_id": pl.Series(customers, dtype=None if rows else pl.String),
            "timestamp": pl.Series(times, dtype=INSTANT),
            "channel": pl.Series(channels, dtype=pl.String),
            **columns,
        }
    )


def outcomes(*rows: tuple[Any, datetime], **columns: Sequence[Any]) -> pl.DataFrame:
    """Return an outcomes table of (customer, time)."""
    customers, times = zip(*rows, strict=True) if rows else ((), ())
    return pl.DataFrame(
        {
            "customer_id": pl.Series(customers, dtype=None if rows else pl.String),
            "timestamp": pl.Series(times, dtype=INSTANT),
            **columns,
        }
    )


def journeys(stitched: at.Stitched) -> list[tuple[str, bool, list[str]]]:
    """Return (customer, converted, channels) of every journey."""
    return stitched.table().select("customer_id", "converted", "channel").rows()


def credit(result: at.Result, outcome: int = 0) -> dict[str, dict[str, float]]:
    """Return the credit for one outcome by model and channel, zeros left out."""
    return {
        model: {
            name: float(values[outcome])
            for name, values in zip(each.channels, each.values, strict=True)
            if values[outcome]
        }
        for model, each in result.items()
    }


def rules() -> list[at.Model]:
    """Return every registered model that looks at one journey alone."""
    return [
        model() for model in at.MODELS.values() if issubclass(model, TouchpointRule) or model is at.Shapley
    ]


def test_the_window_is_closed_at_both_ends_to_the_microsecond() -> None:
    end = day(30)
    table = touchpoints(
        ("c", end - timedelta(days=30) - MICROSECOND, "too old"),
        ("c", end - timedelta(days=30), "oldest"),
        ("c", end, "now"),
        ("c", end + MICROSECOND, "too late"),
    )
    ours = at.stitch(table, outcomes(("c", end)), lookback_days=30)
    assert journeys(ours) == [("c", True, ["oldest", "now"]), ("c", False, ["too late"])]
    assert ours.table()["age_days"].to_list() == [[30.0, 0.0], [0.0]]
    assert ours.report.tables["touchpoints"].set_aside == {"outside_window": 1}
    assert ours.report.notes["touchpoints_after_last_outcome"] == 1


def test_a_fraction_of_a_day_is_a_window_to_the_microsecond() -> None:
    third = timedelta(hours=8)
    table = touchpoints(("c", START - third, "in"), ("c", START - third - MICROSECOND, "out"))
    ours = at.stitch(table, outcomes(("c", START)), lookback_days=1 / 3)
    assert journeys(ours) == [("c", True, ["in"])]


def test_a_window_of_zero_days_holds_the_instant_of_the_outcome_alone() -> None:
    table = touchpoints(("c", day(1), "now"), ("c", day(1, -1), "just before"))
    assert journeys(at.stitch(table, outcomes(("c", day(1))), lookback_days=0)) == [("c", True, ["now"])]


@pytest.mark.parametrize("lookback", [1e9, 1e300, math.inf])
def test_a_window_longer_than_any_data_holds_everything(lookback: float) -> None:
    table = touchpoints(("c", datetime(1990, 1, 1, tzinfo=UTC), "first"), ("c", day(1), "last"))
    ours = at.stitch(table, outcomes(("c", day(2))), lookback_days=lookback)
    assert journeys(ours) == [("c", True, ["first", "last"])]


@pytest.mark.parametrize(
    ("option", "value"),
    [("lookback_days", -1), ("lookback_days", math.nan), ("lookback_days", "30"), ("lookback_days", None),
     ("maturity_days", -0.5), ("restart", 1), ("as_of", "yesterday")],
)  # fmt: skip
def test_an_option_outside_its_range_is_refused_by_name(option: str, value: Any) -> None:
    with pytest.raises(at.ParameterError, match=option):
        at.stitch(touchpoints(), outcomes(), **{option: value})


def test_an_age_is_the_quotient_of_microseconds_to_the_last_bit() -> None:
    lot, end = random.Random(3), day(30)
    elapsed = sorted((lot.randrange(30 * 86_400_000_000) for _ in range(2000)), reverse=True)
    table = touchpoints(*(("c", end - each * MICROSECOND, "ads") for each in elapsed))
    (ages,) = at.stitch(table, outcomes(("c", end))).table()["age_days"].to_list()
    assert ages == [each / 86_400_000_000 for each in elapsed]


SHOP = touchpoints(("c", day(1), "first"), ("c", day(3), "second"), ("c", day(5), "rest"))
TWICE = outcomes(("c", day(2)), ("c", day(4)))


def test_a_restarted_journey_holds_only_what_came_after_the_previous_outcome() -> None:
    assert journeys(at.stitch(SHOP, TWICE)) == [
        ("c", True, ["first"]),
        ("c", True, ["second"]),
        ("c", False, ["rest"]),
    ]


def test_without_restart_every_outcome_sees_the_whole_window() -> None:
    ours = at.stitch(SHOP, TWICE, restart=False)
    assert journeys(ours) == [
        ("c", True, ["first"]),
        ("c", True, ["first", "second"]),
        ("c", False, ["rest"]),
    ]
    assert ours.report.tables["touchpoints"].used == 3  # each once, in however many journeys it is


def test_a_touchpoint_at_the_instant_of_the_previous_outcome_belongs_to_that_one() -> None:
    table = touchpoints(("c", day(2), "at the first"), ("c", day(2, 1), "just after"))
    ours = at.stitch(table, TWICE)
    assert journeys(ours) == [("c", True, ["at the first"]), ("c", True, ["just after"])]


@pytest.mark.parametrize("restart", [True, False])
def test_outcomes_at_one_instant_each_get_the_same_touchpoints(restart: bool) -> None:
    table = touchpoints(("c", day(0), "ads"), ("c", day(1), "mail"))
    ended = outcomes(("c", day(2)), ("c", day(2)), ("c", day(2)), revenue=[1.0, 2.0, 3.0])
    ours = at.stitch(table, ended, restart=restart)
    assert journeys(ours) == [("c", True, ["ads", "mail"])] * 3
    assert sorted(ours.table()["revenue"]) == [1.0, 2.0, 3.0]
    assert not ours.report.unattributed


def test_several_conversions_of_a_customer_are_each_credited() -> None:
    result = at.attribute(at.stitch(SHOP, TWICE), at.LastTouch(), at.Linear())
    assert credit(result) == {name: {"first": 1.0, "second": 1.0} for name in ("last_touch", "linear")}


def test_a_null_journey_is_measured_from_its_own_last_touchpoint() -> None:
    table = touchpoints(("c", day(0, -1), "old"), ("c", day(0), "kept"), ("c", day(1), "last"))
    ours = at.stitch(table, outcomes(), lookback_days=1)
    assert journeys(ours) == [("c", False, ["kept", "last"])]
    assert ours.table()["ends_at"].to_list() == [day(1)]
    assert ours.table()["count"].to_list() == [1.0]
    assert ours.report.tables["touchpoints"].set_aside == {"outside_window": 1}


def test_maturity_leaves_out_null_journeys_that_are_younger_and_counts_them() -> None:
    table = touchpoints(
        ("mature", day(0), "a"),
        ("young", day(0, 1), "b"),
        ("young", day(0), "b"),
        ("won", day(9), "c"),
    )
    ended = outcomes(("won", day(10)))
    ours = at.stitch(table, ended, maturity_days=10)
    assert {each[0] for each in journeys(ours)} == {"mature", "won"}
    assert ours.report.tables["touchpoints"].set_aside == {"immature": 2}
    assert ours.report.tables["touchpoints"].used == 2


def test_maturity_is_measured_at_the_declared_end_of_the_data() -> None:
    table = touchpoints(("c", day(0), "a"))
    assert len(at.stitch(table, outcomes(), maturity_days=5).table()) == 0
    assert len(at.stitch(table, outcomes(), maturity_days=5, as_of=day(5, -1)).table()) == 0
    assert len(at.stitch(table, outcomes(), maturity_days=5, as_of=day(5)).table()) == 1


NOON = datetime(2026, 1, 3, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "as_of",
    [NOON, NOON.replace(tzinfo=None), NOON.astimezone(timezone(timedelta(hours=-7))), "2026-01-03T12:00:00",
     "2026-01-03T14:00:00+02:00"],
)  # fmt: skip
def test_rows_after_the_end_of_the_data_are_set_aside(as_of: datetime | str) -> None:
    table = touchpoints(("c", NOON, "at the end"), ("c", NOON + MICROSECOND, "after"))
    ours = at.stitch(table, outcomes(("c", NOON), ("c", NOON + MICROSECOND)), as_of=as_of)
    assert journeys(ours) == [("c", True, ["at the end"])]
    for rows in ours.report.tables.values():
        assert rows.set_aside == {"future_time": 1}


def test_rows_in_the_future_are_kept_with_a_warning_where_no_end_is_declared() -> None:
    later = datetime.now(UTC) + timedelta(days=400)
    ours = at.stitch(touchpoints(("c", later, "a")), outcomes(("c", later)))
    assert journeys(ours) == [("c", True, ["a"])]
    for name in ("touchpoints", "outcomes"):
        assert any(name in line and "future" in line and "as_of" in line for line in ours.report.warnings)
    assert not at.stitch(touchpoints(("c", START, "a")), outcomes(("c", START))).report.warnings


def test_a_touchpoint_after_the_outcome_is_never_credited_and_is_counted() -> None:
    table = touchpoints(("c", day(0), "before"), ("c", day(1, 1), "after"), ("c", day(2), "after"))
    ours = at.stitch(table, outcomes(("c", day(1))))
    for model, found in credit(at.attribute(ours)).items():
        assert found == {"before": 1.0}, model
    assert ours.report.notes["touchpoints_after_last_outcome"] == 2


@pytest.mark.parametrize(
    ("reason", "times"),
    [
        ("no_touchpoints", []),
        ("all_after", [day(10, 1), day(11)]),
        ("all_outside_window", [day(0), day(3, -1), day(11)]),
        ("used_by_earlier_outcome", [day(0), day(4)]),
    ],
)
def test_an_outcome_without_touchpoints_is_unattributed_with_its_reason(
    reason: str, times: list[datetime]
) -> None:
    others = [("other", day(0), "ads")]
    table = touchpoints(*others, *(("c", time, "mail") for time in times))
    earlier = [("c", day(5))] if reason == "used_by_earlier_outcome" else []
    ours = at.stitch(table, outcomes(*earlier, ("c", day(10))), lookback_days=7)
    assert ours.report.unattributed == {reason: 1}
    result = at.attribute(ours)
    for model, each in result.items():
        assert each.unattributed.tolist() == [1.0], model
        assert float(each.totals[0]) == 1.0 + len(earlier), model


def test_exact_duplicates_count_once_and_are_counted() -> None:
    rows = [("c", day(0), "ads"), ("c", day(0), "mail")]
    ours = at.stitch(touchpoints(*rows * 3), outcomes(("c", day(1))))
    assert journeys(ours) == [("c", True, ["ads", "mail"])]
    assert ours.report.tables["touchpoints"].set_aside == {"duplicate": 4}


@pytest.mark.parametrize("column", ["campaign", "kind", "sequence"])
def test_rows_that_differ_in_an_optional_column_are_no_duplicates(column: str) -> None:
    table = touchpoints(("c", day(0), "ads"), ("c", day(0), "ads"))
    other = table.with_columns(pl.Series(column, [1, 2] if column == "sequence" else ["x", "y"]))
    assert journeys(at.stitch(table, outcomes())) == [("c", False, ["ads"])]
    assert journeys(at.stitch(other, outcomes())) == [("c", False, ["ads", "ads"])]


def test_an_event_id_counts_once_by_its_earliest_row() -> None:
    rows = [("c", day(2), "late"), ("c", day(1), "early"), ("d", day(1, 1), "other customer")]
    ours = at.stitch(touchpoints(*rows, event_id=["e", "e", "e"]), outcomes())
    assert journeys(ours) == [("c", False, ["early"])]
    assert ours.report.tables["touchpoints"].set_aside == {"duplicate": 2}


@pytest.mark.parametrize("spelt", ["\u00e9", "e\u0301"], ids=["composed", "decomposed"])
def test_which_row_of_an_event_id_counts_does_not_depend_on_how_a_name_is_spelt(spelt: str) -> None:
    table = touchpoints(("c", day(1), "mail"), ("c", day(1), spelt), event_id=["e", "e"])
    assert journeys(at.stitch(table, outcomes())) == [("c", False, ["mail"])]


@pytest.mark.parametrize("column", ["campaign", "kind"])
@pytest.mark.parametrize("names", [("a", "b"), ("b", "a")])
def test_which_row_of_an_event_id_counts_does_not_depend_on_the_order_of_the_rows(
    column: str, names: tuple[str, str]
) -> None:
    table = touchpoints(*[("c", day(1), "ads")] * 2, event_id=["e", "e"], **{column: names})
    (batch,) = (batch for batch in at.stitch(table, outcomes()) if len(batch.journeys))
    assert [names[row] for row in batch.journeys.touchpoint_row] == ["a"]


def test_rows_without_an_event_id_are_compared_by_what_they_say() -> None:
    rows = [("c", day(1), "a")] * 2 + [("c", day(2), "b")]
    ours = at.stitch(touchpoints(*rows, event_id=[None, "", None]), outcomes())
    assert journeys(ours) == [("c", False, ["a", "b"])]
    assert ours.report.tables["touchpoints"].set_aside == {"duplicate": 1}


RETRIED = touchpoints(*[("c", day(1), "a")] * 3, ("c", day(1, 1), "a"), event_id=["e1", "e2", "e3", "e4"])


def test_retries_with_new_event_ids_are_not_merged_but_counted() -> None:
    ours = at.stitch(RETRIED, outcomes())
    assert journeys(ours) == [("c", False, ["a"] * 4)]
    assert ours.report.notes["retries"] == 2
    assert ours.report.tables["touchpoints"].used == 4


def test_retries_with_new_event_ids_are_warned_of() -> None:
    (line,) = at.stitch(RETRIED, outcomes(("c", day(2)))).report.messages
    assert "2" in line
    assert "event" in line


@pytest.mark.parametrize("ids", [(2, 10), ("2", "10")])
def test_an_event_id_of_two_customers_is_the_same_one_s_for_integers_and_text(ids: tuple[Any, Any]) -> None:
    table = touchpoints(*((each, day(1), "ads") for each in ids), event_id=["e", "e"])
    assert [each[0] for each in journeys(at.stitch(table, outcomes()))] == ["10"]  # compared as text


def test_an_outcome_id_counts_once() -> None:
    ended = outcomes(*[("c", day(1))] * 3, outcome_id=["o", "o", None])
    ours = at.stitch(touchpoints(("c", day(0), "ads")), ended)
    assert ours.report.tables["outcomes"].set_aside == {"duplicate": 1}
    assert ours.table()["leads"].sum() == 2.0


def test_an_outcome_id_that_stands_for_two_outcomes_is_an_error() -> None:
    ended = outcomes(*[("c", day(1))] * 2, outcome_id=["o", "o"], revenue=[1.0, 2.0])
    with pytest.raises(at.TableError, match="'o'"):
        at.stitch(touchpoints(("c", day(0), "ads")), ended)


@pytest.mark.parametrize("seed", range(3))
def test_ties_are_ordered_by_sequence_then_channel_campaign_and_kind(seed: int) -> None:
    order = [
        (None, "z", None, None), (None, "z", None, "click"), (0, "a", None, None), (0, "a", "brand", None),
        (0, "a", "brand", "click"), (0, "a", "brand", "view"), (0, "a", "generic", "click"),
        (0, "b", None, None), (2, "B", None, None), (2, "a", None, None), (10, "a", None, None),
    ]  # fmt: skip
    rows = random.Random(seed).sample(order, len(order))
    sequence, channel, campaign, kind = zip(*rows, strict=True)
    table = touchpoints(
        *(("c", day(1), each) for each in channel), sequence=sequence, campaign=campaign, kind=kind
    )
    (batch,) = (batch for batch in at.stitch(table, outcomes(("c", day(1)))) if len(batch.journeys))
    assert [rows[row] for row in batch.journeys.touchpoint_row] == order


def test_ties_are_ordered_by_the_names_of_channels_and_not_by_first_appearance() -> None:
    for names in (["b", "a", "C"], ["a", "C", "b"]):
        table = touchpoints(*(("c", day(1), name) for name in names))
        assert journeys(at.stitch(table, outcomes())) == [("c", False, ["C", "a", "b"])]


@pytest.mark.parametrize(
    ("times", "sequence", "decided"),
    [
        ([1, 1, 2], None, 1),
        ([1, 2, 2], None, 1),
        ([1, 2, 2, 3], None, 0),  # in the middle, where neither the first nor the last is decided
        ([1, 1], [0, 0], 1),
        ([1, 1], [0, 1], 0),  # the sequence decides, not the name
        ([1], None, 0),
    ],
)
def test_journeys_whose_first_or_last_touchpoint_a_tie_decided_are_counted(
    times: list[int], sequence: list[int] | None, decided: int
) -> None:
    rows = [("c", day(time), f"channel {place}") for place, time in enumerate(times)]
    more = {} if sequence is None else {"sequence": sequence}
    assert at.stitch(touchpoints(*rows, **more), outcomes()).report.notes["decided_ties"] == decided


def test_refunds_are_conserved() -> None:
    table = touchpoints(("c", day(0), "ads"), ("c", day(1), "mail"), ("d", day(0), "ads"))
    ended = outcomes(("c", day(2)), ("d", day(2)), ("e", day(2)), revenue=[-100.0, 30.0, -7.0])
    for model, each in at.attribute(at.stitch(table, ended)).items():
        assert float(each.totals[1]) == pytest.approx(-77.0, rel=1e-9), model
        assert float(each.unattributed[1]) == -7.0, model


def test_fractional_leads_are_credited_exactly() -> None:
    table = touchpoints(("c", day(0), "ads"), ("d", day(0), "mail"))
    ended = outcomes(("c", day(1)), ("d", day(1)), leads=[0.25, 2.5], wins=[0.25, 0.0])
    ours = at.stitch(table, ended)
    assert sorted(ours.table()["count"]) == [0.25, 2.5]
    for model, found in credit(at.attribute(ours)).items():
        assert found == {"ads": 0.25, "mail": 2.5}, model


def test_outcomes_of_no_lead_or_more_wins_than_leads_are_set_aside() -> None:
    ended = outcomes(*[("c", day(1))] * 5, leads=[1, 0, -1, 1, 1], wins=[1, 0, 0, 2, -1])
    ours = at.stitch(touchpoints(("c", day(0), "ads")), ended)
    assert ours.report.tables["outcomes"].set_aside == {"no_leads": 2, "wins_out_of_range": 2}
    assert ours.table()["leads"].to_list() == [1.0]


def test_no_outcomes_make_null_journeys_and_credits_of_zero() -> None:
    ours = at.stitch(touchpoints(("c", day(0), "ads"), ("d", day(0), "mail")), outcomes())
    assert sorted(journeys(ours)) == [("c", False, ["ads"]), ("d", False, ["mail"])]
    assert any("outcomes" in line and "no rows" in line for line in ours.report.warnings)
    for model, each in at.attribute(ours).items():
        assert not each.values.any(), model
        assert each.channels == ("ads", "mail"), model


def test_no_touchpoints_leave_every_outcome_unattributed() -> None:
    ours = at.stitch(touchpoints(), outcomes(("c", day(0)), ("c", day(1))))
    assert ours.report.unattributed == {"no_touchpoints": 2}
    assert any("touchpoints" in line and "no rows" in line for line in ours.report.warnings)
    for model, each in at.attribute(ours).items():
        assert each.unattributed.tolist() == [2.0], model
        assert each.channels == (), model


def test_no_rows_at_all_are_zero_journeys() -> None:
    ours = at.stitch(touchpoints(), outcomes())
    assert len(ours.table()) == 0
    named = "journey_id customer_id ends_at converted channel age_days leads count"
    assert ours.table().columns == named.split()
    for model, each in at.attribute(ours).items():
        assert each.totals.tolist() == [0.0], model


def test_one_customer_with_one_touchpoint_gives_it_all_in_every_model() -> None:
    ours = at.stitch(touchpoints(("c", day(0), "ads")), outcomes(("c", day(0))))
    for model, found in credit(at.attribute(ours)).items():
        assert found == {"ads": 1.0}, model


# What must not change an answer.


def company(seed: int = 7) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return tables of 300 customers with at most one lead each, in whole seconds."""
    lot = random.Random(seed)
    touched, ended = [], []
    for customer in range(300):
        times = [day(lot.randrange(40), 1_000_000 * lot.randrange(86_400)) for _ in range(lot.randrange(8))]
        touched += [(customer, time, lot.choice(["ads", "mail", "search", "Direct"])) for time in times]
        if lot.random() < 0.4:
            ended.append((customer, day(35, 1_000_000 * lot.randrange(86_400))))
    won = [lot.randrange(2) for _ in ended]
    return touchpoints(*touched), outcomes(*ended, wins=won, revenue=[100.0 * each / 3 for each in won])


def moved(table: pl.DataFrame, by: timedelta) -> pl.DataFrame:
    return table.with_columns(pl.col("timestamp") + by)


@pytest.mark.parametrize("by", [MICROSECOND, timedelta(days=-5000, hours=7), timedelta(days=900)])
def test_shifting_all_times_changes_no_digit(by: timedelta) -> None:
    now = datetime(2099, 1, 1, tzinfo=UTC)
    tables = company()
    here = at.attribute(at.stitch(*tables, lookback_days=20, as_of=now))
    there = at.attribute(at.stitch(*(moved(table, by) for table in tables), lookback_days=20, as_of=now))
    assert here.table().equals(there.table())
    assert here.report == there.report


@pytest.mark.parametrize(("factor", "tolerance"), [(2, 0.0), (3, 1e-12), (0.5, 0.0)])
def test_scaling_time_with_the_window_and_the_half_life_changes_no_credit(
    factor: float, tolerance: float
) -> None:
    touched, ended = company()
    scaled = [
        table.with_columns(
            (((pl.col("timestamp") - START).dt.total_microseconds() * factor).cast(pl.Int64) + START_MICROS)
            .cast(INSTANT)
            .alias("timestamp")
        )
        for table in (touched, ended)
    ]
    models = [at.TimeDecay(half_life=3.5), at.Markov(), at.PositionBased(), at.FirstTouch()]
    here = at.attribute(at.stitch(touched, ended, lookback_days=20), *models)
    slow = [replace(models[0], half_life=3.5 * factor), *models[1:]]
    there = at.attribute(at.stitch(*scaled, lookback_days=20 * factor), *slow)
    for model in models:
        assert here[model.name].channels == there[model.name].channels
        ours, theirs = here[model.name].values.ravel(), there[model.name].values.ravel()
        assert ours.tolist() == pytest.approx(theirs.tolist(), rel=tolerance, abs=0), model


START_MICROS = round(START.timestamp()) * 1_000_000


@pytest.mark.parametrize("where", ["outside the window", "after the outcome"])
def test_a_touchpoint_that_is_not_eligible_changes_no_rule(where: str) -> None:
    touched, ended = company()
    far = timedelta(days=20) + MICROSECOND
    shift = -far if where == "outside the window" else MICROSECOND
    more = moved(ended, shift).select("customer_id", "timestamp", channel=pl.lit("mail"))
    here = at.attribute(at.stitch(touched, ended, lookback_days=20), *rules())
    there = at.attribute(at.stitch(pl.concat([touched, more]), ended, lookback_days=20), *rules())
    assert len(more) > 100
    assert here.table().equals(there.table())


def test_a_null_journey_changes_no_rule() -> None:
    touched, ended = company()
    more = touchpoints(*((10**6 + i, day(i % 50), "mail") for i in range(200)))
    here = at.attribute(at.stitch(touched, ended), *rules())
    there = at.attribute(at.stitch(pl.concat([touched, more]), ended), *rules())
    assert here.table().equals(there.table())


# Columns and names.


def test_outcomes_are_the_columns_that_are_named_in_that_order() -> None:
    ended = outcomes(("c", day(1)), ("c", day(2)), demos=[2, 3], calls=[None, 5.5])
    ours = at.stitch(
        touchpoints(("c", day(0), "ads")), ended, outcome_names=["demos", "calls"], restart=False
    )
    assert ours.outcome_names == ("demos", "calls")
    assert ours.table().select("demos", "calls", "count").rows() == [(2.0, 0.0, 2.0), (3.0, 5.5, 3.0)]
    result = at.attribute(ours)
    assert credit(result)["linear"] == {"ads": 5.0}
    assert credit(result, 1)["linear"] == {"ads": 5.5}


@pytest.mark.parametrize("name", ["journey_id", "ends_at", "converted", "channel", "age_days", "count"])
def test_an_outcome_that_would_hide_a_column_of_the_journeys_table_is_refused(name: str) -> None:
    ended = outcomes(("c", day(1)), **{name: [1]})
    with pytest.raises(at.AttributionError, match=name):
        at.stitch(touchpoints(("c", day(0), "ads")), ended, outcome_names=["leads", name]).table()


NAMED = {"customer_id": "cookie", "timestamp": "time", "channel": "source", "revenue": "value"}


@pytest.mark.parametrize(
    "columns",
    [
        NAMED,
        {
            "touchpoints": {ours: theirs for ours, theirs in NAMED.items() if ours != "revenue"},
            "outcomes": {ours: theirs for ours, theirs in NAMED.items() if ours != "channel"},
        },
    ],
    ids=["flat", "nested"],
)
def test_columns_can_be_mapped_for_both_tables_at_once_or_for_each(columns: Mapping[str, Any]) -> None:
    table = touchpoints(("c", day(0), "ads")).rename(NAMED, strict=False)
    ended = outcomes(("c", day(1)), revenue=[5.0]).rename(NAMED, strict=False)
    ours = at.stitch(table, ended, columns=columns)
    assert journeys(ours) == [("c", True, ["ads"])]
    assert ours.table()["revenue"].to_list() == [5.0]


@pytest.mark.parametrize("nested", [True, False], ids=["nested", "flat"])
def test_the_column_of_an_outcome_of_one_s_own_can_be_mapped(nested: bool) -> None:
    columns = {"demos": "Demo count"}
    ours = at.stitch(
        touchpoints(("c", day(0), "ads")),
        outcomes(("c", day(1)), **{"Demo count": [4]}),
        outcome_names=["demos"],
        columns={"outcomes": columns} if nested else columns,
    )
    assert ours.table()["demos"].to_list() == [4.0]


# Customers.


@pytest.mark.parametrize(
    "number", [42, 0, -7, 10**17, 10**18 - 1, 10**18, 10**18 + 1, 2**63 - 1, -(10**18), -(2**63)]
)
def test_a_number_and_its_text_are_one_customer(number: int) -> None:
    as_number, as_text = touchpoints((number, day(0), "ads")), outcomes((str(number), day(1)))
    assert journeys(at.stitch(as_number, as_text)) == [(str(number), True, ["ads"])]
    other = at.stitch(
        as_number.with_columns(pl.col("customer_id").cast(pl.String)), outcomes((number, day(1)))
    )
    assert journeys(other) == [(str(number), True, ["ads"])]


@pytest.mark.parametrize("text", ["042", "42 ", "+42", "42.0", "4_2", "\u0664\u0662", "-42"])
def test_text_that_is_written_otherwise_is_another_customer(text: str) -> None:
    ours = at.stitch(touchpoints((42, day(0), "ads")), outcomes((text, day(1))))
    assert ours.report.unattributed == {"no_touchpoints": 1}
    assert {each[0] for each in journeys(ours)} == {"42", text}


def test_integers_beyond_ten_to_the_eighteenth_are_told_apart_to_the_last_digit() -> None:
    numbers = [10**18 + each for each in range(50)]
    ours = at.stitch(
        touchpoints(*((number, day(0), f"channel {number}") for number in numbers)),
        outcomes(*((number, day(1)) for number in numbers)),
    )
    assert {each[0]: each[2] for each in journeys(ours)} == {str(n): [f"channel {n}"] for n in numbers}


def test_unsigned_integers_beyond_int64_are_customers_too() -> None:
    table = touchpoints(("c", day(0), "ads")).with_columns(
        customer_id=pl.Series([2**64 - 1], dtype=pl.UInt64)
    )
    assert journeys(at.stitch(table, outcomes((str(2**64 - 1), day(1))))) == [(str(2**64 - 1), True, ["ads"])]


@pytest.mark.parametrize("naive", ["touchpoints", "outcomes"])
def test_times_with_a_zone_in_one_table_alone_are_an_error_that_names_the_option(naive: str) -> None:
    tables = {"touchpoints": touchpoints(("c", day(0), "ads")), "outcomes": outcomes(("c", day(1)))}
    tables[naive] = tables[naive].with_columns(pl.col("timestamp").dt.replace_time_zone(None))
    with pytest.raises(at.TableError, match=rf"(?s)^{naive}.*timezone='UTC'"):
        at.stitch(**tables)
    declared = at.stitch(**tables, reading=at.Reading(timezone="UTC"))
    assert journeys(declared) == [("c", True, ["ads"])]


def test_times_without_a_zone_are_utc_with_a_warning_for_each_table() -> None:
    plain = pl.col("timestamp").dt.replace_time_zone(None)
    table = touchpoints(("c", day(0), "ads")).with_columns(plain)
    ours = at.stitch(table, outcomes(("c", day(1))).with_columns(plain))
    assert ours.table()["ends_at"].to_list() == [day(1)]
    assert [line.split()[0] for line in ours.report.warnings if "timezone" in line] == [
        "touchpoints",
        "outcomes",
    ]


@pytest.mark.parametrize("kind", ["one instant", "reversed in time", "in order"])
def test_a_customer_may_have_five_thousand_touchpoints(kind: str) -> None:
    size = 5000
    names = [f"channel {place:04}" for place in range(size)]
    times = {
        "one instant": [day(1)] * size,
        "reversed in time": [day(1, size - place) for place in range(size)],
        "in order": [day(1, place) for place in range(size)],
    }[kind]
    given = names if kind == "in order" else names[::-1]
    rows = [("c", time, name) for time, name in zip(times, given, strict=True)]
    ours = at.stitch(touchpoints(*rows), outcomes(("c", day(2))))
    assert journeys(ours) == [("c", True, names)]
    assert credit(at.attribute(ours, at.FirstTouch(), at.LastTouch())) == {
        "first_touch": {names[0]: 1.0},
        "last_touch": {names[-1]: 1.0},
    }


# The table.


def test_a_journey_is_named_by_its_customer_and_its_place_in_time() -> None:
    table = touchpoints(*(("c/1", day(each + 0.5), "ads") for each in range(12)), ("d", day(0), "mail"))
    ended = outcomes(*(("c/1", day(each + 1)) for each in reversed(range(11))))
    named = at.stitch(table, ended).table().filter(pl.col("customer_id") == "c/1")
    assert named["journey_id"].to_list() == [f"c/1/{place}" for place in range(1, 13)]
    assert named["ends_at"].is_sorted()
    assert named["converted"].to_list() == [True] * 11 + [False]


def test_the_table_is_in_order_of_the_customer_s_hash_then_of_time() -> None:
    touched, ended = company()
    table = at.stitch(touched, ended).table()
    high, low = hashed(table["customer_id"])
    keys = list(zip(high.tolist(), low.tolist(), table["ends_at"].to_list(), strict=True))
    assert keys == sorted(keys)
    assert table["customer_id"].n_unique() > 200


def test_stitched_journeys_can_be_iterated_many_times() -> None:
    ours = at.stitch(*company())
    assert ours.table().equals(ours.table())
    table, report = once(ours)
    assert ours.table().equals(table)
    assert ours.report == report
    assert sum(len(batch.journeys) for batch in ours) == report.notes["journeys"] == len(table)


def test_row_numbers_lead_back_to_the_tables() -> None:
    touched, ended = company()
    ours = at.stitch(touched, ended)
    table, rows = ours.table(), at.Journeys.joined([batch.journeys for batch in ours])
    assert (
        touched["channel"][rows.touchpoint_row].to_list() == table["channel"].explode().drop_nulls().to_list()
    )
    found = ended[rows.outcome_row[rows.outcome_row >= 0]]
    converting = table.filter("converted")
    assert found["timestamp"].to_list() == converting["ends_at"].to_list()
    assert found["customer_id"].cast(pl.String).to_list() == converting["customer_id"].to_list()


def test_the_report_of_credits_is_that_of_their_journeys() -> None:
    table = touchpoints(("c", day(0), "ads"), (None, day(0), "ads"), ("c", day(0), " "))
    ours = at.stitch(table, outcomes(("c", day(1)), (None, day(1))))
    assert ours.report.tables["touchpoints"].set_aside == {"null_channel": 1, "null_user": 1}
    assert at.attribute(ours, at.Linear()).report == ours.report


def test_the_report_adds_up_and_is_a_table() -> None:
    report = at.stitch(*company(), lookback_days=10).report
    rows = report.tables["touchpoints"]
    assert rows.read == rows.used + sum(rows.set_aside.values())
    table = report.table()
    shown = dict(table.filter(table="touchpoints").select("what", "rows").iter_rows())
    assert shown["read"] == rows.read
    assert shown["set aside: outside_window"] == rows.set_aside["outside_window"] > 0
    attributed = report.notes["converting_journeys"] - sum(report.unattributed.values())
    assert report.tables["outcomes"].used == attributed + sum(report.unattributed.values())
    twice = report + report
    assert twice.tables["touchpoints"].read == 2 * rows.read
    assert twice.warnings == report.warnings
