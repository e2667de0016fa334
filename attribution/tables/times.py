"""Times: dates, datetimes, ISO text and epochs brought to instants in UTC, never by a guess."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import polars as pl

from attribution.errors import Fault, option, shown
from attribution.tables.reading import Reading

UTC = pl.Datetime("us", "UTC")
AWARE = ("%Y-%m-%d %H:%M:%S%.f%:z", "%Y-%m-%d %H:%M%:z")
ISO = ("%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d", "%Y-%m-%d %H:%M")
DAY_OR_MONTH_FIRST = r"^\d{1,2}[/.-]\d{1,2}[/.-]\d{2,4}"
CANDIDATES = tuple(
    f"{date}{time}"
    for sign in "/.-"
    for date in (
        f"%d{sign}%m{sign}%Y",
        f"%m{sign}%d{sign}%Y",
        f"%d{sign}%m{sign}%y",
        f"%m{sign}%d{sign}%y",
        *(["%y-%m-%d"] if sign == "-" else []),
    )
    for time in ("", " %H:%M", " %H:%M:%S")
)
FIRST, LAST = -62_135_596_800, 253_402_300_799  # years 1 to 9999 in epoch seconds: what a calendar has
PER_SECOND = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
EARLIEST, LATEST = (
    631_152_000,
    4_102_444_800,
)  # 1990 and 2100 in epoch seconds: beyond is another unit


@dataclass(frozen=True, eq=False)
class Instants:
    """Times in UTC, null where a value could not be read; ``naive`` where the column named no zone."""

    values: pl.Series
    naive: bool
    faults: tuple[Fault, ...] = ()


def to_instants(column: pl.Series, where: str, name: str, reading: Reading) -> Instants:
    """Return the column as instants (microseconds UTC)."""
    dtype = column.dtype
    if dtype == pl.String:
        read = from_text(column, where, name, reading)
    elif isinstance(dtype, (pl.Date, pl.Datetime)):
        local = in_calendar(column)
        zone = getattr(dtype, "time_zone", None)
        if zone is None:
            read = Instants(in_zone(local.cast(pl.Datetime("us")), reading), naive=True)
        else:
            read = Instants(
                local if dtype == UTC else local.dt.convert_time_zone("UTC").cast(UTC), naive=False
            )
    elif dtype.is_numeric():
        read = from_epoch(column, where, name, reading)
    elif dtype == pl.Null:
        read = Instants(column.cast(UTC), naive=False)
    else:
        told = "a date, a datetime, ISO text or an epoch"
        fault = Fault(where, f"type {dtype}", told, "convert it, or map another column", name)
        return Instants(nothing(column), naive=False, faults=(fault,))
    return Instants(in_calendar(read.values), read.naive, read.faults)


def in_calendar(column: pl.Series) -> pl.Series:
    """Return dates or times with those outside the years 1 to 9999 null."""
    numbers = column.to_physical()
    least, most = FIRST // 86_400, LAST // 86_400
    if isinstance(column.dtype, pl.Datetime):
        per = PER_SECOND[column.dtype.time_unit]
        least, most = max(FIRST * per, -(2**63)), min(LAST * per, 2**63 - 1)
    low, high = cast(int | None, numbers.min()), cast(int | None, numbers.max())
    if low is None or high is None or (least <= low and high <= most):
        return column
    return column.set(((numbers < least) | (numbers > most)).fill_null(False), None)


def nothing(column: pl.Series) -> pl.Series:
    """Return as many nulls."""
    return pl.repeat(None, len(column), dtype=UTC, eager=True)


def in_zone(column: pl.Series, reading: Reading) -> pl.Series:
    """Return naive times read in the declared zone; local times that are two or none become null."""
    zone = reading.timezone or "UTC"
    local = column.dt.replace_time_zone(zone, ambiguous="null", non_existent="null")
    return local.dt.convert_time_zone("UTC").cast(UTC)


def from_text(column: pl.Series, where: str, name: str, reading: Reading) -> Instants:
    """Return times that are text: by the declared format, else ISO 8601 with or without a zone."""
    text = column.str.strip_chars()
    text = text.set(text == "", None)
    if reading.time_format:
        aware = "%z" in reading.time_format or "%:z" in reading.time_format
        read = parsed(text, reading.time_format, reading, aware)
        return Instants(read, not aware, tuple(unread(text, read, where, name)))
    if reading.time_unit:
        numbers = text.cast(pl.Int64, strict=False)
        if numbers.null_count() > text.null_count():
            numbers = text.cast(pl.Float64, strict=False)
        missed = unread(text, numbers, where, name)
        if missed:
            return Instants(nothing(text), naive=False, faults=tuple(missed))
        return from_epoch(numbers, where, name, reading)
    plain = text.str.replace(r"^(\d{4}-\d{2}-\d{2})T", "${1} ").str.replace("Z$", "+00:00")
    plain = plain.set(~plain.str.contains(r"^\d{4}-"), None)  # else 20-10-16 would be a day of the year 20
    zoned, local = nothing(text), nothing(text)
    for form in (*AWARE, *ISO):
        left = plain.set(zoned.is_not_null() | local.is_not_null(), None)
        if left.null_count() == len(left):
            break
        if form in AWARE:
            zoned = zoned.zip_with(zoned.is_not_null(), parsed(left, form, reading, aware=True))
        else:
            local = local.zip_with(local.is_not_null(), parsed(left, form, reading, aware=False))
    read = zoned.zip_with(zoned.is_not_null(), local)
    faults = tuple(unreadable(text, read, where, name))
    if zoned.null_count() < len(zoned) and local.null_count() < len(local):
        both = (zoned.is_not_null().arg_true()[0], local.is_not_null().arg_true()[0])
        faults += (
            Fault(
                where,
                "some times name a zone and some do not",
                "all times of a column with a zone, or none",
                "write the zone into every time",
                name,
                int(local.len() - local.null_count()),
                tuple(shown(text[row]) for row in both),
            ),
        )
    return Instants(read, local.null_count() < len(local), faults)


def parsed(text: pl.Series, form: str, reading: Reading, aware: bool) -> pl.Series:
    """Return what the format can read, null elsewhere."""
    if aware:
        return text.str.to_datetime(form, strict=False, time_unit="us", time_zone="UTC").cast(UTC)
    return in_zone(text.str.to_datetime(form, strict=False, time_unit="us"), reading)


def unreadable(text: pl.Series, read: pl.Series, where: str, name: str) -> list[Fault]:
    """Return the fault of times in a day/month format, or of a column in which nothing is a time.

    A few times that cannot be read are no fault: their rows are set aside.
    """
    bad = text.filter(read.is_null() & text.is_not_null())
    slashed = bad.filter(bad.str.contains(DAY_OR_MONTH_FIRST))
    if not len(slashed):
        return unread(text, read, where, name)
    fits = [form for form in CANDIDATES if is_meant(slashed.str.to_datetime(form, strict=False))]
    advice = " or ".join(option("time_format", form) for form in fits) or option("time_format", "...")
    both = len({form[:2] for form in fits}) > 1
    why = "day and month cannot be told apart" if both else "the order of day and month is not declared"
    examples = tuple(shown(value) for value in slashed.head(5))
    expected = "ISO 8601, or a declared format"
    return [Fault(where, why, expected, f"pass {advice}", name, len(slashed), examples)]


def is_meant(times: pl.Series) -> bool:
    """Return whether all text was read, and none of it as a day of the first centuries."""
    return not times.null_count() and bool((times.dt.year() > 99).all())


def unread(text: pl.Series, read: pl.Series, where: str, name: str) -> list[Fault]:
    """Return the fault of a column with text of which nothing could be read."""
    given = text.drop_nulls()
    if not len(given) or read.null_count() < len(read):
        return []
    digits = bool(given.str.contains(r"^\d+$").all())
    remedy = option("time_unit", "s, ms, us or ns") if digits else option("time_format", "...")
    examples = tuple(shown(value) for value in given.head(5))
    expected = "ISO 8601, or a declared format"
    return [Fault(where, "no value is a time", expected, f"pass {remedy}", name, len(given), examples)]


def from_epoch(column: pl.Series, where: str, name: str, reading: Reading) -> Instants:
    """Return times that are numbers, in the declared unit; values outside 1990-2100 are a fault."""
    numbers = column.cast(pl.Float64, strict=False)
    missing = (numbers.is_nan() | numbers.is_infinite()).fill_null(False)
    numbers, column = numbers.set(missing, None), column.set(missing, None)
    low, high = cast(float | None, numbers.min()), cast(float | None, numbers.max())
    if low is None or high is None:
        return Instants(nothing(column), naive=False)
    seen = f"from {low:,.0f} to {high:,.0f}"
    fitting = [unit for unit, per in PER_SECOND.items() if EARLIEST * per <= low and high <= LATEST * per]
    if reading.time_unit is None:
        hint = f"pass {option('time_unit', fitting[0] if fitting else 's, ms, us or ns')}"
        fault = Fault(where, f"numbers {seen}", "times, or numbers in a declared unit", hint, name)
    elif reading.time_unit not in fitting:
        per = PER_SECOND[reading.time_unit]
        odd = numbers.filter((numbers < EARLIEST * per) | (numbers > LATEST * per))
        fault = Fault(
            where,
            f"times outside 1990-2100 in unit {reading.time_unit!r}: {seen}",
            "epochs of one unit",
            f"pass time_unit={fitting[0]!r}" if fitting else "bring seconds and milliseconds to one unit",
            name,
            len(odd),
            tuple(f"{value:,.0f}" for value in odd.head(5)),
        )
    else:
        micros = micros_since_1970(column, PER_SECOND[reading.time_unit])
        return Instants(micros.cast(UTC), naive=False)
    return Instants(nothing(column), naive=False, faults=(fault,))


def micros_since_1970(column: pl.Series, per_second: int) -> pl.Series:
    """Return microseconds of numbers in a unit of so many per second; whole numbers stay exact."""
    if not column.dtype.is_integer():
        return (column.cast(pl.Float64) * (1_000_000 / per_second)).round().cast(pl.Int64)
    whole = column.cast(pl.Int64)
    return whole // 1_000 if per_second > 1_000_000 else whole * (1_000_000 // per_second)
