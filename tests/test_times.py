"""Times: every way to write an instant is read to the same one, and none is guessed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attribution import ParameterError, Reading, TableError
from attribution.tables import Checked, check_table

MOMENT = datetime(2026, 3, 5, 8, 30, 15, 123456, tzinfo=UTC)
PLAIN = Reading()
PER_SECOND = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
ZONES = ("Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "UTC")
MOMENTS = st.datetimes(datetime(1990, 1, 2), datetime(2099, 12, 30), timezones=st.just(UTC))


def checked(values: Sequence[Any] | pl.Series, reading: Reading = PLAIN, **series: Any) -> Checked:
    """Return a table of touchpoints at these times, checked."""
    times = pl.Series("timestamp", values, **series)
    frame = pl.DataFrame({"customer_id": range(len(times)), "channel": ["ads"] * len(times)})
    return check_table("touchpoints", frame.with_columns(times), reading)


def instants(values: Sequence[Any] | pl.Series, reading: Reading = PLAIN, **series: Any) -> list[Any]:
    """Return the times as they were read."""
    return checked(values, reading, **series).frame["timestamp"].to_list()


def refusal(values: Sequence[Any] | pl.Series, reading: Reading = PLAIN) -> str:
    """Return what is said where the times are refused: one fault of the column."""
    with pytest.raises(TableError) as caught:
        checked(values, reading)
    (fault,) = caught.value.faults
    assert fault.column == "timestamp"
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-05T08:30:15.123456", MOMENT),
        ("2026-03-05 08:30:15.123456", MOMENT),
        ("2026-03-05T08:30:15.123456Z", MOMENT),
        ("2026-03-05 08:30:15.123456Z", MOMENT),
        ("2026-03-05T09:30:15.123456+01:00", MOMENT),
        ("2026-03-05T09:30:15.123456+0100", MOMENT),
        ("2026-03-05 03:00:15.123456-05:30", MOMENT),
        ("2026-03-05T08:30:15.123456999Z", MOMENT),
        ("2026-03-05T08:30:15.1", MOMENT.replace(microsecond=100_000)),
        ("2026-03-05T08:30:15.123Z", MOMENT.replace(microsecond=123_000)),
        ("2026-03-05T08:30:15", MOMENT.replace(microsecond=0)),
        ("2026-03-05 08:30:15Z", MOMENT.replace(microsecond=0)),
        ("2026-03-05T08:30", MOMENT.replace(second=0, microsecond=0)),
        ("2026-03-05 08:30", MOMENT.replace(second=0, microsecond=0)),
        ("2026-03-05T08:30Z", MOMENT.replace(second=0, microsecond=0)),
        ("2026-03-05 08:30Z", MOMENT.replace(second=0, microsecond=0)),
        ("2026-03-05T10:30+02:00", MOMENT.replace(second=0, microsecond=0)),
        ("2026-03-05", datetime(2026, 3, 5, tzinfo=UTC)),
        ("  2026-03-05 \t", datetime(2026, 3, 5, tzinfo=UTC)),
        ("2024-02-29", datetime(2024, 2, 29, tzinfo=UTC)),
    ],
)
def test_iso_text_is_read(text: str, expected: datetime) -> None:
    assert instants([text, None, text]) == [expected, None, expected]


def test_iso_variants_may_be_mixed_as_long_as_all_or_none_name_a_zone() -> None:
    assert (
        instants(["2026-03-05", "2026-03-05T00:00", "2026-03-05 00:00:00.0"])
        == [datetime(2026, 3, 5, tzinfo=UTC)] * 3
    )
    assert (
        instants(["2026-03-05T01:00:00+01:00", "2026-03-05 00:00:00.0Z"])
        == [datetime(2026, 3, 5, tzinfo=UTC)] * 2
    )


@given(st.lists(MOMENTS, min_size=1, max_size=5), st.sampled_from("T "), st.integers(-14 * 60, 14 * 60))
def test_an_instant_comes_back_from_iso_text_in_any_zone(
    moments: list[datetime], sign: str, offset: int
) -> None:
    zone = timezone(timedelta(minutes=offset))
    table = checked([moment.astimezone(zone).isoformat(sign, "microseconds") for moment in moments])
    assert table.frame["timestamp"].to_list() == moments
    assert not table.naive
    assert not table.warnings


@given(st.lists(MOMENTS, min_size=1, max_size=5), st.sampled_from(sorted(PER_SECOND)), st.booleans())
def test_an_instant_comes_back_from_an_epoch_in_any_unit(
    moments: list[datetime], unit: str, text: bool
) -> None:
    zero = datetime(1970, 1, 1, tzinfo=UTC)
    micros = [(moment - zero) // timedelta(microseconds=1) for moment in moments]
    per = PER_SECOND[unit]
    epochs = [micro * (per // 1_000_000) if per > 1_000_000 else micro * per // 1_000_000 for micro in micros]
    table = checked([str(epoch) for epoch in epochs] if text else epochs, Reading(time_unit=unit))
    step = max(1, 1_000_000 // per)
    assert table.frame["timestamp"].to_physical().to_list() == [micro // step * step for micro in micros]
    assert not table.naive


@pytest.mark.parametrize(
    ("unit", "epoch", "expected"),
    [
        ("s", 1_772_699_415.25, datetime(2026, 3, 5, 8, 30, 15, 250_000, tzinfo=UTC)),
        ("ms", 1_772_699_415_123.5, datetime(2026, 3, 5, 8, 30, 15, 123_500, tzinfo=UTC)),
        ("us", 1_772_699_415_123_456.0, MOMENT),
        ("ns", 1_772_699_415_123_456_000.0, MOMENT),
    ],
)
@pytest.mark.parametrize("form", [float, str, lambda value: pl.Series([value]).cast(pl.Decimal(38, 3))[0]])
def test_epochs_with_fractions_are_read_to_the_microsecond(
    unit: str, epoch: float, expected: datetime, form: Any
) -> None:
    (read, nothing) = instants([form(epoch), None], Reading(time_unit=unit))
    assert abs(read - expected) <= timedelta(microseconds=1)
    assert nothing is None


def test_nanoseconds_are_exact_integers_cut_to_microseconds() -> None:
    epoch = 1_772_699_415_123_456_789  # no float holds it
    assert instants([epoch], Reading(time_unit="ns")) == [MOMENT]
    assert instants([str(epoch)], Reading(time_unit="ns")) == [MOMENT]


def test_an_epoch_without_a_unit_is_refused_with_the_unit_that_fits() -> None:
    for unit, per in PER_SECOND.items():
        said = refusal([1_772_699_415 * per, None])
        assert f"numbers from {1_772_699_415 * per:,} to {1_772_699_415 * per:,}" in said
        assert f"time_unit={unit!r} (--time-unit {unit!r})" in said


def test_digits_in_text_without_a_unit_are_refused_and_the_option_is_named() -> None:
    said = refusal(["1772699415", "1772699416"])
    assert "no value is a time (2 rows)" in said
    assert "time_unit" in said


@pytest.mark.parametrize("bad", [float("nan"), None])
def test_a_missing_epoch_is_a_bad_time(bad: float | None) -> None:
    table = checked([1_772_699_415.0, bad], Reading(time_unit="s"))
    assert table.count.set_aside == {"bad_time": 1}
    assert table.frame["timestamp"].to_list() == [MOMENT.replace(microsecond=0), None]


@pytest.mark.parametrize("epoch", [0, -5, 631_151_999, 4_102_444_801, 1_772_699_415_000])
def test_an_epoch_outside_1990_to_2100_is_refused_with_the_range(epoch: int) -> None:
    said = refusal([epoch, 1_772_699_415], Reading(time_unit="s"))
    low, high = sorted((epoch, 1_772_699_415))
    assert f"times outside 1990-2100 in unit 's': from {low:,} to {high:,} (1 rows)" in said
    assert f"for example: {epoch:,}" in said


def test_an_epoch_in_another_unit_is_refused_with_the_one_that_fits() -> None:
    assert "time_unit='ms'" in refusal([1_772_699_415_000], Reading(time_unit="s"))


def test_epochs_of_two_units_are_refused_with_their_range() -> None:
    mixed = [1_772_699_415, 1_772_699_415_000]
    for reading in (PLAIN, Reading(time_unit="s"), Reading(time_unit="ms")):
        assert "from 1,772,699,415 to 1,772,699,415,000" in refusal(mixed, reading)


@pytest.mark.parametrize("sign", "/.-")
@pytest.mark.parametrize("clock", ["", " 10:20", " 10:20:30"])
def test_day_and_month_are_never_guessed(sign: str, clock: str) -> None:
    said = refusal([f"03{sign}04{sign}2026{clock}", f"05{sign}06{sign}2026{clock}"])
    assert "day and month cannot be told apart (2 rows)" in said
    form = {"": "", " 10:20": " %H:%M", " 10:20:30": " %H:%M:%S"}[clock]
    for date_form in (f"%d{sign}%m{sign}%Y", f"%m{sign}%d{sign}%Y"):
        assert f"(--time-format '{date_form}{form}')" in said
    assert f"'03{sign}04{sign}2026{clock}'; '05{sign}06{sign}2026{clock}'" in said


@pytest.mark.parametrize(
    ("texts", "fits", "does_not"),
    [
        (["23/04/2026", "01/02/2026"], "%d/%m/%Y", "%m/%d/%Y"),
        (["04/23/2026", "01/02/2026"], "%m/%d/%Y", "%d/%m/%Y"),
        (["23.04.26", "01.02.26"], "%d.%m.%y", "%m.%d.%y"),
    ],
)
def test_even_where_one_order_alone_fits_it_has_to_be_declared(
    texts: list[str], fits: str, does_not: str
) -> None:
    said = refusal(texts)
    assert "the order of day and month is not declared" in said
    assert fits in said
    assert does_not not in said
    assert "bad_time" not in checked(texts, Reading(time_format=fits)).count.set_aside


def test_a_day_first_time_among_iso_ones_is_refused_and_shown() -> None:
    said = refusal(["2026-03-05", "03/04/2026", None])
    assert "(1 rows)" in said
    assert "for example: '03/04/2026'\n" in said


def test_a_declared_format_is_read_and_what_does_not_fit_is_a_bad_time() -> None:
    table = checked(["03/04/2026 10:20", "2026-04-03", "", None], Reading(time_format="%d/%m/%Y %H:%M"))
    assert table.frame["timestamp"].to_list() == [datetime(2026, 4, 3, 10, 20, tzinfo=UTC), None, None, None]
    assert table.count.set_aside == {"bad_time": 3}
    assert table.naive


def test_a_declared_format_of_dates_alone_is_read_as_midnight() -> None:
    assert instants(["03/04/2026"], Reading(time_format="%d/%m/%Y")) == [datetime(2026, 4, 3, tzinfo=UTC)]


@pytest.mark.parametrize(("text", "form"), [("+0200", "%z"), ("+02:00", "%:z")])
def test_a_declared_format_may_name_the_zone(text: str, form: str) -> None:
    table = checked([f"03/04/2026 10:20 {text}"], Reading(time_format=f"%d/%m/%Y %H:%M {form}"))
    assert table.frame["timestamp"].to_list() == [datetime(2026, 4, 3, 8, 20, tzinfo=UTC)]
    assert not table.naive


@pytest.mark.parametrize(
    "reading",
    [
        PLAIN,
        Reading(time_format="%Y/%m/%d"),
        Reading(time_format="%Q"),
        Reading(time_unit="s"),
        Reading(timezone="Europe/Berlin"),
    ],
    ids=str,
)
def test_a_column_in_which_nothing_is_a_time_is_refused(reading: Reading) -> None:
    said = refusal(["yesterday", "5 March 2026", None], reading)
    assert "no value is a time (2 rows)" in said
    assert "'yesterday'; '5 March 2026'" in said


def test_a_few_unreadable_times_among_good_ones_are_set_aside() -> None:
    table = checked(["2026-03-05", "yesterday", "2026-02-30", "2026-13-01", "", "  ", None])
    assert table.count.set_aside == {"bad_time": 6}
    assert table.rejected["row"].to_list() == [1, 2, 3, 4, 5, 6]


def test_a_column_of_nulls_is_all_bad_times() -> None:
    for dtype in (pl.Null, pl.String, pl.Int64, pl.Date, pl.Datetime("ns", "Asia/Tokyo")):
        table = checked([None, None], dtype=dtype)
        assert table.count.set_aside == {"bad_time": 2}
        assert table.frame.schema["timestamp"] == pl.Datetime("us", "UTC")


@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC", "Asia/Tokyo"])
def test_datetimes_of_any_resolution_and_zone_are_the_same_instants(unit: str, zone: str | None) -> None:
    local = pl.Series([MOMENT.replace(microsecond=123_000), None], dtype=pl.Datetime("us", "UTC"))
    given_zone = local.dt.convert_time_zone(zone) if zone else local.dt.replace_time_zone(None)
    table = checked(given_zone.dt.cast_time_unit(unit))
    assert table.frame["timestamp"].to_list() == [MOMENT.replace(microsecond=123_000), None]
    assert table.naive == (zone is None)


def test_nanosecond_datetimes_are_cut_to_microseconds() -> None:
    given_ns = pl.Series([1_772_699_415_123_456_789]).cast(pl.Datetime("ns", "UTC"))
    assert instants(given_ns) == [MOMENT]


def test_dates_are_midnight_in_the_declared_zone_and_need_no_warning_without_one() -> None:
    table = checked([date(2026, 7, 1)])
    assert table.frame["timestamp"].to_list() == [datetime(2026, 7, 1, tzinfo=UTC)]
    assert not table.warnings
    berlin = instants([date(2026, 7, 1)], Reading(timezone="Europe/Berlin"))
    assert berlin == [datetime(2026, 6, 30, 22, tzinfo=UTC)]


def local_instant(local: datetime, zone: str) -> datetime | None:
    """Return the one instant at which the clocks of the zone show the time; None where there is not one."""
    info = ZoneInfo(zone)
    both = {local.replace(tzinfo=info, fold=fold).astimezone(UTC) for fold in (0, 1)}
    found = [moment for moment in both if moment.astimezone(info).replace(tzinfo=None) == local]
    return found[0] if len(found) == 1 else None


@pytest.mark.parametrize("zone", ZONES)
@given(st.lists(st.datetimes(datetime(1990, 1, 2), datetime(2037, 12, 30)), min_size=1, max_size=5))
def test_naive_times_are_read_in_the_declared_zone(zone: str, local: list[datetime]) -> None:
    expected = [local_instant(moment, zone) for moment in local]
    texts = [moment.isoformat() for moment in local]
    for column in (pl.Series(texts), pl.Series(local, dtype=pl.Datetime("us"))):
        assert instants(column, Reading(timezone=zone)) == expected


@pytest.mark.parametrize(
    "clock",
    ["2026-03-29 02:30:00", "2026-10-25 02:30:00", "2026-03-29T02:00", "2026-10-25T02:59:59.9"],
)
def test_a_local_time_that_is_two_or_none_is_a_bad_time(clock: str) -> None:
    table = checked([clock, "2026-07-01 12:00"], Reading(timezone="Europe/Berlin"))
    assert table.frame["timestamp"].to_list() == [None, datetime(2026, 7, 1, 10, tzinfo=UTC)]
    assert table.count.set_aside == {"bad_time": 1}
    assert not table.warnings


def test_a_declared_zone_does_not_move_times_that_name_their_own() -> None:
    text = "2026-10-25T02:30:00+01:00"
    assert instants([text], Reading(timezone="Asia/Tokyo")) == [datetime(2026, 10, 25, 1, 30, tzinfo=UTC)]


def test_an_unknown_time_zone_is_refused_by_name() -> None:
    with pytest.raises((TableError, ParameterError), match="Europe/Belin"):
        checked(["2026-03-05"], Reading(timezone="Europe/Belin"))
    with pytest.raises((TableError, ParameterError), match="Europe/Belin"):
        checked(pl.Series([datetime(2026, 3, 5)]), Reading(timezone="Europe/Belin"))


def test_naive_times_are_read_as_utc_with_a_warning_that_names_the_option() -> None:
    for values in (["2026-03-05 08:30"], [datetime(2026, 3, 5, 8, 30)]):
        table = checked(values)
        assert table.naive
        (warning,) = table.warnings
        assert "times name no zone and are read as UTC" in warning
        assert "timezone='UTC' (--timezone 'UTC')" in warning
        assert not checked(values, Reading(timezone="UTC")).warnings


def test_a_column_that_names_a_zone_in_some_rows_only_is_refused_with_one_row_of_each() -> None:
    said = refusal(["2026-03-05 08:30:00", "2026-03-06T08:30:00Z", None])
    assert "some times name a zone and some do not (1 rows)" in said
    assert "'2026-03-06T08:30:00Z'; '2026-03-05 08:30:00'" in said


@pytest.mark.parametrize(
    "values",
    [[True, False], [timedelta(days=1)] * 2, [MOMENT.time()] * 2, [[1], [2]], [b"x", b"y"], [{"a": 1}] * 2],
    ids=["bool", "duration", "time", "list", "binary", "struct"],
)
def test_a_column_of_a_type_that_is_no_time_is_refused_with_the_type(values: list[Any]) -> None:
    column = pl.Series(values)
    said = refusal(column)
    assert f"type {column.dtype}" in said
    assert "expected: a date, a datetime, ISO text or an epoch" in said


@pytest.mark.parametrize(
    "column",
    [
        pl.Series(["0000-01-01", "2026-03-05"]),
        pl.Series([2**63 - 1, 0]).cast(pl.Datetime("us", "UTC")),
        pl.Series([-(2**63) + 1, 0]).cast(pl.Datetime("us")),
        pl.Series([2**63 - 1, 0]).cast(pl.Datetime("ms", "UTC")),
        pl.Series([2**31 - 1, 0], dtype=pl.Int32).cast(pl.Date),
    ],
    ids=["text of year 0", "us above", "us below", "ms above", "date above"],
)
def test_a_time_that_no_calendar_has_is_a_bad_time(column: pl.Series) -> None:
    table = checked(column)
    assert table.count.set_aside == {"bad_time": 1}
    assert len(table.used["timestamp"].to_list()) == 1
