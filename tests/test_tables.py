"""The gate: every cell of every column is typed, or its row is set aside by reason; nothing is lost."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import attribution as at
from attribution import AttributionError, Reading, TableError
from attribution.tables import TABLES, Checked, Column, RowCount, added, check_table

MOMENT = datetime(2026, 3, 5, 8, 30, tzinfo=UTC)


def touchpoints(**columns: Any) -> pl.DataFrame:
    """Return touchpoints with some columns replaced, added or (None) left out."""
    rows = max((len(values) for values in columns.values() if values is not None), default=2)
    base = {"customer_id": ["a"] * rows, "timestamp": [MOMENT] * rows, "channel": ["ads"] * rows}
    return pl.DataFrame({name: values for name, values in (base | columns).items() if values is not None})


def gate(table: str = "touchpoints", reading: Reading | None = None, **columns: Any) -> Checked:
    """Return a table of these columns, checked; touchpoints get the other columns they need."""
    frame = touchpoints(**columns) if table == "touchpoints" else pl.DataFrame(columns)
    return check_table(table, frame, reading)


def refusal(table: str = "touchpoints", **columns: Any) -> str:
    """Return what is said where the table as a whole is refused."""
    with pytest.raises(TableError) as caught:
        gate(table, **columns)
    return str(caught.value)


# Ids.


def test_integer_ids_stay_integers_and_text_stays_text() -> None:
    assert gate(customer_id=[1, 2]).frame["customer_id"].to_list() == [1, 2]
    assert gate(customer_id=["007", "7"]).frame["customer_id"].to_list() == ["007", "7"]
    large = pl.Series([2**64 - 1, 1], dtype=pl.UInt64)
    assert gate(customer_id=large).frame["customer_id"].to_list() == [2**64 - 1, 1]


def test_whole_numbers_held_as_floats_because_of_gaps_are_integer_ids() -> None:
    table = gate(customer_id=[1.0, None, 3.0])
    assert table.frame["customer_id"].to_list() == [1, None, 3]
    assert table.count.set_aside == {"null_user": 1}


def test_ids_of_other_types_are_text() -> None:
    assert gate(customer_id=[1.5, 2.0]).frame["customer_id"].to_list() == ["1.5", "2.0"]
    assert gate(customer_id=[True, False]).frame["customer_id"].to_list() == ["true", "false"]
    enum = pl.Series(["a", "b"], dtype=pl.Enum(["a", "b"]))
    assert gate(customer_id=enum).frame["customer_id"].to_list() == ["a", "b"]


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), 1e300])
def test_a_float_that_is_no_whole_number_does_not_break_the_column_of_ids(bad: float) -> None:
    table = gate(customer_id=[1.0, bad, 3.0])
    assert table.count.lost == 0
    assert {0, 2} <= set(table.used["row"])


# Names and text.


@pytest.mark.parametrize("blank", [None, "", " ", "\u00a0"])
def test_a_blank_name_is_null(blank: str | None) -> None:
    assert gate(channel=["ads", blank]).count.set_aside == {"null_channel": 1}
    assert gate(customer_id=["a", blank]).count.set_aside == {"null_user": 1}
    campaign = gate(campaign=["x", blank])
    assert campaign.frame["campaign"].to_list() == ["x", None]
    assert campaign.count.used == 2


def test_an_empty_channel_is_what_the_option_says_and_an_empty_user_never() -> None:
    reading = Reading(null_channel="(none)")
    table = gate(reading=reading, channel=["ads", None, " "], customer_id=["a", "b", None])
    assert table.frame["channel"].to_list() == ["ads", "(none)", "(none)"]
    assert table.frame["customer_id"].to_list() == ["a", "b", None]
    assert table.count.set_aside == {"null_user": 1}


def test_names_that_are_numbers_are_text() -> None:
    assert gate(channel=[1, 2]).frame["channel"].to_list() == ["1", "2"]
    assert gate(channel=[1.0, None, 3.0]).frame["channel"].to_list() == ["1", None, "3"]
    assert gate(event_id=[1, 2]).frame["event_id"].to_list() == ["1", "2"]


@pytest.mark.parametrize("name", ["customer_id", "channel"])
def test_a_control_character_in_an_id_or_a_name_sets_the_row_aside(name: str) -> None:
    controls = [chr(code) for code in (*range(32), *range(127, 160))]  # all that Unicode has
    table = gate(**{name: ["fine", *(f"a{sign}b" for sign in controls)]})
    passed = [f"U+{ord(controls[row - 1]):04X}" for row in table.used["row"].to_list()[1:]]
    assert not passed
    assert table.count == RowCount(66, 1, {"control_char": 65})


@given(st.text(st.characters(blacklist_categories=["C"]), min_size=1).filter(str.strip))
def test_a_name_is_unchanged_in_the_data_whatever_it_is(name: str) -> None:
    table = gate(channel=[name], customer_id=[name], campaign=[name])
    assert table.count == RowCount(1, 1)
    assert table.frame.select("channel", "customer_id", "campaign").row(0) == (name,) * 3


@pytest.mark.parametrize("column", ["customer_id", "channel", "campaign", "event_id"])
@pytest.mark.parametrize(
    "values",
    [[["a"], ["b"]], [{"x": 1}, {"x": 2}], pl.Series([b"\xff", b"a"])],
    ids=["list", "struct", "binary"],
)
def test_a_column_that_has_no_text_is_refused_by_name_and_type(column: str, values: Any) -> None:
    said = refusal(**{column: values})
    assert f"column {column!r}" in said
    assert str(pl.Series(values).dtype) in said


# Numbers.


@pytest.mark.parametrize("text", ["1.5", " 1.5 ", "15e-1", "+1.5"])
def test_a_number_may_be_text(text: str) -> None:
    table = gate("spend", channel=["ads"], spend=[text])
    assert table.frame["spend"].to_list() == [1.5]
    assert table.count == RowCount(1, 1)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("x", "bad_number"),
        ("1,234.5", "bad_number"),
        ("$3", "bad_number"),
        ("", "null_number"),
        (None, "null_number"),
        ("NaN", "not_finite"),
        ("inf", "not_finite"),
        ("-inf", "not_finite"),
        ("1e400", "not_finite"),
        (float("nan"), "not_finite"),
        (float("inf"), "not_finite"),
        (float("-inf"), "not_finite"),
    ],
)
def test_what_is_no_number_sets_the_row_aside(value: Any, reason: str) -> None:
    table = gate("spend", channel=["ads", "mail"], spend=["1" if isinstance(value, str) else 1.0, value])
    assert table.count == RowCount(2, 1, {reason: 1})
    assert table.frame["spend"].is_finite().all()


def test_an_empty_cell_is_zero_where_the_column_says_so() -> None:
    rows = {"customer_id": ["a", "b"], "timestamp": [MOMENT] * 2, "revenue": [None, 2.5], "wins": ["", "1"]}
    table = gate("outcomes", **rows)
    assert table.frame["revenue"].to_list() == [0.0, 2.5]
    assert table.frame["wins"].to_list() == [0.0, 1.0]
    assert table.count == RowCount(2, 2)


def test_an_empty_lead_is_no_lead_and_an_absent_column_means_one_lead_a_row() -> None:
    rows = {"customer_id": ["a", "b"], "timestamp": [MOMENT] * 2}
    assert gate("outcomes", **rows, leads=[None, 2]).count.set_aside == {"null_number": 1}
    assert gate("outcomes", **rows).frame["leads"].to_list() == [1.0, 1.0]


def test_numbers_of_every_type_are_floats() -> None:
    for values in (
        pl.Series([1, 2], dtype=pl.Int8),
        pl.Series([1, 2], dtype=pl.UInt64),
        pl.Series([1.0, 2.0], dtype=pl.Float32),
        pl.Series([1, 2]).cast(pl.Decimal(20, 2)),
        pl.Series(["1", "2.00"]),
    ):
        table = gate("spend", channel=["ads", "mail"], spend=values)
        assert table.frame.schema["spend"] == pl.Float64
        assert table.frame["spend"].to_list() == [1.0, 2.0]


@pytest.mark.parametrize("sign", [1, -1])
def test_money_that_overflows_cents_is_refused_with_examples(sign: int) -> None:
    said = refusal("spend", channel=["ads", "mail"], spend=[sign * 1e18, 5.0])
    assert "column 'spend': numbers overflow 64-bit cents (1 rows)" in said
    assert f"for example: {sign * 1e18:g}" in said
    assert gate("spend", channel=["ads"], spend=[sign * 9.2e16]).count.used == 1


@pytest.mark.parametrize("column", ["revenue", "leads"])
@pytest.mark.parametrize(
    "values",
    [[[1.0]], [{"x": 1}], [date(2026, 3, 5)], [MOMENT], [timedelta(1)], [b"1"]],
    ids=["list", "struct", "date", "datetime", "duration", "binary"],
)
def test_a_column_that_has_no_numbers_is_refused_by_name_and_type(column: str, values: Any) -> None:
    said = refusal("outcomes", customer_id=["a"], timestamp=[MOMENT], **{column: values})
    assert f"column {column!r}" in said
    assert str(pl.Series(values).dtype) in said


def test_the_day_of_a_spend_may_be_missing_and_needs_no_zone() -> None:
    table = gate("spend", channel=["ads", "ads", "ads"], spend=[1, 2, 3], date=["2026-03-05 00:00", "", "x"])
    assert table.count == RowCount(3, 3)
    assert table.frame["date"].to_list() == [datetime(2026, 3, 5, tzinfo=UTC), None, None]
    assert not table.naive
    assert not table.warnings


# Whole numbers.


def test_a_sequence_is_whole_numbers_or_nothing() -> None:
    table = gate(sequence=["3", " 1 ", "", None, "x", "1.5"])
    assert table.frame["sequence"].to_list()[:4] == [3, 1, None, None]
    assert table.count == RowCount(6, 4, {"bad_number": 2})


def test_a_sequence_held_as_floats_is_whole_numbers_too() -> None:
    table = gate(sequence=[2.0, None, float("nan"), float("inf"), 1.5])
    assert table.frame["sequence"].to_list()[:2] == [2, None]
    assert table.count == RowCount(5, 2, {"bad_number": 3})


# Flags.


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1, 0, None], [1.0, 0.0, 0.0]),
        ([1.0, 0.0, None], [1.0, 0.0, 0.0]),
        ([True, False, None], [1.0, 0.0, 0.0]),
        (["1", "0", ""], [1.0, 0.0, 0.0]),
        (["yes", "NO", " "], [1.0, 0.0, 0.0]),
        (["TRUE", " false ", None], [1.0, 0.0, 0.0]),
    ],
)
def test_a_flag_is_read_by_an_explicit_map(values: list[Any], expected: list[float]) -> None:
    table = gate("events", **touchpoints(conversion=values).to_dict())
    assert table.frame["conversion"].to_list() == expected
    assert table.count == RowCount(3, 3)


@pytest.mark.parametrize("value", ["maybe", "2", "-1", "1.0x", 2, -1, 0.5])
def test_any_other_flag_sets_the_row_aside(value: Any) -> None:
    table = gate("events", **touchpoints(conversion=[value, value]).to_dict())
    assert table.count == RowCount(2, 0, {"bad_flag": 2})


# Lists and paths.


def test_lists_are_passed_and_anything_else_is_refused() -> None:
    rows = {"journey_id": ["a/1"], "age_days": [[1.0, 0.0]]}
    assert gate("journeys", **rows, channel=[["ads", "mail"]]).frame["channel"].to_list() == [["ads", "mail"]]
    said = refusal("journeys", **rows, channel=["ads > mail"])
    assert "column 'channel': type String" in said
    assert "Parquet" in said


def test_an_empty_path_is_used() -> None:
    table = gate("paths", path=["a > b", "", None], conversions=[1, 2, 3])
    assert table.count == RowCount(3, 3)
    assert table.frame["null"].to_list() == [0.0] * 3


# The table as a whole.


def test_every_table_says_what_each_column_is() -> None:
    kinds = {"id", "time", "name", "path", "text", "whole", "number", "flag", "list"}
    for table, columns in TABLES.items():
        names = [column.name for column in columns]
        assert len(set(names)) == len(names)
        assert all(column.kind in kinds and column.meaning for column in columns)
        assert any(column.required for column in columns) or table == "ads"  # further columns of spend


def test_columns_of_another_name_are_not_read_and_order_is_no_matter() -> None:
    plain = gate()
    other = check_table(
        "touchpoints", touchpoints(extra=[[1], [2]]).select("extra", "channel", "timestamp", "customer_id")
    )
    assert other.frame.equals(plain.frame)


def test_columns_are_mapped_by_our_names() -> None:
    frame = touchpoints().rename({"customer_id": "cookie", "timestamp": "time"})
    table = check_table("touchpoints", frame, columns={"customer_id": "cookie", "timestamp": "time"})
    assert table.frame.equals(gate().frame)


def test_a_mapping_to_a_column_that_is_not_there_is_refused_even_for_an_optional_one() -> None:
    with pytest.raises(TableError, match="no column 'camp'; found 'customer_id', 'timestamp', 'channel'"):
        check_table("touchpoints", touchpoints(), columns={"campaign": "camp"})


def test_a_mapping_of_a_name_that_is_none_of_ours_is_refused_with_the_closest() -> None:
    with pytest.raises(TableError, match="did you mean 'channel'"):
        check_table("touchpoints", touchpoints(), columns={"chanel": "channel"})


@pytest.mark.parametrize(
    "columns",
    [{"chanel": "channel"}, {"touchpoint": {"channel": "channel"}}, {"touchpoints": {"chanel": "channel"}}],
    ids=str,
)
def test_a_slip_in_the_columns_of_stitch_is_refused(columns: Mapping[str, Any]) -> None:
    with pytest.raises(AttributionError, match="did you mean"):
        at.stitch(touchpoints(), outcomes(), columns=columns)


def outcomes() -> pl.DataFrame:
    """Return one outcome."""
    return pl.DataFrame({"customer_id": ["a"], "timestamp": [MOMENT], "leads": [1]})


@pytest.mark.parametrize(
    "names",
    [["foo"], ["leads", "wins"], ["revenue"], ["customer_id"], ["timestamp"], ["leads", "leads"]],
    ids=str,
)
def test_outcomes_that_are_not_there_or_are_none_are_refused_by_name(names: list[str]) -> None:
    with pytest.raises(AttributionError, match=names[-1]):
        at.stitch(touchpoints(), outcomes(), outcome_names=names)


def test_two_names_for_one_column_are_refused() -> None:
    with pytest.raises(TableError, match="mapped to channel and campaign"):
        check_table("touchpoints", touchpoints(), columns={"channel": "channel", "campaign": "channel"})


def test_every_fault_is_told_at_once() -> None:
    frame = touchpoints(channel=None, timestamp=None)
    with pytest.raises(TableError) as caught:
        check_table("touchpoints", frame, columns={"kid": "x"})
    assert [fault.column for fault in caught.value.faults] == [None, "timestamp", "channel"]
    rows = {"customer_id": ["a"], "timestamp": ["03/04/2026"], "revenue": [1e18], "wins": [-1e19]}
    with pytest.raises(TableError) as caught:
        gate("outcomes", **rows)
    assert [fault.column for fault in caught.value.faults] == ["timestamp", "wins", "revenue"]


def test_a_row_has_one_reason_the_first_in_order_of_the_columns() -> None:
    table = gate(customer_id=[None, "a"], timestamp=[None, None], channel=[None, None])
    assert table.rejected.rows() == [("touchpoints", 0, "null_user"), ("touchpoints", 1, "bad_time")]


def test_rejected_rows_are_named_by_their_number_in_the_source() -> None:
    table = gate(channel=["ads", None, "mail", "\x00", "ads"])
    assert table.rejected.columns == ["table", "row", "reason"]
    assert table.rejected.rows() == [("touchpoints", 1, "null_channel"), ("touchpoints", 3, "control_char")]
    assert table.used["row"].to_list() == [0, 2, 4]
    assert table.count == RowCount(5, 3, {"control_char": 1, "null_channel": 1})
    assert table.aside == RowCount(2, 0, {"control_char": 1, "null_channel": 1})


def test_a_further_rule_sets_aside_used_rows_only_and_returns_a_new_value() -> None:
    table = gate(channel=["ads", None, "mail"])
    fewer = table.set_aside("late", pl.col("channel") != "mail")
    assert table.count.used == 2
    assert fewer.count == RowCount(3, 1, {"late": 1, "null_channel": 1})
    assert table.set_aside("late", pl.lit(None, dtype=pl.Boolean)).count == table.count
    assert table.set_aside("late", pl.lit(True)).count == RowCount(3, 0, {"late": 2, "null_channel": 1})


def test_counts_add_up_by_reason() -> None:
    one, two = RowCount(3, 2, {"bad_time": 1}), RowCount(5, 3, {"null_user": 1, "bad_time": 1})
    assert one + two == RowCount(8, 5, {"bad_time": 2, "null_user": 1})
    assert (one + two).lost == 0
    assert RowCount(3, 1).lost == 2
    assert added({}, {}) == {}


def test_a_table_without_rows_is_a_warning() -> None:
    table = check_table("touchpoints", touchpoints().clear())
    assert table.count == RowCount()
    assert any("no rows" in warning for warning in table.warnings)
    assert table.frame.columns == ["customer_id", "timestamp", "channel"]


def test_a_further_column_is_read_like_the_declared_ones() -> None:
    frame = touchpoints(score=["1", "x"])
    table = check_table("touchpoints", frame, extra=[Column("score", "number", "a score", required=True)])
    assert table.frame["score"].to_list() == [1.0, 0.0]
    assert table.count.set_aside == {"bad_number": 1}


# Anything at all.

JUNK = st.sampled_from(
    ["", " ", "a", "ads", "\x00", "a\nb", "1", "007", "1.5", "NaN", "1e400", "yes", "-0", "=1+1", "é",
     "2026-03-05", "2026-03-05T08:30:00Z", "03/04/2026", "1772699415", "2026-02-30", "a > b"]
)  # fmt: skip
WHOLE = st.sampled_from([0, 1, 2, -1, 7, 1_772_699_415, 1_772_699_415_000, 2**62])
REAL = st.sampled_from([0.0, 1.0, -0.5, 1.5, 1e17, 1e300, float("nan"), float("inf"), 1_772_699_415.0])
MOMENTS = st.sampled_from([MOMENT, MOMENT + timedelta(days=9), datetime(1970, 1, 1, tzinfo=UTC)])
CELLS: list[tuple[Any, st.SearchStrategy[Any]]] = [
    (pl.String, JUNK),
    (pl.Int64, WHOLE),
    (pl.UInt8, st.integers(0, 255)),
    (pl.Float64, REAL),
    (pl.Boolean, st.booleans()),
    (pl.Date, MOMENTS.map(datetime.date)),
    (pl.Datetime("us", "UTC"), MOMENTS),
    (pl.Datetime("ns"), MOMENTS.map(lambda moment: moment.replace(tzinfo=None))),
    (pl.Duration("us"), st.just(timedelta(1))),
    (pl.Decimal(20, 2), st.integers(-9, 9)),
    (pl.Categorical, JUNK),
    (pl.Binary, st.binary(max_size=2)),
    (pl.List(pl.String), st.lists(JUNK, max_size=2)),
    (pl.List(pl.Float64), st.lists(REAL, max_size=2)),
    (pl.Struct({"x": pl.Int64}), st.just({"x": 1})),
    (pl.Null, st.none()),
]
FITTING = {
    "id": [pl.String, pl.Int64, pl.Float64],
    "time": [pl.Datetime("us", "UTC"), pl.String],
    "list": [pl.List(pl.String), pl.List(pl.Float64)],
}
READINGS = st.builds(
    Reading,
    time_format=st.sampled_from([None, None, None, "%d/%m/%Y"]),
    time_unit=st.sampled_from([None, "s", "ms"]),
    timezone=st.sampled_from([None, "UTC", "Europe/Berlin"]),
    null_channel=st.sampled_from([None, "(none)"]),
)
EXAMPLES = settings().max_examples


@st.composite
def dirty(draw: st.DrawFn, table: str) -> pl.DataFrame:
    """Draw a table with its columns (some of the optional ones), most of fitting types, some of any."""
    rows = draw(st.integers(0, 6))
    columns = {}
    for column in TABLES[table]:
        if not column.required and draw(st.booleans()):
            continue
        fitting = FITTING.get(column.kind, [pl.String, pl.Float64, pl.Int64])
        cells = [cell for cell in CELLS if cell[0] in fitting]
        dtype, values = draw(st.sampled_from(cells if draw(st.integers(0, 4)) else CELLS))
        drawn = draw(st.lists(st.none() | values, min_size=rows, max_size=rows))
        columns[column.name] = pl.Series(drawn, dtype=dtype, strict=False)
    return pl.DataFrame(columns)


SOUND = {
    "id": ["a", "b"],
    "time": [f"2026-03-0{day}T08:30:00Z" for day in range(1, 6)],
    "name": ["ads", "mail", "Ads"],
    "path": ["ads", "mail > ads", "ads > ads > mail"],
    "number": ["1", "0.5", "2"],
    "whole": ["1", "2"],
    "text": ["x", "y"],
}


@st.composite
def dirty_text(draw: st.DrawFn, table: str) -> pl.DataFrame:
    """Draw a table as a CSV file holds it: all text, nine cells of ten sound, the others anything."""
    rows = draw(st.integers(0, 12))
    columns = {
        column.name: draw(
            st.lists(cell(SOUND[column.kind]), min_size=rows, max_size=rows).map(
                lambda drawn: pl.Series(drawn, dtype=pl.String)
            )
        )
        for column in TABLES[table]
        if column.required or draw(st.booleans())
    }
    return pl.DataFrame(columns)


def cell(sound: Sequence[str]) -> st.SearchStrategy[str | None]:
    """Draw a cell that is sound, nine times of ten."""
    return st.integers(0, 9).flatmap(lambda ten: st.none() | JUNK if ten == 9 else st.sampled_from(sound))


@pytest.mark.parametrize("table", TABLES)
@given(draw=st.data())
def test_whatever_the_table_rows_in_are_used_or_set_aside_and_only_our_errors_come_out(
    table: str, draw: st.DataObject
) -> None:
    frame = draw.draw(dirty(table))
    with contextlib.suppress(AttributionError):
        checked = check_table(table, frame, draw.draw(READINGS))
        count = checked.count
        assert count.lost == 0
        assert count.read == len(frame) == len(checked.frame)
        assert sorted([*checked.used["row"], *checked.rejected["row"]]) == list(range(len(frame)))
        assert checked.rejected["reason"].null_count() == 0
        for column in TABLES[table]:
            if column.kind in ("number", "flag") and column.name in checked.frame.columns:
                assert checked.used[column.name].is_finite().all()
            if column.required and column.kind in ("id", "name", "time"):
                assert checked.used[column.name].null_count() == 0


@settings(max_examples=max(1, EXAMPLES // 4))
@given(dirty_text("touchpoints"), dirty_text("outcomes"), st.sampled_from([None, "UTC", "Europe/Berlin"]))
def test_whatever_is_stitched_rows_and_outcomes_add_up(
    touched: pl.DataFrame, ended: pl.DataFrame, zone: str | None
) -> None:
    with contextlib.suppress(AttributionError):
        journeys = at.stitch(touched, ended, reading=Reading(timezone=zone), as_of="2027-01-01")
        result = at.attribute(journeys, at.Linear(), at.Markov())
        report = result.report
        for name, frame in (("touchpoints", touched), ("outcomes", ended)):
            assert report.tables[name].lost == 0
            assert report.tables[name].read == len(frame)
        table = journeys.table()
        assert report.tables["outcomes"].used == table["converted"].sum()
        for credits in result.values():
            for i, name in enumerate(credits.outcome_names):
                assert credits.totals[i] == pytest.approx(table[name].sum(), rel=1e-9, abs=1e-9)
        assert not any(result.table()[name].is_nan().any() for name in journeys.outcome_names)


@settings(max_examples=max(1, EXAMPLES // 4))
@given(dirty_text("paths"))
def test_whatever_the_path_table_conversions_are_attributed_or_unattributed(frame: pl.DataFrame) -> None:
    with contextlib.suppress(AttributionError):
        journeys = at.from_paths(frame, value="revenue" if "revenue" in frame.columns else None)
        result = at.attribute(journeys, at.Linear(), at.Shapley())
        count = result.report.tables["paths"]
        assert (count.lost, count.read) == (0, len(frame))
        table = journeys.table()
        for credits in result.values():
            for i, name in enumerate(credits.outcome_names):
                assert credits.totals[i] == pytest.approx(table[name].sum(), rel=1e-9, abs=1e-6)
