"""The end of the data: rows after it are set aside, and times with and without a zone are not mixed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import cast

import polars as pl

from attribution.errors import ParameterError, TableError, option
from attribution.tables import Checked


def until(
    touched: Checked, ended: Checked, as_of: datetime | str | None
) -> tuple[Checked, Checked, int, tuple[str, ...]]:
    """Return the tables without rows after ``as_of``, the end of the data in microseconds, and warnings."""
    warnings = (*touched.warnings, *ended.warnings)
    if as_of is not None:
        instant = instant_of(as_of)
        future = pl.col("timestamp") > instant
        return (
            touched.set_aside("future_time", future),
            ended.set_aside("future_time", future),
            round(instant.timestamp() * 1_000_000),
            warnings,
        )
    now = datetime.now(UTC)
    for table in (touched, ended):
        later = table.used.filter(pl.col("timestamp") > now)["timestamp"]
        if len(later):
            warnings += (
                f"{table.where}: {len(later):,} rows lie in the future, up to {later.max()!s}; "
                f"to set them aside pass {option('as_of', str(now.date()))}",
            )
    times = pl.concat([table.used["timestamp"].to_physical() for table in (touched, ended)])
    return touched, ended, cast(int, times.max() or 0), warnings


def instant_of(as_of: datetime | str) -> datetime:
    """Return a moment in UTC."""
    try:
        moment = datetime.fromisoformat(as_of) if isinstance(as_of, str) else as_of
    except ValueError:
        raise ParameterError.out_of_range("as_of", as_of, "a date or time in ISO 8601") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def zones_differ(touched: Checked, ended: Checked) -> TableError:
    """Return the error of one table with time zones and one without."""
    naive, aware = (touched, ended) if touched.naive else (ended, touched)
    return TableError.of(
        naive.where,
        f"times name no zone, those of {aware.where} do",
        "a zone in both tables or in none",
        f"declare the zone of the times that name none: {option('timezone', 'UTC')}",
        column="timestamp",
        count=len(naive.used),
        examples=tuple(str(time) for time in naive.used["timestamp"].head(5)),
    )
