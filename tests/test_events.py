"""Events: one table of touchpoints and conversions becomes the two that are stitched."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import permutations
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import attribution as at

INSTANT = pl.Datetime("us", "UTC")
START = datetime(2026, 1, 1, tzinfo=UTC)


def events(*rows: tuple[Any, float, str, Any], **columns: Sequence[Any]) -> pl.DataFrame:
    """Return an events table of (customer, day, channel, conversion)."""
    customers, days, channels, conversions = zip(*rows, strict=True) if rows else ((), (), (), ())
    return pl.DataFrame(
        {
            "customer_id": pl.Series(customers, dtype=None if rows else pl.String),
            "timestamp": pl.Series([START + timedelta(days=day) for day in days], dtype=INSTANT),
            "channel": pl.Series(channels, dtype=pl.String),
            "conversion": pl.Series(conversions, dtype=None if rows else pl.Int64),
            **columns,
        }
    )


def stitched(table: pl.DataFrame, **options: Any) -> at.Stitched:
    split = at.split_events(table, **options)
    return at.stitch(split.touchpoints, split.outcomes)


def journeys(table: pl.DataFrame, **options: Any) -> list[tuple[str, bool, list[str]]]:
    return stitched(table, **options).table().select("customer_id", "converted", "channel").rows()


def test_the_row_that_converted_belongs_to_its_journey_at_age_zero() -> None:
    table = events(("c", 0, "ads", 0), ("c", 1, "mail", 1), ("c", 2, "tv", 0))
    assert journeys(table) == [("c", True, ["ads", "mail"]), ("c", False, ["tv"])]
    assert stitched(table).table()["age_days"].to_list() == [[1.0, 0.0], [0.0]]


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_the_row_that_converted_is_the_last_of_its_instant(order: tuple[int, ...]) -> None:
    table = events(("c", 1, "a", 1), ("c", 1, "b", 0), ("c", 1, "z", 0))[list(order)]
    assert journeys(table) == [("c", True, ["b", "z", "a"])]


def test_a_sequence_is_kept_and_the_row_that_converted_still_last() -> None:
    table = events(("c", 1, "a", 0), ("c", 1, "b", 0), ("c", 1, "c", 1), ("c", 1, "d", 0))
    given = table.with_columns(sequence=pl.Series([3, 2, 1, None]))
    assert journeys(given) == [("c", True, ["d", "b", "a", "c"])]


def test_rows_of_no_sequence_come_before_any_as_they_do_in_stitch() -> None:
    table = events(("c", 1, "a", 0), ("c", 1, "b", 0)).with_columns(sequence=pl.Series([-1, None]))
    split = at.stitch(table.drop("conversion"), events().drop("channel", "conversion"))
    assert split.table()["channel"].to_list() == [["b", "a"]]
    assert journeys(table) == [("c", False, ["b", "a"])]


def test_rows_that_converted_in_one_instant_keep_their_sequence() -> None:
    table = events(("c", 1, "b", 1), ("c", 1, "a", 1), ("c", 1, "c", 0))
    given = table.with_columns(sequence=pl.Series([1, 2, 3]))
    assert journeys(given) == [("c", True, ["c", "b", "a"])] * 2


@pytest.mark.parametrize("largest", [2**62, 2**63 - 1])
def test_the_largest_sequence_leaves_room_for_the_row_that_converted(largest: int) -> None:
    table = events(("c", 1, "a", 1), ("c", 1, "b", 0)).with_columns(sequence=pl.Series([0, largest]))
    assert journeys(table) == [("c", True, ["b", "a"])]


def test_every_mark_is_a_lead_and_its_value_revenue() -> None:
    table = events(("c", 0, "a", 1), ("c", 1, "b", 0), ("c", 2, "b", 1), revenue=[5.0, 99.0, None])
    split = at.split_events(table)
    assert split.outcomes["leads"].to_list() == [1.0, 1.0]
    assert split.outcomes["revenue"].to_list() == [5.0, 0.0]
    assert len(split.touchpoints) == 3


@pytest.mark.parametrize(
    "marks",
    [
        [1, 0, 1, 0],
        [1.0, 0.0, 1.0, None],
        [True, False, True, False],
        ["yes", "no", "YES", ""],
        ["1", "0", " 1 ", None],
        ["true", "FALSE", "True", "false"],
    ],
    ids=str,
)
def test_a_mark_may_be_written_in_several_ways(marks: list[Any]) -> None:
    table = events(*zip("cdef", range(4), "abab", [0] * 4, strict=True)).with_columns(
        conversion=pl.Series(marks)
    )
    assert at.split_events(table).outcomes["customer_id"].to_list() == ["c", "e"]


@pytest.mark.parametrize("mark", ["maybe", "2", "y"])
def test_an_unknown_mark_is_set_aside(mark: str) -> None:
    table = events(("c", 0, "a", "yes"), ("c", 1, "b", mark))
    split = at.split_events(table)
    assert split.report.tables["events"].set_aside == {"bad_flag": 1}
    assert len(split.touchpoints) == 1


def test_a_mark_that_is_another_number_than_0_or_1_is_set_aside() -> None:
    split = at.split_events(events(("c", 0, "a", 1.0), ("c", 1, "b", 2.0), ("c", 2, "b", 0.5)))
    assert split.report.tables["events"].set_aside == {"bad_flag": 2}


def test_rows_that_cannot_be_used_are_neither_touchpoints_nor_outcomes() -> None:
    table = events(("c", 0, "a", 1), (None, 1, "a", 1), ("c", 2, " ", 1), ("c", 3, "b", 0))
    split = at.split_events(table)
    rows = split.report.tables["events"]
    assert (rows.read, rows.used, dict(rows.set_aside)) == (4, 2, {"null_user": 1, "null_channel": 1})
    assert (len(split.touchpoints), len(split.outcomes)) == (2, 1)


def test_optional_columns_are_handed_on_and_others_are_not() -> None:
    table = events(("c", 0, "a", 1), campaign=["x"], event_id=["e"], kind=["click"], device=["phone"])
    split = at.split_events(table)
    assert set(split.touchpoints.columns) == {
        "customer_id", "timestamp", "channel", "campaign", "sequence", "event_id", "kind",
    }  # fmt: skip
    assert split.touchpoints.select("campaign", "event_id", "kind").row(0) == ("x", "e", "click")


def test_columns_can_be_mapped() -> None:
    names = {"customer_id": "user", "timestamp": "time", "conversion": "sale", "revenue": "value"}
    table = events(("c", 0, "a", 1), revenue=[3.0]).rename(names)
    assert at.split_events(table, columns=names).outcomes["revenue"].to_list() == [3.0]


def test_a_file_gives_what_its_frame_gives(tmp_path: Path) -> None:
    table = events(("c", 0, "a", 0), ("c", 1, "b", 1), ("d", 1, "b", 0))
    table.write_csv(tmp_path / "events.csv")
    split = at.split_events(tmp_path / "events.csv")
    assert at.stitch(split.touchpoints, split.outcomes).table().equals(stitched(table).table())


def test_no_events_are_no_journeys() -> None:
    split = at.split_events(events())
    assert (len(split.touchpoints), len(split.outcomes)) == (0, 0)
    assert len(at.stitch(split.touchpoints, split.outcomes).table()) == 0


def test_events_without_a_conversion_are_null_journeys() -> None:
    assert journeys(events(("c", 0, "a", 0), ("c", 1, "b", 0))) == [("c", False, ["a", "b"])]


# A conversion that is told twice.


def test_an_exact_duplicate_of_a_row_that_converted_counts_once() -> None:
    table = events(("c", 0, "a", 0), ("c", 1, "b", 1), ("c", 1, "b", 1), revenue=[0.0, 5.0, 5.0])
    ours = stitched(table).table()
    assert ours.select("channel", "leads", "revenue").rows() == [(["a", "b"], 1.0, 5.0)]


def test_an_event_id_that_converted_counts_once() -> None:
    table = events(("c", 1, "b", 1), ("c", 1, "b", 1), ("c", 2, "b", 1), event_id=["e", "e", "f"])
    assert stitched(table).table()["leads"].to_list() == [1.0, 1.0]


def test_two_conversions_of_one_instant_through_two_channels_are_two() -> None:
    assert stitched(events(("c", 1, "a", 1), ("c", 1, "b", 1))).table()["leads"].sum() == 2.0


# One mark a journey.


def marked(*rows: tuple[Any, float, str, Any, Any], **columns: Sequence[Any]) -> pl.DataFrame:
    """Return an events table of (customer, day, channel, conversion, journey)."""
    journey = pl.Series([row[4] for row in rows], dtype=pl.String)
    return events(*(row[:4] for row in rows), journey=journey, **columns)


def test_a_mark_on_every_row_of_a_journey_is_one_conversion_on_its_last() -> None:
    table = marked(
        ("c", 0, "a", 1, "j1"), ("c", 2, "b", 1, "j1"), ("c", 1, "z", 1, "j1"),
        ("d", 0, "a", 0, "j2"), ("d", 1, "b", 0, "j2"),
    )  # fmt: skip
    split = at.split_events(table, flag="journey")
    assert split.outcomes.select("customer_id", "timestamp").rows() == [("c", START + timedelta(days=2))]
    assert sorted(journeys(table, flag="journey")) == [("c", True, ["a", "z", "b"]), ("d", False, ["a", "b"])]


def test_a_mark_on_any_row_of_a_journey_makes_it_convert_at_its_last() -> None:
    table = marked(("c", 0, "a", 1, "j"), ("c", 3, "b", 0, "j"))
    assert at.split_events(table, flag="journey").outcomes["timestamp"].to_list() == [
        START + timedelta(days=3)
    ]


def test_a_customer_may_have_several_marked_journeys() -> None:
    table = marked(
        ("c", 0, "a", 1, "j1"), ("c", 1, "b", 1, "j1"), ("c", 2, "a", 1, "j2"), ("c", 3, "b", 0, "j3")
    )
    assert journeys(table, flag="journey") == [
        ("c", True, ["a", "b"]),
        ("c", True, ["a"]),
        ("c", False, ["b"]),
    ]


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_the_last_row_of_a_journey_does_not_depend_on_the_order_of_the_file(order: tuple[int, ...]) -> None:
    table = marked(
        ("c", 1, "a", 1, "j"), ("c", 1, "b", 1, "j"), ("c", 1, "a", 1, "j"),
        revenue=[1.0, 2.0, 3.0], campaign=["x", "y", "z"],
    )  # fmt: skip
    expected = stitched(table, flag="journey").table()
    assert stitched(table[list(order)], flag="journey").table().equals(expected)


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_the_value_of_a_journey_does_not_depend_on_the_order_of_the_file(order: tuple[int, ...]) -> None:
    table = marked(*[("c", 1, "a", 1, "j")] * 3, revenue=[1.0, 2.0, 3.0], campaign=["x", "x", "x"])
    expected = at.split_events(table, flag="journey").outcomes
    assert at.split_events(table[list(order)], flag="journey").outcomes.equals(expected)


def test_rows_of_no_journey_are_not_put_into_one() -> None:
    table = marked(("c", 0, "a", 1, None), ("d", 1, "b", 1, None), ("e", 2, "b", 1, "j"))
    split = at.split_events(table, flag="journey")
    rows = split.report.tables["events"]
    in_outcomes, aside = len(split.outcomes), sum(rows.set_aside.values())
    assert in_outcomes + aside == 3  # each converts by itself, or is set aside with a reason
    assert rows.read == rows.used + aside


def test_an_exact_duplicate_of_the_last_row_of_a_journey_counts_once() -> None:
    table = marked(("c", 0, "a", 1, "j"), ("c", 1, "b", 1, "j"), ("c", 1, "b", 1, "j"))
    assert journeys(table, flag="journey") == [("c", True, ["a", "b"])]


def test_one_column_may_be_customer_and_journey() -> None:
    table = events(("c", 0, "a", 1), ("c", 1, "b", 1), ("d", 0, "a", 0))
    columns = {"customer_id": "customer_id", "journey": "customer_id"}
    split = at.split_events(table, columns=columns, flag="journey")
    assert len(split.outcomes) == 1


def test_a_missing_journey_column_and_an_unknown_meaning_of_the_mark_are_errors() -> None:
    with pytest.raises(at.TableError, match="journey"):
        at.split_events(events(("c", 0, "a", 1)), flag="journey")
    with pytest.raises(at.ParameterError, match="flag"):
        at.split_events(events(("c", 0, "a", 1)), flag="customer")


# Random tables.


@settings(max_examples=settings().max_examples // 2)
@given(
    rows=st.lists(
        st.tuples(st.sampled_from("cde"), st.integers(0, 3), st.sampled_from("abz"), st.integers(0, 1)),
        unique_by=lambda row: row[:3],
        max_size=12,
    ),
    seed=st.integers(0, 1000),
)
def test_every_row_is_a_touchpoint_and_every_mark_an_outcome_with_that_touchpoint_at_age_zero(
    rows: list[tuple[str, int, str, int]], seed: int
) -> None:
    table = events(*rows).sample(fraction=1, shuffle=True, seed=seed)
    found = stitched(table).table()
    assert found["leads"].sum() == sum(row[3] for row in rows)
    assert found["channel"].list.len().min() in (None, *range(1, 13))  # none is unattributed
    apart = found.unique(["customer_id", "ends_at"])  # outcomes of one instant share their touchpoints
    assert apart["channel"].list.len().sum() == len(rows)
    ends = Counter((c, day) for c, day, _, mark in rows if mark)
    last = {(c, day): sorted(ch for c2, d2, ch, m in rows if (c2, d2, m) == (c, day, 1)) for c, day in ends}
    for customer, end, channels, ages in (
        found.filter("converted").select("customer_id", "ends_at", "channel", "age_days").rows()
    ):
        tail = last[customer, (end - START).days]
        assert channels[-len(tail) :] == tail
        assert ages[-len(tail) :] == [0.0] * len(tail)
