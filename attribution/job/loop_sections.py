"""The sections of the closed loop: funnels, velocity, values and trends that a job writes."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from attribution.job.section import Section, section_of
from attribution.kpis import Terms

PLAIN_NAME = r"^[^./\\\x00-\x1f][^/\\\x00-\x1f]*$"
FileName = Annotated[str, Field(pattern=PLAIN_NAME)]
Period = Literal["day", "week", "month", "quarter", "year"]


def file(default: Any) -> Any:
    """Return the field of an output's file name."""
    return Field(default, description="the name of a file in the folder, .parquet or .csv, without a path")


class OfLog(Section):
    """A table that is made of the credit log."""

    file: FileName = file(...)
    by: list[str] = Field(["channel"], min_length=1)
    models: list[str] | None = Field(None, min_length=1, description="names of models; all without it")


class Funnel(OfLog):
    """How far leads came, by cohort, or what entered each stage in a period."""

    stages: dict[str, str] | None = Field(None, description="name = column of times, in order")
    entries: Period | None = Field(None, description="count what entered in such periods, not cohorts")
    value: str | None = Field(None, description="column of what an open opportunity is worth")

    @model_validator(mode="after")
    def check_value(self) -> Funnel:
        """Refuse a value where entries are counted."""
        if self.entries is not None and self.value is not None:
            raise ValueError("either entries or value")
        return self


class Velocity(OfLog):
    """How soon leads are won, and reach each stage."""

    stages: dict[str, str] | None = Field(None, description="name = column of times, in order")
    until: datetime | date | None = Field(
        None, description="end of observation, with its zone; the latest time without it"
    )
    naive: bool = Field(False, description="the mean days of the won alone beside it, which is too short")


class Trend(OfLog):
    """Periods beside one another, by the period and what ``by`` names beside it."""

    table: Literal["year_over_year", "contribution", "seasonality", "forecast", "backtest"] = "year_over_year"
    period: Period = "month"
    align: Literal["iso_week", "date"] | None = Field(None, description="what is the same a year before")
    before: date | None = Field(None, description="a day of the period a change is counted from")
    now: date | None = Field(None, description="a day of the period it is counted to")
    of: Literal["wins", "spend", "revenue", "win_rate", "cost_per_lead"] = "wins"
    horizon: int = Field(4, ge=1, description="periods that are foretold")
    season: int | None = Field(None, ge=1, description="periods of a season")
    complete_before: date | None = Field(None, description="periods from this day on are left out")

    @model_validator(mode="after")
    def check_days(self) -> Trend:
        """Refuse a change without its two periods."""
        if self.table == "contribution" and None in (self.before, self.now):
            raise ValueError("before and now, a day of each period, for table = 'contribution'")
        return self


Value: Any = section_of(
    Terms,
    "Value",
    file=(FileName, file(...)),
    by=(list[str], Field(["channel"], min_length=1)),
    models=(list[str] | None, Field(None, min_length=1, description="names of models; all without it")),
    score=(str | None, Field(None, description="column of what each lead is expected to bring")),
)
