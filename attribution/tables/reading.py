"""Reading: how text and numbers in tables are to be understood, as one frozen value."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import polars as pl

from attribution.errors import ParameterError
from attribution.parameters import check, param


@dataclass(frozen=True)
class Reading:
    """What a table cannot say of itself; nothing is guessed that could be read in two ways.

    >>> Reading(time_unit="ms").time_unit
    'ms'
    """

    delimiter: str = param(",", "what separates the columns of CSV files")
    time_format: str | None = param(
        None,
        "strptime format of times that are text (ISO 8601 without it)",
        kind=str,
        optional=True,
    )
    time_unit: str | None = param(
        None,
        "unit of times that are numbers since 1970",
        kind=str,
        choices=("s", "ms", "us", "ns"),
        optional=True,
    )
    timezone: str | None = param(
        None, "time zone of times that name none (UTC, with a warning)", kind=str, optional=True
    )
    null_channel: str | None = param(
        None, "channel to read for an empty one, such as (none)", kind=str, optional=True
    )

    def __post_init__(self) -> None:
        check(self)
        if len(self.delimiter.encode()) != 1:
            raise ParameterError.out_of_range("delimiter", self.delimiter, "one ASCII character")
        if self.timezone is not None:
            try:
                pl.Series([datetime(2000, 1, 1)]).dt.replace_time_zone(self.timezone)
            except pl.exceptions.ComputeError:
                expected = "a name such as Europe/Berlin"
                raise ParameterError.out_of_range("timezone", self.timezone, expected) from None
