"""Journeys: shapes that do not fit, selecting, converting, other vocabularies, and the table and back."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.strategies import DataObject
from oracles import Row
from strategies import journeys, journeys_of, rows_of

from attribution.errors import VocabularyError
from attribution.journeys import DAY, TIME, Journeys

WHOLE: dict[str, Any] = {
    "channels": ("ads", "mail"),
    "outcome_names": ("leads", "revenue"),
    "offsets": [0, 2, 2, 3],
    "channel": [0, 1, 1],
    "age_days": [1.5, 0.0, 0.0],
    "count": [1, 2, 3],
    "outcomes": [[1, 10], [2, 0], [0, 0]],
    "ends_at": [10 * DAY, 11 * DAY, 12 * DAY],
    "outcome_row": [0, 1, -1],
    "touchpoint_row": [7, 8, 9],
}
ARRAYS = ("offsets", "channel", "age_days", "count", "outcomes", "ends_at", "outcome_row", "touchpoint_row")


def same(left: Journeys, right: Journeys) -> bool:
    """Whether two batches are equal in every array."""
    pairs = [(getattr(left, name), getattr(right, name)) for name in ARRAYS]
    return (left.channels, left.outcome_names) == (right.channels, right.outcome_names) and all(
        (a is None and b is None) or (a is not None and b is not None and np.array_equal(a, b))
        for a, b in pairs
    )


# Shapes.


def test_arrays_are_brought_to_their_types_and_frozen() -> None:
    batch = Journeys(**WHOLE)
    types = {name: str(getattr(batch, name).dtype) for name in ARRAYS}
    assert types == {
        "offsets": "int64",
        "channel": "uint16",
        "age_days": "float64",
        "count": "float64",
        "outcomes": "float64",
        "ends_at": "int64",
        "outcome_row": "int64",
        "touchpoint_row": "uint32",
    }
    for name in ARRAYS:
        with pytest.raises(ValueError, match="read-only"):
            getattr(batch, name)[0] = 0
    with pytest.raises(FrozenInstanceError):
        batch.channels = ()  # type: ignore[misc]
    assert (len(batch), batch.touchpoints) == (3, 3)


@pytest.mark.parametrize(
    ("name", "value", "shape", "expected"),
    [
        ("age_days", [0.0, 0.0], (2,), (3,)),
        ("age_days", [[0.0, 0.0, 0.0]], (1, 3), (3,)),
        ("count", [1.0, 1.0], (2,), (3,)),
        ("count", [1.0] * 4, (4,), (3,)),
        ("outcomes", [[1, 0], [0, 0]], (2, 2), (3, 2)),
        ("outcomes", [1, 2, 0], (3,), (3, 2)),
        ("outcomes", [[1], [2], [0]], (3, 1), (3, 2)),
        ("ends_at", [1], (1,), (3,)),
        ("outcome_row", [1, 2], (2,), (3,)),
        ("touchpoint_row", [1], (1,), (3,)),
    ],
)
def test_a_shape_that_does_not_fit_is_refused(
    name: str, value: object, shape: tuple[int, ...], expected: tuple[int, ...]
) -> None:
    with pytest.raises(ValueError, match="got shape") as refused:
        Journeys(**{**WHOLE, name: value})
    assert str(refused.value) == f"Journeys.{name}: got shape {shape}, expected {expected}"


@pytest.mark.parametrize("offsets", [[0, 2, 1, 3], [1, 2, 2, 3], [0, 2, 2, 2], [0, 2, 2, 4], [0, 4, 2, 3]])
def test_offsets_that_do_not_rise_from_0_to_all_touchpoints_are_refused(offsets: list[int]) -> None:
    with pytest.raises(ValueError, match=r"Journeys.offsets: expected to rise from 0 to 3 touchpoints"):
        Journeys(**{**WHOLE, "offsets": offsets})


def test_no_offsets_at_all_are_refused() -> None:
    with pytest.raises(ValueError, match="Journeys"):
        Journeys(("a",), ("leads",), [], [], None, [], np.zeros((0, 1)))


@pytest.mark.parametrize("code", [2, 3, 65_535])
def test_a_code_outside_the_vocabulary_is_refused(code: int) -> None:
    with pytest.raises(ValueError, match=r"Journeys.channel: a code is outside the vocabulary"):
        Journeys(**{**WHOLE, "channel": [0, code, 1]})


# Codes are unsigned words of 16 bits: what does not fit must not come back as another channel.
@pytest.mark.parametrize("code", [65_536, 65_537, -65_535, -1])
def test_a_code_that_does_not_fit_its_type_is_refused(code: int) -> None:
    with pytest.raises((ValueError, OverflowError)):
        Journeys(**{**WHOLE, "channel": np.array([0, code, 1])})


def test_no_journey_is_a_batch() -> None:
    none = Journeys((), ("leads",), [0], [], [], [], np.zeros((0, 1)))
    assert (len(none), none.touchpoints, len(none.converting)) == (0, 0, 0)


# Selecting.


@given(batch=journeys(), draw=st.data())
def test_selecting_keeps_whole_journeys_in_their_order(batch: Journeys, draw: DataObject) -> None:
    keep = draw.draw(st.lists(st.booleans(), min_size=len(batch), max_size=len(batch)))
    kept = batch.select(np.array(keep, dtype=np.bool_))
    assert rows_of(kept) == [row for row, stays in zip(rows_of(batch), keep, strict=True) if stays]


def test_selecting_takes_every_array_along() -> None:
    kept = Journeys(**WHOLE).select(np.array([True, False, True]))
    assert kept.offsets.tolist() == [0, 2, 3]
    assert kept.age_days is not None
    assert kept.ends_at is not None
    assert kept.outcome_row is not None
    assert kept.touchpoint_row is not None
    assert kept.age_days.tolist() == [1.5, 0, 0]
    assert kept.ends_at.tolist() == [10 * DAY, 12 * DAY]
    assert kept.outcome_row.tolist() == [0, -1]
    assert kept.touchpoint_row.tolist() == [7, 8, 9]
    last = Journeys(**WHOLE).select(np.array([False, True, True]))
    assert last.touchpoint_row is not None
    assert last.touchpoint_row.tolist() == [9]


@given(batch=journeys())
def test_converting_journeys_are_those_with_any_outcome(batch: Journeys) -> None:
    assert rows_of(batch.converting) == [row for row in rows_of(batch) if any(row.outcomes)]
    assert batch.converting is batch.converting


def test_a_refund_is_an_outcome() -> None:
    batch = journeys_of(
        [Row(("a",), 1.0, (0.0, -5.0)), Row(("a",), 1.0, (0.0, 0.0))], ("a",), ("leads", "revenue")
    )
    assert rows_of(batch.converting) == [Row(("a",), 1.0, (0.0, -5.0))]


def test_ages_that_are_not_there_are_an_error() -> None:
    assert Journeys(**WHOLE).age.tolist() == [1.5, 0, 0]
    with pytest.raises(ValueError, match="these journeys have no ages"):
        _ = Journeys(**{**WHOLE, "age_days": None}).age


# Joining.


@given(draw=st.data(), ages=st.booleans())
def test_parts_are_joined_one_after_the_other(draw: DataObject, ages: bool) -> None:
    one = st.shared(st.sampled_from([("a", "b"), ("c",)]), key="names").flatmap(
        lambda names: journeys(vocabularies=[names], ages=ages, most=6, shortest=1)
    )
    parts = draw.draw(st.lists(one.filter(len), min_size=1, max_size=4))
    whole = Journeys.joined(parts)
    assert rows_of(whole) == [row for part in parts for row in rows_of(part)]
    assert same(Journeys.joined([whole]), whole)


def test_joining_takes_every_array_along() -> None:
    batch = Journeys(**WHOLE)
    nothing = batch.select(np.zeros(3, dtype=np.bool_))
    twice = Journeys.joined([nothing, batch, nothing, batch])
    halves = [twice.select(np.arange(6) // 3 == half) for half in (0, 1)]
    assert same(halves[0], batch)
    assert same(halves[1], batch)


# Vocabularies.


@given(batch=journeys(), draw=st.data())
def test_another_vocabulary_changes_codes_and_not_names(batch: Journeys, draw: DataObject) -> None:
    more = draw.draw(st.lists(st.sampled_from(["a", "b", "zz", "Ö"]), unique=True))
    wide = draw.draw(st.permutations([*batch.channels, *more]))
    moved = batch.recode(wide)
    assert moved.channels == tuple(wide)
    assert rows_of(moved) == rows_of(batch)
    assert same(moved.recode(wide), moved)


def test_a_vocabulary_without_a_channel_is_refused() -> None:
    with pytest.raises(VocabularyError, match=r"channels differ in 'mail'; bring both to one vocabulary"):
        Journeys(**WHOLE).recode(("ads",))


# The table and back.


@given(batch=journeys(), ages=st.booleans())
def test_a_table_comes_back_as_the_same_journeys(batch: Journeys, ages: bool) -> None:
    assume(len(batch))  # without rows nobody knows whether there were ages
    batch = batch if ages else replace(batch, age_days=None)
    back = Journeys.from_table(batch.to_table(), batch.channels, batch.outcome_names)
    assert same(back, batch)


@pytest.mark.parametrize("ages", [[1.5, 0.0, 0.0], None])
def test_the_table_has_its_columns_and_types(ages: list[float] | None) -> None:
    table = Journeys(**{**WHOLE, "age_days": ages}).to_table()
    names = pl.Enum(["ads", "mail"])
    assert dict(table.schema) == {
        "ends_at": TIME,
        "converted": pl.Boolean,
        "channel": pl.List(names),
        "age_days": pl.List(pl.Float64),
        "leads": pl.Float64,
        "revenue": pl.Float64,
        "count": pl.Float64,
    }
    assert table["channel"].to_list() == [["ads", "mail"], [], ["mail"]]
    assert table["age_days"].to_list() == ([[1.5, 0.0], [], [0.0]] if ages else [None, None, None])
    assert table["converted"].to_list() == [True, True, False]
    assert table["ends_at"].to_list() == [datetime(1970, 1, 11 + day, tzinfo=UTC) for day in range(3)]
    assert table["revenue"].to_list() == [10, 0, 0]
    assert table["count"].to_list() == [1, 2, 3]


def test_ends_come_back_and_rows_of_other_tables_do_not() -> None:
    batch = Journeys(**WHOLE)
    back = Journeys.from_table(batch.to_table(), batch.channels, batch.outcome_names)
    assert same(back, replace(batch, outcome_row=None, touchpoint_row=None))
    no_ends = replace(batch, ends_at=None)
    assert Journeys.from_table(no_ends.to_table(), batch.channels, batch.outcome_names).ends_at is None


def test_a_table_may_leave_out_ages_and_ends_and_name_more_channels() -> None:
    table = Journeys(**WHOLE).to_table().select("channel", "leads", "count")
    back = Journeys.from_table(table, ("a", "ads", "mail"), ("leads",))
    assert back.age_days is None
    assert back.ends_at is None
    assert rows_of(back)[0] == Row(("ads", "mail"), 1.0, (1.0,))


@pytest.mark.parametrize("channels", [255, 256, 300, 70_000])
def test_many_channels_come_back(channels: int) -> None:
    names = tuple(f"c{i:05}" for i in range(min(channels, 65_535)))
    batch = journeys_of(
        [Row((names[-1], names[0], names[254]), 1.0, (1.0,), (2.0, 1.0, 0.0))], names, ("leads",)
    )
    assert same(Journeys.from_table(batch.to_table(), names, ("leads",)), batch)


def test_journeys_that_are_all_empty_come_back() -> None:
    batch = journeys_of([Row((), 1.0, (1.0, 1.0, 2.0), ()), Row((), 4.0, (0.0, 0.0, 0.0), ())], ("a",))
    assert same(Journeys.from_table(batch.to_table(), ("a",), batch.outcome_names), batch)
    bare = replace(batch, age_days=None)
    assert same(Journeys.from_table(bare.to_table(), ("a",), batch.outcome_names), bare)


def test_slices_and_pieces_of_a_table_come_back() -> None:
    batch = journeys_of(
        [
            Row(("b", "a"), 1.0, (1.0,), (3.0, 0.0)),
            Row((), 1.0, (1.0,), ()),
            Row(("c",), 2.0, (0.0,), (1.0,)),
        ],
        ("a", "b", "c"),
        ("leads",),
    )
    table = batch.to_table()
    pieces = pl.concat([table[1:], table[:1]], rechunk=False)
    back = Journeys.from_table(pieces, batch.channels, batch.outcome_names)
    assert rows_of(back) == [*rows_of(batch)[1:], rows_of(batch)[0]]
