"""The end of the data: rows after it are set aside, and times with and without a zone are not mixed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import cast

from attribution.errors import ParameterError, TableError, option
from attribution.stitching.touchpoints import Touchpoints
from attribution.tables import Checked, Pieces, Reading

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def until(touched: Touchpoints, ended: Checked, now: int) -> tuple[int, tuple[str, ...]]:
    """Return the latest time of both tables in microseconds, and warnings of rows that lie after now."""
    times = ended.used["timestamp"].to_physical()
    found = [
        (touched.pieces.where, sum(each.later for each in touched.seen), touched.latest),
        (ended.where, int((times > now).sum()), cast(int | None, times.max())),
    ]
    warnings = tuple(
        f"{where}: {later:,} rows lie in the future, up to {at(latest)!s}; "
        f"to set them aside pass {option('as_of', str(at(now).date()))}"
        for where, later, latest in found
        if later and latest is not None
    )
    return max((latest for _, _, latest in found if latest is not None), default=0), warnings


def at(instant: int) -> datetime:
    """Return microseconds since 1970 as a datetime."""
    return EPOCH + timedelta(microseconds=instant)


def microseconds(moment: datetime) -> int:
    """Return a datetime as microseconds since 1970."""
    return (moment - EPOCH) // timedelta(microseconds=1)


def instant_of(as_of: datetime | str) -> datetime:
    """Return a moment in UTC."""
    try:
        moment = datetime.fromisoformat(as_of) if isinstance(as_of, str) else as_of
    except ValueError:
        raise ParameterError.out_of_range("as_of", as_of, "a date or time in ISO 8601") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def check_zones(touched: Pieces, ended: Checked, reading: Reading) -> None:
    """Raise TableError if the times of one table name a zone and those of the other do not."""
    if touched.naive == ended.naive or reading.timezone is not None or not len(ended.used):
        return
    first = next(touched.parts[0]())
    if not len(first.used):
        return
    naive, aware = (first, ended) if touched.naive else (ended, first)
    raise TableError.of(
        naive.where,
        f"times name no zone, those of {aware.where} do",
        "a zone in both tables or in none",
        f"declare the zone of the times that name none: {option('timezone', 'UTC')}",
        column="timestamp",
        count=touched.rows if touched.naive else len(ended.used),
        examples=tuple(str(time) for time in naive.used["timestamp"].head(5)),
    )
